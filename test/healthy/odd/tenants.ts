import { annotate, label, put } from '../../../src/builder/edits/edit.ts';
import { isSidecarPod } from '../../../src/builder/edits/find.ts';
import { mesh } from '../../../src/builder/mesh.ts';
import type { KubeObject } from '../../../src/model/kube.ts';
import { adding, and, multiPrimary, plain, pod, primaryRemote, shop, system, three, where, type Odd } from './edits.ts';

type Spec = Readonly<Record<string, unknown>>;
const applied = (kind: string, namespace: string, name: string, spec: Spec, group = 'networking.istio.io/v1'): KubeObject => ({
  apiVersion: group,
  kind,
  metadata: { name, namespace, creationTimestamp: '2026-11-20T10:00:00Z' },
  spec,
});
const secured = (kind: string, namespace: string, name: string, spec: Spec): KubeObject =>
  applied(kind, namespace, name, spec, 'security.istio.io/v1');
const service = (namespace: string, name: string, spec: Spec, more: Spec = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace, creationTimestamp: '2026-11-20T10:00:00Z', ...more },
  spec: { type: 'ClusterIP', ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }], ...spec },
});
const everywhere = (...objects: readonly KubeObject[]) => and(...['east', 'west'].map((cluster) => adding(cluster, ...objects)));
const pods = (change: (pod: KubeObject) => KubeObject, cluster?: string) =>
  where((object) => isSidecarPod(object) && object.metadata.namespace === 'shop', change, cluster);

/** What teams put into a mesh. */
export const tenants: Readonly<Record<string, () => Odd>> = {
  'pods that were evicted, are lost, or are going': () => ({
    built: primaryRemote.edit(
      where(
        (object) => isSidecarPod(object) && object.metadata.namespace === 'shop',
        (object) => {
          const beside = (name: string, status: Spec, more: Spec = {}): KubeObject => ({
            ...put(object, ['status'], status),
            metadata: { ...object.metadata, name: `abc-old-${name}`, uid: `${object.metadata.uid ?? ''}-${name}`, ...more },
          });
          return [
            object,
            beside('evicted', { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' }),
            beside('lost', { phase: 'Unknown', reason: 'NodeLost' }),
            beside(
              'going',
              { phase: 'Running', podIP: '10.9.9.6', podIPs: [{ ip: '10.9.9.6' }] },
              { deletionTimestamp: '2026-11-22T21:27:30Z' },
            ),
          ];
        },
      ),
    ),
  }),
  'Jobs whose sidecar still runs': () => ({
    built: multiPrimary.edit(
      everywhere(
        pod('shop', 'report-28811520-x7', {
          status: {
            phase: 'Running',
            podIP: '10.9.9.4',
            podIPs: [{ ip: '10.9.9.4' }],
            conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }],
          },
        }),
      ),
    ),
  }),
  'a service that is scaled to nothing in one cluster': () => ({
    built: multiPrimary.service('idle.shop', { in: ['east'] }).service('idle.shop', { in: ['west'], withoutWorkload: true }),
  }),
  'a service that is scaled to nothing everywhere': () => ({ built: multiPrimary.service('idle.shop', { withoutWorkload: true }) }),
  'a headless service without pods': () => ({ built: multiPrimary.service('peers.shop', { headless: true, withoutWorkload: true }) }),
  'a headless service of one cluster': () => ({ built: multiPrimary.service('db.shop', { headless: true, in: ['east'] }) }),
  'headless services of monitoring outside the mesh, with the same names': () => ({
    built: multiPrimary
      .namespace('monitoring')
      .service('prometheus.monitoring', { headless: true, port: 9090 })
      .service('grafana.monitoring'),
  }),
  'services outside the mesh that every cluster has': () => ({
    built: multiPrimary.service('db.plain', { port: 5432, portName: 'tcp-db' }),
  }),
  'services by ExternalName, the same everywhere': () => ({
    built: multiPrimary.edit(
      everywhere(service('shop', 'payments', { type: 'ExternalName', externalName: 'payments.example.com', ports: undefined })),
    ),
  }),
  'ExternalName for a service of another namespace': () => ({
    built: multiPrimary.edit(
      everywhere(service('plain', 'abc', { type: 'ExternalName', externalName: 'abc.shop.svc.cluster.local', ports: undefined })),
    ),
  }),
  'ServiceEntries for hosts outside': () => ({
    built: multiPrimary.edit(
      everywhere(
        applied('ServiceEntry', 'shop', 'api', {
          hosts: ['api.example.com'],
          ports: [{ number: 443, name: 'tls', protocol: 'TLS' }],
          resolution: 'DNS',
          location: 'MESH_EXTERNAL',
        }),
      ),
    ),
  }),
  'ServiceEntries for the other cluster, by hand': () => ({
    built: multiPrimary.edit(
      and(
        adding(
          'east',
          applied('ServiceEntry', 'shop', 'abc-west', {
            hosts: ['abc.shop.west.mesh'],
            addresses: ['240.0.0.7'],
            ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
            resolution: 'STATIC',
            location: 'MESH_INTERNAL',
            endpoints: [{ address: '10.200.2.1', network: 'network2', ports: { http: 15443 } }],
          }),
        ),
        adding(
          'west',
          applied('ServiceEntry', 'shop', 'abc-east', {
            hosts: ['abc.shop.east.mesh'],
            addresses: ['240.0.0.8'],
            ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
            resolution: 'STATIC',
            location: 'MESH_INTERNAL',
            endpoints: [{ address: '10.200.1.1', network: 'network1', ports: { http: 15443 } }],
          }),
        ),
      ),
    ),
  }),
  'virtual machines of a third network': () => ({
    built: multiPrimary.edit(
      everywhere(
        applied('WorkloadGroup', 'shop', 'vm', { metadata: { labels: { app: 'vm' } }, template: { serviceAccount: 'vm', network: 'vms' } }),
        applied('WorkloadEntry', 'shop', 'vm-1', { address: '172.16.0.5', labels: { app: 'vm' }, serviceAccount: 'vm' }),
        applied('ServiceEntry', 'shop', 'vm', {
          hosts: ['vm.shop.internal'],
          ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
          location: 'MESH_INTERNAL',
          resolution: 'STATIC',
          workloadSelector: { labels: { app: 'vm' } },
        }),
      ),
    ),
  }),
  'STRICT in the mesh, PERMISSIVE for a port of health checks': () => ({
    built: multiPrimary.edit(
      everywhere(
        secured('PeerAuthentication', system, 'default', { mtls: { mode: 'STRICT' } }),
        secured('PeerAuthentication', 'shop', 'abc', {
          selector: { matchLabels: { app: 'abc' } },
          mtls: { mode: 'STRICT' },
          portLevelMtls: { 8081: { mode: 'PERMISSIVE' } },
        }),
      ),
    ),
  }),
  'mutual TLS off for a port that no Service has': () => ({
    built: multiPrimary.edit(
      everywhere(
        secured('PeerAuthentication', 'shop', 'abc', {
          selector: { matchLabels: { app: 'abc' } },
          portLevelMtls: { 9102: { mode: 'DISABLE' } },
        }),
      ),
    ),
  }),
  'policies that deny by default and allow by identity': () => ({
    built: multiPrimary.edit(
      everywhere(
        secured('AuthorizationPolicy', 'shop', 'deny', {}),
        secured('AuthorizationPolicy', 'shop', 'abc', {
          selector: { matchLabels: { app: 'abc' } },
          rules: [{ from: [{ source: { principals: ['cluster.local/ns/shop/sa/abc'] } }] }],
        }),
      ),
    ),
  }),
  'a policy that denies everything in the mesh but what others allow, gateway included': () => ({
    built: multiPrimary.edit(
      everywhere(
        secured('AuthorizationPolicy', system, 'deny', {}),
        secured('AuthorizationPolicy', 'shop', 'allow', { rules: [{ from: [{ source: { namespaces: ['shop'] } }] }] }),
      ),
    ),
  }),
  'policies at the gateway between networks': () => ({
    built: multiPrimary.edit(
      everywhere(
        secured('AuthorizationPolicy', system, 'eastwest', {
          selector: { matchLabels: { istio: 'eastwestgateway' } },
          action: 'ALLOW',
          rules: [{ from: [{ source: { ipBlocks: ['10.0.0.0/8'] } }] }],
        }),
      ),
    ),
  }),
  'databases that sidecars leave alone': () => ({
    built: multiPrimary.edit(pods((object) => annotate(object, 'traffic.sidecar.istio.io/excludeOutboundPorts', '5432,3306'))),
  }),
  'metrics that sidecars leave alone': () => ({
    built: multiPrimary.edit(pods((object) => annotate(object, 'traffic.sidecar.istio.io/excludeInboundPorts', '9102,15020'))),
  }),
  'pods of a second interface that sidecars leave alone': () => ({
    built: multiPrimary.edit(
      pods((object) =>
        annotate(annotate(object, 'traffic.sidecar.istio.io/excludeInterfaces', 'net1'), 'k8s.v1.cni.cncf.io/networks', 'storage/macvlan'),
      ),
    ),
  }),
  'Sidecars that name the namespaces of their calls': () => ({
    built: multiPrimary.edit(
      everywhere(applied('Sidecar', 'shop', 'default', { egress: [{ hosts: ['./*', 'istio-system/*', 'plain/*'] }] })),
    ),
  }),
  'locality with weights for every region': () => ({
    built: multiPrimary.edit(
      everywhere(
        applied('DestinationRule', 'shop', 'abc', {
          host: 'abc.shop.svc.cluster.local',
          trafficPolicy: {
            outlierDetection: { consecutive5xxErrors: 5 },
            loadBalancer: {
              localityLbSetting: {
                enabled: true,
                distribute: [
                  { from: 'region-1/*', to: { 'region-1/*': 80, 'region-2/*': 20 } },
                  { from: 'region-2/*', to: { 'region-2/*': 80, 'region-1/*': 20 } },
                ],
              },
            },
          },
        }),
      ),
    ),
  }),
  'calls that stay in their region, where every region serves': () => ({
    built: multiPrimary.edit(
      everywhere(
        applied('DestinationRule', 'shop', 'abc', {
          host: 'abc.shop.svc.cluster.local',
          trafficPolicy: {
            loadBalancer: {
              localityLbSetting: {
                enabled: true,
                distribute: [
                  { from: 'region-1/*', to: { 'region-1/*': 100 } },
                  { from: 'region-2/*', to: { 'region-2/*': 100 } },
                ],
              },
            },
          },
        }),
      ),
    ),
  }),
  'failover between regions in order': () => ({
    built: three.edit(
      and(
        ...['east', 'west', 'south'].map((cluster) =>
          adding(
            cluster,
            applied('DestinationRule', 'shop', 'abc', {
              host: 'abc.shop.svc.cluster.local',
              trafficPolicy: {
                outlierDetection: { consecutive5xxErrors: 5, interval: '10s', baseEjectionTime: '30s' },
                loadBalancer: {
                  localityLbSetting: { enabled: true, failoverPriority: ['topology.istio.io/network', 'topology.kubernetes.io/region'] },
                },
              },
            }),
          ),
        ),
      ),
    ),
  }),
  'a service for the own namespace, of one cluster': () => ({
    built: multiPrimary.service('cache.shop', { in: ['east'], serviceAnnotations: { 'networking.istio.io/exportTo': '.' } }),
  }),
  'an EnvoyFilter for keep-alive of connections at the gateways': () => ({
    built: multiPrimary.edit(
      everywhere({
        apiVersion: 'networking.istio.io/v1alpha3',
        kind: 'EnvoyFilter',
        metadata: { name: 'keepalive', namespace: system },
        spec: {
          workloadSelector: { labels: { istio: 'eastwestgateway' } },
          configPatches: [
            {
              applyTo: 'LISTENER',
              match: { context: 'GATEWAY', listener: { portNumber: 15443 } },
              patch: { operation: 'MERGE', value: { socket_options: [{ level: 1, name: 9, int_value: 1, state: 'STATE_PREBIND' }] } },
            },
          ],
        },
      }),
    ),
  }),
  'services with ports for one cluster more, by name': () => ({
    built: multiPrimary.service('tools.shop', {
      ports: [
        { name: 'http', port: 80, targetPort: 8080 },
        { name: 'grpc-admin', port: 9000, targetPort: 9000 },
      ],
    }),
  }),
  'pods on the network of their node in a namespace of the mesh': () => ({
    built: multiPrimary.workload('agent.shop', { hostNetwork: true }),
  }),
  'workloads that stay outside by a label of their pods': () => ({
    built: multiPrimary.service('legacy.shop', { inject: false, in: ['east'] }),
  }),
  'tests that come and go: a namespace of one cluster, without a root yet': () => ({
    built: multiPrimary.edit(adding('east', plain('preview-417', { 'istio-injection': 'enabled' }))),
  }),
  'replicas of StatefulSets in every cluster': () => ({
    built: shop(mesh().multiPrimary('east', 'west', { networks: 0 })).service('store.shop', {
      headless: true,
      port: 6379,
      portName: 'tcp-redis',
    }),
  }),
  'LoadBalancers of applications': () => ({
    built: multiPrimary.service('public.shop', { type: 'LoadBalancer' }),
  }),
  'Services in kube-system that differ from cluster to cluster': () => ({
    built: multiPrimary.edit(
      and(
        adding('east', service('kube-system', 'metrics-server', {})),
        adding(
          'west',
          service('kube-system', 'metrics-server', { ports: [{ name: 'https', port: 443, targetPort: 10250, protocol: 'TCP' }] }),
        ),
      ),
    ),
  }),
  'exported services of the multi-cluster API': () => ({
    built: multiPrimary.edit(
      everywhere(
        { apiVersion: 'multicluster.x-k8s.io/v1alpha1', kind: 'ServiceExport', metadata: { name: 'abc', namespace: 'shop' } },
        {
          apiVersion: 'multicluster.x-k8s.io/v1alpha1',
          kind: 'ServiceImport',
          metadata: { name: 'abc', namespace: 'shop' },
          spec: { type: 'ClusterSetIP', ips: ['10.100.0.7'], ports: [{ port: 80 }] },
        },
      ),
    ),
  }),
  'canaries of an application by subsets, in every cluster': () => ({
    built: multiPrimary.edit(
      everywhere(
        applied('DestinationRule', 'shop', 'abc', { host: 'abc', subsets: [{ name: 'v1', labels: { app: 'abc' } }] }),
        applied('VirtualService', 'shop', 'abc', { hosts: ['abc'], http: [{ route: [{ destination: { host: 'abc', subset: 'v1' } }] }] }),
      ),
    ),
  }),
  'rules that pin calls to their own cluster, in every cluster': () => ({
    built: multiPrimary.edit(
      and(
        ...['east', 'west'].map((cluster) =>
          adding(
            cluster,
            applied('DestinationRule', 'shop', 'abc', {
              host: 'abc.shop.svc.cluster.local',
              subsets: ['east', 'west'].map((name) => ({ name, labels: { 'topology.istio.io/cluster': name } })),
            }),
            applied('VirtualService', 'shop', 'abc', {
              hosts: ['abc.shop.svc.cluster.local'],
              http: [{ route: [{ destination: { host: 'abc.shop.svc.cluster.local', subset: cluster } }] }],
            }),
          ),
        ),
      ),
    ),
  }),
  'ambient: services that stay at home': () => ({
    built: mesh()
      .ambient('east', 'west')
      .namespace('shop', { injected: true })
      .service('abc.shop')
      .namespace('out', { labels: { 'istio.io/dataplane-mode': 'none' } })
      .service('x.out'),
  }),
  'ambient without workloads': () => ({ built: mesh().ambient('east', 'west') }),
  'ambient: a global service scaled to nothing in one cluster': () => ({
    built: mesh()
      .ambient('east', 'west')
      .namespace('shop', { injected: true })
      .service('abc.shop', { in: ['east'], serviceLabels: { 'istio.io/global': 'true' } })
      .service('abc.shop', { in: ['west'], withoutWorkload: true, serviceLabels: { 'istio.io/global': 'true' } }),
  }),
  'labels of the network on pods, as injection writes them': () => ({
    built: multiPrimary.edit(
      and(
        pods((object) => label(object, 'topology.istio.io/network', 'network1'), 'east'),
        pods((object) => label(object, 'topology.istio.io/network', 'network2'), 'west'),
      ),
    ),
  }),
};
