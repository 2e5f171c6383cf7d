import type { ReporterDefinition } from '../api/reporter.ts';
import { digest } from './reporters/digest.ts';
import { github } from './reporters/github.ts';
import { gitlab } from './reporters/gitlab.ts';
import { html } from './reporters/html.ts';
import { json } from './reporters/json.ts';
import { junit } from './reporters/junit.ts';
import { markdown } from './reporters/markdown.ts';
import { openmetrics, prometheus } from './reporters/prometheus.ts';
import { sarif } from './reporters/sarif.ts';
import { short } from './reporters/short.ts';
import { text } from './reporters/text.ts';
import { yaml } from './reporters/yaml.ts';

/** The formats that come with meshdoctor, in the order in which help names them. */
export const reporters: readonly ReporterDefinition[] = [
  text,
  short,
  json,
  yaml,
  junit,
  sarif,
  github,
  gitlab,
  markdown,
  digest,
  html,
  prometheus,
  openmetrics,
];
