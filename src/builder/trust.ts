import { names } from '../istio/labels.ts';
import type { KubeObject } from '../model/kube.ts';
import { firstCa, noKey, type PluggedInCa, selfSignedRoots } from './certificates.ts';
import { makerOf } from './objects.ts';
import type { Cluster } from './plan.ts';
import { base64Of } from './seeded.ts';

/** Where istiod's certificates come from: Secret `cacerts`, or a root it made itself. */
export type Trust = 'plugged-in' | 'self-signed';

/** Root of the istiod of a cluster. Self-signed roots differ from istiod to istiod. */
export function rootOf(trust: Trust, cluster: Cluster, ca: PluggedInCa = firstCa): string {
  return trust === 'plugged-in' ? ca.root : (selfSignedRoots[(cluster.number - 1) % selfSignedRoots.length] ?? selfSignedRoots[0]);
}

/** The Secret that holds istiod's own certificate. */
export function caSecret(trust: Trust, cluster: Cluster, namespace: string, createdAt: string, ca: PluggedInCa = firstCa): KubeObject {
  const make = makerOf(cluster.name, createdAt);
  const encoded = (data: Readonly<Record<string, string>>) => ({
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, base64Of(text)])),
  });
  if (trust === 'plugged-in') {
    const intermediate = ca.intermediates[(cluster.number - 1) % 2] ?? ca.intermediates[0];
    const data = { 'ca-cert.pem': intermediate, 'ca-key.pem': noKey, 'cert-chain.pem': intermediate + ca.root, 'root-cert.pem': ca.root };
    return make('v1', 'Secret', { name: 'cacerts', namespace }, { ...encoded(data), type: 'Opaque' });
  }
  const root = rootOf(trust, cluster);
  const data = { 'ca-cert.pem': root, 'ca-key.pem': noKey, 'cert-chain.pem': '', 'key.pem': '', 'root-cert.pem': root };
  return make('v1', 'Secret', { name: 'istio-ca-secret', namespace }, { ...encoded(data), type: 'istio.io/ca-root' });
}

/** What the leader of the namespace controller writes into every namespace. */
export function rootConfigMaps(
  cluster: Cluster,
  namespaces: readonly string[],
  root: string,
  hasCrl: boolean,
  createdAt: string,
): KubeObject[] {
  const make = makerOf(cluster.name, createdAt);
  const labels = { 'istio.io/config': 'true' };
  return namespaces.flatMap((namespace) => [
    ...(hasCrl ? [make('v1', 'ConfigMap', { name: 'istio-ca-crl', namespace, labels }, { data: { 'ca-crl.pem': '' } })] : []),
    make('v1', 'ConfigMap', { name: names.rootConfigMap, namespace, labels }, { data: { 'root-cert.pem': root } }),
  ]);
}

/** The namespaces that Kubernetes makes and the leader writes into. */
export const usualNamespaces = ['default', 'kube-system'] as const;
