import { certainties, severities } from '../../api/finding.ts';
import type { RunFacts } from '../../api/reporter.ts';
import { compareText, distinct } from '../../base/sort.ts';
import type { NotChecked, Report, ReportCluster } from '../schema.ts';

/** One metric with its samples. Every one of them is a gauge: a run says how things are, it counts nothing. */
export interface Metric {
  /** Without the program's name before it. */
  readonly name: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * A report as numbers. Labels are names of clusters, codes and words of closed sets, never an object or a sentence: how many series there are
 * follows from how many checks and clusters there are.
 */
export function metricsOf(report: Report, run: RunFacts | undefined): readonly Metric[] {
  const metrics: readonly Metric[] = [
    {
      name: 'version',
      help: 'Version of meshdoctor, and what it judged.',
      samples: [{ labels: { version: report.tool.version, source: report.source }, value: 1 }],
    },
    {
      name: 'run_timestamp_seconds',
      help: 'Unix time at which the run ended.',
      samples: run === undefined ? [] : [bare(unixTime(run.endedAt))],
    },
    {
      name: 'run_duration_seconds',
      help: 'Seconds that reading, probing and judging took.',
      samples: run === undefined ? [] : [bare(run.seconds)],
    },
    { name: 'exit_code', help: 'Exit code of the run.', samples: [bare(report.exit.code)] },
    {
      name: 'verdict',
      help: 'Whether the run ended with this verdict.',
      samples: (['broken', 'warning', 'incomplete', 'clean'] as const).map((state) => ({
        labels: { state },
        value: Number(report.verdict.state === state),
      })),
    },
    {
      name: 'causes',
      help: 'Causes by the worst severity of what they explain.',
      samples: severities.map((severity) => ({
        labels: { severity },
        value: report.causes.filter((cause) => cause.severity === severity).length,
      })),
    },
    { name: 'findings', help: 'Findings, each in the cluster of its object.', samples: findings(report) },
    {
      name: 'checks',
      help: 'Checks by their worst result in a cluster; what does not apply there is not counted.',
      samples: report.clusters.flatMap(({ name: cluster, results }) =>
        Object.entries(results).map(([result, value]) => ({ labels: { cluster, result }, value })),
      ),
    },
    { name: 'checks_inconclusive', help: 'Checks that could not judge something of a cluster, by reason.', samples: inconclusive(report) },
    {
      name: 'cluster_reached',
      help: 'Whether the API server of a cluster answered.',
      samples: perCluster(report, (cluster) => Number(cluster.unreached === undefined)),
    },
    {
      name: 'cluster_readable',
      help: 'Whether all that was wanted of a cluster could be read.',
      samples: perCluster(report, (cluster) => Number(isReadable(cluster, report.notChecked))),
    },
    {
      name: 'cluster_read_timestamp_seconds',
      help: "Unix time at which a cluster was read, by its API server's own clock.",
      samples: perCluster(report, ({ takenAt }) => (takenAt === undefined ? undefined : unixTime(takenAt))),
    },
    {
      name: 'expiry_timestamp_seconds',
      help: 'Unix time at which the first certificate or token of a kind ends in a cluster.',
      samples: expiries(report),
    },
    {
      name: 'expiry_unread',
      help: 'Lists of a cluster that were not read and may hold certificates or tokens.',
      samples: unreadExpiries(report),
    },
  ];
  return metrics.filter(({ samples }) => samples.length > 0);
}

function findings(report: Report): Sample[] {
  const keys = report.findings.map(({ at, code, severity, certainty }) => ({ cluster: at.cluster, code, severity, certainty }));
  const groups = new Map<string, Sample>();
  for (const labels of keys) {
    const key = [labels.cluster, labels.code, severities.indexOf(labels.severity), certainties.indexOf(labels.certainty)].join('\n');
    groups.set(key, { labels, value: (groups.get(key)?.value ?? 0) + 1 });
  }
  return [...groups].sort(([a], [b]) => compareText(a, b)).map(([, sample]) => sample);
}

const reasons = [
  'absent',
  'crashed',
  'failed',
  'forbidden',
  'interrupted',
  'not-asked',
  'partial',
  'skipped',
  'undecided',
] as const satisfies readonly NotChecked['why'][];

/** Every reason of every cluster, so that a series is there before it is first more than nothing. */
function inconclusive({ clusters, notChecked }: Report): Sample[] {
  return clusters.flatMap(({ name: cluster }) =>
    reasons.map((reason) => {
      const gaps = notChecked.filter((gap) => gap.why === reason && gap.clusters.includes(cluster));
      return { labels: { cluster, reason }, value: distinct(gaps.flatMap(({ checks }) => checks)).length };
    }),
  );
}

function isReadable({ name, unreached, unread }: ReportCluster, gaps: readonly NotChecked[]): boolean {
  if (unreached !== undefined || unread.length > 0) return false;
  return !gaps.some(({ missing }) => missing.some(({ cluster, why }) => cluster === name && (why === 'forbidden' || why === 'failed')));
}

function perCluster(report: Report, value: (cluster: ReportCluster) => number | undefined): Sample[] {
  return report.clusters.flatMap((cluster) => {
    const own = value(cluster);
    return own === undefined ? [] : [{ labels: { cluster: cluster.name }, value: own }];
  });
}

/** The first of a kind that ends, in each cluster that holds one. */
function expiries({ forecast = [] }: Report): Sample[] {
  const first = new Map<string, Sample>();
  for (const { at, what, clusters } of forecast.flatMap(({ events }) => events)) {
    for (const cluster of clusters) {
      const key = `${cluster}\n${what}`;
      const value = Math.min(first.get(key)?.value ?? Number.POSITIVE_INFINITY, unixTime(at));
      first.set(key, { labels: { cluster, what }, value });
    }
  }
  return [...first].sort(([a], [b]) => compareText(a, b)).map(([, sample]) => sample);
}

function unreadExpiries({ forecast = [] }: Report): Sample[] {
  const unread = forecast.flatMap((one) => one.unread);
  return distinct(unread.map(({ cluster }) => cluster)).map((cluster) => ({
    labels: { cluster },
    value: distinct(unread.filter((one) => one.cluster === cluster).map(({ fact }) => fact)).length,
  }));
}

function bare(value: number): Sample {
  return { labels: {}, value };
}

function unixTime(rfc3339: string): number {
  return Date.parse(rfc3339) / 1000;
}
