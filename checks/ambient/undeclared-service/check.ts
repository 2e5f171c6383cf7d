import { type ClusterName, clusterRef, defineCheck, labels, list, remedy, type Service } from 'meshdoctor/api';
import { isZtunnel, nameOf, networkOf } from '../_area.ts';

export default defineCheck({
  id: 'undeclared-service',
  title: 'Named services are declared in every cluster with ambient callers',
  severity: 'error',
  certainty: 'certain',
  scope: 'service',
  needs: ['services', 'pods', 'namespaces'],
  applies: { dataPlane: 'ambient', networks: 'multi' },
  path: { hops: ['endpoints'] },
  catalogue: ['AMB-03'],
  docs: {
    why: 'ztunnel finds a service by an address on its own network. A Service that only another network has does not get one there, global or not: its name leads to an address that ztunnel does not know.',
    confirm: 'kubectl --context CLUSTER -n NAMESPACE get service NAME; istioctl --context CLUSTER ztunnel-config service',
    fix: 'Create a Service of the same name, namespace and ports in the cluster of the callers (no selector needed), with label istio.io/global=true and the same waypoint.',
    notWhen: 'Nobody calls it from there. Sidecars with DNS capture do not need it.',
    since: '1.27',
    see: ['https://github.com/istio/istio/issues/57395', 'https://github.com/istio/istio/issues/61068'],
  },
  messages: {
    undeclared: (a: { service: Service; caller: ClusterName; holders: readonly ClusterName[]; hasNamespace: boolean }) => ({
      text: `Service ${nameOf(a.service)} is declared in ${list(a.holders)} only, so ambient callers of ${a.caller} cannot use it.`,
      expected: `Service ${nameOf(a.service)} in ${a.caller}, labelled ${labels.global}=true`,
      found: 'none',
      effect: `its name does not resolve in ${a.caller}, or leads to an address that ztunnel does not know`,
      remedy: a.hasNamespace
        ? [remedy.apply(a.caller, stub(a.service), 'a Service without selector: ztunnel sends its callers to the other clusters')]
        : [],
    }),
  },
  *run({ service, named, clusters, finding, undecided }) {
    if (named === undefined) return;
    const [first] = service.instances.values();
    if (first === undefined) return;
    const holders = clusters.filter(({ name }) => service.instances.has(name));
    for (const cluster of clusters) {
      if (service.instances.has(cluster.name) || !cluster.pods.some(isZtunnel)) continue;
      const network = networkOf(cluster);
      const nearby = holders.filter((holder) => networkOf(holder) === network);
      const gaps = [cluster, ...holders].filter(({ member }) => 'unknown' in member.network);
      if (gaps.length > 0) {
        yield undecided('it is not known whether it is on the network of its callers', { clusters: [cluster.name] });
        continue;
      }
      if (nearby.length > 0) continue;
      const namespace = cluster.namespaces.find(({ name }) => name === service.namespace);
      yield finding(
        'undeclared',
        { service: first, caller: cluster.name, holders: holders.map(({ name }) => name), hasNamespace: namespace !== undefined },
        {
          at: namespace?.ref ?? clusterRef(cluster.name),
          related: [...service.instances.values()].map(({ ref }) => ref),
          evidence: [{ ref: first.ref, observed: `only in ${list(holders.map(({ name }) => name))}` }],
          lacks: [{ cluster: cluster.name, fact: 'services' }],
          subject: nameOf(service),
          concerns: [cluster.name],
        },
      );
    }
  },
});

/** The same name and ports without selector; what makes it global, and its waypoint, go with it. */
function stub(service: Service) {
  const kept = [labels.useWaypoint, labels.useWaypointNamespace].flatMap((key) => {
    const value = service.labels[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: service.name, namespace: service.namespace, labels: { [labels.global]: 'true', ...Object.fromEntries(kept) } },
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
