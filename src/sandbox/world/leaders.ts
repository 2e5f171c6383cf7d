import { isRecord, itemsAt, textAt } from '../../builder/edits/json.ts';
import { traitsOf } from '../../builder/releases.ts';
import { labels, names } from '../../istio/labels.ts';
import { isAtLeast } from '../../istio/versions.ts';
import { ignoredNamespaces } from '../../mesh/injection.ts';
import { visibleNamespaces } from '../../mesh/istiod-view.ts';
import { listOf } from '../../mesh/topology.ts';
import type { KubeObject } from '../../model/kube.ts';
import { fingerprintOf, pemBlocks } from './authorities.ts';
import { elections, firstHeld, type Held, keyOf } from './elections.ts';
import { type Istiods, managesCluster } from './istiods.ts';
import { type Knowledge, meshConfigOf } from './knowledge.ts';
import type { Change, ClusterState } from './state.ts';

/*
 * What istiods write: locks that they hold, root certificates in every namespace of clusters that they lead, and caBundles of
 * webhooks of their revision.
 */

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
  const held = firstHeld(knowledge);
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
