import { textAt } from '../../builder/edits/json.ts';
import type { KubeObject } from '../../model/kube.ts';

const namespace = 'kube-system';
const selector = { 'k8s-app': 'kube-dns' };

/** CoreDNS as kubeadm installs it, for a cluster that has none; nothing where there is a Service kube-dns or no namespace to put it into. */
export function clusterDns(objects: readonly KubeObject[]): KubeObject[] {
  const hasNamespace = objects.some(({ kind, metadata }) => kind === 'Namespace' && metadata.name === namespace);
  const isThere = objects.some(
    ({ kind, metadata }) => metadata.namespace === namespace && kind === 'Service' && metadata.name === 'kube-dns',
  );
  if (!hasNamespace || isThere) return [];
  const clusterIP = addressIn(objects);
  const meta = (name: string) => ({ name, namespace, labels: selector });
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'coredns', namespace } },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'coredns', namespace },
      data: {
        Corefile: '.:53 {\n    kubernetes cluster.local in-addr.arpa ip6.arpa {\n       ttl 30\n    }\n    forward . /etc/resolv.conf\n}\n',
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { ...meta('coredns'), generation: 1 },
      spec: {
        progressDeadlineSeconds: 600,
        replicas: 1,
        revisionHistoryLimit: 10,
        selector: { matchLabels: selector },
        strategy: { rollingUpdate: { maxSurge: '25%', maxUnavailable: 1 }, type: 'RollingUpdate' },
        template: {
          metadata: { labels: selector },
          spec: {
            containers: [
              {
                args: ['-conf', '/etc/coredns/Corefile'],
                image: 'registry.k8s.io/coredns/coredns:v1.12.1',
                imagePullPolicy: 'IfNotPresent',
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
            restartPolicy: 'Always',
            serviceAccountName: 'coredns',
            volumes: [{ configMap: { name: 'coredns' }, name: 'config-volume' }],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...meta('kube-dns'), labels: { ...selector, 'kubernetes.io/name': 'CoreDNS' } },
      spec: {
        ...(clusterIP === undefined ? {} : { clusterIP, clusterIPs: [clusterIP] }),
        internalTrafficPolicy: 'Cluster',
        ipFamilies: ['IPv4'],
        ipFamilyPolicy: 'SingleStack',
        ports: [
          { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
          { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
        ],
        selector,
        sessionAffinity: 'None',
        type: 'ClusterIP',
      },
      status: { loadBalancer: {} },
    },
  ];
}

/** The tenth address of the range whose first is that of Service `kubernetes`, as kubeadm has it. */
function addressIn(objects: readonly KubeObject[]): string | undefined {
  const api = objects.find(
    ({ kind, metadata }) => kind === 'Service' && metadata.namespace === 'default' && metadata.name === 'kubernetes',
  );
  return textAt(api, 'spec', 'clusterIP')?.replace(/^(\d+\.\d+\.\d+)\.1$/, '$1.10');
}
