import { type Edit, inOrder } from '../../../src/builder/edits/edit.ts';
import {
  applied,
  discoverySelectors,
  exportedTo,
  injectedWith,
  istiodDomain,
  istiodFlag,
  madeHeadless,
  meshConfigWith,
  namespaceRelabelled,
  podsAnnotated,
  portAdded,
  portMoved,
  portRenamed,
  selectorRemoved,
  statefulPodsWithoutFirstPort,
} from '../../../src/builder/edits/services.ts';
import type { Fault } from '../fault.ts';
import type { MeshName } from '../meshes.ts';
import { scaledToZero } from './policy-edits.ts';
import { anotherApplication, namespaceGone, namespaceUnlabelled, podsOfService, servicePatched, stubAdded } from './services-edits.ts';

const remotes: readonly MeshName[] = [
  'primary-remote',
  'primary-remote with a revision',
  'primary-remote 1.24',
  'primary-remote on one network',
  'two remotes',
];
const peers: readonly MeshName[] = ['two primaries', 'two primaries on one network', 'three primaries'];
const abc = 'abc.shop';
const at = (cluster: string): { readonly cluster: string; readonly service: string } => ({ cluster, service: abc });
const chosen = { mesh: 'one' };

/** Selectors in every primary, and the label they ask for on every namespace with proxies but one. */
function selectedBut(primaries: readonly string[], clusters: readonly string[], cluster: string, namespace: string): Edit {
  return inOrder(
    ...primaries.map((primary) => discoverySelectors({ cluster: primary, labels: chosen })),
    ...clusters.flatMap((one) =>
      ['istio-system', 'shop']
        .filter((other) => one !== cluster || other !== namespace)
        .map((other) => namespaceRelabelled({ cluster: one, namespace: other, labels: chosen })),
    ),
  );
}

/** A ServiceEntry for the host of the service, where istiod of the first primary reads it. */
function entryFor(options: { readonly namespace: string; readonly spec: Readonly<Record<string, unknown>> }): Edit {
  return applied({
    cluster: 'east',
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    namespace: options.namespace,
    name: 'abc',
    spec: {
      hosts: ['abc.shop.svc.cluster.local'],
      location: 'MESH_INTERNAL',
      ports: [{ name: 'http', number: 80, protocol: 'HTTP' }],
      ...options.spec,
    },
  });
}

function routes(host: string): Readonly<Record<string, unknown>> {
  return {
    hosts: [host],
    http: [{ match: [{ uri: { prefix: '/api' } }], route: [{ destination: { host: 'abc.shop.svc.cluster.local' } }] }],
  };
}

/** Every call of the service is led to another host. */
function ledTo(host: string): Readonly<Record<string, unknown>> {
  return { hosts: ['abc.shop.svc.cluster.local'], http: [{ route: [{ destination: { host } }] }] };
}

/** Services that clusters do not have alike, and what hides them. */
export const faults: readonly Fault[] = [
  {
    id: 'headless-pods-on-another-network',
    mode: 'DNS-03',
    says: 'Callers are to reach a StatefulSet by its headless Service, and its pods are all on the other network.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24', 'two primaries'],
    edits: [madeHeadless(at('east')), madeHeadless(at('west')), podsOfService({ cluster: 'west', service: abc, gone: true })],
    services: [{ namespace: 'shop', name: 'abc' }],
    also: ['DNS-01'],
  },
  {
    id: 'headless-stub-for-another-network',
    mode: 'DNS-03',
    says: 'A headless Service without selector was created so that pods of the other network resolve.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24', 'two primaries'],
    edits: [madeHeadless(at('east')), madeHeadless(at('west')), selectorRemoved(at('west'))],
  },
  {
    id: 'pods-of-a-stateful-set-with-different-ports',
    mode: 'DNS-04',
    says: 'Some pods of a StatefulSet lack the port that is the first of the headless Service.',
    meshes: ['primary-remote on one network', 'two primaries on one network'],
    edits: [
      madeHeadless(at('east')),
      madeHeadless(at('west')),
      statefulPodsWithoutFirstPort({ ...at('west'), first: { name: 'http-peer', port: 7000 } }),
    ],
  },
  {
    id: 'pods-of-the-primary-with-different-ports',
    mode: 'DNS-04',
    says: 'The pods of a headless Service in a primary lack its first port, and callers of the other cluster ask for them by name.',
    meshes: ['primary-remote on one network', 'two primaries on one network'],
    edits: [
      madeHeadless(at('east')),
      madeHeadless(at('west')),
      statefulPodsWithoutFirstPort({ ...at('east'), first: { name: 'tcp-gossip', port: 7946 } }),
    ],
  },
  {
    id: 'headless-in-a-remote-only',
    mode: 'DNS-05',
    says: 'A chart made a TCP Service headless in the remote, and not in the primary.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24', 'primary-remote on one network'],
    edits: [portRenamed({ ...at('east'), name: 'tcp' }), portRenamed({ ...at('west'), name: 'tcp' }), madeHeadless(at('west'))],
  },
  {
    id: 'headless-in-the-primary-only',
    mode: 'DNS-05',
    says: 'A Service was created again as headless in the primary, and the remote was left for later.',
    meshes: remotes,
    edits: [madeHeadless(at('east'))],
  },
  {
    id: 'headless-in-one-of-the-primaries',
    mode: 'DNS-05',
    says: 'An upgrade of one primary made a Service headless there.',
    meshes: peers,
    edits: [madeHeadless(at('west'))],
  },
  {
    id: 'port-added-in-a-remote',
    mode: 'DNS-06',
    says: 'A port was added to a Service in the remote only.',
    meshes: remotes,
    edits: [portAdded({ ...at('west'), port: 9090, name: 'http-admin' })],
  },
  {
    id: 'port-moved-in-a-remote',
    mode: 'DNS-06',
    says: 'A Service has another port number in the remote.',
    meshes: remotes,
    edits: [portMoved({ ...at('west'), port: 8090 })],
  },
  {
    id: 'port-added-in-one-of-the-primaries',
    mode: 'DNS-06',
    says: 'A port was added to a Service in one of several primaries.',
    meshes: peers,
    edits: [portAdded({ ...at('east'), port: 9090, name: 'grpc' })],
  },
  {
    id: 'port-named-otherwise-in-a-remote',
    mode: 'DNS-07',
    says: 'The port of a Service is named http in the primary and web in the remote.',
    meshes: remotes,
    edits: [portRenamed({ ...at('west'), name: 'web' })],
  },
  {
    id: 'port-without-name-in-a-remote',
    mode: 'DNS-07',
    says: 'The port of a Service has a name in the primary and none in the remote.',
    meshes: remotes,
    edits: [portRenamed({ ...at('west'), name: '' })],
  },
  {
    id: 'port-named-otherwise-in-one-of-the-primaries',
    mode: 'DNS-07',
    says: 'The port of a Service has another name in one of several primaries.',
    meshes: peers,
    edits: [portRenamed({ ...at('west'), name: 'web' })],
  },
  {
    id: 'port-without-name-in-the-primary',
    mode: 'DNS-07',
    says: 'The port of a Service lost its name in the primary.',
    meshes: ['primary-remote', 'two remotes', 'primary-remote on one network'],
    edits: [portRenamed({ ...at('east'), name: '' })],
  },
  {
    id: 'namespace-of-a-remote-not-selected',
    mode: 'DNS-10',
    says: 'The discoverySelectors ask for a label that a namespace has in the primary and not in the remote.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24', 'primary-remote on one network'],
    edits: [selectedBut(['east'], ['east', 'west'], 'west', 'shop')],
  },
  {
    id: 'system-namespace-of-a-remote-not-selected',
    mode: 'DNS-10',
    says: 'The discoverySelectors leave out the system namespace of the remote, with its gateway.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24'],
    edits: [selectedBut(['east'], ['east', 'west'], 'west', 'istio-system')],
    also: ['EW-01', 'EW-02', 'EW-03'],
  },
  {
    id: 'namespace-of-a-peer-not-selected',
    mode: 'DNS-10',
    says: 'The discoverySelectors of one primary leave out a namespace of the other, which it has itself.',
    meshes: ['two primaries', 'two primaries on one network'],
    edits: [selectedBut(['east'], ['east', 'west'], 'west', 'shop')],
  },
  {
    id: 'service-exported-to-its-own-namespace',
    mode: 'DNS-11',
    says: 'A Service is exported to its own namespace alone, which the gateway between the networks is not in.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24', 'two remotes'],
    edits: [exportedTo({ ...at('east'), to: '.' }), exportedTo({ ...at('west'), to: '.' })],
  },
  {
    id: 'services-not-exported-by-default',
    mode: 'DNS-11',
    says: 'The mesh configuration exports Services to their own namespace unless they say otherwise.',
    meshes: ['primary-remote', 'primary-remote 1.24', 'two remotes'],
    edits: [meshConfigWith({ cluster: 'east', lines: ['defaultServiceExportTo:', '- "."'] })],
  },
  {
    id: 'peers-export-to-their-own-namespace',
    mode: 'DNS-11',
    says: 'Both primaries export a Service to its own namespace alone.',
    meshes: ['two primaries', 'three primaries'],
    edits: [exportedTo({ ...at('east'), to: '.' }), exportedTo({ ...at('west'), to: '.' })],
  },
  {
    id: 'namespace-of-a-remote-not-labelled',
    mode: 'DNS-08',
    says: 'The namespace was created in the remote without the label for injection, and the workload deployed there.',
    meshes: ['primary-remote', 'primary-remote 1.24', 'two remotes'],
    edits: [namespaceUnlabelled({ cluster: 'west', namespace: 'shop' })],
    also: ['POL-08'],
  },
  {
    id: 'namespace-of-a-peer-not-labelled',
    mode: 'DNS-08',
    says: 'One of the primaries has the namespace without the label for injection.',
    meshes: ['two primaries', 'three primaries'],
    edits: [namespaceUnlabelled({ cluster: 'east', namespace: 'shop' })],
    also: ['POL-08'],
  },
  {
    id: 'namespace-of-a-remote-missing-in-the-primary',
    mode: 'DNS-08',
    says: 'A namespace exists in the remote only, so that no policy for it can be applied in the primary.',
    meshes: ['primary-remote', 'primary-remote 1.24'],
    edits: [namespaceGone({ cluster: 'east', namespace: 'shop' })],
  },
  {
    id: 'services-kept-to-their-clusters',
    mode: 'DNS-09',
    says: 'Somebody set clusterLocal for a namespace, and others wonder why calls stay at home.',
    meshes: ['primary-remote', 'primary-remote 1.24', 'two primaries', 'two remotes', 'primary-remote on one network'],
    edits: [
      meshConfigWith({
        cluster: 'east',
        lines: ['serviceSettings:', '- settings:', '    clusterLocal: true', '  hosts:', '  - "*.shop.svc.cluster.local"'],
      }),
    ],
  },
  {
    id: 'service-kept-to-its-nodes',
    mode: 'DNS-09',
    says: 'A Service was given internalTrafficPolicy Local in the primary, whose own pods are scaled to nothing.',
    meshes: ['primary-remote with callers', 'two primaries with callers'],
    edits: [
      scaledToZero({ cluster: 'east', namespace: 'shop', name: 'abc' }),
      servicePatched({ ...at('east'), spec: { internalTrafficPolicy: 'Local' } }),
    ],
  },
  {
    id: 'callers-keep-a-port-from-their-sidecar',
    mode: 'POL-13',
    says: 'Callers were told to leave port 80 alone, and a service of that port has its pods in the other cluster.',
    meshes: ['primary-remote with callers', 'two primaries with callers'],
    edits: [
      scaledToZero({ cluster: 'west', namespace: 'shop', name: 'abc' }),
      podsAnnotated({ cluster: 'west', namespace: 'callers', annotations: { 'traffic.sidecar.istio.io/excludeOutboundPorts': '80' } }),
    ],
  },
  {
    id: 'callers-keep-their-interface-from-their-sidecar',
    mode: 'POL-13',
    says: 'Callers were told to leave an interface alone, which is that of the pod itself.',
    meshes: ['primary-remote with callers', 'two primaries with callers'],
    edits: [
      scaledToZero({ cluster: 'west', namespace: 'shop', name: 'abc' }),
      podsAnnotated({ cluster: 'west', namespace: 'callers', annotations: { 'traffic.sidecar.istio.io/excludeInterfaces': 'eth0' } }),
    ],
  },
  {
    id: 'injector-takes-the-addresses-of-one-cluster',
    mode: 'POL-13',
    says: 'Values of the injector name the Service addresses of the callers’ own cluster for sidecars to take, and a service that has none there is called by that of the other.',
    meshes: ['primary-remote with callers', 'two primaries with callers'],
    edits: [
      scaledToZero({ cluster: 'west', namespace: 'shop', name: 'abc' }),
      injectedWith({ cluster: 'west', namespace: 'callers', flag: '-i', value: '172.20.0.0/16' }),
    ],
  },
  {
    id: 'only-exported-services-are-shared',
    mode: 'DNS-09',
    says: 'istiod was told to use the API of multi-cluster services, and nothing is exported.',
    meshes: ['primary-remote', 'two primaries', 'primary-remote 1.24'],
    edits: [istiodFlag({ cluster: 'east', name: 'ENABLE_MCS_SERVICE_DISCOVERY', value: 'true' })],
  },
  {
    id: 'entry-of-callers-takes-the-name',
    mode: 'POL-15',
    says: 'Callers were given a ServiceEntry that looks the service up by DNS, so that nothing but their own cluster is called.',
    meshes: ['primary-remote with callers', 'two primaries with callers'],
    edits: [entryFor({ namespace: 'callers', spec: { resolution: 'DNS' } })],
  },
  {
    id: 'entry-of-callers-finds-nobody',
    mode: 'POL-15',
    says: 'A ServiceEntry from before the clusters were joined looks a service up by DNS where only the other cluster has it.',
    meshes: ['primary-remote with callers', 'two primaries with callers'],
    edits: [podsOfService({ ...at('east'), gone: true }), entryFor({ namespace: 'callers', spec: { resolution: 'DNS' } })],
  },
  {
    id: 'entry-adds-a-gateway-in-plain-text',
    mode: 'POL-15',
    says: 'Before istiod read the other cluster, its gateway was made an endpoint of the service by hand.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'two primaries', 'two remotes'],
    edits: [
      entryFor({
        namespace: 'shop',
        spec: { resolution: 'STATIC', endpoints: [{ address: '10.200.2.1', ports: { http: 15443 } }] },
      }),
    ],
  },
  {
    id: 'entry-of-the-old-scheme',
    mode: 'DNS-12',
    says: 'A ServiceEntry of the replicated control planes of old stands beside the service that istiod now reads itself.',
    meshes: ['primary-remote', 'two primaries', 'three primaries'],
    edits: [
      applied({
        cluster: 'east',
        apiVersion: 'networking.istio.io/v1beta1',
        kind: 'ServiceEntry',
        namespace: 'shop',
        name: 'abc-shop',
        spec: {
          hosts: ['abc.shop.global'],
          location: 'MESH_INTERNAL',
          ports: [{ name: 'http1', number: 80, protocol: 'http' }],
          resolution: 'DNS',
          addresses: ['240.0.0.2'],
          endpoints: [{ address: '203.0.113.20', ports: { http1: 15443 } }],
        },
      }),
    ],
  },
  {
    id: 'gateway-of-the-old-scheme',
    mode: 'DNS-12',
    says: 'The egress gateway of the old scheme was never taken away.',
    meshes: ['primary-remote', 'two primaries', 'primary-remote 1.24'],
    edits: [
      applied({
        cluster: 'east',
        apiVersion: 'networking.istio.io/v1beta1',
        kind: 'Gateway',
        namespace: 'istio-system',
        name: 'istio-multicluster-egressgateway',
        spec: {
          selector: { istio: 'egressgateway' },
          servers: [{ hosts: ['*.global'], port: { name: 'tls', number: 15443, protocol: 'TLS' }, tls: { mode: 'AUTO_PASSTHROUGH' } }],
        },
      }),
    ],
    also: ['EW-08', 'EW-09'],
  },
  {
    id: 'routes-of-a-stub-in-one-primary',
    mode: 'DNS-13',
    says: 'A Service without selector exists for its VirtualService only, and both are in one primary.',
    meshes: ['two primaries', 'three primaries', 'two primaries on one network'],
    edits: [
      stubAdded({ cluster: 'west', service: 'front.shop' }),
      applied({ cluster: 'west', kind: 'VirtualService', namespace: 'shop', name: 'front', spec: routes('front.shop.svc.cluster.local') }),
    ],
    also: ['POL-05'],
  },
  {
    id: 'stub-in-both-primaries-and-routes-in-one',
    mode: 'DNS-13',
    says: 'The Service that stands for its routes was copied to the other primary, and the VirtualService was forgotten.',
    meshes: ['two primaries', 'two primaries on one network'],
    edits: [
      stubAdded({ cluster: 'west', service: 'front.shop' }),
      stubAdded({ cluster: 'east', service: 'front.shop' }),
      applied({ cluster: 'west', kind: 'VirtualService', namespace: 'shop', name: 'front', spec: routes('front') }),
    ],
    also: ['POL-05'],
  },
  {
    id: 'primary-with-a-domain-of-its-own',
    mode: 'ID-13',
    says: 'One primary was installed with the domain of its kubelets, which is not that of the others.',
    meshes: ['two primaries', 'three primaries'],
    edits: [istiodDomain({ cluster: 'west', domain: 'west.local' })],
  },
  {
    id: 'primary-with-a-company-domain',
    mode: 'ID-13',
    says: 'One primary spells services in a domain that the hosts of the gateway between the networks do not cover either.',
    meshes: ['two primaries', 'three primaries'],
    edits: [istiodDomain({ cluster: 'east', domain: 'k8s.corp.example' })],
    also: ['EW-09'],
  },
  {
    id: 'another-application-of-the-same-name',
    mode: 'ID-14',
    says: 'Two teams call different applications by one name in one namespace of two clusters.',
    meshes: ['primary-remote', 'two primaries', 'two primaries on one network', 'primary-remote 1.24'],
    edits: [anotherApplication({ cluster: 'west', service: abc, app: 'billing' })],
  },
  {
    id: 'another-application-in-the-primary',
    mode: 'ID-14',
    says: 'The primary has an application of its own under the name of one in the remote.',
    meshes: ['primary-remote', 'primary-remote on one network', 'two remotes'],
    edits: [anotherApplication({ cluster: 'east', service: abc, app: 'ledger' })],
  },
  {
    id: 'route-to-a-removed-service',
    mode: 'POL-17',
    says: 'A service was removed from every cluster, and the route of another still leads to it.',
    meshes: ['primary-remote with callers', 'two primaries with callers'],
    edits: [
      applied({ cluster: 'east', kind: 'VirtualService', namespace: 'shop', name: 'abc', spec: ledTo('gone.shop.svc.cluster.local') }),
    ],
    also: ['POL-05'],
  },
  {
    id: 'route-written-as-for-dns',
    mode: 'POL-17',
    says: 'A route leads to a service by its name and namespace alone, as DNS would take it.',
    meshes: ['primary-remote with callers', 'two primaries with callers'],
    edits: [applied({ cluster: 'east', kind: 'VirtualService', namespace: 'shop', name: 'abc', spec: ledTo(abc) })],
    also: ['POL-05'],
  },
];
