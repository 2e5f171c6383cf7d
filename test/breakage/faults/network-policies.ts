import { clusterDns, networkPolicy, policiesEnforced } from '../../../src/builder/edits/network-policies.ts';
import type { Edit } from '../../../src/builder/edits/edit.ts';
import type { Fault } from '../fault.ts';
import { clusterStatus, gatewaysOf, handshakesEnd, seen, shardsOf } from './measured-edits.ts';

const abc = [{ namespace: 'shop', name: 'abc' }] as const;
const timeout = { stage: 'tcp', code: 'timeout', reason: 'connection timed out after 3 s' } as const;
const all = { podSelector: {} };
const gateway = { podSelector: { matchLabels: { istio: 'eastwestgateway' } } };
const istiod = { podSelector: { matchLabels: { app: 'istiod' } } };
const inside = { namespaceSelector: {} };
const namespace = (name: string) => ({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } });
const port = (number: number, protocol = 'TCP') => ({ protocol, port: number });

/** A team or a baseline of the company applied a policy in a cluster whose network enforces it. */
function applied(cluster: string, where: string, name: string, spec: Readonly<Record<string, unknown>>): readonly Edit[] {
  return [policiesEnforced({ cluster }), clusterDns({ cluster }), networkPolicy({ cluster, namespace: where, name, spec })];
}

/** Every namespace got the same policies of the company, written with one cluster in mind. */
export const faults: readonly Fault[] = [
  {
    id: 'default-deny-in-the-system-namespace',
    mode: 'POL-12',
    says: 'A policy that allows nothing was applied to the system namespace of the remote, gateway included, and addresses of its gateway do not answer since.',
    meshes: ['primary-remote', 'two primaries', 'two remotes'],
    edits: applied('west', 'istio-system', 'default-deny', { ...gateway, policyTypes: ['Ingress'] }),
    services: abc,
    observed: seen(abc, handshakesEnd('west', timeout)),
  },
  {
    id: 'gateway-for-pods-of-the-cluster',
    mode: 'POL-12',
    says: 'The gateway of a primary takes calls from every namespace, and from no address.',
    meshes: ['primary-remote', 'two primaries', 'three primaries'],
    edits: applied('east', 'istio-system', 'from-all-namespaces', { ...gateway, ingress: [{ from: [inside] }] }),
  },
  {
    id: 'gateway-without-the-port-of-istiod',
    mode: 'POL-12',
    says: 'The gateway of the primary was opened on the cross-network port and that of its health check alone.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote on one network'],
    edits: applied('east', 'istio-system', 'cross-network', { ...gateway, ingress: [{ ports: [port(15443), port(15021)] }] }),
  },
  {
    id: 'istiod-for-named-namespaces',
    mode: 'POL-12',
    says: 'istiod may be called from its own namespace and one other, and on the port of its webhook by everybody.',
    meshes: ['primary-remote with callers', 'two primaries with callers'],
    edits: applied('east', 'istio-system', 'istiod', {
      ...istiod,
      ingress: [{ from: [{ podSelector: {} }, namespace('callers')] }, { ports: [port(15017), port(15014)] }],
    }),
  },
  {
    id: 'istiod-without-its-webhook',
    mode: 'POL-12',
    says: 'istiod takes calls from every namespace, on the port of discovery.',
    meshes: ['primary-remote', 'two primaries'],
    edits: applied('east', 'istio-system', 'istiod', { ...istiod, ingress: [{ from: [inside], ports: [port(15012)] }] }),
  },
  {
    id: 'egress-of-a-remote-to-its-own-namespaces',
    mode: 'POL-12',
    says: 'Pods of a namespace of a remote may call every namespace of their cluster, and nothing outside, where istiod and the gateways are.',
    meshes: ['primary-remote with callers'],
    edits: applied('west', 'callers', 'cluster-only', { ...all, policyTypes: ['Egress'], egress: [{ to: [inside] }] }),
  },
  {
    id: 'egress-to-istiod-and-own-namespaces',
    mode: 'POL-12',
    says: 'Pods of a namespace may call istiod and every namespace of their cluster, and no address of a gateway.',
    meshes: ['primary-remote with callers', 'two primaries with callers'],
    edits: applied('west', 'callers', 'cluster-only', {
      ...all,
      policyTypes: ['Egress'],
      egress: [{ to: [inside] }, { ports: [port(15012)] }, { ports: [port(53), port(53, 'UDP')] }],
    }),
  },
  {
    id: 'egress-without-dns',
    mode: 'POL-12',
    says: 'Pods of a namespace may call TCP ports everywhere, and DNS was forgotten.',
    meshes: ['primary-remote with callers', 'two primaries with callers'],
    edits: applied('west', 'callers', 'tcp-only', { ...all, policyTypes: ['Egress'], egress: [{ ports: [{ protocol: 'TCP' }] }] }),
  },
  {
    id: 'workload-for-its-callers',
    mode: 'POL-12',
    says: 'A workload takes calls from the namespace of its callers, of which those of the other cluster come through a gateway.',
    meshes: ['primary-remote with callers', 'two primaries with callers'],
    edits: applied('west', 'shop', 'callers', { ...all, ingress: [{ from: [namespace('callers')] }] }),
    services: abc,
    observed: seen(
      abc,
      handshakesEnd('west', { stage: 'reset', milliseconds: 10_004 }, ({ purpose }) => purpose === 'target'),
    ),
  },
  {
    id: 'gateway-may-call-istiod-only',
    mode: 'POL-12',
    says: 'The gateway of a cluster may call DNS and istiod, and no workload.',
    meshes: ['primary-remote with callers', 'two primaries with callers'],
    edits: applied('west', 'istio-system', 'gateway-out', {
      ...gateway,
      policyTypes: ['Egress'],
      egress: [{ ports: [port(53), port(53, 'UDP'), port(15012)] }],
    }),
  },
  {
    id: 'istiod-may-not-leave-its-cluster',
    mode: 'SEC-16',
    says: 'istiod may call every namespace of its cluster, and no API server of another, which it says that it cannot reach.',
    meshes: ['primary-remote', 'two primaries'],
    edits: applied('east', 'istio-system', 'istiod-out', { ...istiod, policyTypes: ['Egress'], egress: [{ to: [inside] }] }),
    services: abc,
    observed: seen(
      abc,
      clusterStatus('east', 'west', 'timeout'),
      shardsOf('east', 'west', () => []),
      gatewaysOf('east', (listed) => listed.filter(({ cluster }) => cluster !== 'west')),
    ),
  },
];
