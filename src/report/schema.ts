import { z } from 'zod';
import type { Json } from '../model/kube.ts';

/*
 * The report, written once: types are inferred from here, the published JSON Schema is generated from here.
 * Everything a reporter may know is in it. Nothing in it depends on the time of the run.
 */

export const severity = z.enum(['error', 'warning', 'info']);
const certainty = z.enum(['certain', 'likely', 'possible']);
const json: z.ZodType<Json> = z.json();

export const objectRef = z
  .object({
    cluster: z.string(),
    kind: z.string().describe("Kind of the object; 'Cluster' stands for the cluster as a whole."),
    namespace: z.string().exactOptional(),
    name: z.string(),
    origin: z
      .union([z.object({ file: z.string(), line: z.int() }), z.object({ resourceVersion: z.string() })])
      .exactOptional()
      .describe('Where it was read.'),
  })
  .readonly()
  .meta({ id: 'objectRef' });

const place = z
  .object({ file: z.string(), line: z.int(), column: z.int(), endLine: z.int(), endColumn: z.int() })
  .readonly()
  .meta({ id: 'place', description: 'A stretch of a file; lines and columns count from 1, endColumn is the first column behind it.' });

export const missingFact = z
  .object({
    cluster: z.string(),
    fact: z.string().describe('Name of the fact, as meshdoctor list --reads shows it.'),
    why: z.enum(['forbidden', 'failed', 'absent', 'not-asked', 'partial']),
    reason: z.string().describe('In words.'),
    right: z.object({ verb: z.string(), resource: z.string() }).exactOptional().describe('The right that is missing.'),
    failure: z.string().exactOptional().describe('Closed code of the failure: timeout, refused, unreadable-file …'),
  })
  .readonly()
  .meta({ id: 'missingFact' });

/** Known with the objects that say so, or unknown with the facts that would tell. */
function derived<T extends z.ZodType>(value: T) {
  return z.union([
    z.object({ known: value, evidence: z.array(objectRef).readonly() }).readonly(),
    z.object({ unknown: z.array(missingFact).readonly() }).readonly(),
  ]);
}

const role = z.enum(['primary', 'remote', 'config', 'external']);

const controlPlane = z
  .object({ cluster: z.string(), namespace: z.string(), revision: z.string(), version: z.string().exactOptional() })
  .readonly()
  .meta({ id: 'controlPlane' });

const member = z
  .object({
    cluster: z.string(),
    role: derived(role),
    network: derived(z.string().nullable()).describe('null: known to have no network label.'),
    clusterId: derived(z.string()),
    systemNamespace: z.string(),
    revisions: z.array(z.string()).readonly().describe('Revisions and tags that its injectors name.'),
    servedBy: derived(z.array(controlPlane).readonly()),
  })
  .readonly();

const mesh = z
  .object({
    name: z.string().exactOptional(),
    kind: derived(z.enum(['primary-remote', 'multi-primary', 'external', 'single-cluster'])),
    networks: z.array(z.string()).readonly(),
    dataPlanes: z.array(z.enum(['sidecar', 'ambient'])).readonly(),
    controlPlanes: z.array(controlPlane).readonly(),
    members: z.array(member).readonly(),
    notGiven: z
      .array(z.string())
      .readonly()
      .describe('Cluster IDs that remote secrets of its control planes name, and that are none of the clusters given: not judged.'),
    evidence: z
      .array(z.object({ because: z.string(), ref: objectRef }).readonly())
      .readonly()
      .describe('Why its members belong together.'),
  })
  .readonly();

const evidence = z
  .object({
    ref: objectRef,
    field: z.string().exactOptional(),
    observed: z.string(),
    expected: z.string().exactOptional(),
    place: place.exactOptional(),
  })
  .readonly();

const remedy = z
  .object({
    cluster: z.string(),
    action: z.enum(['label', 'annotate', 'patch', 'apply', 'delete', 'restart', 'scale', 'installer', 'command']),
    ref: objectRef.exactOptional(),
    refs: z.array(objectRef).readonly().exactOptional().describe('What is restarted, where that is more than one.'),
    patch: json.exactOptional().describe('JSON merge patch, or the whole object for apply.'),
    isStrategic: z.literal(true).exactOptional().describe('The patch is a strategic merge patch instead.'),
    command: z.array(z.string()).readonly().describe('Complete command lines, in order.'),
    note: z.string(),
    disruptive: z.boolean().describe('Restarts or interrupts something.'),
  })
  .readonly();

const known = z
  .object({
    by: z.enum(['baseline', 'overlay', 'suppression']).describe('overlay: it was found without the overlay too.'),
    reason: z.string().exactOptional(),
    owner: z.string().exactOptional(),
    until: z.string().exactOptional().describe('The last day on which it is suppressed.'),
  })
  .readonly()
  .meta({ id: 'known', description: 'Why a finding does not fail a run: somebody knew of it before.' });

export const finding = z
  .object({
    code: z.string().describe('Check id, or id/key where a check has several messages.'),
    check: z.string(),
    area: z.string(),
    catalogue: z.array(z.string()).readonly(),
    severity,
    certainty,
    message: z.string(),
    expected: z.string().exactOptional(),
    found: z.string().exactOptional(),
    effect: z.string().exactOptional(),
    confirm: z.array(z.string()).readonly().describe('Read-only command lines that show the fault by hand.'),
    args: json,
    at: objectRef,
    field: z.string().exactOptional(),
    between: z.object({ from: z.string(), to: z.string() }).exactOptional().describe('Data plane direction.'),
    related: z.array(objectRef).readonly(),
    evidence: z.array(evidence).readonly(),
    remedy: z.array(remedy).readonly(),
    concerns: z.array(z.string()).readonly().describe('Clusters whose working this fault touches.'),
    fingerprint: z.string(),
    advice: z.boolean().describe('Hygiene: never fails a run.'),
    fails: z.boolean().describe('It reaches --fail-on with a certainty that may fail a run.'),
    known: known.exactOptional(),
    place: place.exactOptional().describe('Where the field at fault, or the object, stands in the files given; for objects of files only.'),
  })
  .readonly()
  .meta({ id: 'finding' });

const cause = z
  .object({
    fingerprint: z.string().describe('Of the finding that nothing else explains.'),
    code: z.string(),
    severity: severity.describe('Worst of the finding and of what it explains.'),
    certainty,
    explains: z.array(z.string()).readonly().describe('Fingerprints of what it explains, directly or through others.'),
  })
  .readonly();

const results = z.object({ error: z.int(), warning: z.int(), unknown: z.int(), passed: z.int() }).readonly().meta({
  id: 'results',
  description: 'Checks counted in a cluster, each with its worst outcome there; not-applicable ones are not counted.',
});

const cluster = z
  .object({
    name: z.string(),
    directory: z.string().exactOptional().describe('Directory or file that it was read from, as it was given.'),
    takenAt: z.string().exactOptional(),
    kubernetes: z.string().exactOptional(),
    roles: z.array(role).readonly().describe('One for each mesh it is a member of, where it is known.'),
    networks: z.array(z.string()).readonly(),
    revisions: z.array(z.string()).readonly().describe('Revisions of the control planes that run here, else those its injectors name.'),
    versions: z.array(z.string()).readonly().describe('Versions of the control planes that run here.'),
    isMember: z.boolean(),
    results,
    unreached: z
      .object({ server: z.string(), failure: z.string(), reason: z.string() })
      .readonly()
      .exactOptional()
      .describe('Its API server could not be asked: nothing of it is known.'),
    unread: z.array(z.object({ what: z.string(), reason: z.string() }).readonly()).readonly(),
    withheld: z
      .array(z.string())
      .readonly()
      .exactOptional()
      .describe(
        'Kinds of object that could not be listed in full: forbidden, failed, or not said by a directory. Absent where all was read.',
      ),
    oddities: z.int().describe('Fields of unexpected type that were ignored.'),
    skipped: z.int().describe('Documents that are no objects of an API server: values files, kustomizations, charts.'),
  })
  .readonly();

const cell = z
  .object({
    from: z.string(),
    to: z.string(),
    state: z.enum(['none', 'ok', 'broken', 'warning', 'unknown']).describe('none: a cluster to itself; ok: as predicted from the objects.'),
    cause: z.string().exactOptional().describe('Code of the cause.'),
    fingerprint: z.string().exactOptional().describe('Of the worst finding that concerns this direction.'),
  })
  .readonly();

const check = z
  .object({
    id: z.string(),
    area: z.string(),
    title: z.string(),
    severity,
    certainty,
    scope: z.enum(['cluster', 'managed', 'pair', 'service', 'mesh']),
    origin: z.string().describe('built-in, or the name of its plug-in.'),
    docs: z.object({ why: z.string(), confirm: z.string(), fix: z.string(), notWhen: z.string().exactOptional() }).readonly(),
    results: z
      .array(
        z
          .object({
            cluster: z.string(),
            result: z.enum(['error', 'warning', 'unknown', 'crashed', 'passed', 'not-applicable']),
            because: z.string().exactOptional(),
          })
          .readonly(),
      )
      .readonly(),
  })
  .readonly();

const notChecked = z
  .object({
    checks: z.array(z.string()).readonly(),
    clusters: z.array(z.string()).readonly(),
    why: z.enum(['forbidden', 'failed', 'absent', 'not-asked', 'partial', 'undecided', 'interrupted', 'skipped', 'crashed']),
    reason: z.string(),
    missing: z.array(missingFact).readonly(),
    blockedBy: z.string().exactOptional().describe('Fingerprint of the finding that hides what was looked for.'),
    incomplete: z.boolean().describe('Whether this gap makes the run incomplete (exit code 3).'),
  })
  .readonly();

const name = z
  .object({
    service: z.string().describe('namespace/name.'),
    port: z.int().exactOptional(),
    named: z.boolean().describe('Given with --service; false: chosen by meshdoctor to be asked for.'),
    callers: z
      .array(
        z
          .object({
            cluster: z.string(),
            verdict: z
              .enum(['ok', 'broken', 'predicted', 'unknown'])
              .describe('ok: a pod there was asked, and the address leads to endpoints; predicted: the same, but nobody was asked.'),
            because: z.string(),
            predicted: z
              .object({
                by: z
                  .enum(['cluster-dns', 'sidecar', 'nobody', 'unknown'])
                  .describe("Who should give the address: the DNS of the caller's cluster, or sidecars by DNS capture."),
                addresses: z.array(z.string()).readonly(),
                cluster: z.string().exactOptional().describe('Whose ClusterIP it is.'),
                because: z.string(),
              })
              .readonly(),
            measured: z
              .array(
                z
                  .object({
                    by: z.enum(['sidecar', 'cluster-dns', 'istiod']).describe('istiod: its name table for the pod.'),
                    pod: z.string().describe('namespace/name.'),
                    outcome: z.enum(['answered', 'unanswered', 'failed']),
                    addresses: z.array(z.string()).readonly(),
                    said: z.string(),
                  })
                  .readonly(),
              )
              .readonly()
              .describe('Empty where nobody was asked.'),
            leadsTo: z
              .array(
                z
                  .object({
                    cluster: z.string(),
                    via: z.enum(['pod', 'gateway', 'raw']).describe('raw: pod addresses of another network that has no gateway.'),
                    endpoints: z.int(),
                    gateway: z.string().exactOptional().describe('address:port.'),
                  })
                  .readonly(),
              )
              .readonly()
              .describe('As predicted: the endpoints that a caller is sent to.'),
          })
          .readonly(),
      )
      .readonly(),
  })
  .readonly();

const istiod = z
  .object({
    cluster: z.string(),
    pod: z.string().describe('namespace/name.'),
    revision: z.string(),
    rung: z
      .enum(['debug', 'metrics', 'none'])
      .describe('How it could be asked: its debug endpoints; its metrics only, since those do not answer; not at all.'),
    port: z.int().exactOptional().describe('Of the pod.'),
    above: z.array(z.string()).readonly().describe('What happened on the rungs that were tried before, in order.'),
    gaps: z
      .array(z.object({ question: z.string(), reason: z.string() }).readonly())
      .readonly()
      .describe('Questions without an answer, of a replica that answers others.'),
    rising: z
      .array(z.object({ counter: z.string(), by: z.number(), seconds: z.number() }).readonly())
      .readonly()
      .describe('Counters of errors that rose between two readings (--sample).'),
  })
  .readonly();

const forecast = z
  .object({
    days: z.int().describe('How far it looks ahead.'),
    events: z
      .array(
        z
          .object({
            at: z.string().describe('When it ends.'),
            days: z.int().describe('Whole days from the present of the mesh; negative when it is over.'),
            what: z.enum([
              'remote-secret-token',
              'api-server-ca',
              'root',
              'signing-ca',
              'ca-bundle',
              'istiod-certificate',
              'workload-certificate',
            ]),
            name: z.string(),
            clusters: z.array(z.string()).readonly().describe('Clusters that hold it.'),
            stops: z.string().describe('What no longer works from then on; empty where nothing stops.'),
            gaps: z.array(z.string()).readonly().describe('Where what was prepared to replace it does not do so.'),
            refs: z.array(objectRef).readonly(),
          })
          .readonly(),
      )
      .readonly()
      .describe('What ends first comes first.'),
    unread: z
      .array(z.object({ cluster: z.string(), fact: z.string() }).readonly())
      .readonly()
      .describe('What was not read and may hold something that ends.'),
  })
  .readonly();

const historyOf = z
  .object({
    since: z.string().describe('When the history begins.'),
    at: z.string().describe('The present of this run.'),
    runs: z.int().describe('Runs in the history, this one included.'),
    previous: z.object({ at: z.string(), exit: z.int() }).readonly().exactOptional().describe('The run before.'),
    findings: z
      .array(
        z
          .object({
            fingerprint: z.string(),
            firstSeen: z.string(),
            since: z.string().describe('When it appeared this time.'),
            lastSeen: z.string(),
            flaps: z.int().describe('How often it came back after it had been cleared.'),
            clears: z.int().describe('How often it was cleared.'),
            clearSeconds: z.int().describe('How long that took, in all.'),
            state: z
              .enum(['new', 'again', 'open', 'unseen'])
              .describe('new: never seen before; unseen: nobody could look whether it is still there.'),
          })
          .readonly(),
      )
      .readonly()
      .describe('Findings of this run, and those of before that could not be looked at.'),
    cleared: z
      .array(
        z
          .object({
            fingerprint: z.string(),
            code: z.string(),
            cluster: z.string(),
            message: z.string(),
            since: z.string(),
            seconds: z.int().describe('How long it had lasted.'),
          })
          .readonly(),
      )
      .readonly()
      .describe('What the run before found, and this one looked for and did not find.'),
    clusters: z
      .array(z.object({ cluster: z.string(), state: z.enum(['readable', 'unreadable']), since: z.string() }).readonly())
      .readonly(),
  })
  .readonly();

const comparison = z
  .object({
    with: z.enum(['baseline', 'overlay']).describe('overlay: the same clusters without it.'),
    files: z.array(z.string()).readonly().describe('The baseline, or what was laid over the clusters and taken out of them.'),
    introduced: z.int(),
    unchanged: z.int(),
    gone: z
      .array(z.object({ fingerprint: z.string(), code: z.string() }).readonly())
      .readonly()
      .describe('Found there and no longer here, though the check could judge all it judged there.'),
    incomparable: z
      .array(z.object({ fingerprint: z.string(), code: z.string() }).readonly())
      .readonly()
      .describe('Found there and not here, but its check was not selected, or could not judge everything this time.'),
  })
  .readonly();

const suppression = z
  .object({
    code: z.string(),
    at: z.string().exactOptional(),
    reason: z.string(),
    owner: z.string().exactOptional(),
    until: z.string().exactOptional(),
    state: z
      .enum(['used', 'unused', 'expired', 'undecided'])
      .describe(
        'unused: it suppresses nothing; expired: its last day is over, so it does not count; undecided: nothing yet, but its check could not judge everything.',
      ),
    findings: z.int().describe('How many it suppresses, or would.'),
  })
  .readonly();

export const reportSchema = z
  .object({
    schema: z.literal(1),
    tool: z.object({ name: z.literal('meshdoctor'), version: z.string() }).readonly(),
    source: z.enum(['manifests', 'live', 'recorded']),
    recorded: z
      .object({
        at: z.string(),
        version: z.string(),
        of: z.enum(['manifests', 'live']),
        parts: z
          .array(z.object({ at: z.string(), version: z.string(), clusters: z.array(z.string()).readonly() }).readonly())
          .readonly()
          .exactOptional()
          .describe('Of several recordings each; `at` is that of the latest.'),
      })
      .readonly()
      .exactOptional()
      .describe('Of a recording: when it was made, by which version of meshdoctor, and from what.'),
    today: z.iso.date().exactOptional().describe("The run's own date; only there when what runs out was judged by it."),
    verdict: z.object({ state: z.enum(['broken', 'warning', 'incomplete', 'clean']), text: z.string() }).readonly(),
    exit: z.object({ code: z.int(), reason: z.string() }).readonly(),
    topology: z
      .object({
        meshes: z.array(mesh).readonly(),
        withoutIstio: z.array(z.string()).readonly(),
        unknownRelations: z.array(missingFact).readonly(),
      })
      .readonly(),
    clusters: z.array(cluster).readonly(),
    matrix: z
      .array(z.object({ clusters: z.array(z.string()).readonly(), cells: z.array(cell).readonly() }).readonly())
      .readonly()
      .describe('One for each mesh, in the order of topology.meshes; clusters that carry traffic.'),
    names: z
      .array(name)
      .readonly()
      .describe('Whether names resolve in each cluster that may call them: those of --service, else those that probes asked for.'),
    istiods: z
      .array(istiod)
      .readonly()
      .exactOptional()
      .describe('Replicas of istiod that were asked, and how; only there where probes asked.'),
    forecast: z
      .array(forecast)
      .readonly()
      .exactOptional()
      .describe('What ends by itself, one for each mesh in the order of topology.meshes; only there when it was asked for.'),
    history: historyOf.exactOptional().describe('How long what was found has been so; only there with a history.'),
    comparison: comparison
      .exactOptional()
      .describe('Only there when the findings were compared with others: those of a baseline, or those without an overlay.'),
    suppressions: z
      .array(suppression)
      .readonly()
      .exactOptional()
      .describe('The suppressions of the configuration file, and what became of each; only there when there are some.'),
    causes: z.array(cause).readonly(),
    findings: z.array(finding).readonly(),
    notChecked: z.array(notChecked).readonly(),
    checks: z.array(check).readonly(),
    counts: z
      .object({
        findings: z.object({ error: z.int(), warning: z.int(), info: z.int() }).readonly(),
        causes: z.int(),
        checks: z.int().describe('Checks selected.'),
        cells: z.int().describe('Check × cluster that apply.'),
        done: z.int().describe('Of these, judged.'),
      })
      .readonly(),
    plugins: z
      .array(z.object({ name: z.string(), version: z.string().exactOptional(), origin: z.string(), checks: z.int() }).readonly())
      .readonly(),
  })
  .readonly();

export type Report = z.infer<typeof reportSchema>;
export type ReportFinding = Report['findings'][number];
export type ReportCause = Report['causes'][number];
export type ReportKnown = z.infer<typeof known>;
export type ReportPlace = z.infer<typeof place>;
export type ReportCluster = Report['clusters'][number];
export type ReportMesh = Report['topology']['meshes'][number];
export type ReportCheck = Report['checks'][number];
export type NotChecked = Report['notChecked'][number];
export type Cell = Report['matrix'][number]['cells'][number];
export type ReportForecast = NonNullable<Report['forecast']>[number];
export type ReportIstiod = NonNullable<Report['istiods']>[number];
export type ReportName = Report['names'][number];
export type ReportHistory = NonNullable<Report['history']>;
export type ReportMissing = NotChecked['missing'][number];
