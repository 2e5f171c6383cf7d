import {
  type ClusterId,
  type ClusterName,
  type ControlPlane,
  defineCheck,
  type IstiodSample,
  istiodMetrics,
  list,
  measured,
  shellWord,
} from 'meshdoctor/api';

/** Failed lists and watches in the time between two readings that are more than one list which may not be read, or one watch that ended. */
const many = 5;

export default defineCheck({
  id: 'severed-cluster',
  title: 'istiod still hears of changes in the clusters that it has read',
  severity: 'error',
  certainty: 'likely',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'remoteSecrets', 'istiodSamples'], member: [] },
  applies: { probed: ['istiodSamples'] },
  catalogue: ['PERF-05'],
  explains: [
    { code: 'missing-endpoint-shard', match: 'cluster' },
    { code: 'unlisted-gateway', match: 'cluster' },
    { code: 'divergent-replicas', match: 'cluster' },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
  ],
  docs: {
    why: 'Once istiod has read a cluster it says synced of it for ever, also when the API server is gone, the token was revoked or the network is cut. It serves what it knew. The counter of failed watches is all that tells, and what it counts may be long over: so it is read twice. When such an istiod restarts, everything of that cluster is gone.',
    confirm:
      'kubectl --context PRIMARY -n istio-system exec deploy/istiod -- curl -s localhost:15014/metrics | grep controller_sync_errors_total',
    fix: 'Make the API server reachable from istiod again, or renew the remote secret. Do not restart istiod before: it would forget the cluster.',
    notWhen:
      'A watch that ends once in a while is begun again. One list that istiod may not read counts up slowly; the rest is then in order.',
    see: ['https://github.com/istio/istio/issues/45992'],
  },
  messages: {
    severed: (a: Severed) => ({
      text: `Deployment ${a.controlPlane.namespace}/${a.controlPlane.name} in ${a.controlPlane.ref.cluster} lost the API server of ${a.of} after it had read it: ${rises(a)}.`,
      expected: 'no failing watch',
      found: rises(a),
      effect: `changes in ${a.of} do not reach proxies; a restart of istiod would take away all its services, endpoints and gateways`,
      confirm: [logs(a)],
    }),
    stumbling: (a: Severed) => ({
      text: `Deployment ${a.controlPlane.namespace}/${a.controlPlane.name} in ${a.controlPlane.ref.cluster} fails to watch something in ${a.of}: ${rises(a)}.`,
      expected: 'no failing watch',
      found: rises(a),
      effect: 'some kind of object is not read there, or a watch was just begun again',
      severity: 'warning',
      certainty: 'possible',
      confirm: [logs(a)],
    }),
  },
  *run({ primary, member, controlPlane, couple, finding, undecided }) {
    const samples = measured.replicasOf(controlPlane, primary.istiodSamples);
    if (samples.some(({ after }) => 'failed' in after))
      yield undecided('the metrics of a replica of istiod could not be read twice', { clusters: [primary.name] });
    for (const id of measured.idsRead(controlPlane, couple)) {
      const rising = samples.flatMap((sample) => {
        const counter = istiodMetrics.risingSyncErrors(sample, id);
        return counter === undefined ? [] : [{ sample, by: counter.by }];
      });
      const [first] = rising;
      if (first === undefined) continue;
      const secret = couple.credentials.find(({ entry }) => entry.clusterId === id)?.secret.ref;
      yield finding(
        rising.some(({ by }) => by >= many) ? 'severed' : 'stumbling',
        { controlPlane, id, of: member.name, rising },
        {
          at: secret ?? controlPlane.ref,
          related: [controlPlane.ref, ...rising.map(({ sample }) => sample.pod)],
          evidence: rising.map(({ sample, by }) => ({
            ref: sample.pod,
            observed: `/metrics: controller_sync_errors_total of ${id} rose by ${by} in ${sample.seconds}s`,
            expected: 'no change',
          })),
          subject: `${primary.name}/${controlPlane.revision} ${id}`,
        },
      );
    }
  },
});

interface Severed {
  readonly controlPlane: ControlPlane;
  readonly id: ClusterId;
  readonly of: ClusterName;
  readonly rising: readonly { readonly sample: IstiodSample; readonly by: number }[];
}

function rises({ rising }: Severed): string {
  return list(rising.map(({ sample, by }) => `${by} failed watches in ${sample.seconds}s at ${sample.pod.name}`));
}

function logs({ controlPlane, id, rising }: Severed): string {
  const pod = rising[0]?.sample.pod.name ?? '';
  const { ref, namespace } = controlPlane;
  return `kubectl --context ${shellWord(ref.cluster)} -n ${shellWord(namespace)} logs ${shellWord(pod)} --since=5m | grep 'watch error in cluster ${id}'`;
}
