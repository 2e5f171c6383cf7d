import {
  defineCheck,
  list,
  listOf,
  loadBalancers,
  ports as meshdoctorPorts,
  remedy,
  type Remedy,
  selectors,
  type Service,
  type ServicePort,
} from 'meshdoctor/api';
import { balancedGateways, meshPorts, purposeOf } from '../_area.ts';

const { status } = meshdoctorPorts;
const path = '/healthz/ready';

export default defineCheck({
  id: 'failing-health-check',
  title: 'Load balancers check the health of gateways where something answers',
  severity: 'error',
  certainty: 'likely',
  scope: 'cluster',
  needs: ['services'],
  uses: ['nodes', 'pods'],
  path: { hops: ['gateway'], isOn: ({ code }) => code !== 'failing-health-check/open' },
  catalogue: ['CLD-06', 'CLD-07', 'EW-13'],
  explains: [
    { code: 'unreachable-gateway', match: 'object', keys: ['aws', 'azure'] },
    { code: 'failing-pod-call/unreachable', match: 'object', keys: ['aws', 'azure'] },
    { code: 'rejected-cross-network-call', match: 'cluster', keys: ['aws', 'azure'] },
    { code: 'failing-pod-call/rejected', match: 'cluster', keys: ['aws', 'azure'] },
    { code: 'rejected-istiod-call', match: 'object', keys: ['aws', 'azure'] },
  ],
  docs: {
    why: 'A load balancer sends connections only to targets that pass its check. Plain HTTP, or HTTPS without a server name, gets no answer on a port that carries TLS of the mesh, and a port of pods is not open on nodes. The gateway runs and is ready, its address exists, and nobody gets through. A network load balancer of AWS that has no healthy target at all sends connections to any target instead.',
    confirm:
      "kubectl --context CLUSTER -n istio-system get service istio-eastwestgateway -o yaml; then the health of targets in the provider's console",
    fix: `Check TCP on the port itself, or HTTP ${path} on port ${status} (its node port, where targets are nodes).`,
    notWhen:
      'AKS with shared health probes does not ask the port itself. A health check that was changed by hand in the provider is not seen.',
    see: [
      'https://github.com/Azure/AKS/issues/3646',
      'https://github.com/istio/istio/issues/48492',
      'https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html',
    ],
  },
  messages: {
    aws: (a: { service: Service; check: loadBalancers.FailingCheck }) => ({
      text: `Gateway ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} has its load balancer check ${a.check.asks}, which nothing answers.`,
      expected: `TCP on the port itself, or HTTP ${path} of port ${status}`,
      found: `${a.check.setting.key}: ${a.check.setting.value}`,
      effect: `the load balancer takes all its targets for dead: connections to ${a.service.ref.cluster} fail`,
      remedy: [checkedByTcp(a.service)],
    }),
    open: (a: { service: Service; check: loadBalancers.FailingCheck }) => ({
      text: `Gateway ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} has its network load balancer check ${a.check.asks}, which nothing answers.`,
      expected: `TCP on the port itself, or HTTP ${path} of port ${status}`,
      found: `${a.check.setting.key}: ${a.check.setting.value}`,
      effect: 'it takes all its targets for dead and sends connections to any of them, those that are down included',
      severity: 'warning',
      remedy: [checkedByTcp(a.service)],
    }),
    azure: (a: { service: Service; port: ServicePort; check: loadBalancers.FailingCheck; rest: readonly ServicePort[] }) => ({
      text: `Gateway ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} has the load balancer of Azure probe ${a.check.asks} for its port ${list([a.port, ...a.rest].map(({ port }) => String(port)))}, which nothing answers with 200.`,
      expected: `TCP, or HTTP ${path} of port ${status}`,
      found: `${a.check.setting.key}: ${a.check.setting.value}`,
      effect: `the port is taken for dead: ${purposeOf(a.port)}`,
      remedy: azureRemedies(a.service, [a.port, ...a.rest]),
    }),
  },
  *run({ cluster, finding, undecided }) {
    const isAzure = listOf(cluster.nodes).some(({ provider }) => provider === 'azure');
    for (const service of balancedGateways(cluster.services)) {
      const failing = loadBalancers.failingAwsCheck(service);
      if (failing !== undefined) {
        const backing = listOf(cluster.pods).filter(
          (pod) => pod.namespace === service.namespace && selectors.selectsPods(service.selector, pod.labels),
        );
        const field = `.metadata.annotations["${failing.setting.key}"]`;
        const evidence = [{ ref: service.ref, field, observed: failing.setting.value }];
        // On the network of nodes, ports of pods are ports of nodes.
        if (backing.length > 0 && backing.every(({ hostNetwork }) => !hostNetwork)) {
          const key = loadBalancers.awsKind(service) === 'nlb' ? 'open' : 'aws';
          yield finding(key, { service, check: failing }, { at: service.ref, field, evidence });
        }
        if (cluster.pods.status !== 'collected')
          yield undecided('whether the gateway is on the network of its nodes is not known', {
            missing: [{ cluster: cluster.name, fact: 'pods' }],
          });
      }
      if (!isAzure && !loadBalancers.namesAzure(service)) continue;
      const dead = meshPorts(service).flatMap((port) => {
        const check = loadBalancers.failingAzureProbe(service, port, status);
        return check === undefined ? [] : [{ port, check }];
      });
      const [first, ...rest] = dead;
      if (first === undefined) continue;
      yield finding(
        'azure',
        { service, port: first.port, check: first.check, rest: rest.map(({ port }) => port) },
        {
          at: service.ref,
          field: '.spec.ports[*].appProtocol',
          evidence: dead.map(({ check }) => ({ ref: service.ref, field: check.setting.key, observed: check.setting.value })),
        },
      );
    }
  },
});

const aws = 'service.beta.kubernetes.io/aws-load-balancer-healthcheck';

function checkedByTcp({ ref }: Service): Remedy {
  const settings = { [`${aws}-protocol`]: 'tcp', [`${aws}-port`]: 'traffic-port', [`${aws}-path`]: null };
  return remedy.annotate(ref, settings, 'a gateway that is not ready is then not taken out');
}

/** The annotation of a port is read before its appProtocol. */
function azureRemedies(service: Service, dead: readonly ServicePort[]): Remedy[] {
  const values = dead.map(({ port }) => [`service.beta.kubernetes.io/port_${port}_health-probe_protocol`, 'tcp'] as const);
  return [remedy.annotate(service.ref, Object.fromEntries(values), 'a gateway that is not ready is then not taken out')];
}
