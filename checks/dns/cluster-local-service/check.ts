import { type ClusterName, count, defineCheck, distinct, hosts, list, listOf, type ObjectRef, serviceCopies } from 'meshdoctor/api';

export default defineCheck({
  id: 'cluster-local-service',
  title: 'No service is kept to its cluster',
  severity: 'warning',
  certainty: 'certain',
  scope: 'mesh',
  partial: true,
  needs: ['services', 'namespaces', 'controlPlanes', 'meshConfigs'],
  uses: ['customResources'],
  path: { hops: ['endpoints'] },
  catalogue: ['DNS-09'],
  explains: [{ code: 'cluster-local-service/exported', match: 'object', keys: ['unexportable'] }],
  docs: {
    why: 'Mesh configuration can keep the endpoints of services to callers of their own cluster (serviceSettings with clusterLocal), and istiod can be told to share only services that a ServiceExport names (ENABLE_MCS_SERVICE_DISCOVERY). Both are choices; they explain why calls stay at home.',
    confirm: 'kubectl --context PRIMARY -n istio-system get configmap istio -o jsonpath="{.data.mesh}"',
    fix: 'Where sharing is wanted, take the host out of serviceSettings, or create the ServiceExport.',
    see: [
      'https://github.com/istio/istio/issues/29384',
      'https://github.com/istio/istio/issues/52367',
      'https://github.com/istio/istio/issues/35424',
    ],
  },
  messages: {
    kept: (a: { config: ObjectRef; hosts: readonly string[]; services: number; clusters: readonly ClusterName[] }) => ({
      text: `ConfigMap ${a.config.namespace ?? ''}/${a.config.name} in ${a.config.cluster} keeps ${list(a.hosts, 'none', 3)} to their clusters: ${count(a.services, 'service')} that ${list(a.clusters)} share ${a.services === 1 ? 'stays' : 'stay'} at home.`,
      severity: 'info',
      found: list(a.hosts),
    }),
    exported: (a: { istiod: ObjectRef; isLocalKept: boolean }) => ({
      text: `Deployment ${a.istiod.namespace ?? ''}/${a.istiod.name} in ${a.istiod.cluster} shares only services that a ServiceExport names${a.isLocalKept ? ', under names in clusterset.local alone' : ''}.`,
      severity: 'info',
      found: 'ENABLE_MCS_SERVICE_DISCOVERY=true',
    }),
    unexportable: (a: { istiod: ObjectRef; without: readonly ClusterName[] }) => ({
      text: `Deployment ${a.istiod.namespace ?? ''}/${a.istiod.name} in ${a.istiod.cluster} shares only services that a ServiceExport names, and ${list(a.without)} ${a.without.length === 1 ? 'has' : 'have'} no such kind: nothing there can be shared.`,
      certainty: 'likely',
      expected: `CustomResourceDefinition serviceexports.multicluster.x-k8s.io in ${list(a.without)}`,
      found: 'none',
      effect: `services of ${list(a.without)} have no callers in other clusters`,
    }),
  },
  *run({ clusters, mesh, finding }) {
    const readers = serviceCopies.readersOf(mesh, clusters);
    if (readers.length === 0) return;
    const shared = serviceCopies.sharedServices(clusters);
    for (const reader of readers) {
      const { controlPlane, meshConfig, isClusterLocal } = reader;
      const own = meshConfig.clusterLocal.filter(({ local }) => local).map(({ host }) => host);
      if (own.length > 0) {
        const services = shared.filter(
          ({ namespace, name, copies }) =>
            copies.filter(({ cluster }) => reader.reads.has(cluster) && reader.sees(cluster, namespace)).length > 1 &&
            namespace !== 'kube-system' &&
            isClusterLocal(hosts.fqdnOf(namespace, name, controlPlane.clusterDomain)),
        );
        if (services.length > 0) {
          const between = distinct<ClusterName>(services.flatMap(({ copies }) => copies.map(({ cluster }) => cluster)));
          yield finding(
            'kept',
            { config: meshConfig.ref, hosts: distinct(own), services: services.length, clusters: between },
            {
              at: meshConfig.ref,
              field: '.data.mesh',
              related: services.slice(0, 5).flatMap(({ copies }) => copies.map(({ service }) => service.ref)),
              concerns: between,
            },
          );
        }
      }
      if (!isOn(controlPlane.env['ENABLE_MCS_SERVICE_DISCOVERY'])) continue;
      const group = controlPlane.env['MCS_API_GROUP'] ?? 'multicluster.x-k8s.io';
      const without = clusters.filter(
        ({ name, customResources }) =>
          reader.reads.has(name) &&
          customResources.status === 'collected' &&
          !listOf(customResources).some((one) => one.kind === 'ServiceExport' && one.group === group),
      );
      const where = { at: controlPlane.ref, field: '.spec.template.spec.containers[*].env' };
      yield finding('exported', { istiod: controlPlane.ref, isLocalKept: isOn(controlPlane.env['ENABLE_MCS_CLUSTER_LOCAL']) }, where);
      if (without.length === 0) continue;
      const names = without.map(({ name }) => name);
      yield finding(
        'unexportable',
        { istiod: controlPlane.ref, without: names },
        { ...where, lacks: names.map((cluster) => ({ cluster, fact: 'customResources' as const })), concerns: names },
      );
    }
  },
});

function isOn(value: string | undefined): boolean {
  return value !== undefined && /^(1|t|true)$/i.test(value);
}
