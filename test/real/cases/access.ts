import { statSync } from 'node:fs';
import { join } from 'node:path';
import { builtin } from '../../../checks/index.ts';
import { type AnyCheck, sideNeeds } from '../../../src/api/check.ts';
import { factCollectors } from '../../../src/collect/facts.ts';
import type { Report } from '../../../src/report/schema.ts';
import { plannedReads } from '../../../src/run/plan.ts';
import { type Checked, check, isGreen, spoken } from '../faults/check.ts';
import { type Lab, entryOf } from '../lab/lab.ts';
import { until } from '../lab/processes.ts';
import type { Case } from './case.ts';
import {
  type AuditEvent,
  type Reader,
  type Right,
  accountUser,
  asReader,
  auditedSince,
  expiredLike,
  rightsOf,
  setRights,
  writeKubeconfig,
} from './reader.ts';

const topology = 'primary-remote';

export const accessCases: readonly Case[] = [
  {
    name: 'reader-role-suffices',
    topology,
    run: async (lab) => {
      await asReader(lab, async (reader) => {
        await suffices(lab, reader);
        await actsFor(lab);
      });
    },
  },
  {
    name: 'each-right-is-declared',
    topology,
    run: async (lab) => {
      await asReader(lab, async (reader) => await eachRightCounts(lab, reader));
    },
  },
  {
    name: 'refusals-are-told-apart',
    topology,
    run: async (lab) => {
      await asReader(lab, async (reader) => await toldApart(lab, reader));
    },
  },
];

/** Under the printed role a run is as good as the administrator's, does nothing but read, and uses every right that it was given. */
async function suffices(lab: Lab, { rules, kubeconfig }: Reader): Promise<void> {
  const byAdmin = await green(lab, []);
  const sizes = new Map(lab.clusters().map(({ cluster }) => [cluster.name, statSync(cluster.audit).size]));
  const byReader = await green(lab, ['--kubeconfig', kubeconfig]);
  const difference = firstDifference(stable(byAdmin.report), stable(byReader.report));
  if (difference !== undefined) throw new Error(`The report under the printed role differs from the administrator's: ${difference}`);
  for (const { cluster } of lab.clusters()) {
    // Written when the answer is: the last lines may come a moment after the program has ended.
    const events = await until(`audit log of ${cluster.name}`, async () => {
      const found = auditedSince(lab, cluster.name, sizes.get(cluster.name) ?? 0);
      const upgrades = found.filter(({ objectRef }) => objectRef?.subresource === 'portforward');
      const ended = upgrades.filter(({ stage }) => stage === 'ResponseComplete').length;
      return await Promise.resolve(found.length > 0 && upgrades.length === 2 * ended ? found : undefined);
    });
    harmless(cluster.name, events);
    const served = await servedGroups(lab, cluster.name);
    const idle = rightsOf(rules).filter((right) => served.has(right.group) && !events.some((event) => isUseOf(event, right)));
    // Whoever may list configmaps asks for one of them in the clusters only whose gateways are called.
    const unused = idle.filter(({ verbs }) => !verbs.includes('get'));
    if (unused.length > 0) throw new Error(`Rights that no request to ${cluster.name} needed: ${unused.map(shown).join(', ')}`);
  }
}

export function harmless(cluster: string, events: readonly AuditEvent[]): void {
  const lines = events.map((event) => ({ event, line: `${event.verb} ${event.requestURI}: ${String(event.responseStatus?.code)}` }));
  const refused = lines.filter(({ event }) => (event.responseStatus?.code ?? 200) === 403);
  if (refused.length > 0) throw new Error(`${cluster} refused:\n${refused.map(({ line }) => line).join('\n')}`);
  const writes = lines.filter(({ event: { verb, objectRef } }) => {
    if (['get', 'list', 'watch'].includes(verb)) return false;
    const isReview = objectRef?.apiGroup === 'authorization.k8s.io' && objectRef.resource === 'selfsubjectaccessreviews';
    return !(verb === 'create' && (isReview || objectRef?.subresource === 'portforward'));
  });
  if (writes.length > 0) throw new Error(`Asked of ${cluster}, and more than reading:\n${writes.map(({ line }) => line).join('\n')}`);
}

function isUseOf({ verb, objectRef }: AuditEvent, { group, resource, verbs }: Right): boolean {
  if (objectRef === undefined) return false;
  const name = objectRef.subresource === undefined ? objectRef.resource : `${objectRef.resource}/${objectRef.subresource}`;
  return verbs.includes(verb) && objectRef.apiGroup === group && name === resource;
}

async function servedGroups(lab: Lab, cluster: string): Promise<ReadonlySet<string>> {
  const text = await lab.kubectl(cluster, ['api-versions']);
  return new Set(
    text
      .trim()
      .split('\n')
      .map((line) => (line.includes('/') ? (line.split('/')[0] ?? '') : '')),
  );
}

/** The administrator acts for the account, and sees what it sees. */
async function actsFor(lab: Lab): Promise<void> {
  await green(lab, ['--as', accountUser]);
  const nobody = await check(lab, ['--as', 'nobody']);
  expectUnreached(nobody, { code: 3, cluster: 'cluster1', failure: 'forbidden', reason: /this user may list nothing/ });
}

async function green(lab: Lab, flags: readonly string[]): Promise<Checked> {
  const checked = await check(lab, flags);
  if (!isGreen(checked)) throw new Error(`check ${flags.join(' ')} is not silent:\n${spoken(checked)}`);
  return checked;
}

/** What must be the same in two runs one after the other: not the time, and not the versions of objects that leaders renew. */
function stable(report: Report): unknown {
  const text = JSON.stringify(report, (key, value: unknown) => (['takenAt', 'resourceVersion'].includes(key) ? undefined : value));
  return JSON.parse(text) as unknown;
}

function firstDifference(a: unknown, b: unknown, path = ''): string | undefined {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return a === b ? undefined : `${path}: ${JSON.stringify(a)} and ${JSON.stringify(b)}`;
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const difference = firstDifference(Reflect.get(a, key), Reflect.get(b, key), `${path}.${key}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** Takes every right away in turn, in one cluster at a time: the checks that declared what it reads become inconclusive, and nothing else happens. */
async function eachRightCounts(lab: Lab, { rules, kubeconfig }: Reader): Promise<void> {
  const { report: whole } = await green(lab, ['--kubeconfig', kubeconfig]);
  const rights = rightsOf(rules);
  const wrong: string[] = [];
  for (const { cluster } of lab.clusters()) {
    const { name } = cluster;
    const served = await servedGroups(lab, name);
    for (const right of rights.filter(({ group }) => served.has(group))) {
      await setRights(
        lab,
        name,
        rights.filter((other) => other !== right),
        [right],
      );
      const without = await check(lab, ['--kubeconfig', kubeconfig]);
      for (const line of unlike(whole, without, name, right)) wrong.push(`without ${shown(right)} in ${name}: ${line}`);
    }
    await setRights(lab, name, rights, []);
  }
  if (wrong.length > 0) throw new Error(`\n${wrong.join('\n')}`);
}

function unlike(whole: Report, { exit, report }: Checked, cluster: string, right: Right): readonly string[] {
  const lost = lostFacts(right);
  const wrong: string[] = [];
  const open = new Set(report.checks.filter(({ results }) => results.some(({ result }) => result === 'unknown')).map(({ id }) => id));
  const applies = new Set(
    whole.checks.flatMap(({ id, results }) => (results.some(({ result }) => result !== 'not-applicable') ? [id] : [])),
  );
  const declared = builtin.filter(
    ({ check: one }) => applies.has(one.id) && !hasNobody(one, cluster, whole) && needsIn(one, cluster).some((fact) => lost.has(fact)),
  );
  for (const { check: one } of declared) if (!open.has(one.id)) wrong.push(`${one.id} needs it and was judged all the same`);
  // Others may do without only what this right would have told them, and what follows from it: which control planes there are, whom to probe.
  for (const id of open) {
    const gaps = report.notChecked.filter(({ checks }) => checks.includes(id));
    if (!gaps.some(({ missing }) => missing.some((one) => one.cluster === cluster && isRight(one.right, right))))
      wrong.push(`${id} is inconclusive for another reason: ${gaps.map(({ reason }) => reason).join('; ')}`);
    const strange = gaps.flatMap(({ missing }) => missing).filter((one) => one.cluster !== cluster || !isRight(one.right, right));
    if (strange.length > 0)
      wrong.push(`${id} misses something else, too: ${strange.map(({ fact, reason }) => `${fact}: ${reason}`).join('; ')}`);
  }
  const loud = report.findings.filter(({ severity }) => severity !== 'info');
  if (loud.length > 0) wrong.push(`it made findings: ${loud.map(({ code, message }) => `${code} ${message}`).join('; ')}`);
  // What only sharpens what is said leaves no gap.
  if (exit !== (declared.length > 0 || open.size > 0 ? 3 : 0)) wrong.push(`exit ${exit}`);
  return wrong;
}

/** Whether a measured check has nobody to ask in this cluster: no right would show it anything there. */
function hasNobody({ id, scope, applies }: AnyCheck, cluster: string, { checks }: Report): boolean {
  const results = checks.find((one) => one.id === id)?.results.filter((one) => one.cluster === cluster) ?? [];
  return applies?.probed !== undefined && scope === 'cluster' && results.every(({ result }) => result === 'not-applicable');
}

function isRight(missing: { readonly verb: string; readonly resource: string } | undefined, { group, resource, verbs }: Right): boolean {
  const name = group === '' ? resource : `${resource}.${group}`;
  return missing !== undefined && verbs.includes(missing.verb) && missing.resource === name;
}

/** Facts that cannot be had without a right: those made of what it lists, or what is asked through it. */
function lostFacts({ group, resource, verbs }: Right): ReadonlySet<string> {
  if (resource === 'pods/portforward') return new Set(['istiods', 'istiodStates', 'sidecars', 'nameAnswers']);
  // One root ConfigMap of each cluster is read for gateways to be held against; the same root is in the others.
  if (!verbs.includes('list')) return new Set();
  return new Set(
    plannedReads(builtin, 'query')
      .filter(({ kind }) => kind.group === group && kind.resource === resource)
      .flatMap(({ kind }) => Object.entries(factCollectors).flatMap(([fact, { reads }]) => (reads.includes(kind) ? [fact] : []))),
  );
}

/** What a check declares that it needs of a cluster of this mesh: cluster1 is the primary of both. */
function needsIn(declared: AnyCheck, cluster: string): readonly string[] {
  return sideNeeds(declared.needs, declared.scope === 'managed' && cluster !== 'cluster1' ? 'member' : 'any');
}

function shown({ group, resource, verbs }: Right): string {
  return `${verbs.join(' and ')} ${resource}${group === '' ? '' : `.${group}`}`;
}

/** What is wrong with the way to a cluster is said as it is, and of the others everything is said that can be. */
async function toldApart(lab: Lab, { tokens }: Reader): Promise<void> {
  const [good, bad] = lab.clusters().map(({ cluster }) => ({ ...entryOf(cluster), token: tokens.get(cluster.name) ?? '' }));
  if (good === undefined || bad === undefined) throw new Error('Two clusters are needed.');
  const ways = [
    { name: 'expired', entry: { ...bad, token: expiredLike(lab, bad.name, bad.token) }, failure: 'unauthorized', reason: /\(401\)/ },
    { name: 'other-token', entry: { ...bad, token: good.token }, failure: 'unauthorized', reason: /\(401\)/ },
    { name: 'wrong-authority', entry: { ...bad, ca: good.ca }, failure: 'tls-untrusted', reason: /not trusted by/ },
    {
      name: 'no-server',
      entry: { ...bad, server: bad.server.replace(':6443', ':6444') },
      failure: 'refused',
      reason: /connection refused by 10\.\S+:6444/,
    },
    { name: 'no-name', entry: { ...bad, server: 'https://nowhere.invalid:6443' }, failure: 'dns', reason: /nowhere\.invalid/ },
    {
      name: 'no-api-server',
      entry: { ...bad, server: bad.server.replace(':6443', ':10250').replace('10.90.1.', '10.90.2.') },
      failure: 'tls-untrusted',
      reason: /10\.90\.2\.\d:10250/,
    },
  ] as const;
  for (const { name, entry, failure, reason } of ways) {
    const kubeconfig = writeKubeconfig(lab, name, [good, entry]);
    const checked = await check(lab, ['--kubeconfig', kubeconfig]);
    expectUnreached(checked, { code: 3, cluster: bad.name, failure, reason });
    const other = checked.report.clusters.find((cluster) => cluster.name === good.name);
    if (other?.unreached !== undefined || !other?.isMember) throw new Error(`${name}: ${good.name} was not judged`);
    const loud = checked.report.findings.filter(({ severity }) => severity !== 'info');
    if (loud.length > 0) throw new Error(`${name}: ${spoken(checked)}`);
  }
  const asAdmin = await check(lab, ['--kubeconfig', join(lab.folder, 'reader.kubeconfig'), '--as', 'admin']);
  expectUnreached(asAdmin, { code: 3, cluster: good.name, failure: 'forbidden', reason: /needs "impersonate" on users/ });
}

function expectUnreached(
  { exit, report }: Checked,
  expected: { readonly code: number; readonly cluster: string; readonly failure: string; readonly reason: RegExp },
): void {
  const unreached = report.clusters.find(({ name }) => name === expected.cluster)?.unreached;
  const isSaid = unreached?.failure === expected.failure && expected.reason.test(unreached.reason);
  if (!isSaid || exit !== expected.code)
    throw new Error(
      `${expected.failure} ${String(expected.reason)} and exit ${expected.code} expected; exit ${exit}, ${JSON.stringify(unreached)}`,
    );
}
