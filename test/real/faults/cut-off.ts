import type { Lab } from '../lab/lab.ts';
import { pause, until } from '../lab/processes.ts';
import type { Fault } from './fault.ts';
import { gone, networking, service } from './objects.ts';

/*
 * Connections between programs that were lost without a word: nothing in any object tells of it, only what the programs hold.
 */

const topology = 'multi-primary';
const both = ['cluster1', 'cluster2'] as const;
const system = ['-n', 'istio-system'] as const;
const apiPort = 6443;

export const cutOffFaults: readonly Fault[] = [
  {
    id: 'proxies-cut-from-istiod',
    about: 'A firewall keeps the proxies of one cluster from port 15012 of their istiod, and a service was added in the other since.',
    topology,
    flags: ['--service', 'peers.sample'],
    stage: async (lab) => {
      await lab.services.bar((await istiods(lab, 'cluster1')).map(({ ip }) => ({ to: ip, port: 15_012 })));
      await lab.apply('cluster2', [service('peers', { selector: { app: 'client' } })]);
    },
    undo: async (lab) => {
      await lab.services.bar([]);
      await gone(lab, ['cluster2'], 'service', 'peers');
    },
    expected: { cause: 'unexpected-sidecar-endpoints', clusters: ['cluster1'] },
    remedy: { kind: 'undone', because: 'a firewall is in no object' },
  },
  {
    id: 'istiod-cut-from-its-cluster',
    about: 'istiod lost its connection to the API server of its own cluster, and a rule was applied there since.',
    topology,
    stage: async (lab) => {
      const { api } = lab.cluster('cluster2').cluster.addresses;
      await lab.services.bar((await istiods(lab, 'cluster2')).map(({ ip }) => ({ from: ip, to: api, port: apiPort })));
      await lab.apply('cluster2', [
        networking('DestinationRule', 'abc', {
          host: 'abc.sample.svc.cluster.local',
          trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } },
        }),
      ]);
      // Younger ones may be on their way.
      await pause(65_000);
    },
    undo: async (lab) => {
      await lab.services.bar([]);
      await gone(lab, ['cluster2'], 'destinationrule', 'abc');
    },
    expected: { cause: 'unread-configuration', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: 'a firewall is in no object' },
  },
  {
    id: 'replica-cut-from-peer',
    about: 'One of two replicas of istiod lost its connection to the other cluster, whose gateway got another address since.',
    topology,
    stage: async (lab) => {
      const [{ name: first }] = await istiods(lab, 'cluster1');
      await lab.kubectl('cluster1', ['scale', 'deployment', 'istiod', ...system, '--replicas=2']);
      await lab.kubectl('cluster1', ['rollout', 'status', ...system, 'deployment/istiod', '--timeout=110s']);
      const second = (await istiods(lab, 'cluster1')).find(({ name }) => name !== first);
      const { api, loadBalancer } = lab.cluster('cluster2').cluster.addresses;
      await lab.services.bar([{ from: second?.ip ?? '', to: api, port: apiPort }]);
      await gatewayMoves(lab, loadBalancer(40));
    },
    undo: async (lab) => {
      await lab.services.bar([]);
      await lab.kubectl('cluster1', ['scale', 'deployment', 'istiod', ...system, '--replicas=1']);
      await gatewayMoves(lab, lab.cluster('cluster2').cluster.addresses.loadBalancer(0));
      await until('one istiod', async () => ((await istiods(lab, 'cluster1')).length === 1 ? true : undefined));
    },
    expected: { cause: 'divergent-replicas', clusters: both },
    remedy: { kind: 'undone', because: 'a replica that is restarted behind the firewall never gets ready' },
  },
];

interface Istiod {
  readonly name: string;
  readonly ip: string;
}

async function istiods(lab: Lab, context: string): Promise<readonly [Istiod, ...Istiod[]]> {
  const path = 'jsonpath={range .items[*]}{.metadata.name} {.status.podIP}{"\\n"}{end}';
  const lines = (await lab.kubectl(context, ['get', 'pods', ...system, '-l', 'app=istiod', '-o', path])).trim().split('\n');
  const [first, ...more] = lines.map((line): Istiod => {
    const [name = '', ip = ''] = line.split(' ');
    return { name, ip };
  });
  if (first === undefined) throw new Error(`no istiod in ${context}`);
  return [first, ...more];
}

async function gatewayMoves(lab: Lab, ip: string): Promise<void> {
  const patch = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip }] } } });
  await lab.kubectl('cluster2', [
    'patch',
    'service',
    'istio-eastwestgateway',
    ...system,
    '--subresource=status',
    '--type=merge',
    '-p',
    patch,
  ]);
}
