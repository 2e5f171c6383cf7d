import {
  type ControlPlane,
  count,
  defineCheck,
  distinct,
  groupBy,
  list,
  measured,
  type ObjectRef,
  type Rejection,
  shellWord,
  sortedBy,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'rejected-push',
  title: 'Proxies take what istiod sends them',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['controlPlanes', 'istiodStates'],
  applies: { probed: ['istiodStates'] },
  catalogue: ['EW-18'],
  explains: [
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'within' },
    { code: 'unconfigured-gateway', match: 'within' },
    { code: 'unready-east-west-gateway/notReady', match: 'within' },
  ],
  docs: {
    why: 'A proxy that cannot use what istiod sends refuses all of that kind and keeps what it had: routes, endpoints or listeners of before. An EnvoyFilter, a certificate or a setting that its release does not know is the usual reason. New pods of that workload do not get ready.',
    confirm: 'istioctl proxy-status --context CLUSTER; the log of istiod says "ACK ERROR" with the same words',
    fix: 'Remove or correct what the message names; often an EnvoyFilter written for another release of Envoy.',
    notWhen: 'What a proxy refused once and took later is not counted. Istio before 1.23 does not say which proxy refuses what.',
    since: '1.23',
  },
  messages: {
    rejected: (a: Rejected) => ({
      text: `Deployment ${a.controlPlane.namespace}/${a.controlPlane.name} in ${a.controlPlane.ref.cluster} sends ${list(a.types)} configuration that ${count(a.proxies.length, 'proxy refuses', 'proxies refuse')} (${list(a.proxies, '', 2)}): ${a.error}.`,
      expected: 'accepted',
      found: a.error,
      effect: 'they go on with what they had before, and those that were started since do not get ready; changes do not reach them',
      confirm: [`istioctl proxy-status --context ${shellWord(a.controlPlane.ref.cluster)}`],
    }),
  },
  *run({ cluster, mesh, finding, undecided }) {
    for (const controlPlane of measured.istiodsOf(mesh, cluster.controlPlanes)) {
      const own = measured.replicasOf(controlPlane, cluster.istiodStates);
      if (own.some(({ rejections }) => rejections !== undefined && 'failed' in rejections))
        yield undecided('a replica of istiod does not say which proxies refuse what it sends');
      const refused = sortedBy(
        own.flatMap(({ pod, rejections }) =>
          rejections === undefined || 'failed' in rejections ? [] : rejections.answer.map((rejection) => ({ pod, rejection })),
        ),
        ({ pod, rejection }) => `${rejection.proxy} ${pod.name}`,
      );
      for (const [error, same] of groupBy(refused, ({ rejection }) => `${rejection.types.join()} ${general(rejection)}`)) {
        const [first] = same;
        if (first === undefined) continue;
        const proxies = distinct(same.map(({ rejection }) => `${rejection.proxy} of ${rejection.cluster}`));
        const pods = [...new Map(same.map(({ pod }) => [pod.name, pod])).values()];
        yield finding(
          'rejected',
          { controlPlane, proxies, types: first.rejection.types, error: first.rejection.error, pods },
          {
            at: controlPlane.ref,
            related: pods,
            evidence: same.slice(0, 4).map(({ pod, rejection }) => ({
              ref: pod,
              observed: `/debug/syncz: ${rejection.proxy}: ${rejection.error}`,
              expected: 'acknowledged',
            })),
            subject: `${controlPlane.revision} ${error}`,
            concerns: distinct([
              cluster.name,
              ...measured.clustersById(
                mesh,
                same.map(({ rejection }) => rejection.cluster),
              ),
            ]),
          },
        );
      }
    }
  },
});

interface Rejected {
  readonly controlPlane: ControlPlane;
  readonly proxies: readonly string[];
  readonly types: readonly string[];
  readonly error: string;
  readonly pods: readonly ObjectRef[];
}

/** What an error has in common with the same of another proxy: addresses and names of its own differ. */
function general({ error }: Rejection): string {
  return error.replace(/\d+(?:\.\d+){3}|\[?[0-9a-f:]{6,}\]?|\d+/g, '#');
}
