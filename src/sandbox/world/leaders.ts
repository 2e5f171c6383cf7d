import { isRecord, itemsAt, textAt } from '../../builder/edits/json.ts';
import { traitsOf } from '../../builder/releases.ts';
import { annotations, labels, names } from '../../istio/labels.ts';
import { isAtLeast } from '../../istio/versions.ts';
import { ignoredNamespaces } from '../../mesh/injection.ts';
import { flag, visibleNamespaces } from '../../mesh/istiod-view.ts';
import { listOf } from '../../mesh/topology.ts';
import type { ClusterName } from '../../model/ids.ts';
import type { KubeObject } from '../../model/kube.ts';
import { fingerprintOf, pemBlocks } from './authorities.ts';
import { type IstiodProcess, type Istiods, managesCluster } from './istiods.ts';
import { type Knowledge, meshConfigOf } from './knowledge.ts';
import { type Change, type ClusterState, isLock, isNamespaceElection } from './state.ts';

/*
 * What istiods write: locks that they hold, root certificates in every namespace of clusters that they lead, and caBundles of
 * webhooks of their revision.
 */

/** A lock as its holder remembers it: its UID, and whether it can no longer write, so that the lock runs out under its name. */
interface Hold {
  readonly uid: string;
  readonly isLost: boolean;
}

type Held = ReadonlyMap<string, Hold>;

/** What is remembered of writing. */
export interface Writing {
  /** Locks of running processes, by `cluster/kind/namespace/name`. */
  readonly held: Held;
  /**
   * Objects that were wrong, or not there, although a leader lived when the world began: somebody else sees to that. Left alone until
   * they change (by resourceVersion), or come, or another process leads (by its UID).
   */
  readonly contested: ReadonlyMap<string, string>;
}

/** Locks that running istiods hold when the world begins, and what others must be writing since no leader would leave it so. */
export function firstWriting(knowledge: Knowledge): Writing {
  const held = new Map<string, Hold>();
  for (const cluster of knowledge.state.clusters.values()) {
    for (const lock of locksOf(cluster)) {
      const holder = holderOf(lock, knowledge.istiods);
      if (holder === undefined) continue;
      const may = mayHold(holder, lock, cluster.name);
      // One that could write and did not for long: who knows why. It is not taken for a leader.
      if (!may || isFresh(lock, knowledge.state.now)) held.set(keyOf(cluster, lock), { uid: holder.uid, isLost: !may });
    }
  }
  const contested = new Map<string, string>();
  const before = { held, contested: new Map<string, string>() };
  for (const change of [...roots(knowledge, before), ...caBundles(knowledge, before)]) {
    const cluster = knowledge.state.clusters.get(change.cluster);
    if (cluster === undefined || !('put' in change)) continue;
    const existing = cluster.objects.get(change.put.kind, change.put.metadata.namespace, change.put.metadata.name);
    contested.set(keyOf(cluster, change.put), existing?.metadata.resourceVersion ?? leadersOf(cluster, held));
  }
  return { held, contested };
}

/** Elections are won and given up, and leaders write what they write. `past` are the processes there were a moment ago. */
export function leaders(
  knowledge: Knowledge,
  before: Writing,
  past: Istiods,
): { readonly changes: readonly Change[]; readonly writing: Writing } {
  const { changes, held } = elections(knowledge, before.held, past);
  const writing = { ...before, held };
  return { changes: [...changes, ...roots(knowledge, writing), ...caBundles(knowledge, writing)], writing };
}

/** Every lock that is held, renewed now. */
export function renewedLocks(knowledge: Knowledge, { held }: Writing): Change[] {
  const { state, istiods } = knowledge;
  return [...state.clusters.values()].flatMap((cluster) =>
    locksOf(cluster).flatMap((lock): Change[] => {
      const hold = held.get(keyOf(cluster, lock));
      const holder = hold === undefined || hold.isLost ? undefined : istiods.get(hold.uid);
      if (holder === undefined || holderOf(lock, istiods) !== holder || !mayHold(holder, lock, cluster.name)) return [];
      return [{ cluster: cluster.name, put: withRecord(lock, { renewTime: state.now }) }];
    }),
  );
}

function elections(knowledge: Knowledge, before: Held, past: Istiods): { readonly changes: Change[]; readonly held: Held } {
  const { state, istiods } = knowledge;
  const changes: Change[] = [];
  const held = new Map<string, Hold>();
  for (const cluster of state.clusters.values()) {
    for (const lock of locksOf(cluster)) {
      const key = keyOf(cluster, lock);
      const hold = before.get(key);
      const holder = holderOf(lock, istiods);
      const isIts = hold !== undefined && holder?.uid === hold.uid;
      if (isIts && mayHold(holder, lock, cluster.name)) {
        held.set(key, { uid: hold.uid, isLost: false });
        if (hold.isLost) changes.push({ cluster: cluster.name, put: withRecord(lock, { renewTime: state.now }) });
        continue;
      }
      if (isIts && isRegistered(holder, cluster.name)) {
        // It would renew it and may not: the lock runs out, and another takes it then.
        held.set(key, { uid: hold.uid, isLost: true });
        if (isFresh(lock, state.now)) continue;
      }
      const previous = hold === undefined || hold.isLost ? undefined : past.get(hold.uid);
      const isGivenUp = previous !== undefined && mayHold(previous, lock, cluster.name) && !held.has(key);
      const next = isGivenUp || !isFresh(lock, state.now) ? candidatesFor(lock, cluster, knowledge)[0] : undefined;
      if (next !== undefined) {
        held.set(key, { uid: next.uid, isLost: false });
        changes.push({ cluster: cluster.name, put: takenBy(lock, next, cluster.name, state.now) });
      } else if (isGivenUp) changes.push({ cluster: cluster.name, put: released(lock, state.now) });
    }
    changes.push(...firstElections(cluster, knowledge, held));
  }
  return { changes, held };
}

/** Whether a process still has a cluster in its registry, or reads its configuration there. */
function isRegistered(process: IstiodProcess, cluster: ClusterName): boolean {
  return (
    process.config === cluster || [...process.registrations.values()].some(({ target, joined }) => target === cluster && joined === true)
  );
}

/** Elections that were never held: the ConfigMap is made by the first to win it. */
function firstElections(cluster: ClusterState, { istiods, state }: Knowledge, held: Map<string, Hold>): Change[] {
  const changes: Change[] = [];
  for (const process of istiods.values()) {
    const { namespace } = process.controlPlane;
    if (!runsElections(process) || !managesCluster(process, cluster.name)) continue;
    if (cluster.objects.get('Namespace', undefined, namespace) === undefined) continue;
    const lock: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: names.namespaceElection, namespace } };
    const key = keyOf(cluster, lock);
    if (held.has(key) || cluster.objects.get('ConfigMap', namespace, names.namespaceElection) !== undefined) continue;
    held.set(key, { uid: process.uid, isLost: false });
    changes.push({ cluster: cluster.name, put: takenBy(lock, process, cluster.name, state.now) });
  }
  return changes;
}

/** Processes that want a lock and may write it. The election of root certificates is open to all that manage the cluster, others to processes of its own cluster and revision. */
function candidatesFor(lock: KubeObject, cluster: ClusterState, { istiods }: Knowledge): IstiodProcess[] {
  return [...istiods.values()].filter((process) => {
    if (process.controlPlane.namespace !== lock.metadata.namespace || !runsElections(process)) return false;
    if (isNamespaceElection(lock)) return managesCluster(process, cluster.name);
    if (process.config !== cluster.name) return false;
    const key = recordOf(lock)['holderKey'] ?? lock.metadata.annotations?.['leader.istio.io/holder-key'];
    const { revision } = process.controlPlane;
    return typeof key === 'string' && key !== ''
      ? key === revision
      : lock.kind === 'ConfigMap' || lock.metadata.name.endsWith(`-${revision}`);
  });
}

/** Elections may be off, and an istiod that is no CA hands out no root. */
function runsElections({ controlPlane: { env } }: IstiodProcess): boolean {
  return flag(env, 'ENABLE_LEADER_ELECTION', true) && flag(env, 'ENABLE_CA_SERVER', true) && env['PILOT_CERT_PROVIDER'] !== 'none';
}

function mayHold(process: IstiodProcess, lock: KubeObject, cluster: ClusterName): boolean {
  return isNamespaceElection(lock) ? managesCluster(process, cluster) : process.config === cluster || process.cluster === cluster;
}

function locksOf(cluster: ClusterState): KubeObject[] {
  return [...cluster.objects.list('ConfigMap'), ...cluster.objects.list('Lease')].filter(isLock);
}

function keyOf(cluster: ClusterState, object: KubeObject): string {
  return `${cluster.name}/${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

function recordOf(lock: KubeObject): Readonly<Record<string, unknown>> {
  if (lock.kind === 'Lease') return isRecord(lock['spec']) ? lock['spec'] : {};
  try {
    const record: unknown = JSON.parse(lock.metadata.annotations?.[annotations.leader] ?? '{}');
    return isRecord(record) ? record : {};
  } catch {
    return {};
  }
}

function holderOf(lock: KubeObject, istiods: Istiods): IstiodProcess | undefined {
  const identity = recordOf(lock)['holderIdentity'];
  if (typeof identity !== 'string' || identity === '') return undefined;
  return [...istiods.values()].find((process) => process.pod === identity && process.controlPlane.namespace === lock.metadata.namespace);
}

/** Renewed within the last two terms of its lease. */
function isFresh(lock: KubeObject, now: string): boolean {
  const record = recordOf(lock);
  const { renewTime, holderIdentity, leaseDurationSeconds } = record;
  if (typeof renewTime !== 'string' || holderIdentity === '' || holderIdentity === undefined) return false;
  const lease = typeof leaseDurationSeconds === 'number' && leaseDurationSeconds > 0 ? leaseDurationSeconds : 30;
  return Date.parse(now) - Date.parse(renewTime) < 2 * lease * 1000;
}

function withRecord(lock: KubeObject, change: Readonly<Record<string, unknown>>): KubeObject {
  const record = recordOf(lock);
  if (lock.kind === 'Lease') {
    const micro = (value: unknown): unknown =>
      typeof value === 'string' ? value.replace(/(\.\d+)?Z$/, (_, part: string | undefined) => `${(part ?? '.').padEnd(7, '0')}Z`) : value;
    const { renewTime, acquireTime, ...rest } = change;
    const times = {
      ...(acquireTime === undefined ? {} : { acquireTime: micro(acquireTime) }),
      ...(renewTime === undefined ? {} : { renewTime: micro(renewTime) }),
    };
    return { ...lock, spec: { ...record, ...rest, ...times } };
  }
  const seconds = Object.fromEntries(
    Object.entries(change).map(([key, value]) => [
      key,
      key.endsWith('Time') && typeof value === 'string' ? value.replace(/\.\d+Z$/, 'Z') : value,
    ]),
  );
  const text = JSON.stringify({ ...record, ...seconds });
  return { ...lock, metadata: { ...lock.metadata, annotations: { ...lock.metadata.annotations, [annotations.leader]: text } } };
}

function takenBy(lock: KubeObject, process: IstiodProcess, cluster: ClusterName, now: string): KubeObject {
  const record = recordOf(lock);
  const { revision } = process.controlPlane;
  const isFirst = record['renewTime'] === undefined;
  const count = (key: string): number => (typeof record[key] === 'number' ? record[key] : 0) + (isFirst ? 0 : 1);
  const times = { leaseDurationSeconds: 30, acquireTime: now, renewTime: now };
  if (lock.kind === 'Lease')
    return withRecord(lock, { holderIdentity: process.pod, ...times, leaseTransitions: count('leaseTransitions') });
  const holderKey = process.config === cluster ? revision : `^${revision}`;
  return withRecord(lock, { holderIdentity: process.pod, holderKey, ...times, leaderTransitions: count('leaderTransitions') });
}

/** What a leader leaves that stops by itself. */
function released(lock: KubeObject, now: string): KubeObject {
  const times = { leaseDurationSeconds: 1, acquireTime: now, renewTime: now };
  return withRecord(lock, lock.kind === 'Lease' ? { holderIdentity: '', ...times } : { holderIdentity: '', holderKey: '', ...times });
}

/** The root certificate in every namespace of each cluster with a leader. */
function roots(knowledge: Knowledge, { held, contested }: Writing): Change[] {
  const { state, istiods } = knowledge;
  return [...state.clusters.values()].flatMap((cluster) =>
    [...held].flatMap(([key, { uid, isLost }]): Change[] => {
      const leader = istiods.get(uid);
      if (
        leader?.ca === undefined ||
        isLost ||
        key !== `${cluster.name}/ConfigMap/${leader.controlPlane.namespace}/${names.namespaceElection}`
      )
        return [];
      const isVisible = visibleNamespaces(listOf(cluster.facts.namespaces), meshConfigOf(leader, state));
      const { version, env } = leader.controlPlane;
      const name = env['PILOT_CA_CERT_CONFIGMAP'] || names.rootConfigMap;
      const { root } = leader.ca;
      const isLeft = (object: KubeObject): boolean => isContested(cluster, object, contested, held);
      return cluster.objects
        .list('Namespace')
        .filter(
          ({ metadata }) => metadata.deletionTimestamp === undefined && isVisible(metadata.name) && !isIgnored(metadata.name, version),
        )
        .flatMap(({ metadata }) => [
          ...given(cluster, metadata.name, name, 'root-cert.pem', root, isLeft),
          ...(traitsOf(version ?? '1.31.0').hasCrl ? given(cluster, metadata.name, 'istio-ca-crl', 'ca-crl.pem', '', isLeft) : []),
        ]);
    }),
  );
}

/** Namespaces the namespace controller leaves alone; kube-system only in 1.20. */
function isIgnored(namespace: string, version: string | undefined): boolean {
  if (namespace === 'kube-system') return isAtLeast(version, '1.21.0') === false;
  return ignoredNamespaces.includes(namespace);
}

function given(
  cluster: ClusterState,
  namespace: string,
  name: string,
  key: string,
  text: string,
  isLeft: (object: KubeObject) => boolean,
): Change[] {
  const existing = cluster.objects.get('ConfigMap', namespace, name);
  const now = textAt(existing, 'data', key);
  if (existing !== undefined && isSameBundle(now, text)) return [];
  const labelled = { 'istio.io/config': 'true' };
  const put: KubeObject =
    existing === undefined
      ? { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels: labelled }, data: { [key]: text } }
      : { ...existing, data: { ...(isRecord(existing['data']) ? existing['data'] : {}), [key]: text } };
  return isLeft(existing ?? put) ? [] : [{ cluster: cluster.name, put }];
}

/** The caBundle of every webhook of a revision that a running istiod has, where it may write: its own cluster, and those it joined. */
function caBundles(knowledge: Knowledge, { held, contested }: Writing): Change[] {
  const { state, istiods } = knowledge;
  const changes = new Map<string, Change>();
  for (const process of istiods.values()) {
    const { ca, controlPlane } = process;
    if (ca === undefined) continue;
    for (const cluster of state.clusters.values()) {
      if (!managesCluster(process, cluster.name)) continue;
      const webhooks = [
        ...(controlPlane.env['INJECTION_WEBHOOK_CONFIG_NAME'] === '' ? [] : cluster.objects.list('MutatingWebhookConfiguration')),
        ...(process.config !== cluster.name || controlPlane.env['VALIDATION_WEBHOOK_CONFIG_NAME'] === ''
          ? []
          : cluster.objects.list('ValidatingWebhookConfiguration')),
      ];
      for (const webhook of webhooks) {
        if (webhook.metadata.labels?.[labels.revision] !== controlPlane.revision || isContested(cluster, webhook, contested, held))
          continue;
        const next = patched(webhook, ca.root, controlPlane.namespace);
        if (next !== webhook) changes.set(keyOf(cluster, webhook), { cluster: cluster.name, put: next });
      }
    }
  }
  return [...changes.values()];
}

function patched(configuration: KubeObject, root: string, namespace: string): KubeObject {
  const isValidating = configuration.kind === 'ValidatingWebhookConfiguration';
  const wanted = Buffer.from(root, 'latin1').toString('base64');
  let isChanged = false;
  const webhooks = itemsAt(configuration, 'webhooks').map((webhook) => {
    const name = textAt(webhook, 'name') ?? '';
    const isIts = isValidating
      ? name.endsWith('validation.istio.io') && textAt(webhook, 'clientConfig', 'service', 'namespace') === namespace
      : name.endsWith('sidecar-injector.istio.io');
    if (!isRecord(webhook) || !isIts) return webhook;
    const bundle = Buffer.from(textAt(webhook, 'clientConfig', 'caBundle') ?? '', 'base64').toString('latin1');
    const isRight = isSameBundle(bundle, root) && (!isValidating || webhook['failurePolicy'] === 'Fail');
    if (isRight) return webhook;
    isChanged = true;
    const clientConfig = { ...(isRecord(webhook['clientConfig']) ? webhook['clientConfig'] : {}), caBundle: wanted };
    return { ...webhook, clientConfig, ...(isValidating ? { failurePolicy: 'Fail' } : {}) };
  });
  return isChanged ? { ...configuration, webhooks } : configuration;
}

function isContested(cluster: ClusterState, object: KubeObject, contested: ReadonlyMap<string, string>, held: Held): boolean {
  const known = contested.get(keyOf(cluster, object));
  return known !== undefined && known === (object.metadata.resourceVersion ?? leadersOf(cluster, held));
}

/** Processes that hold elections of root certificates in a cluster. */
function leadersOf(cluster: ClusterState, held: Held): string {
  return [...held]
    .filter(([key]) => key.startsWith(`${cluster.name}/ConfigMap/`) && key.endsWith(`/${names.namespaceElection}`))
    .map(([, { uid }]) => uid)
    .join(' ');
}

/** Equal as sets of certificates, or equal as texts where there are none. */
function isSameBundle(a: string | undefined, b: string): boolean {
  if (a === undefined) return false;
  const told = (text: string): string =>
    pemBlocks(text)
      .map((pem) => fingerprintOf(pem) ?? '')
      .sort()
      .join(' ');
  return told(a) === '' && told(b) === '' ? a.trim() === b.trim() : told(a) === told(b);
}
