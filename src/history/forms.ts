import { z } from 'zod';
import { SourceError } from '../base/errors.ts';

/* The forms of what a history holds on disk. */

/** Changes when a line of before can no longer be read as it is. */
export const schema = 1;

const header = z.looseObject({ schema: z.int(), version: z.string().optional() });

/** @throws SourceError for what a later version wrote */
export function refuseLater(value: unknown, shown: string): void {
  const { success, data } = header.safeParse(value);
  if (!success || data.schema <= schema) return;
  const by = data.version === undefined ? 'a later meshdoctor' : `meshdoctor ${data.version}`;
  throw new SourceError(
    'ERR_SOURCE_UNREADABLE',
    `${shown} has entries of ${by} in form ${data.schema}; this version reads no later form than ${schema}.`,
    { hint: `Use ${by}, or give --history another folder.` },
  );
}

const time = z.iso.datetime({ offset: true });
const texts = z.array(z.string());

const seenFinding = z.object({
  key: z.string(),
  code: z.string(),
  check: z.string(),
  severity: z.enum(['error', 'warning', 'info']),
  certainty: z.enum(['certain', 'likely', 'possible']),
  cluster: z.string(),
  clusters: texts,
  rests: texts,
  message: z.string(),
  fails: z.boolean(),
  isCause: z.boolean(),
});

const seenExpiry = z.object({
  at: z.string(),
  what: z.enum(['remote-secret-token', 'api-server-ca', 'root', 'signing-ca', 'ca-bundle', 'istiod-certificate', 'workload-certificate']),
  name: z.string(),
  clusters: texts,
  stops: z.string(),
});

const content = {
  version: z.string(),
  exit: z.int(),
  verdict: z.enum(['broken', 'warning', 'incomplete', 'clean']),
  clusters: z.array(z.object({ name: z.string(), unreadable: z.string().exactOptional() })),
  findings: z.array(seenFinding),
  unjudged: z.record(z.string(), texts),
  withheld: z.record(z.string(), texts),
  reads: z.record(z.string(), texts),
  unselected: texts,
  expiries: z.array(seenExpiry),
};

export const wholeLine = z.object({ schema: z.literal(schema), at: time, id: z.string(), ...content });
export const sameLine = z.object({ schema: z.literal(schema), at: time, as: z.string() });

const track = z.object({
  finding: seenFinding,
  reads: texts,
  withheld: z.record(z.string(), texts),
  status: z.enum(['open', 'unseen', 'cleared']),
  firstSeen: time,
  since: time,
  lastSeen: time,
  clearedAt: time.exactOptional(),
  flaps: z.int(),
  clears: z.int(),
  clearSeconds: z.number(),
});

/** What forgotten months added up to. */
export const checkpoint = z.object({
  schema: z.literal(schema),
  version: z.string().optional(),
  since: time,
  at: time,
  runs: z.int(),
  exit: z.int(),
  verdict: content.verdict,
  findings: z.array(track),
  clusters: z.array(z.object({ name: z.string(), since: time, unreadable: z.string().exactOptional() })),
  expiries: z.array(seenExpiry),
});
