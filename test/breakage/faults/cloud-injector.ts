import { podsRefused } from '../../../src/builder/edits/refusals.ts';
import type { Fault } from '../fault.ts';

/** CLD-01: what a firewall between the control plane of Kubernetes and istiod makes of workloads that ask for injection. */
export const faults: readonly Fault[] = [
  {
    id: 'firewall-before-gateway-of-primary',
    mode: 'CLD-01',
    says: 'The private control plane of a remote may not call the gateway of the primary on 15017, so nothing there was ever injected.',
    meshes: [
      'primary-remote',
      'primary-remote with a revision',
      'primary-remote on one network',
      'primary-remote 1.24 with a revision',
      'two remotes',
    ],
    edits: [podsRefused({ cluster: 'west', reason: 'context deadline exceeded' })],
  },
  {
    id: 'firewall-before-own-istiod',
    mode: 'CLD-01',
    says: 'The firewall of a private cluster lets its control plane reach nodes on 443 and 10250 only, not on 15017.',
    meshes: ['two primaries', 'two primaries on one network', 'three primaries'],
    edits: [
      podsRefused({
        cluster: 'west',
        reason: 'net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
        only: 'sidecars',
      }),
    ],
  },
  {
    id: 'security-group-before-rollout',
    mode: 'CLD-01',
    says: 'A rule of the security group was taken away an hour ago, and the rollout since gets no pods while those of before serve.',
    meshes: ['primary-remote', 'two primaries', 'an upgrade in flight'],
    edits: [podsRefused({ cluster: 'west', reason: 'dial tcp 10.96.0.17:443: i/o timeout', minutesAgo: 58, only: 'sidecars' })],
  },
  {
    id: 'address-outside-vpc',
    mode: 'CLD-01',
    says: 'A managed API server refuses to call webhooks at addresses that are not of its own network.',
    meshes: ['primary-remote with a revision', 'two remotes'],
    edits: [podsRefused({ cluster: 'west', reason: 'Address is not allowed' })],
  },
];
