import type { Lab } from '../lab/lab.ts';
import type { Fault } from './fault.ts';
import { gone, networking, service } from './objects.ts';

/*
 * Rules of services that several clusters have.
 */

const topology = 'multi-primary';
const both = ['cluster1', 'cluster2'] as const;
const peers = 'peers.sample.svc.cluster.local';

export const policyFaults: readonly Fault[] = [
  {
    id: 'rule-beside-the-service-only',
    about: 'A DestinationRule of a service that both clusters have was applied in one primary.',
    topology,
    stage: async (lab) => {
      await peersEverywhere(lab);
      await lab.apply('cluster2', [
        networking('DestinationRule', 'peers', { host: peers, trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } } }),
      ]);
    },
    undo: withoutPeers,
    expected: { cause: 'missing-caller-rules', clusters: ['cluster1'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'failover-without-outlier-detection',
    about: 'Failover between regions was set up in both primaries without outlier detection.',
    topology,
    stage: async (lab) => {
      await peersEverywhere(lab);
      const localityLbSetting = { enabled: true, failover: [{ from: 'north', to: 'south' }] };
      const rule = networking('DestinationRule', 'peers', { host: peers, trafficPolicy: { loadBalancer: { localityLbSetting } } });
      for (const context of both) await lab.apply(context, [rule]);
    },
    undo: withoutPeers,
    expected: { cause: 'missing-outlier-detection', clusters: both },
    remedy: { kind: 'printed' },
  },
];

async function peersEverywhere(lab: Lab): Promise<void> {
  for (const context of both) await lab.apply(context, [service('peers', { selector: { app: 'client' } })]);
}

async function withoutPeers(lab: Lab): Promise<void> {
  await gone(lab, both, 'destinationrule', 'peers');
  await gone(lab, both, 'service', 'peers');
}
