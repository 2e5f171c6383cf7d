import {
  annotations,
  defineCheck,
  type KubeGateway,
  labels,
  listOf,
  networkGateways,
  remedy,
  type Service,
  shellWord,
} from 'meshdoctor/api';
import { eastWestServices, isSpare, isWayToIstiod, touched } from '../_area.ts';

const minutes = 5;

export default defineCheck({
  id: 'unaddressed-gateway',
  title: 'East-west gateways have an address that other networks can use',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['services'],
  uses: ['nodes', 'clock', 'kubeGateways'],
  path: { hops: ['gateway'] },
  catalogue: ['EW-01', 'EW-04', 'CLD-10', 'CLD-11'],
  explains: [
    { code: 'stale-pilot-address', match: 'other-cluster' },
    { code: 'unreachable-injector', match: 'other-cluster' },
    { code: 'failing-injection', match: 'other-cluster' },
    { code: 'unready-east-west-gateway/notReady', match: 'other-cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'other-cluster' },
    { code: 'unlisted-gateway/unexpected', match: 'cluster' },
    // Callers of ambient are sent to what the status of the Gateway has instead.
    { code: 'unreachable-gateway', match: 'cluster' },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
    { code: 'unconnected-proxy', match: 'same-cluster' },
    { code: 'rejected-istiod-call/unreachable', match: 'cluster' },
  ],
  docs: {
    why: 'istiod only knows a gateway by the address of its load balancer, its externalIPs, or, for a NodePort with annotation traffic.istio.io/nodeSelector, the external addresses of the nodes. Without any it silently has no gateway for that network and sends raw pod addresses.',
    confirm:
      'kubectl -n istio-system get service istio-eastwestgateway -o wide; kubectl -n istio-system describe service istio-eastwestgateway',
    fix: 'Make the load balancer work (controller, quota, subnets), or use a NodePort with the annotation, or externalIPs. On bare metal nothing gives addresses until MetalLB or its like does; a Route of OpenShift is no substitute, since it does not know the names that proxies send.',
    notWhen: 'A new load balancer takes some minutes.',
  },
  messages: {
    pending: (a: { service: Service; isOld: boolean | undefined }) => ({
      text: `Gateway Service ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} has no external address, so no other network can reach ${a.service.ref.cluster}.`,
      expected: 'an address in status.loadBalancer.ingress, or externalIPs',
      found: 'none: the load balancer is pending',
      effect: `istiod knows no gateway there and sends pod addresses of ${a.service.ref.cluster}`,
      ...(a.isOld === true ? {} : { certainty: 'likely' as const }),
      confirm: [`kubectl --context ${a.service.ref.cluster} -n ${a.service.namespace} describe service ${a.service.name}`],
      remedy: [],
    }),
    notExposed: (a: { service: Service; madeFor: KubeGateway | undefined }) => ({
      text: `Gateway Service ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} is of type ${a.service.type}, which nothing outside the cluster reaches.`,
      expected: 'type LoadBalancer, or NodePort with annotation traffic.istio.io/nodeSelector, or externalIPs',
      found: a.service.type,
      effect: isMade(a.service)
        ? `callers of other networks are sent to an address of ${a.service.ref.cluster} itself`
        : `istiod knows no gateway there and sends pod addresses of ${a.service.ref.cluster}`,
      remedy: exposing(a),
    }),
    noNodeSelector: (a: { service: Service }) => ({
      text: `NodePort gateway Service ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} lacks annotation traffic.istio.io/nodeSelector, so istiod takes no node for its address.`,
      expected: 'annotation traffic.istio.io/nodeSelector, {} for all nodes',
      found: 'no annotation',
      effect: `istiod knows no gateway there and sends pod addresses of ${a.service.ref.cluster}`,
      remedy: [remedy.annotate(a.service.ref, { [annotations.nodeSelector]: '{}' }, 'only nodes with an ExternalIP count')],
    }),
    noExternalNode: (a: { service: Service }) => ({
      text: `NodePort gateway Service ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} selects no node with an ExternalIP, so it has no address.`,
      expected: 'a selected node with an address of type ExternalIP',
      found: 'none',
      effect: `istiod knows no gateway there and sends pod addresses of ${a.service.ref.cluster}`,
      remedy: [],
    }),
  },
  *run({ cluster, mesh, finding, undecided }) {
    const nodes = listOf(cluster.nodes);
    for (const service of eastWestServices(cluster.services, cluster.name, mesh)) {
      const ofNetwork = networkGateways.gatewayService(service, nodes)?.problems;
      if (ofNetwork === undefined && !isWayToIstiod(service, cluster.name, mesh)) continue;
      if (isSpare(service, cluster.services, cluster.nodes)) continue; // istiod passes over it: a copy for use inside, or a second one to come
      const problems = ofNetwork ?? unlabelledProblems(service);
      const where = {
        at: service.ref,
        field: '.status.loadBalancer',
        evidence: [{ ref: service.ref, field: '.status.loadBalancer', observed: `type ${service.type}, no address` }],
        // Manifests hold no status.
        lacks: [{ cluster: cluster.name, fact: 'services' as const }],
        concerns: touched(cluster.name, mesh),
      };
      if (problems.includes('no-address')) {
        const isOld = olderThan(service.createdAt, cluster.clock.status === 'collected' ? cluster.clock.value.takenAt : undefined);
        if (isOld === false) yield undecided(`the load balancer is younger than ${minutes} minutes`);
        else yield finding('pending', { service, isOld }, where);
      }
      if (problems.includes('unknown-address')) yield undecided('the source has no status of the gateway, hence no address');
      if (problems.includes('not-exposed')) {
        const madeFor = listOf(cluster.kubeGateways).find(
          ({ namespace, name }) => isMade(service) && namespace === service.namespace && name === service.labels[labels.gatewayName],
        );
        yield finding('notExposed', { service, madeFor }, { ...where, field: '.spec.type' });
      }
      if (problems.includes('no-node-selector'))
        yield finding('noNodeSelector', { service }, { ...where, field: '.metadata.annotations["traffic.istio.io/nodeSelector"]' });
      if (problems.includes('no-external-node')) {
        if (cluster.nodes.status === 'collected')
          yield finding('noExternalNode', { service }, { ...where, lacks: [...where.lacks, { cluster: cluster.name, fact: 'nodes' }] });
        else yield undecided('the addresses of the nodes are not known', { missing: [{ cluster: cluster.name, fact: 'nodes' }] });
      }
    }
  },
});

/** Whether istiod made it of a Gateway API object, and makes it again whenever it is changed. */
function isMade(service: Service): boolean {
  return service.labels[labels.gatewayManaged] !== undefined;
}

function exposing({ service, madeFor }: { readonly service: Service; readonly madeFor: KubeGateway | undefined }) {
  const note = 'the address comes later';
  if (!isMade(service)) return [remedy.patch(service.ref, { spec: { type: 'LoadBalancer' } }, { note })];
  if (madeFor === undefined) return [];
  const { cluster } = service.ref;
  const line = `kubectl --context ${shellWord(cluster)} -n ${shellWord(madeFor.namespace)} annotate --overwrite gateways.gateway.networking.k8s.io ${shellWord(madeFor.name)} ${annotations.serviceType}=LoadBalancer`;
  return [
    remedy.command(cluster, [line], { note: `${note}; where parametersRef of the Gateway names the type, change that`, ref: madeFor.ref }),
  ];
}

/** A gateway without network label only leads to istiod: a load balancer without address is all that can be wrong with it. */
function unlabelledProblems(service: Service): readonly networkGateways.GatewayProblem[] {
  if (service.type !== 'LoadBalancer' || service.loadBalancer.length > 0 || service.externalIPs.length > 0) return [];
  return service.withoutStatus === true ? ['unknown-address'] : ['no-address'];
}

function olderThan(createdAt: string | undefined, takenAt: string | undefined): boolean | undefined {
  return createdAt === undefined || takenAt === undefined ? undefined : Date.parse(takenAt) - Date.parse(createdAt) > minutes * 60_000;
}
