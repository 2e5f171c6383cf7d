import { changed, put } from '../../builder/edits/edit.ts';
import { textAt } from '../../builder/edits/json.ts';
import type { Addresses } from '../../builder/addresses.ts';
import { service } from '../../builder/services.ts';
import { deployment } from '../../builder/workload.ts';
import type { Cluster } from '../../builder/plan.ts';
import type { KubeObject } from '../../model/kube.ts';
import { freeAddressesAmong } from './pods.ts';

const namespace = 'kube-system';
const selector = { 'k8s-app': 'kube-dns' };

/** CoreDNS as kubeadm installs it, running since `createdAt`, for a cluster that has none; nothing where there is a Service kube-dns or no namespace to put it into. */
export function clusterDns(name: string, objects: readonly KubeObject[], createdAt: string): KubeObject[] {
  const hasNamespace = objects.some(({ kind, metadata }) => kind === 'Namespace' && metadata.name === namespace);
  const isThere = objects.some(
    ({ kind, metadata }) => metadata.namespace === namespace && kind === 'Service' && metadata.name === 'kube-dns',
  );
  if (!hasNamespace || isThere) return [];
  const cluster: Cluster = { name, id: name, number: 1, network: undefined, labelsNetwork: false, kubelet: '' };
  const addresses = addressesAmong(objects);
  const config: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'coredns', namespace },
    data: {
      Corefile: '.:53 {\n    kubernetes cluster.local in-addr.arpa ip6.arpa {\n       ttl 30\n    }\n    forward . /etc/resolv.conf\n}\n',
    },
  };
  const workload = deployment(cluster, addresses, {
    namespace,
    name: 'coredns',
    createdAt,
    labels: selector,
    selector,
    rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' },
    template: {
      labels: selector,
      spec: {
        containers: [
          {
            args: ['-conf', '/etc/coredns/Corefile'],
            image: 'registry.k8s.io/coredns/coredns:v1.12.1',
            name: 'coredns',
            ports: [
              { containerPort: 53, name: 'dns', protocol: 'UDP' },
              { containerPort: 53, name: 'dns-tcp', protocol: 'TCP' },
              { containerPort: 9153, name: 'metrics', protocol: 'TCP' },
            ],
            volumeMounts: [{ mountPath: '/etc/coredns', name: 'config-volume', readOnly: true }],
          },
        ],
        dnsPolicy: 'Default',
        serviceAccountName: 'coredns',
        volumes: [{ configMap: { defaultMode: 420, name: 'coredns' }, name: 'config-volume' }],
      },
    },
  });
  const front = service(
    cluster,
    addresses,
    {
      namespace,
      name: 'kube-dns',
      createdAt,
      labels: { ...selector, 'kubernetes.io/name': 'CoreDNS' },
      selector,
      ports: [
        { name: 'dns', port: 53, targetPort: 53, protocol: 'UDP' },
        { name: 'dns-tcp', port: 53, targetPort: 53 },
      ],
    },
    workload,
  );
  const account: KubeObject = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'coredns', namespace } };
  return [account, config, ...[...workload, ...front].map((object) => onNode(object, objects))];
}

/** On a node that is there: the builder names nodes after its clusters. */
function onNode(object: KubeObject, objects: readonly KubeObject[]): KubeObject {
  const node = objects.find(({ kind }) => kind === 'Node');
  if (node === undefined) return object;
  const { name } = node.metadata;
  if (object.kind === 'Pod') return put(object, ['spec', 'nodeName'], name);
  if (object.kind === 'EndpointSlice') return put(object, ['endpoints', '*', 'nodeName'], name);
  return object.kind === 'Endpoints'
    ? changed(object, ['subsets', '*', 'addresses', '*', 'nodeName'], (old) => (old === undefined ? old : name))
    : object;
}

/** The next free address for a pod, and for the Service the tenth of the range whose first is that of Service `kubernetes`. */
function addressesAmong(objects: readonly KubeObject[]): Addresses {
  const api = objects.find(
    ({ kind, metadata }) => kind === 'Service' && metadata.namespace === 'default' && metadata.name === 'kubernetes',
  );
  const first = textAt(api, 'spec', 'clusterIP') ?? '10.96.0.1';
  let used = 0;
  const next = freeAddressesAmong(objects.filter(({ kind }) => kind === 'Pod'));
  return {
    pod: () => {
      used += 1;
      return next();
    },
    service: () => first.replace(/\.\d+$/, '.10'),
    nodePort: () => 30_053,
    used: () => used,
  };
}
