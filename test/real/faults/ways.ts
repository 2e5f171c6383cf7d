import type { Conduct } from '../lab/balancers.ts';
import type { Lab } from '../lab/lab.ts';
import type { Barrier } from '../lab/network.ts';
import { until } from '../lab/processes.ts';
import * as parts from '../topologies/parts.ts';
import type { Fault } from './fault.ts';
import { kept } from './kept.ts';

/*
 * Firewalls and load balancers between clusters, which are in no object. Seen by whoever calls, and by istiod.
 */

const remote = 'primary-remote';
const system = 'istio-system';
export const istiodPorts = { discovery: 15_012, webhook: 15_017 } as const;
export const noObject = 'a firewall is in no object';
const noBalancer = 'what a load balancer does is in no object here';
const peers = 'multi-primary';
const gatewayPods = 'istio=eastwestgateway';
const gatewayPorts = { status: 15_021, crossNetwork: 15_443, ...istiodPorts } as const;

const objects = {
  injector: kept('cluster2', 'mutatingwebhookconfiguration', `istio-sidecar-injector-${parts.revision}`),
  injectorOfTag: kept('cluster2', 'mutatingwebhookconfiguration', 'istio-revision-tag-default'),
};

/** All pods of a cluster: their addresses have the first two numbers in common. */
export const podsOf = (lab: Lab, cluster: string): string =>
  `${lab.cluster(cluster).cluster.addresses.pod(0).split('.').slice(0, 2).join('.')}.0.0/16`;

/**
 * The way of the remote to a port of istiod. Nothing translates the address of a Service here: what calls the Service of istiod in the remote is dropped at
 * that address as it would be at the one of the load balancer behind it.
 */
export const toIstiod = async (lab: Lab, port: number, from?: string): Promise<readonly Barrier[]> => {
  const service = `istiod-${parts.revision}`;
  const own = await lab.kubectl('cluster2', ['get', 'service', service, '-n', system, '-o', 'jsonpath={.spec.clusterIP}']);
  return [await parts.gatewayAddress(lab, 'cluster1'), own].map((to) => ({ to, port, ...(from === undefined ? {} : { from }) }));
};

/** Addresses of pods of the second cluster. */
const addressesOf = async (lab: Lab, namespace: string, selector: string): Promise<readonly string[]> => {
  const addresses = 'jsonpath={.items[*].status.podIP}';
  return (await lab.kubectl('cluster2', ['get', 'pods', '-n', namespace, '-l', selector, '-o', addresses])).split(' ');
};

/** The pod of the gateway of the remote is made anew, and is there, whether it gets ready or not. */
export const gatewayAnew = async (lab: Lab): Promise<void> => {
  const scale = async (count: number): Promise<void> => {
    await lab.kubectl('cluster2', ['scale', 'deployment', 'istio-eastwestgateway', '-n', system, `--replicas=${count}`]);
    await until('pods of the gateway', async () => {
      const pods = await lab.kubectl('cluster2', ['get', 'pods', '-n', system, '-l', gatewayPods, '-o', 'name']);
      return pods.split('\n').filter((name) => name !== '').length === count ? true : undefined;
    });
  };
  await scale(0);
  await scale(1);
};

export const opened = async (lab: Lab): Promise<void> => await lab.services.bar([]);

/** The load balancer before the gateway of a cluster: what it does at the port for services, if it has it, and at the others. */
const balanced = async (lab: Lab, cluster: string, crossNetwork: Conduct | undefined, others: Conduct = 'passes'): Promise<void> => {
  const address = await parts.gatewayAddress(lab, cluster);
  const { status, discovery, webhook } = gatewayPorts;
  const passed: Readonly<Record<number, Conduct>> = { [status]: others, [discovery]: others, [webhook]: others };
  const ports = { ...passed, ...(crossNetwork === undefined ? {} : { [gatewayPorts.crossNetwork]: crossNetwork }) };
  await lab.services.balance([{ address, ports }]);
};
const passing = async (lab: Lab): Promise<void> => await lab.services.balance([]);

/** The load balancer before istiod of the primary: what it does at the port for discovery, if it has it. The Service of the remote leads to it. */
const balancedIstiod = async (lab: Lab, conduct?: Conduct): Promise<void> => {
  const { status, crossNetwork, discovery, webhook } = gatewayPorts;
  const passed: Readonly<Record<number, Conduct>> = { [status]: 'passes', [crossNetwork]: 'passes', [webhook]: 'passes' };
  const ports = { ...passed, ...(conduct === undefined ? {} : { [discovery]: conduct }) };
  const addresses = (await toIstiod(lab, discovery)).map(({ to }) => to);
  await lab.services.balance(addresses.map((address) => ({ address, ports })));
};

export const wayFaults: readonly Fault[] = [
  {
    id: 'istiod-port-behind-firewall',
    about: 'A firewall drops everything to port 15012 of the load balancer of the primary.',
    topology: remote,
    stage: async (lab) => await lab.services.bar(await toIstiod(lab, istiodPorts.discovery)),
    undo: opened,
    expected: { cause: 'rejected-istiod-call/blocked', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: noObject },
  },
  {
    id: 'nodes-cut-off-from-istiod',
    about: 'A firewall drops what nodes and pods of the remote send to port 15012 of the primary; others are let through.',
    topology: remote,
    stage: async (lab) => await lab.services.bar(await toIstiod(lab, istiodPorts.discovery, podsOf(lab, 'cluster2'))),
    undo: opened,
    expected: { cause: 'unconnected-proxy', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: noObject },
  },
  {
    id: 'gateway-cut-off-from-istiod',
    about:
      'A firewall drops what the node of the east-west gateway of the remote sends to port 15012 of the primary; its connection stood.',
    topology: remote,
    stage: async (lab) => {
      const ways = await Promise.all(
        (await addressesOf(lab, system, gatewayPods)).map(async (pod) => await toIstiod(lab, istiodPorts.discovery, pod)),
      );
      await lab.services.bar(ways.flat());
    },
    undo: opened,
    // istiod asks who is silent for half a minute whether it is there, and waits ten seconds for an answer.
    expected: { cause: 'unconnected-proxy/gateway', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: noObject },
  },
  {
    id: 'gateway-started-while-cut-off',
    about: 'The pod of the east-west gateway of the remote was made anew while a firewall kept the remote from port 15012 of the primary.',
    topology: remote,
    stage: async (lab) => {
      await lab.services.bar(await toIstiod(lab, istiodPorts.discovery, podsOf(lab, 'cluster2')));
      await gatewayAnew(lab);
    },
    undo: opened,
    expected: { cause: 'unconnected-proxy/unconnected', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: noObject },
  },
  {
    id: 'injection-port-behind-firewall',
    about: 'A firewall drops everything to port 15017 of the load balancer of the primary.',
    topology: remote,
    flags: ['--probe=dry-run'],
    stage: async (lab) => await lab.services.bar(await toIstiod(lab, istiodPorts.webhook)),
    undo: opened,
    expected: { cause: 'rejected-istiod-call/blocked', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: noObject },
  },
  {
    id: 'injector-ignored-and-unreached',
    about:
      'The injectors of the remote were set to be ignored where they fail, and a firewall drops everything to port 15017 of the primary.',
    topology: remote,
    flags: ['--probe=dry-run'],
    stage: async (lab) => {
      await objects.injector.keep(lab);
      await objects.injectorOfTag.keep(lab);
      await ignoringFailures(lab, `istio-sidecar-injector-${parts.revision}`);
      await ignoringFailures(lab, 'istio-revision-tag-default');
      await lab.services.bar(await toIstiod(lab, istiodPorts.webhook));
    },
    undo: async (lab) => {
      await opened(lab);
      await objects.injector.putBack(lab);
      await objects.injectorOfTag.putBack(lab);
    },
    expected: { cause: 'rejected-istiod-call/blocked', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: noObject },
  },
  {
    id: 'dns-barred-for-pods',
    about: 'A firewall drops what pods of one cluster send to its DNS.',
    topology: peers,
    flags: ['--probe=pod'],
    stage: async (lab) => await lab.services.bar([{ from: podsOf(lab, 'cluster1'), to: lab.cluster('cluster1').cluster.addresses.dns }]),
    undo: opened,
    // Sidecars have every name of the mesh in their tables: who has none does not get along.
    expected: { cause: 'failing-pod-call/unresolved', clusters: ['cluster1'] },
    remedy: { kind: 'undone', because: noObject },
  },
  {
    id: 'callers-behind-firewall',
    about: 'A firewall drops what nodes and pods of one cluster send to port 15443 of the other; others are let through.',
    topology: peers,
    flags: ['--probe=pod'],
    stage: async (lab) =>
      await lab.services.bar([
        { from: podsOf(lab, 'cluster1'), to: await parts.gatewayAddress(lab, 'cluster2'), port: gatewayPorts.crossNetwork },
      ]),
    undo: opened,
    expected: { cause: 'failing-pod-call/unreachable', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: noObject },
  },
  {
    id: 'load-balancer-ends-tls',
    about: 'The load balancer of one cluster was given a listener for TLS with a certificate of its own at port 15443.',
    topology: peers,
    stage: async (lab) => await balanced(lab, 'cluster2', 'ends-tls'),
    undo: passing,
    expected: { cause: 'terminated-cross-network-tls/inFront', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: noBalancer },
  },
  {
    id: 'load-balancer-sends-proxy-headers',
    about: 'The load balancer of one cluster says who calls by the PROXY protocol, which its gateway does not read.',
    topology: peers,
    stage: async (lab) => await balanced(lab, 'cluster2', 'sends-proxy-header', 'sends-proxy-header'),
    undo: passing,
    expected: { cause: 'unreachable-gateway/severed', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: noBalancer },
  },
  {
    id: 'cross-network-port-behind-firewall',
    about: 'A firewall drops everything to port 15443 of the load balancer of one cluster.',
    topology: peers,
    stage: async (lab) => await lab.services.bar([{ to: await parts.gatewayAddress(lab, 'cluster2'), port: gatewayPorts.crossNetwork }]),
    undo: opened,
    expected: { cause: 'unreachable-gateway/blocked', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: noObject },
  },
  {
    id: 'load-balancer-holds-calls',
    about: 'The load balancer of one cluster takes connections to port 15443 and has nobody to pass them to.',
    topology: peers,
    stage: async (lab) => await balanced(lab, 'cluster2', 'holds'),
    undo: passing,
    expected: { cause: 'unreachable-gateway/severed', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: noBalancer },
  },
  {
    id: 'load-balancer-without-port',
    about: 'The load balancer of one cluster has no listener for port 15443.',
    topology: peers,
    stage: async (lab) => await balanced(lab, 'cluster2', undefined),
    undo: passing,
    expected: { cause: 'unreachable-gateway/blocked', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: noBalancer },
  },
  {
    id: 'load-balancer-ends-old-tls',
    about: 'The load balancer of one cluster was given a listener for TLS at port 15443, of a policy that knows no TLS 1.3.',
    topology: peers,
    stage: async (lab) => await balanced(lab, 'cluster2', 'ends-old-tls'),
    undo: passing,
    expected: { cause: 'terminated-cross-network-tls/inFront', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: noBalancer },
  },
  {
    id: 'load-balancer-for-browsers',
    about: 'The load balancer of one cluster was given a listener for HTTPS at port 15443, which wants HTTP by ALPN.',
    topology: peers,
    stage: async (lab) => await balanced(lab, 'cluster2', 'ends-tls-for-browsers'),
    undo: passing,
    expected: { cause: 'unreachable-gateway/severed', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: noBalancer },
  },
  {
    id: 'gateway-cut-off-from-its-pods',
    about: 'A firewall drops what the pods of the gateway of one cluster send to the pods behind it.',
    topology: peers,
    stage: async (lab) => {
      const [gateways, servers] = await Promise.all([addressesOf(lab, system, gatewayPods), addressesOf(lab, 'sample', 'app=def')]);
      await lab.services.bar(gateways.flatMap((from) => servers.map((to) => ({ from, to }))));
    },
    undo: opened,
    expected: { cause: 'rejected-cross-network-call/late', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: noObject },
  },
  {
    id: 'load-balancer-ends-tls-of-istiod',
    about: 'The load balancer of the primary was given a listener for TLS with a certificate of its own at port 15012.',
    topology: remote,
    stage: async (lab) => await balancedIstiod(lab, 'ends-tls'),
    undo: passing,
    expected: { cause: 'foreign-istiod-certificate/otherName', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: noBalancer },
  },
  {
    id: 'load-balancer-sends-proxy-headers-to-istiod',
    about: 'The load balancer of the primary says who calls port 15012 by the PROXY protocol, which its gateway does not read.',
    topology: remote,
    stage: async (lab) => await balancedIstiod(lab, 'sends-proxy-header'),
    undo: passing,
    expected: { cause: 'rejected-istiod-call/severed', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: noBalancer },
  },
  {
    id: 'load-balancer-for-browsers-before-istiod',
    about: 'The load balancer of the primary was given a listener for HTTPS at port 15012, which wants HTTP by ALPN.',
    topology: remote,
    stage: async (lab) => await balancedIstiod(lab, 'ends-tls-for-browsers'),
    undo: passing,
    expected: { cause: 'rejected-istiod-call/severed', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: noBalancer },
  },
  {
    id: 'load-balancer-without-istiod-port',
    about: 'The load balancer of the primary has no listener for port 15012.',
    topology: remote,
    stage: async (lab) => await balancedIstiod(lab),
    undo: passing,
    expected: { cause: 'rejected-istiod-call/blocked', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: noBalancer },
  },
];

/** Every webhook of a configuration. */
async function ignoringFailures(lab: Lab, configuration: string): Promise<void> {
  const names = await lab.kubectl('cluster2', ['get', 'mutatingwebhookconfiguration', configuration, '-o', 'jsonpath={.webhooks[*].name}']);
  const patch = names.split(' ').map((_, position) => ({ op: 'replace', path: `/webhooks/${position}/failurePolicy`, value: 'Ignore' }));
  await lab.kubectl('cluster2', ['patch', 'mutatingwebhookconfiguration', configuration, '--type=json', '-p', JSON.stringify(patch)]);
}
