import type { KubeObject } from '../../model/kube.ts';
import { type Edit, EditError, inCluster, isNamed } from './edit.ts';
import { agoIn, generatedUid, timeText } from './clock.ts';

export interface PolicyOptions {
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
  /** Before the mesh was looked at. Default: one, so that no pod has started since. */
  readonly minutesAgo?: number;
}

/** A NetworkPolicy was applied. */
export function networkPolicy({ cluster, namespace, name, spec, minutesAgo = 1 }: PolicyOptions): Edit {
  return inCluster(cluster, (objects, mesh) => {
    if (!objects.some(isNamed('Namespace', namespace))) throw new EditError(`There is no namespace ${namespace} in ${cluster}.`);
    const policy: KubeObject = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: {
        name,
        namespace,
        uid: generatedUid(`${cluster}/NetworkPolicy/${namespace}/${name}`),
        creationTimestamp: timeText(agoIn(mesh, minutesAgo)),
      },
      spec,
    };
    return [...objects, policy];
  });
}

/** The network of a cluster enforces NetworkPolicies: Calico runs on its nodes. */
export function policiesEnforced({ cluster }: { readonly cluster: string }): Edit {
  return inCluster(cluster, (objects) => {
    const labels = { 'k8s-app': 'calico-node' };
    const agent: KubeObject = {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: {
        name: 'calico-node',
        namespace: 'kube-system',
        uid: generatedUid(`${cluster}/calico-node`),
        creationTimestamp: '2026-11-20T08:00:00Z',
        labels,
      },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { hostNetwork: true, containers: [{ name: 'calico-node', image: 'docker.io/calico/node:v3.30.2' }] },
        },
      },
      status: { desiredNumberScheduled: 1, currentNumberScheduled: 1, numberReady: 1, numberMisscheduled: 0 },
    };
    return [...objects, agent];
  });
}

/** The DNS of a cluster, of which meshes are made without. */
export function clusterDns({ cluster }: { readonly cluster: string }): Edit {
  return inCluster(cluster, (objects) => {
    const server: KubeObject = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'coredns-6d4c5bbdd6-k7s5g',
        namespace: 'kube-system',
        uid: generatedUid(`${cluster}/coredns`),
        creationTimestamp: '2026-11-20T08:00:00Z',
        labels: { 'k8s-app': 'kube-dns' },
      },
      spec: { serviceAccountName: 'coredns', containers: [{ name: 'coredns', image: 'registry.k8s.io/coredns/coredns:v1.12.1' }] },
      status: { phase: 'Running', podIP: '10.1.0.53', podIPs: [{ ip: '10.1.0.53' }], conditions: [{ type: 'Ready', status: 'True' }] },
    };
    return [...objects, server];
  });
}
