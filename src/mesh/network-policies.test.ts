import { describe, expect, test } from 'vitest';
import { projectFacts } from '../collect/facts.ts';
import { snapshotOf } from '../collect/snapshot.ts';
import type { NetworkPolicy } from '../model/facts.ts';
import { type Direction, type PolicyPeer, type PolicyPod, type PolicyPort, verdictOf } from './network-policies.ts';

/** Policies as they are written, by way of the collector. */
function policies(...specs: readonly Readonly<Record<string, unknown>>[]): readonly NetworkPolicy[] {
  const objects = specs.map((spec, index) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: `policy-${index}`, namespace: 'shop' },
    spec,
  }));
  const [cluster] = snapshotOf(new Map([['east', objects]]), { complete: true }).clusters;
  const fact = cluster === undefined ? undefined : projectFacts(cluster).networkPolicies;
  return fact?.status === 'collected' ? fact.value : [];
}

const abc: PolicyPod = { namespace: 'shop', labels: { app: 'abc' }, ips: ['10.0.0.7'], hostNetwork: false };
const http: PolicyPort = { number: 8080, protocol: 'TCP', name: 'http' };
const podOf = (namespace: string, labels: Readonly<Record<string, string>>, ips = ['10.0.0.8'], hostNetwork = false): PolicyPeer => ({
  is: 'pod',
  pod: { namespace, labels, ips, hostNetwork },
  namespaceLabels: { 'kubernetes.io/metadata.name': namespace, team: namespace },
});
const outside: PolicyPeer = { is: 'outside' };
const at = (address: string): PolicyPeer => ({ is: 'address', address });

const rows: readonly (readonly [string, readonly Readonly<Record<string, unknown>>[], Direction, PolicyPort, PolicyPeer, string])[] = [
  ['no policy', [], 'ingress', http, outside, 'open'],
  ['a policy about other pods', [{ podSelector: { matchLabels: { app: 'xyz' } } }], 'ingress', http, outside, 'open'],
  ['nothing is allowed', [{ podSelector: {} }], 'ingress', http, outside, 'denied'],
  ['without policyTypes and egress rules it is not about egress', [{ podSelector: {} }], 'egress', http, outside, 'open'],
  [
    'without policyTypes and with egress rules it is',
    [{ podSelector: {}, egress: [{ to: [{ podSelector: {} }] }] }],
    'egress',
    http,
    at('192.0.2.1'),
    'denied',
  ],
  ['about egress only', [{ podSelector: {}, policyTypes: ['Egress'] }], 'ingress', http, outside, 'open'],
  ['an empty rule allows everything', [{ podSelector: {}, ingress: [{}] }], 'ingress', http, outside, 'allowed'],
  ['a port for everybody', [{ podSelector: {}, ingress: [{ ports: [{ port: 8080 }] }] }], 'ingress', http, outside, 'allowed'],
  ['another port', [{ podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] }], 'ingress', http, outside, 'denied'],
  ['another protocol', [{ podSelector: {}, ingress: [{ ports: [{ protocol: 'UDP', port: 8080 }] }] }], 'ingress', http, outside, 'denied'],
  ['every port of a protocol', [{ podSelector: {}, ingress: [{ ports: [{ protocol: 'TCP' }] }] }], 'ingress', http, outside, 'allowed'],
  [
    'a range with the port',
    [{ podSelector: {}, ingress: [{ ports: [{ port: 8000, endPort: 8080 }] }] }],
    'ingress',
    http,
    outside,
    'allowed',
  ],
  [
    'a range before the port',
    [{ podSelector: {}, ingress: [{ ports: [{ port: 8000, endPort: 8079 }] }] }],
    'ingress',
    http,
    outside,
    'denied',
  ],
  ['the name of the port', [{ podSelector: {}, ingress: [{ ports: [{ port: 'http' }] }] }], 'ingress', http, outside, 'allowed'],
  ['a name that may be its second', [{ podSelector: {}, ingress: [{ ports: [{ port: 'web' }] }] }], 'ingress', http, outside, 'unknown'],
  [
    'pods of the namespace',
    [{ podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] }],
    'ingress',
    http,
    podOf('shop', {}),
    'allowed',
  ],
  [
    'pods of the namespace, and one of another',
    [{ podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] }],
    'ingress',
    http,
    podOf('web', {}),
    'denied',
  ],
  [
    'a namespace by its name',
    [{ podSelector: {}, ingress: [{ from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'web' } } }] }] }],
    'ingress',
    http,
    podOf('web', {}),
    'allowed',
  ],
  [
    'namespace and pod in one peer: both',
    [
      {
        podSelector: {},
        ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'web' } }, podSelector: { matchLabels: { app: 'x' } } }] }],
      },
    ],
    'ingress',
    http,
    podOf('web', { app: 'y' }),
    'denied',
  ],
  [
    'namespace and pod in two peers: either',
    [
      {
        podSelector: {},
        ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'web' } } }, { podSelector: { matchLabels: { app: 'x' } } }] }],
      },
    ],
    'ingress',
    http,
    podOf('web', { app: 'y' }),
    'allowed',
  ],
  [
    'matchExpressions',
    [{ podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['abc'] }] } }],
    'ingress',
    http,
    outside,
    'denied',
  ],
  [
    'every namespace is nobody outside',
    [{ podSelector: {}, ingress: [{ from: [{ namespaceSelector: {} }] }] }],
    'ingress',
    http,
    outside,
    'denied',
  ],
  [
    'a block that holds the address',
    [{ podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: '192.0.2.0/24' } }] }] }],
    'egress',
    http,
    at('192.0.2.9'),
    'allowed',
  ],
  [
    'a block with an exception for it',
    [{ podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: '192.0.2.0/24', except: ['192.0.2.8/29'] } }] }] }],
    'egress',
    http,
    at('192.0.2.9'),
    'denied',
  ],
  [
    'a block of the other family',
    [{ podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: '::/0' } }] }] }],
    'egress',
    http,
    at('192.0.2.9'),
    'denied',
  ],
  ['everywhere', [{ podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }] }], 'ingress', http, outside, 'allowed'],
  [
    'some block, and an address that is not known',
    [{ podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }] }],
    'ingress',
    http,
    outside,
    'unknown',
  ],
  [
    'a block that holds the address of a pod',
    [{ podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }] }],
    'ingress',
    http,
    podOf('web', {}),
    'unknown',
  ],
  [
    'a pod on the network of its node has no labels there',
    [{ podSelector: {}, ingress: [{ from: [{ namespaceSelector: {} }] }] }],
    'ingress',
    http,
    podOf('web', {}, ['192.0.2.1'], true),
    'denied',
  ],
  [
    'a second policy adds up',
    [{ podSelector: {} }, { podSelector: {}, ingress: [{ ports: [{ port: 8080 }] }] }],
    'ingress',
    http,
    outside,
    'allowed',
  ],
];

describe('what NetworkPolicies let through', () => {
  test.each(rows)('%s', (_sentence, specs, direction, port, peer, is) => {
    expect(verdictOf(policies(...specs), abc, direction, port, peer).is).toBe(is);
  });

  test('a pod on the network of its node is held to none', () => {
    expect(verdictOf(policies({ podSelector: {} }), { ...abc, hostNetwork: true }, 'ingress', http, outside)).toEqual({
      is: 'open',
      policies: [],
    });
  });

  test('policies of another namespace are about other pods', () => {
    expect(verdictOf(policies({ podSelector: {} }), { ...abc, namespace: 'web' }, 'ingress', http, outside).is).toBe('open');
  });
});
