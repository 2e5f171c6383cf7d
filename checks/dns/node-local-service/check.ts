import { type ClusterName, defineCheck, distinct, list, remedy, type Service, serviceCopies } from 'meshdoctor/api';
import { callersOf, clustersOf, isKept, needed, worldOf } from '../_area.ts';

export default defineCheck({
  id: 'node-local-service',
  title: 'No service with callers elsewhere keeps to the nodes of its callers',
  severity: 'error',
  certainty: 'likely',
  scope: 'mesh',
  partial: true,
  needs: needed,
  applies: { dataPlane: 'sidecar' },
  path: { hops: ['endpoints'] },
  catalogue: ['DNS-09'],
  docs: {
    why: 'Istio respects internalTrafficPolicy Local: a caller is sent the endpoints of its own node, and of no other node or cluster. The copy of the Service in the cluster whose configuration istiod uses decides for all. A cluster that has callers and no endpoint of its own is then left with none, although others have some.',
    confirm: 'kubectl --context CLUSTER -n NAMESPACE get service NAME -o jsonpath="{.spec.internalTrafficPolicy}"',
    fix: 'Set internalTrafficPolicy Cluster where callers of other clusters are to be served.',
    notWhen: 'A name of which every cluster has a copy of its own on every node (agents of a DaemonSet) is meant to stay on the node.',
    see: ['https://kubernetes.io/docs/concepts/services-networking/service-traffic-policy/'],
  },
  messages: {
    stranded: (a: { service: Service; callers: readonly ClusterName[]; serving: readonly ClusterName[] }) => ({
      text: `Service ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} has internalTrafficPolicy Local: callers in ${list(a.callers)}, where it has no endpoint, are not sent to those in ${list(a.serving)}.`,
      expected: 'internalTrafficPolicy Cluster',
      found: 'Local',
      effect: `callers in ${list(a.callers)} get 503, no healthy upstream`,
      remedy: [remedy.patch(a.service.ref, { spec: { internalTrafficPolicy: 'Cluster' } })],
    }),
    kept: (a: { service: Service; clusters: readonly ClusterName[] }) => ({
      text: `Service ${a.service.namespace}/${a.service.name}, which ${list(a.clusters)} share, has internalTrafficPolicy Local in ${a.service.ref.cluster}: callers are sent to their own node and to no other cluster.`,
      severity: 'info',
      found: 'Local',
    }),
  },
  *run({ clusters, mesh, finding }) {
    const world = worldOf(clusters, mesh);
    for (const shared of world.shared) {
      const said = new Set<ClusterName>();
      for (const merged of serviceCopies.mergedBy(world.readers, shared)) {
        const { first, reader } = merged;
        // Where its own cluster lacks it, the order in which clusters were added decides.
        if (first?.service.internalTrafficPolicy !== 'Local' || isKept(reader, first.service) || said.has(first.cluster)) continue;
        said.add(first.cluster);
        const serves = (cluster: ClusterName): boolean =>
          world.backends(cluster, shared).some(({ endpoint }) => endpoint.ready && !endpoint.terminating);
        const known = clustersOf(merged.copies);
        const serving = known.filter(serves);
        const callers = callersOf(world, merged, first.service, first.cluster).filter((cluster) => !serves(cluster));
        const where = {
          at: first.service.ref,
          field: '.spec.internalTrafficPolicy',
          related: merged.copies.filter((copy) => copy !== first).map(({ service }) => service.ref),
          evidence: [{ ref: first.service.ref, field: '.spec.internalTrafficPolicy', observed: 'Local' }],
        };
        if (serving.length > 0 && callers.length > 0) {
          yield finding(
            'stranded',
            { service: first.service, callers: distinct(callers), serving },
            {
              ...where,
              lacks: callers.map((cluster) => ({ cluster, fact: 'endpointSlices' as const })),
              concerns: distinct<ClusterName>([first.cluster, ...serving, ...callers]),
            },
          );
        } else if (serving.length > 1) yield finding('kept', { service: first.service, clusters: known }, { ...where, concerns: known });
      }
    }
  },
});
