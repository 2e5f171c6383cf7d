import type { Cluster } from './cluster.ts';

/** CoreDNS as every cluster has it: Service kube-dns in kube-system, plain configuration. */
export async function installDns(cluster: Cluster): Promise<void> {
  const labels = { 'k8s-app': 'kube-dns' };
  const metadata = { name: 'coredns', namespace: 'kube-system' };
  const objects: readonly (readonly [path: string, object: unknown])[] = [
    ['/api/v1/namespaces/kube-system/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata }],
    [
      '/apis/rbac.authorization.k8s.io/v1/clusterroles',
      {
        metadata: { name: 'system:coredns' },
        rules: [
          { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
          { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
        ],
      },
    ],
    [
      '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
      {
        metadata: { name: 'system:coredns' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:coredns' },
        subjects: [{ kind: 'ServiceAccount', name: 'coredns', namespace: 'kube-system' }],
      },
    ],
    ['/api/v1/namespaces/kube-system/configmaps', { metadata, data: { Corefile: corefile } }],
    [
      '/api/v1/namespaces/kube-system/services',
      {
        metadata: { name: 'kube-dns', namespace: 'kube-system', labels },
        spec: {
          clusterIP: cluster.addresses.dns,
          selector: labels,
          ports: [
            { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
            { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
          ],
        },
      },
    ],
    [
      '/apis/apps/v1/namespaces/kube-system/deployments',
      {
        metadata: { ...metadata, labels },
        spec: {
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: {
              serviceAccountName: 'coredns',
              containers: [
                {
                  name: 'coredns',
                  image: 'registry.k8s.io/coredns/coredns:v1.14.7',
                  volumeMounts: [{ name: 'config-volume', mountPath: '/etc/coredns', readOnly: true }],
                  ports: [{ name: 'dns', containerPort: 53, protocol: 'UDP' }],
                  readinessProbe: { httpGet: { path: '/ready', port: 8181 } },
                },
              ],
              volumes: [{ name: 'config-volume', configMap: { name: 'coredns' } }],
            },
          },
        },
      },
    ],
  ];
  for (const [path, object] of objects) {
    const answer = await cluster.kube.call('POST', path, object);
    if (answer.status >= 300) throw new Error(`${path} in ${cluster.name}: ${JSON.stringify(answer.body)}`);
  }
}

const corefile = `.:53 {
    errors
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }
    cache 30
    loadbalance
}
`;
