import type { ReporterDefinition } from '../api/reporter.ts';
import { json } from './reporters/json.ts';
import { junit } from './reporters/junit.ts';
import { openmetrics, prometheus } from './reporters/prometheus.ts';
import { short } from './reporters/short.ts';
import { text } from './reporters/text.ts';
import { yaml } from './reporters/yaml.ts';

/** The formats that come with meshdoctor, in the order in which help names them. */
export const reporters: readonly ReporterDefinition[] = [text, short, json, yaml, junit, prometheus, openmetrics];
