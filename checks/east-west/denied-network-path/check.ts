import {
  type ClusterName,
  count,
  defineCheck,
  distinct,
  labels,
  list,
  networkPolicies,
  type NetworkPolicy,
  type Pod,
  type Service,
  type Where,
  type Workload,
} from 'meshdoctor/api';
import { touched } from '../_area.ts';
import { allowingDns, allowingIn, allowingOut, beside, blocksOf, podsOf, selectedBy } from './allowing.ts';
import {
  closedGateways,
  closedWebhooks,
  cutFromApiServers,
  cutFromDns,
  cutFromIstiod,
  type CutFromApiServer,
  istiodPods,
} from './control-plane.ts';
import { closedWorkloads, confinedCallers, confinedGateways, type CutCall } from './data-plane.ts';
import { type Denial, needed, podPort, used } from './paths.ts';

const calls = ['rejected-cross-network-call', 'failing-pod-call/rejected', 'failing-pod-call/unreachable'];
const ofProxies = ['unready-east-west-gateway/notReady', 'unconnected-proxy', 'unanswered-name', 'rejected-istiod-call'];
const ofInjection = ['unready-east-west-gateway/uncreated', 'unreachable-injector', 'failing-injection'];

/** What is measured where policies refuse a call, by the message about it. */
const symptoms: Readonly<Record<string, readonly string[]>> = {
  closedGateway: ['unreachable-gateway', ...calls, ...ofProxies, ...ofInjection],
  cutFromIstiod: ['unconfigured-gateway', ...ofProxies],
  cutFromDns: ['unconfigured-gateway', ...ofProxies],
  closedWebhook: ofInjection,
  cutFromApiServer: ['unsynced-cluster', 'severed-cluster', 'missing-endpoint-shard', 'unlisted-gateway', 'unread-remote-secret'],
  closedWorkload: calls,
  confinedGateway: calls,
  confinedCaller: ['failing-pod-call/unreachable'],
};

export default defineCheck({
  id: 'denied-network-path',
  title: 'NetworkPolicies let the mesh through',
  severity: 'error',
  certainty: 'likely',
  scope: 'mesh',
  partial: true,
  needs: needed,
  uses: used,
  path: { hops: ['network', 'gateway', 'caller'] },
  catalogue: ['POL-12', 'SEC-16'],
  explains: Object.entries(symptoms).flatMap(([key, codes]) => codes.map((code) => ({ code, match: 'cluster' as const, keys: [key] }))),
  docs: {
    why: 'A pod that a NetworkPolicy selects takes what some policy allows and nothing else. What comes from another cluster has no labels that a podSelector or namespaceSelector could fit: at a gateway it has the address of a client, node or load balancer, and at a workload it comes from the pods of the gateway. So policies that are right for one cluster keep the others out.',
    confirm: 'kubectl --context CLUSTER get networkpolicies -A -o wide; kubectl --context CLUSTER get daemonsets -A',
    fix: 'Allow the port for who really calls: addresses (an ipBlock, or no from at all) at gateways between networks, the pods of the gateway at workloads, the addresses of gateways and of istiod for those who call them.',
    notWhen:
      'Some networks of clusters do not enforce NetworkPolicies: where nothing is seen that does, it is only possible. Others have policies of their own kinds beside them (CiliumNetworkPolicy, GlobalNetworkPolicy, AdminNetworkPolicy), which are not read here and may allow more.',
    see: ['https://kubernetes.io/docs/concepts/services-networking/network-policies/'],
  },
  messages: {
    closedGateway: (a: Denied & { service: Service }) => ({
      text: `${named(a, 'keep')} everybody outside ${a.cluster} from calling gateway ${a.service.namespace}/${a.service.name} on ${portsOf(a.ports)}.`,
      expected: 'a rule for addresses, or for everybody',
      found: 'rules for pods of the cluster only, or none',
      effect: `other clusters do not get through to ${a.cluster}`,
      remedy: [
        allowingIn(
          { cluster: a.cluster, namespace: a.service.namespace, name: `${a.service.name}-from-outside`, pods: selectedBy(a.service) },
          targetsOf(a.service, a.ports),
        ),
      ],
      ...sureness(a),
    }),
    cutFromIstiod: (a: Denied & { istiod: Pod | undefined }) => ({
      text: `${named(a, 'keep')} ${count(a.pods.length, 'pod')} with proxies (${list(a.pods.map(pathOf), 'none', 2)}) from calling istiod on ${portsOf(a.ports)}.`,
      expected: `a rule for ${portsOf(a.ports)}`,
      found: 'no rule that allows it',
      effect: 'they get no configuration and no certificate, and are not ready after their next start',
      remedy:
        a.direction === 'egress'
          ? a.policies.slice(0, 1).map((policy) => allowingOut(beside(a.cluster, policy, 'istiod'), a.ports))
          : openIstiod(a, 'istiod-from-proxies'),
      ...sureness(a),
    }),
    cutFromDns: (a: Denied) => ({
      text: `${named(a, 'keep')} ${count(a.pods.length, 'pod')} with proxies (${list(a.pods.map(pathOf), 'none', 2)}) from the DNS of ${a.cluster}.`,
      expected: 'a rule for port 53',
      found: 'no rule that allows it',
      effect: 'they do not find istiod, and are not ready after their next start',
      remedy: a.direction === 'egress' ? a.policies.slice(0, 1).map((policy) => allowingDns(beside(a.cluster, policy, 'dns'))) : [],
      ...sureness(a),
    }),
    closedWebhook: (a: Denied & { istiod: Pod | undefined }) => ({
      text: `${named(a, 'keep')} the API server of ${a.cluster} from calling istiod on ${portsOf(a.ports)}.`,
      expected: 'a rule for addresses, or for everybody',
      found: 'rules for pods of the cluster only, or none',
      effect: 'no pod that asks for a sidecar can be created',
      remedy: openIstiod(a, 'istiod-webhook'),
      ...sureness(a),
    }),
    cutFromApiServer: (a: Denied & Pick<CutFromApiServer, 'member' | 'server' | 'address'>) => ({
      text: `${named(a, 'keep')} istiod from calling the API server of ${a.member} at ${a.server}.`,
      expected: `egress to ${a.address}`,
      found: 'no rule that allows it',
      effect: `istiod knows nothing of ${a.member}`,
      remedy: a.policies.slice(0, 1).map((policy) => allowingOut(beside(a.cluster, policy, 'api-servers'), a.ports, blocksOf([a.address]))),
      ...sureness(a),
    }),
    closedWorkload: (a: Denied & Called & { gateways: readonly Service[] }) => ({
      text: `${named(a, 'let')} callers of ${list(a.services)} in from ${a.cluster} itself, and not ${a.addresses.length === 0 ? 'from the east-west gateway, through which those' : 'by the addresses from which those'} of ${list(a.others)} come.`,
      expected: a.addresses.length === 0 ? 'a rule for the pods of the east-west gateway' : 'a rule for the addresses of their pods',
      found: 'rules for pods of the cluster only',
      effect: `calls from ${list(a.others)} fail`,
      remedy:
        a.addresses.length > 0
          ? []
          : a.policies.slice(0, 1).map((policy) => allowingIn(beside(a.cluster, policy, 'east-west'), a.ports, a.gateways.map(podsOf))),
      ...sureness(a),
    }),
    confinedGateway: (a: Denied & Called) => ({
      text: `${named(a, 'keep')} the east-west gateway of ${a.cluster} from calling the pods of ${list(a.services)}.`,
      expected: 'egress to the workloads of the mesh',
      found: 'no rule that allows it',
      effect: `calls from ${list(a.others)} fail`,
      remedy: a.policies.slice(0, 1).map((policy) => allowingOut(beside(a.cluster, policy, 'workloads'), [], [{ namespaceSelector: {} }])),
      ...sureness(a),
    }),
    confinedCaller: (a: Denied & Called) => ({
      text: `${named(a, 'let')} ${count(a.pods.length, 'pod')} call ${list(a.services)} in ${a.cluster} itself, and not at ${list(a.addresses)} on ${portsOf(a.ports)}, where it is called in ${list(a.others)}.`,
      expected: `egress to ${list(a.addresses)}`,
      found: 'rules for pods of the cluster only',
      effect: `calls that are sent to ${list(a.others)} wait for ten seconds and fail`,
      remedy: a.policies.slice(0, 1).map((policy) => allowingOut(beside(a.cluster, policy, 'east-west'), a.ports, blocksOf(a.addresses))),
      ...sureness(a),
    }),
  },
  *run({ clusters, mesh, finding }) {
    const cut = clusters.flatMap((cluster) => cutFromIstiod(cluster, mesh));
    const nameless = clusters.flatMap((cluster) => cutFromDns(cluster));
    const webhooks = clusters.flatMap((cluster) => closedWebhooks(cluster));
    const contradicted = new Set(
      [...cut, ...nameless, ...webhooks].filter(({ isContradicted }) => isContradicted).map(({ cluster }) => cluster),
    );
    const of = (name: ClusterName) => clusters.find((cluster) => cluster.name === name);
    const denied = <D extends Denial>(denial: D): D & Denied => {
      const enforcer = contradicted.has(denial.cluster) ? undefined : networkPolicies.enforcerOf(of(denial.cluster)?.workloads ?? []);
      return { ...denial, ...(enforcer === undefined ? {} : { enforcer }) };
    };
    const istiodOf = (name: ClusterName): Pod | undefined => clusters.filter((cluster) => cluster.name === name).flatMap(istiodPods)[0];
    for (const cluster of clusters) {
      for (const one of closedGateways(cluster, mesh))
        yield finding('closedGateway', denied(one), where(denied(one), one.service.name, touched(cluster.name, mesh)));
      for (const one of cutFromApiServers(cluster, mesh))
        yield finding('cutFromApiServer', denied(one), where(denied(one), one.member, [cluster.name, one.member]));
    }
    for (const one of cut.filter(({ isContradicted }) => !isContradicted)) {
      yield finding(
        'cutFromIstiod',
        { ...denied(one), istiod: istiodOf(one.cluster) },
        where(denied(one), 'istiod', touched(one.cluster, mesh)),
      );
    }
    for (const one of nameless.filter(({ isContradicted }) => !isContradicted))
      yield finding('cutFromDns', denied(one), where(denied(one), 'dns', [one.cluster]));
    for (const one of webhooks.filter(({ isContradicted }) => !isContradicted))
      yield finding('closedWebhook', { ...denied(one), istiod: istiodOf(one.cluster) }, where(denied(one), 'webhook', [one.cluster]));
    for (const one of closedWorkloads(clusters, mesh)) {
      const network = (of(one.cluster)?.services ?? []).filter((service) => service.labels[labels.network] !== undefined);
      yield finding('closedWorkload', { ...denied(one), gateways: network }, where(denied(one), 'callers', [one.cluster, ...one.others]));
    }
    for (const one of confinedGateways(clusters, mesh))
      yield finding('confinedGateway', denied(one), where(denied(one), 'gateway', [one.cluster, ...one.others]));
    for (const one of confinedCallers(clusters, mesh))
      yield finding('confinedCaller', denied(one), where(denied(one), list(one.others), [one.cluster, ...one.others]));
  },
});

interface Denied extends Denial {
  /** What shows that the cluster enforces policies. */
  readonly enforcer?: Workload;
}

type Called = Pick<CutCall, 'services' | 'others' | 'addresses'>;

function where({ policies, pods, cluster, enforcer }: Denied, subject: string, concerns: readonly ClusterName[]): Where {
  const [first] = policies;
  const rules = policies.map((policy) => ({
    ref: policy.ref,
    field: '.spec',
    observed: `selects ${pods.length} of the pods; ingress rules: ${policy.ingress?.length ?? 'none'}, egress rules: ${policy.egress?.length ?? 'none'}`,
  }));
  return {
    at: first?.ref ?? { cluster, kind: 'Cluster', name: cluster },
    field: '.spec',
    related: [...policies.slice(1), ...pods.slice(0, 2)].map(({ ref }) => ref),
    evidence: [...rules, ...(enforcer === undefined ? [] : [{ ref: enforcer.ref, observed: 'enforces NetworkPolicies' }])],
    lacks: [{ cluster, fact: 'networkPolicies' }],
    subject,
    concerns: distinct<ClusterName>(concerns),
  };
}

function sureness({ enforcer }: Denied): { readonly certainty: 'likely' | 'possible' } {
  return { certainty: enforcer === undefined ? 'possible' : 'likely' };
}

function named({ policies }: { readonly policies: readonly NetworkPolicy[] }, verb: 'keep' | 'let'): string {
  const names = list(
    policies.map(({ namespace, name }) => `${namespace}/${name}`),
    'none',
    3,
  );
  return policies.length === 1 ? `NetworkPolicy ${names} ${verb}s` : `NetworkPolicies ${names} ${verb}`;
}

function portsOf(ports: readonly number[]): string {
  return `${ports.length === 1 ? 'port' : 'ports'} ${list(ports.map(String))}`;
}

function pathOf({ namespace, name }: Pod): string {
  return `${namespace}/${name}`;
}

/** Ports of the pods behind ports of a Service. */
function targetsOf(service: Service, ports: readonly number[]): number[] {
  return service.ports.filter(({ port }) => ports.includes(port)).flatMap((port) => podPort(port).number ?? []);
}

function openIstiod({ cluster, istiod, ports }: Denied & { readonly istiod: Pod | undefined }, name: string) {
  if (istiod === undefined) return [];
  const pods = { matchLabels: { app: istiod.labels['app'] ?? 'istiod' }, matchExpressions: [] };
  return [allowingIn({ cluster, namespace: istiod.namespace, name, pods }, ports)];
}
