import { checkTester, clusterDns, inOrder, mesh, type MeshBuilder, networkPolicy, policiesEnforced } from 'meshdoctor/testkit';
import check from './check.ts';

const withShop = (built: MeshBuilder): MeshBuilder =>
  built.namespace('shop', { injected: true }).service('abc.shop').namespace('callers', { injected: true }).workload('curl.callers');
const remote = withShop(mesh().primaryRemote('east', 'west', { networks: 2 }));
const peers = withShop(mesh().multiPrimary('east', 'west', { networks: 2 }));
const flat = withShop(mesh().multiPrimary('east', 'west', { networks: 1 }));

type Spec = Readonly<Record<string, unknown>>;
const applied = (cluster: string, namespace: string, name: string, spec: Spec) =>
  inOrder(policiesEnforced({ cluster }), networkPolicy({ cluster, namespace, name, spec }));
const everyone = { podSelector: {} };
const named = (name: string) => ({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } });
const inCluster = [{ from: [{ namespaceSelector: {} }] }];
const dns = { ports: [{ protocol: 'UDP', port: 53 }], to: [named('kube-system')] };
const gatewayOnly = { podSelector: { matchLabels: { istio: 'eastwestgateway' } } };
const istiodOnly = { podSelector: { matchLabels: { app: 'istiod' } } };
const at = (key: string, cluster: string, policy: string, grade = 'error likely') =>
  `denied-network-path/${key} @ ${cluster}:NetworkPolicy/${policy} (${grade})`;

checkTester(check, {
  healthy: {
    'no policy': remote,
    'gateways open to everybody on the ports they need': remote.edit(
      applied('east', 'istio-system', 'gateway', {
        ...gatewayOnly,
        ingress: [{ ports: [{ port: 15443 }, { port: 15012 }, { port: 15017 }, { port: 15021 }] }],
      }),
    ),
    'gateways open to addresses, whichever these are': remote.edit(
      applied('west', 'istio-system', 'gateway', { ...gatewayOnly, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }] }),
    ),
    'istiod open to all pods, and its webhook to agents of the provider': remote.edit(
      applied('east', 'istio-system', 'istiod', { ...istiodOnly, ingress: [{ from: [{ namespaceSelector: {} }] }] }),
    ),
    'a namespace for itself and the gateway': remote.edit(
      applied('west', 'shop', 'own', { ...everyone, ingress: [{ from: [{ podSelector: {} }, named('callers'), named('istio-system')] }] }),
    ),
    'a namespace that nobody of another cluster is meant to call': remote.edit(
      applied('west', 'shop', 'own', { ...everyone, ingress: [{ from: [{ podSelector: { matchLabels: { app: 'nobody' } } }] }] }),
    ),
    'callers that may go nowhere but to DNS and istiod': remote.edit(
      applied('west', 'callers', 'locked', { ...everyone, policyTypes: ['Egress'], egress: [dns, { ports: [{ port: 15012 }] }] }),
    ),
    'callers that may go everywhere': remote.edit(
      applied('west', 'callers', 'open', { ...everyone, policyTypes: ['Egress'], egress: [{}] }),
    ),
    'proxies that got ready under the policy': remote.edit(
      inOrder(
        policiesEnforced({ cluster: 'west' }),
        networkPolicy({
          cluster: 'west',
          namespace: 'callers',
          name: 'old',
          spec: { ...everyone, policyTypes: ['Egress'] },
          minutesAgo: 60 * 24 * 90,
        }),
      ),
    ),
    'a policy about nothing of the mesh': remote.edit(
      applied('east', 'default', 'deny', { ...everyone, policyTypes: ['Ingress', 'Egress'] }),
    ),
    'addresses of pods on one network': flat.edit(
      applied('west', 'shop', 'own', {
        ...everyone,
        ingress: [{ from: [{ namespaceSelector: {} }, { ipBlock: { cidr: '10.0.0.0/8' } }] }],
      }),
    ),
  },
  broken: {
    'nothing may call the pods of a gateway': {
      mesh: peers.edit(applied('west', 'istio-system', 'deny', { ...gatewayOnly })),
      findings: [at('closedGateway', 'west', 'istio-system/deny')],
    },
    'nothing seen enforces it': {
      mesh: peers.edit(networkPolicy({ cluster: 'west', namespace: 'istio-system', name: 'deny', spec: gatewayOnly })),
      findings: [at('closedGateway', 'west', 'istio-system/deny', 'error possible')],
    },
    'the system namespace of a primary takes calls of the cluster only': {
      mesh: remote.edit(applied('east', 'istio-system', 'cluster-only', { ...everyone, ingress: inCluster })),
      findings: [at('closedGateway', 'east', 'istio-system/cluster-only')],
    },
    'istiod takes calls of its own namespace only': {
      mesh: remote.edit(applied('east', 'istio-system', 'istiod', { ...istiodOnly, ingress: [{ from: [{ podSelector: {} }] }] })),
      findings: [at('cutFromIstiod', 'east', 'istio-system/istiod'), at('closedWebhook', 'east', 'istio-system/istiod')],
    },
    'istiod takes calls on the port of discovery only': {
      mesh: remote.edit(applied('east', 'istio-system', 'istiod', { ...istiodOnly, ingress: [{ ports: [{ port: 15012 }] }] })),
      findings: [at('cutFromIstiod', 'east', 'istio-system/istiod'), at('closedWebhook', 'east', 'istio-system/istiod')],
    },
    'proxies of a remote may not leave it': {
      mesh: remote.edit(
        applied('west', 'callers', 'inside', { ...everyone, policyTypes: ['Egress'], egress: [{ to: [{ namespaceSelector: {} }] }] }),
      ),
      findings: [at('cutFromIstiod', 'west', 'callers/inside'), at('confinedCaller', 'west', 'callers/inside')],
    },
    'istiod may not leave its cluster': {
      mesh: remote.edit(
        applied('east', 'istio-system', 'inside', {
          ...istiodOnly,
          policyTypes: ['Egress'],
          egress: [{ to: [{ namespaceSelector: {} }] }],
        }),
      ),
      findings: [at('cutFromApiServer', 'east', 'istio-system/inside')],
    },
    'a namespace lets callers in, and not the gateway that those of another cluster come through': {
      mesh: remote.edit(applied('west', 'shop', 'callers', { ...everyone, ingress: [{ from: [named('callers')] }] })),
      findings: [at('closedWorkload', 'west', 'shop/callers')],
    },
    'a namespace lets callers in by labels, on one network': {
      mesh: flat.edit(applied('west', 'shop', 'callers', { ...everyone, ingress: [{ from: [named('callers')] }] })),
      findings: [at('closedWorkload', 'west', 'shop/callers')],
    },
    'callers may go to their own cluster and to istiod': {
      mesh: remote.edit(
        applied('west', 'callers', 'inside', {
          ...everyone,
          policyTypes: ['Egress'],
          egress: [{ to: [{ namespaceSelector: {} }] }, { ports: [{ port: 15012 }] }],
        }),
      ),
      findings: [at('confinedCaller', 'west', 'callers/inside')],
    },
    'DNS was forgotten': {
      mesh: remote
        .edit(clusterDns({ cluster: 'west' }))
        .edit(applied('west', 'callers', 'named', { ...everyone, policyTypes: ['Egress'], egress: [{ ports: [{ port: 15012 }] }] })),
      findings: [at('cutFromDns', 'west', 'callers/named')],
    },
    'a gateway may call istiod only': {
      mesh: peers.edit(
        applied('west', 'istio-system', 'gateway-out', {
          ...gatewayOnly,
          policyTypes: ['Egress'],
          egress: [dns, { ports: [{ port: 15012 }] }],
        }),
      ),
      findings: [at('confinedGateway', 'west', 'istio-system/gateway-out')],
    },
  },
});
