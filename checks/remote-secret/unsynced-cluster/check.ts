import {
  type ClusterId,
  type ClusterName,
  type ControlPlane,
  count,
  defineCheck,
  distinct,
  effectsOfCutOff,
  type Fact,
  istiodMetrics,
  type IstiodReplica,
  type IstiodState,
  list,
  listOf,
  measured,
  refKey,
  remedy,
  remoteSecrets,
  shellWord,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'unsynced-cluster',
  title: 'Every replica of istiod has read the clusters that it holds secrets for',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'remoteSecrets', 'istiods'], member: [] },
  uses: { primary: ['istiodStates'], member: [] },
  applies: { probed: ['istiods'] },
  path: { hops: ['endpoints', 'name', 'route', 'caller'] },
  catalogue: ['SEC-02', 'SEC-08', 'SEC-13', 'SEC-15', 'SEC-16', 'CLD-02'],
  explains: [
    { code: 'unlisted-gateway', match: 'cluster' },
    { code: 'missing-endpoint-shard', match: 'cluster' },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unknown-destination/elsewhere', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
    ...effectsOfCutOff,
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
    { code: 'stale-ca-bundle', match: 'cluster' },
    { code: 'foreign-root', match: 'cluster' },
    { code: 'missing-root', match: 'cluster' },
    // Who cannot read a cluster cannot renew its election either.
    { code: 'unled-remote', match: 'cluster' },
    { code: 'divergent-replicas/clusters', match: 'cluster' },
    { code: 'divergent-replicas/gateways', match: 'cluster' },
    { code: 'severed-cluster', match: 'cluster' },
  ],
  docs: {
    why: 'Each replica of istiod reads other clusters by itself and says how far it got: syncing, then synced, or timeout when some list did not come within 30 seconds. What one replica lacks is missing for the proxies that are connected to it, and for no others.',
    confirm: 'istioctl remote-clusters --context PRIMARY',
    fix: 'Make the API server reachable from the pods of istiod, with the credential of the secret, and see the log of istiod for the reason. On GKE the authorised networks of a cluster have to hold the address (of NAT) that the other cluster calls from. A replica that lost a cluster whose secret is in order needs a restart.',
    notWhen:
      'A cluster is syncing for some seconds after istiod started or the secret was made. Istio never takes synced back: it says nothing of what happened later.',
  },
  messages: {
    unlisted: (a: Missing) => ({
      text: `Cluster ${a.read} is unknown to ${reader(a)}, although Secret ${a.secret} opens it.`,
      expected: `${a.id} in the list of clusters that istiod reads`,
      found: 'not listed',
      effect: effects(a),
      remedy: [remedy.restart(a.controlPlane.ref, 'Istio 1.30.0 to 1.30.3 lose clusters when their secret is renewed')],
    }),
    timeout: (a: Missing) => ({
      text: `Cluster ${a.read} could not be read by ${reader(a)}: ${list(a.states)}.`,
      expected: `${a.id} synced`,
      found: list(a.states),
      effect: effects(a),
      confirm: [`istioctl remote-clusters --context ${shellWord(a.controlPlane.ref.cluster)}`, logs(a)],
    }),
    partly: (a: Missing) => ({
      text: `Cluster ${a.read} was not read to the end by ${reader(a)}: ${list(a.states)}, though its endpoints are served.`,
      expected: `${a.id} synced`,
      found: list(a.states),
      effect: 'some kind of object is not read there, or only slowly',
      severity: 'warning',
      confirm: [`istioctl remote-clusters --context ${shellWord(a.controlPlane.ref.cluster)}`, logs(a)],
    }),
    syncing: (a: Missing) => ({
      text: `Cluster ${a.read} is still being read by ${reader(a)}.`,
      expected: `${a.id} synced`,
      found: list(a.states),
      effect: effects(a),
      severity: 'warning',
      certainty: 'possible',
    }),
  },
  *run({ primary, member, controlPlane, couple, finding, undecided }) {
    const replicas = measured.replicasOf(controlPlane, primary.istiods);
    if (replicas.length === 0) {
      yield undecided('no pod of this istiod could be asked', { blockedBy: 'unavailable-istiod', clusters: [primary.name] });
      return;
    }
    const readings = replicas.map((replica) => ({
      replica,
      ...istiodMetrics.clusterStates(replica, metricsOf(replica, primary.istiodStates), controlPlane.version),
    }));
    const mute = readings.filter(({ states }) => 'failed' in states);
    if (mute.length > 0) yield undecided('not every replica of istiod says which clusters it reads', { clusters: [primary.name] });
    const unread = couple.kind === 'self' ? undefined : remoteSecrets.unreadBecause(controlPlane, couple);
    if (unread !== undefined && 'missing' in unread) yield undecided('it is not known which secret opens it', unread);
    for (const id of measured.idsRead(controlPlane, couple)) {
      const states = readings.flatMap((reading) => stateOf(reading, id));
      const secretRef = couple.credentials.find(({ entry }) => entry.clusterId === id)?.secret.ref;
      for (const key of ['unlisted', 'timeout', 'partly', 'syncing'] as const) {
        const such = states.filter((one) => one.key === key);
        // Replicas of old releases do not list their own cluster.
        if (such.length === 0 || (key === 'unlisted' && secretRef === undefined)) continue;
        const pods = such.map(({ replica }) => replica.pod);
        yield finding(
          key,
          {
            controlPlane,
            id,
            read: member.name,
            secret: secretRef === undefined ? '' : `${secretRef.namespace ?? ''}/${secretRef.name}`,
            states: distinct(such.map(({ status }) => status)),
            pods: pods.map(({ name }) => name),
            asked: states.length,
          },
          {
            at: secretRef ?? controlPlane.ref,
            related: [controlPlane.ref, ...pods],
            evidence: such.map(({ replica, from, status }) => ({
              ref: replica.pod,
              observed: `${from}: ${id} ${status}`,
              expected: 'synced',
            })),
            subject: `${primary.name}/${controlPlane.revision} ${id}`,
          },
        );
      }
    }
  },
});

interface Missing {
  readonly controlPlane: ControlPlane;
  readonly id: ClusterId;
  readonly read: ClusterName;
  /** Of its remote secret; empty for the cluster whose configuration it reads. */
  readonly secret: string;
  readonly states: readonly string[];
  readonly pods: readonly string[];
  readonly asked: number;
}

type State = 'unlisted' | 'timeout' | 'partly' | 'syncing' | 'synced';

interface Reading extends ReturnType<typeof istiodMetrics.clusterStates> {
  readonly replica: IstiodReplica;
}

/** What one replica says of a cluster; nothing when it did not say. */
function stateOf(
  { replica, from, states }: Reading,
  id: ClusterId,
): (Pick<Reading, 'replica' | 'from'> & { key: State; status: string })[] {
  if ('failed' in states) return [];
  const entry = states.answer.find((one) => one.id === id);
  // Metrics tell of remote clusters only.
  if (entry === undefined) return [{ replica, from, key: 'unlisted', status: 'not listed' }];
  const status = entry.syncStatus;
  if (status === 'synced' || status === 'syncing') return [{ replica, from, key: status, status }];
  // One list that may not be read keeps a cluster at timeout for ever, while all the others are served.
  return [{ replica, from, key: status === 'timeout' && measured.servesEndpointsOf(replica, id) ? 'partly' : 'timeout', status }];
}

function metricsOf({ pod }: IstiodReplica, states: Fact<readonly IstiodState[]>): IstiodState['metrics'] {
  return listOf(states).find((state) => refKey(state.pod) === refKey(pod))?.metrics;
}

function reader(a: Missing): string {
  const { namespace, name, ref } = a.controlPlane;
  const some = a.pods.length === a.asked ? '' : ` (${list(a.pods)}, ${a.pods.length} of ${count(a.asked, 'replica')})`;
  return `Deployment ${namespace}/${name} in ${ref.cluster}${some}`;
}

function effects(a: Missing): string {
  const some = a.pods.length === a.asked ? '' : 'for proxies that are connected to that replica, ';
  return `${some}services, endpoints and gateways of ${a.read} are missing`;
}

function logs(a: Missing): string {
  const { ref, namespace } = a.controlPlane;
  const [pod = ''] = a.pods;
  return `kubectl --context ${shellWord(ref.cluster)} -n ${shellWord(namespace)} logs ${shellWord(pod)} | grep -i -e 'cluster ${a.id}' -e 'watch error' -e timeout`;
}
