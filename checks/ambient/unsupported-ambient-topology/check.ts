import { ambient, type ClusterName, clusterName, type ControlPlane, defineCheck, list, sortedBy, valueOf } from 'meshdoctor/api';
import { isZtunnel, networkOf, spanningIstiod } from '../_area.ts';

export default defineCheck({
  id: 'unsupported-ambient-topology',
  title: 'Ambient spans clusters of a topology that it supports',
  severity: 'warning',
  certainty: 'likely',
  scope: 'mesh',
  needs: ['controlPlanes', 'pods'],
  applies: { dataPlane: 'ambient' },
  partial: true,
  path: { hops: ['caller'] },
  catalogue: ['AMB-15'],
  docs: {
    why: 'Ambient over several clusters is made for primaries on networks of their own. ztunnel of a remote is served by an istiod for which everything in that cluster is far away: it learns of global services only. Several clusters on one network are untested.',
    confirm: 'kubectl --context REMOTE -n istio-system get daemonset ztunnel; istioctl --context REMOTE ztunnel-config workload',
    fix: 'Make every cluster with ztunnel a primary, each with a network of its own. A remote can go on with sidecars.',
    notWhen: 'Releases of vendors may support more.',
    since: '1.27',
    see: ['https://istio.io/latest/docs/ambient/install/multicluster/'],
  },
  messages: {
    remote: (a: { istiod: ControlPlane; remote: ClusterName; count: number }) => ({
      text: `Cluster ${a.remote} runs ztunnel and no istiod of its own; ambient does not support remotes, here of ${a.istiod.ref.cluster}.`,
      expected: `an istiod in ${a.remote}, or sidecars`,
      found: `a remote with ztunnel on ${a.count} ${a.count === 1 ? 'node' : 'nodes'}`,
      effect: `ztunnel of ${a.remote} may know services and workloads there in part only`,
      ...(ambient.isMultiNetwork(a.istiod) ? {} : { certainty: 'possible' as const }),
      remedy: [],
    }),
    oneNetwork: (a: { clusters: readonly ClusterName[]; istiod: ControlPlane }) => ({
      text: `Ambient spans ${list(a.clusters)}, which are on one network: this is untested and may be broken.`,
      expected: 'a network for each cluster, with an ambient gateway',
      found: 'one network',
      effect: 'waypoints and global services may behave otherwise than they should',
      certainty: 'possible',
      remedy: [],
    }),
  },
  *run({ clusters, mesh, finding }) {
    const istiods = clusters.flatMap(({ controlPlanes }) => controlPlanes).filter(ambient.isAmbient);
    for (const couple of mesh.couples) {
      const isRemote = couple.kind === 'remote' || (couple.kind === 'self' && couple.member !== clusterName(couple.controlPlane.cluster));
      const istiod = istiods.find(
        ({ ref }) =>
          ref === couple.controlPlane.ref ||
          (ref.cluster === couple.controlPlane.cluster &&
            ref.namespace === couple.controlPlane.namespace &&
            ref.name === couple.controlPlane.ref.name),
      );
      const member = clusters.find(({ name }) => name === couple.member);
      if (!isRemote || istiod === undefined || member === undefined || valueOf(couple.serves) === false) continue;
      const ztunnels = member.pods.filter(isZtunnel);
      const [first] = ztunnels;
      if (first === undefined) continue;
      yield finding(
        'remote',
        { istiod, remote: member.name, count: ztunnels.length },
        {
          at: member.ref,
          related: [first.ref, istiod.ref],
          evidence: [{ ref: first.ref, observed: `connects to ${first.proxy?.discoveryHost ?? 'an istiod elsewhere'}` }],
          concerns: [member.name],
        },
      );
    }
    const spanning = sortedBy(
      clusters.filter(
        (cluster) => spanningIstiod(cluster, mesh) !== undefined && 'known' in cluster.member.network && cluster.pods.some(isZtunnel),
      ),
      ({ member }) => valueOf(member.clusterId) ?? '',
    );
    const [one, ...others] = spanning;
    const istiod = one === undefined ? undefined : spanningIstiod(one, mesh);
    if (one === undefined || istiod === undefined || others.length === 0) return;
    if (!others.every((other) => networkOf(other) === networkOf(one)) || mesh.networks.length > 1) return;
    yield finding(
      'oneNetwork',
      { clusters: spanning.map(({ name }) => name), istiod },
      {
        at: istiod.ref,
        evidence: spanning.map((cluster) => ({ ref: cluster.ref, observed: `network ${networkOf(cluster) ?? 'not named'}` })),
        concerns: spanning.map(({ name }) => name),
      },
    );
  },
});
