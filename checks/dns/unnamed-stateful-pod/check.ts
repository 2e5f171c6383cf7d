import {
  type ClusterName,
  count,
  defineCheck,
  distinct,
  hosts,
  list,
  type Pod,
  releases,
  type Service,
  serviceCopies,
  valueOf,
} from 'meshdoctor/api';
import { needed } from '../_area.ts';

export default defineCheck({
  id: 'unnamed-stateful-pod',
  title: 'Sidecars know the names of all pods of a headless service',
  severity: 'warning',
  certainty: 'likely',
  scope: 'mesh',
  partial: true,
  needs: needed,
  applies: { dataPlane: 'sidecar' },
  catalogue: ['DNS-04'],
  docs: {
    why: 'Up to and including 1.31.0 istiod makes names for the pods of a headless service from the endpoints of its first port alone. Where pods of one service have different ports, as with a targetPort by name that not all of them declare, Kubernetes keeps them in several EndpointSlices, and those without the first port get no name: in their own cluster its DNS still knows them, in others nobody does.',
    confirm:
      'kubectl --context CLUSTER -n NAMESPACE get endpointslices -l kubernetes.io/service-name=NAME -o yaml; istioctl proxy-config endpoints CLIENT | grep NAME',
    fix: 'Let the port that all pods have be the first of the Service, or upgrade istiod.',
    notWhen: 'Sidecars that do not answer DNS, and callers in other networks, know no pods of other clusters either way.',
    since: 'Fixed in the release after 1.31.0.',
    see: ['https://github.com/istio/istio/issues/61038', 'https://github.com/istio/istio/issues/40392'],
  },
  messages: {
    nameless: (a: {
      service: Service;
      pods: readonly Pod[];
      callers: readonly ClusterName[];
      port: string;
      versions: readonly string[];
    }) => ({
      text: `Headless Service ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} has ${count(a.pods.length, 'pod')} without its first port ${a.port}: istiod ${list(a.versions)} makes no name for ${a.pods.length === 1 ? 'it' : 'them'}.`,
      expected: `an endpoint of port ${a.port} for every pod`,
      found: `none for ${list(a.pods.map(({ name }) => name))}`,
      effect: `callers in ${list(a.callers)} get NXDOMAIN for these pods`,
    }),
  },
  *run({ clusters, mesh, finding }) {
    const all = serviceCopies.readersOf(mesh, clusters);
    const readers = all.filter(({ controlPlane }) => releases.behaves(controlPlane.version, 'namesPodsOfFirstPortOnly') === true);
    if (readers.length === 0) return;
    const backends = serviceCopies.backendFinder(clusters);
    const networkOf = (cluster: ClusterName): string | undefined => valueOf(mesh.members.get(cluster)?.network ?? { unknown: [] });
    const capturing = new Set(
      clusters.filter(({ pods }) => pods.some(({ proxy }) => proxy?.kind === 'sidecar' && proxy.dnsCapture)).map(({ name }) => name),
    );
    for (const { name: cluster, services } of clusters) {
      for (const service of services) {
        const [first] = service.ports;
        if (service.clusterIP !== 'None' || service.ports.length < 2 || first === undefined) continue;
        const own = backends(cluster, service).filter(({ endpoint, pod }) => pod?.owner?.kind === 'StatefulSet' && endpoint.ready);
        const named = new Set(own.filter(({ slice }) => slice.ports.some(({ name }) => name === first.name)).map(({ pod }) => pod?.name));
        const pods = [
          ...new Map(own.flatMap(({ pod }) => (pod === undefined || named.has(pod.name) ? [] : [[pod.name, pod] as const]))).values(),
        ];
        if (pods.length === 0) continue;
        const serving = readers.filter(({ reads, sees }) => reads.has(cluster) && sees(cluster, service.namespace));
        const callers = distinct<ClusterName>(
          serving.flatMap((reader) =>
            reader.isClusterLocal(hosts.fqdnOf(service.namespace, service.name, reader.controlPlane.clusterDomain))
              ? []
              : reader.serves.filter((caller) => caller !== cluster && capturing.has(caller) && networkOf(caller) === networkOf(cluster)),
          ),
        );
        if (callers.length === 0) continue;
        yield finding(
          'nameless',
          {
            service,
            pods,
            callers,
            port: first.name === '' ? String(first.port) : first.name,
            versions: distinct(serving.flatMap(({ controlPlane }) => controlPlane.version ?? [])),
          },
          {
            at: service.ref,
            field: '.spec.ports',
            related: pods.slice(0, 5).map(({ ref }) => ref),
            evidence: own
              .filter(({ pod }) => pods.some((one) => one === pod))
              .slice(0, 3)
              .map(({ slice }) => ({ ref: slice.ref, field: '.ports', observed: list(slice.ports.map(({ name }) => name)) })),
            concerns: distinct<ClusterName>([...callers, cluster]),
          },
        );
      }
    }
  },
});
