import {
  type ClusterName,
  type ControlPlane,
  defineCheck,
  effectsOfCutOff,
  list,
  measured,
  type ObjectRef,
  remedy,
  shellWord,
  valueOf,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'misdirected-proxy',
  title: 'Proxies are connected to an istiod that serves their cluster',
  severity: 'warning',
  certainty: 'likely',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'istiods'], member: [] },
  applies: { probed: ['istiods'] },
  path: { hops: ['caller'] },
  catalogue: ['CPX-09'],
  explains: [...effectsOfCutOff],
  docs: {
    why: 'The name of istiod means the istiod of the own cluster, or of its primary. When it is served from several clusters, because a Service for it is exported or imported, or because its slice holds the gateways of two primaries, proxies spread over all of them, and each configures them from where it stands: other rules, other policies, another idea of what is local.',
    confirm: 'istioctl proxy-status --context CLUSTER; kubectl --context CLUSTER -n istio-system get endpointslices | grep istiod',
    fix: 'Keep istiod local to its cluster: no export of its Service, one address per remote Service, clusterLocal for istiod.istio-system.svc.cluster.local, and a release that does not merge it.',
    notWhen: 'A remote is connected to the istiod of its primary, which lies in another cluster on purpose.',
    see: ['https://github.com/istio/istio/issues/23591'],
  },
  messages: {
    misdirected: (a: { proxies: readonly ObjectRef[]; member: ClusterName; controlPlane: ControlPlane; pods: readonly ObjectRef[] }) => ({
      text: `Pod ${a.proxies[0]?.namespace}/${a.proxies[0]?.name} of ${a.member} is connected to istiod ${a.pods[0]?.namespace}/${a.pods[0]?.name} of ${a.controlPlane.ref.cluster}, which does not serve ${a.member}.`,
      expected: `an istiod that serves ${a.member}`,
      found: list(a.pods.map(({ cluster, name }) => `${name} of ${cluster}`)),
      effect: 'its configuration and policies are those of another cluster',
      remedy: [
        remedy.command(
          a.member,
          [`kubectl --context ${shellWord(a.member)} -n ${shellWord(a.controlPlane.namespace)} get services,endpointslices -o wide`],
          { note: 'reads only: find whose address stands behind the Service of istiod' },
        ),
      ],
    }),
  },
  *run({ primary, member, controlPlane, couple, finding }) {
    const isForeign = couple.kind === 'peer' || (couple.kind === 'remote' && valueOf(couple.serves) === false);
    if (!isForeign) return;
    const connected = measured
      .replicasOf(controlPlane, primary.istiods)
      .flatMap((replica) =>
        replica.nameTables.flatMap(({ proxy, table }) =>
          proxy.cluster === member.name && 'answer' in table && table.answer !== 'elsewhere' ? [{ pod: replica.pod, proxy }] : [],
        ),
      );
    const [first] = connected;
    if (first === undefined) return;
    yield finding(
      'misdirected',
      { proxies: connected.map(({ proxy }) => proxy), member: member.name, controlPlane, pods: connected.map(({ pod }) => pod) },
      {
        at: first.proxy,
        related: [controlPlane.ref, ...connected.map(({ pod }) => pod)],
        evidence: connected.slice(0, 3).map(({ pod, proxy }) => ({
          ref: pod,
          observed: `/debug/ndsz: ${proxy.namespace ?? ''}/${proxy.name} is connected`,
          expected: 'not here',
        })),
        subject: primary.name,
        concerns: [member.name],
      },
    );
  },
});
