import { type ClusterName, clusterRef, count, defineCheck, list, remedy, type Service } from 'meshdoctor/api';

export default defineCheck({
  id: 'unresolvable-service',
  title: 'Named services resolve in every cluster that has callers',
  severity: 'error',
  certainty: 'certain',
  scope: 'service',
  needs: ['services', 'pods', 'namespaces'],
  catalogue: ['DNS-01'],
  explains: [],
  docs: {
    why: "An application looks a name up before Envoy sees anything, and the DNS of a cluster only knows that cluster's Services. A Service of another cluster resolves only where a Service of the same name exists too, or where the sidecars answer DNS (ISTIO_META_DNS_CAPTURE).",
    confirm: 'kubectl --context CALLER -n NAMESPACE exec deploy/CLIENT -- getent hosts NAME.NAMESPACE',
    fix: "Create a Service of the same name, namespace and ports in the caller's cluster (no selector needed), or turn on DNS capture in meshConfig.defaultConfig.proxyMetadata and restart the callers.",
  },
  messages: {
    nowhere: (a: { namespace: string; name: string; clusters: readonly ClusterName[] }) => ({
      text: `No cluster of the mesh has a Service ${a.namespace}/${a.name}.`,
      expected: `Service ${a.namespace}/${a.name} in ${list(a.clusters)}`,
      found: 'none',
      remedy: [],
    }),
    unresolvable: (a: { service: Service; caller: ClusterName; callers: number; hasNamespace: boolean }) => ({
      text: `${a.service.name}.${a.service.namespace} does not resolve in ${a.caller}: the Service exists only in ${a.service.ref.cluster}, and no sidecar of ${a.caller} answers DNS.`,
      expected: `Service ${a.service.namespace}/${a.service.name} in ${a.caller}, or DNS capture on its sidecars`,
      found: `neither; ${count(a.callers, 'pod')} with a sidecar`,
      effect: `callers in ${a.caller} get "could not resolve host"`,
      remedy: [
        ...(a.hasNamespace
          ? [
              remedy.apply(
                a.caller,
                stub(a.service),
                'a Service without selector: the sidecars replace its address by the endpoints of all clusters',
              ),
            ]
          : []),
      ],
    }),
    partly: (a: { service: Service; caller: ClusterName; without: number; callers: number }) => ({
      text: `${a.service.name}.${a.service.namespace} resolves only for some pods of ${a.caller}: ${a.without} of ${a.callers} sidecars do not answer DNS.`,
      expected: 'DNS capture on all sidecars, or the Service in both clusters',
      found: `${a.without} of ${a.callers} without`,
      effect: `those pods get "could not resolve host"`,
      severity: 'warning',
      remedy: [],
    }),
    noPort: (a: { service: Service; port: number }) => ({
      text: `Service ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} has no port ${a.port}.`,
      expected: `port ${a.port}`,
      found: list(a.service.ports.map(({ port }) => String(port))),
      remedy: [],
    }),
  },
  *run({ service, named, clusters, mesh, finding, undecided }) {
    if (named === undefined) return;
    const lacks = clusters.map(({ name }) => ({ cluster: name, fact: 'services' as const }));
    const instances = [...service.instances.values()];
    const [first] = instances;
    if (first === undefined) {
      const names = clusters.map(({ name }) => name);
      const [cluster] = clusters;
      if (cluster !== undefined)
        yield finding(
          'nowhere',
          { namespace: service.namespace, name: service.name, clusters: names },
          { at: cluster.ref, lacks, subject: `${service.namespace}/${service.name}` },
        );
      return;
    }
    const { port } = named;
    for (const instance of instances) {
      if (port === undefined || instance.ports.some((candidate) => candidate.port === port)) continue;
      yield finding('noPort', { service: instance, port }, { at: instance.ref, field: '.spec.ports', concerns: [instance.ref.cluster] });
    }
    for (const cluster of clusters) {
      if (service.instances.has(cluster.name)) continue;
      if (mesh.dataPlanes.includes('ambient')) {
        yield undecided('whether ztunnel answers DNS there is not in any object that is read', { clusters: [cluster.name] });
        continue;
      }
      const sidecars = cluster.pods.filter((pod) => pod.proxy?.kind === 'sidecar');
      const without = sidecars.filter((pod) => pod.proxy?.dnsCapture === false);
      if (sidecars.length === 0) {
        yield undecided('no pod with a sidecar could call it from there', { clusters: [cluster.name] });
        continue;
      }
      const namespace = cluster.namespaces.find((candidate) => candidate.name === service.namespace);
      const where = {
        at: namespace?.ref ?? clusterRef(cluster.name),
        related: [first.ref, ...without.slice(0, 5).map((pod) => pod.ref)],
        evidence: without.slice(0, 3).map((pod) => ({
          ref: pod.ref,
          field: '.spec.containers[istio-proxy].env',
          observed: 'no ISTIO_META_DNS_CAPTURE',
          expected: 'true',
        })),
        lacks,
        subject: `${service.namespace}/${service.name}`,
        concerns: [cluster.name],
      };
      if (without.length === sidecars.length)
        yield finding(
          'unresolvable',
          { service: first, caller: cluster.name, callers: sidecars.length, hasNamespace: namespace !== undefined },
          where,
        );
      else if (without.length > 0)
        yield finding('partly', { service: first, caller: cluster.name, without: without.length, callers: sidecars.length }, where);
    }
  },
});

/** The same name and ports without selector. */
function stub(service: Service) {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: service.name, namespace: service.namespace },
    spec: {
      ports: service.ports.map(({ name, port, protocol, appProtocol }) => ({
        ...(name === '' ? {} : { name }),
        port,
        protocol,
        ...(appProtocol === undefined ? {} : { appProtocol }),
      })),
    },
  };
}
