import { clusterOf, type Edit, find, inCluster } from '../../src/builder/edits/edit.ts';
import { textAt } from '../../src/builder/edits/json.ts';
import { istiodDown } from '../broken/edits.ts';
import type { Fault } from './fault.ts';
import type { MeshName } from './meshes.ts';

/*
 * Where each check is seen to find what it is about by asking API servers: one fault for every check, in one mesh. test/roads/collected.test.ts
 * tries them, docs/coverage.md names them.
 */

/** A fault that is served; no mode of failure has to be claimed for it. */
export type Servable = Omit<Fault, 'mode'>;

/** By check: a fault, and the mesh that it is put in. */
export const servedFaults: Readonly<Record<string, readonly [fault: string, mesh: MeshName]>> = {
  // ambient
  'bridged-roots': ['ambient-roots-exchanged', 'ambient'],
  'bypassed-waypoint-policy': ['policy-built-into-ambient-gateway', 'ambient 1.28 with a waypoint'],
  'disabled-multi-network': ['multi-network-setting-lost-in-an-upgrade', 'ambient'],
  'divergent-ambient-trust-domain': ['ambient-trust-domains-differ', 'ambient'],
  'diverted-ingress': ['ambient-ingress-setting-in-a-sidecar-mesh', 'two primaries'],
  'faulty-ambient-release': ['release-that-forgets-clusters', 'ambient'],
  'hbone-only-gateway': ['sidecars-beside-hbone-gateway', 'ambient 1.28 with a waypoint'],
  'inconsistent-service-scope': ['global-label-forgotten', 'ambient with a waypoint'],
  'ineffective-region-failover': ['failover-by-region-in-ambient', 'ambient with a waypoint'],
  'leaking-waypoint': ['local-service-behind-global-waypoint', 'ambient 1.28 with a waypoint'],
  'one-sided-waypoint': ['waypoint-in-one-cluster', 'ambient with a waypoint'],
  'rejected-ambient-gateway': ['ambient-gateway-refused', 'ambient'],
  'single-network-waypoint': ['global-waypoint-on-one-network', 'ambient 1.28 with a waypoint'],
  'undeclared-service': ['ambient-service-without-stub', 'ambient with a waypoint'],
  'unsupported-ambient-topology': ['ztunnel-in-a-remote', 'primary-remote'],
  'withheld-service-entry': ['entry-kept-from-remote-sidecars', 'primary-remote'],
  // cloud
  'failing-health-check': ['health-check-of-pod-port-on-instances', 'primary-remote'],
  'limited-add-on': ['add-on-of-aks', 'two primaries'],
  'narrow-source-ranges': ['source-ranges-without-nodes-of-peer', 'two primaries'],
  'terminating-load-balancer': ['certificate-on-load-balancer', 'primary-remote on one network'],
  'unreachable-injector': ['firewall-before-gateway-of-primary', 'primary-remote'],
  'unread-proxy-header': ['proxy-protocol-of-classic-load-balancer', 'primary-remote'],
  // control-plane-exposure
  'denied-istiod-connection': ['policy-allows-nothing', 'primary-remote'],
  'foreign-istiod-certificate': ['address-leads-to-istiod-of-another-installation', 'primary-remote'],
  'misdirected-proxy': ['proxies-at-istiod-of-another-primary', 'two primaries'],
  'mismatched-exposed-revision': ['exposed-without-revision', 'primary-remote with a revision'],
  'mismatched-istiod-certificate': ['webhooks-call-name-of-load-balancer', 'primary-remote'],
  'missing-istiod-port': ['gateway-without-istiod-ports', 'primary-remote'],
  'rejected-istiod-call': ['load-balancer-ends-calls-of-istiod', 'primary-remote'],
  'shadowed-istiod-route': ['second-route-for-every-name', 'primary-remote'],
  'stale-pilot-address': ['load-balancer-made-again', 'primary-remote'],
  'unavailable-istiod': ['istiod-scaled-to-nothing', 'primary-remote'],
  'unconnected-proxy': ['firewall-before-discovery', 'primary-remote'],
  'unexposed-istiod': ['istiod-never-exposed', 'primary-remote'],
  'untrusted-exposure': ['istiod-exposed-with-company-certificate', 'primary-remote'],
  // dns
  'ambiguous-service': ['another-application-of-the-same-name', 'primary-remote'],
  'bypassed-sidecar': ['callers-keep-a-port-from-their-sidecar', 'primary-remote with callers'],
  'cluster-local-service': ['services-kept-to-their-clusters', 'primary-remote'],
  'leftover-global-name': ['entry-of-the-old-scheme', 'primary-remote'],
  'mismatched-port-name': ['port-named-otherwise-in-a-remote', 'primary-remote'],
  'mixed-headless-service': ['headless-in-a-remote-only', 'primary-remote'],
  'node-local-service': ['service-kept-to-its-nodes', 'primary-remote with callers'],
  'stale-dns-capture': ['capture-came-after-the-pods-of-a-remote', 'primary-remote'],
  'unanswered-name': ['name-not-answered', 'primary-remote'],
  'undiscovered-namespace': ['namespace-of-a-remote-not-selected', 'primary-remote'],
  'unexported-service': ['service-exported-to-its-own-namespace', 'primary-remote'],
  'unmerged-port': ['port-added-in-a-remote', 'primary-remote'],
  'unmeshed-namespace': ['namespace-of-a-remote-not-labelled', 'primary-remote'],
  'unnamed-stateful-pod': ['pods-of-a-stateful-set-with-different-ports', 'primary-remote on one network'],
  'unreachable-headless-service': ['headless-pods-on-another-network', 'primary-remote'],
  'unresolvable-service': ['name-unknown-without-capture', 'primary-remote'],
  'unrouted-stub-service': ['routes-of-a-stub-in-one-primary', 'two primaries'],
  // east-west
  'colliding-gateways': ['gateways-overlap', 'primary-remote'],
  'denied-network-path': ['gateway-for-pods-of-the-cluster', 'primary-remote'],
  'failing-pod-call': ['nodes-of-peer-not-admitted', 'two primaries'],
  'foreign-gateway-certificate': ['pods-of-another-trust-domain', 'primary-remote'],
  'missing-cross-network-port': ['gateway-without-cross-network-port', 'primary-remote'],
  'missing-east-west-gateway': ['multi-network-setting-never-made', 'ambient'],
  'missing-endpoint-shard': ['endpoints-lost-in-a-rotation', 'primary-remote'],
  'public-gateway': ['gateway-open-to-the-internet', 'primary-remote'],
  'rejected-cross-network-call': ['gateway-has-no-endpoint-of-a-service', 'primary-remote'],
  'terminated-cross-network-tls': ['load-balancer-ends-tls', 'primary-remote'],
  'unaddressed-gateway': ['route-to-node-port', 'primary-remote'],
  'unbacked-gateway-node': ['node-port-local-on-half-of-the-nodes', 'primary-remote'],
  'unconfigured-gateway': ['gateway-drained-by-hand', 'primary-remote'],
  'unexpected-sidecar-endpoints': ['sidecars-kept-the-address-of-before', 'primary-remote'],
  'unexposed-services': ['services-never-exposed', 'primary-remote'],
  'unkept-connection': ['network-load-balancer-forgets', 'primary-remote'],
  'unlisted-gateway': ['gateway-lost-after-a-rotation', 'primary-remote'],
  'unreachable-gateway': ['load-balancer-without-targets', 'primary-remote'],
  'unread-external-ips': ['external-ips-before-1-8', 'primary-remote 1.24'],
  'unready-east-west-gateway': ['secret-never-made', 'primary-remote'],
  'unresolved-gateway-hostname': ['load-balancer-has-a-name-only', 'primary-remote'],
  'unusable-gateway-family': ['load-balancer-of-both-families', 'primary-remote 1.24'],
  // injection
  'contradicting-injection-labels': ['both-injection-labels-on-canary', 'an upgrade in flight'],
  'dangling-injector-service': ['service-for-istiod-left-out', 'primary-remote'],
  'external-name-injector-service': ['remote-pilot-address-is-name-of-load-balancer', 'primary-remote'],
  'failing-injection': ['ca-bundle-of-before-and-a-new-pod-tried', 'primary-remote'],
  'missing-discovery-service': ['remote-service-renamed-by-upgrade', 'primary-remote'],
  'overwritten-pod-networks': ['pod-networks-replaced-by-injector', 'primary-remote'],
  'premature-canary-gateway': ['canary-gateway-labelled-in-remote', 'an upgrade in flight'],
  'premature-istiod': ['rollout-refused-while-istiod-started', 'primary-remote'],
  'shared-istiod-service': ['canary-webhook-calls-old-service', 'an upgrade in flight'],
  'stale-ca-bundle': ['ca-bundle-of-another-root', 'primary-remote'],
  'stale-validator-ca-bundle': ['validator-required-without-ca', 'primary-remote'],
  'stray-istiod': ['remote-installed-with-whole-profile', 'primary-remote'],
  'unserved-gateway-revision': ['gateway-of-remote-asks-for-another-revision', 'primary-remote'],
  'unserved-injector': ['remote-installed-with-another-revision', 'primary-remote'],
  'unserved-revision': ['namespace-wants-a-revision-with-dots', 'primary-remote with a revision'],
  // policy
  'altered-cross-network-port': ['filter-rewrites-server-names', 'primary-remote'],
  'disabled-mutual-tls': ['mtls-off-in-a-namespace', 'primary-remote'],
  'foreign-principal': ['policy-with-identities-of-another-mesh', 'primary-remote'],
  'inert-configuration': ['route-applied-in-remote', 'primary-remote'],
  'mismatched-client-tls': ['rule-turns-tls-off', 'primary-remote'],
  'missing-caller-rules': ['rule-beside-the-service-only', 'two primaries'],
  'missing-outlier-detection': ['failover-without-outlier-detection', 'primary-remote'],
  'missing-subset': ['subset-of-the-callers-only', 'two primaries'],
  'overriding-service-entry': ['entry-of-callers-finds-nobody', 'two primaries with callers'],
  'stale-mesh-config': ['dns-capture-in-a-config-that-is-refused', 'primary-remote'],
  'uninjected-endpoints': ['service-without-sidecars-in-one-cluster', 'primary-remote'],
  'unknown-destination': ['route-to-a-removed-service', 'primary-remote with callers'],
  'unread-configuration': ['gateways-that-istiod-does-not-list', 'primary-remote'],
  'uneven-authorization': ['callers-allowed-by-address-where-they-were', 'two primaries with callers'],
  'unseen-source-address': ['policy-by-address-of-a-remote-pod', 'primary-remote'],
  'unserved-locality': ['calls-stay-in-a-region-that-is-drained', 'primary-remote with callers'],
  // remote-secret
  'divergent-replicas': ['one-replica-lost-a-gateway', 'two primaries'],
  'duplicate-remote-secret': ['two-secrets-for-one-cluster', 'primary-remote'],
  'expired-credential': ['token-expired', 'primary-remote'],
  'expiring-api-server-ca': ['authority-of-remote-expires-in-a-week', 'primary-remote'],
  'insufficient-reader-role': ['reader-unbound', 'primary-remote'],
  'loopback-server': ['secret-names-the-loopback', 'primary-remote'],
  'mismatched-api-server-ca': ['secret-with-authority-of-the-front', 'primary-remote'],
  'mismatched-secret-key': ['secrets-exchanged', 'two remotes'],
  'missing-remote-secret': ['secret-never-made', 'primary-remote'],
  'orphaned-remote-secret': ['secret-of-a-remote-that-is-gone', 'two remotes'],
  'rejected-kubeconfig': ['kubeconfig-runs-a-program', 'primary-remote'],
  'revoked-credential': ['reader-account-made-again', 'primary-remote'],
  'self-remote-secret': ['secret-for-itself', 'primary-remote'],
  'severed-cluster': ['remote-api-lost-after-it-was-read', 'primary-remote'],
  'uncreatable-remote-secret': ['cluster-id-is-no-label', 'primary-remote'],
  'unread-remote-secret': ['secret-without-label', 'primary-remote'],
  'unsynced-cluster': ['secret-of-peer-with-another-authority', 'two primaries'],
  // scale
  'crowded-gateway': ['gateway-of-thousands-of-services', 'primary-remote'],
  'killed-istiod': ['istiod-out-of-memory', 'primary-remote'],
  'limited-istiod-cpu': ['istiod-limited-to-half-a-core', 'primary-remote'],
  'needless-pushes': ['leader-elected-by-endpoints', 'primary-remote'],
  'rejected-push': ['gateway-refuses-its-listeners', 'primary-remote'],
  'wasteful-release': ['release-that-forgets-clusters', 'ambient'],
  // topology
  'divergent-cluster-domain': ['primary-with-a-domain-of-its-own', 'two primaries'],
  'divergent-mesh-networks': ['mesh-networks-in-one-primary-only', 'two primaries'],
  'duplicate-cluster-id': ['both-called-kubernetes', 'primary-remote'],
  'mismatched-cluster-id': ['secret-under-context-name', 'primary-remote'],
  'mismatched-gateway-network': ['gateway-service-label-misspelled', 'primary-remote'],
  'mismatched-injection-path': ['external-injection-url-copied', 'an external control plane'],
  'mismatched-network-view': ['gateway-sees-network-of-primary', 'primary-remote'],
  'missing-network-label': ['network-label-of-remote-removed', 'primary-remote'],
  'shared-network': ['kubenet-in-peered-networks', 'primary-remote'],
  'terminating-namespace': ['gateway-waits-for-its-finalizer', 'primary-remote'],
  'stale-proxy-network': ['injected-before-the-network', 'primary-remote'],
  'unled-remote': ['secret-names-the-loopback', 'primary-remote'],
  'unmatched-control-plane-clusters': ['external-remote-never-annotated', 'an external control plane'],
  'unset-external-istiod': ['external-istiod-not-external', 'an external control plane'],
  // trust
  'divergent-roots': ['sample-certificates-in-one-primary', 'two primaries'],
  'expiring-ca-bundle': ['bundle-of-injector-expired', 'an external control plane'],
  'expiring-root': ['root-expired', 'primary-remote'],
  'expiring-signing-ca': ['intermediate-expired', 'primary-remote'],
  'foreign-root': ['root-of-a-former-installation', 'primary-remote'],
  'ineffective-extra-roots': ['extra-roots-without-any-flag', 'two primaries'],
  'missing-root': ['roots-missing-while-nobody-leads', 'primary-remote'],
  'mistaken-trust-domain': ['remote-without-mesh-config-in-custom-domain', 'primary-remote'],
  'published-ca': ['sample-certificates-plugged-in', 'primary-remote'],
  'unfinished-root-rotation': ['root-swapped-while-the-other-is-prepared', 'two primaries'],
  'unrenewed-sidecar-certificate': ['workloads-kept-the-authority-of-before', 'primary-remote'],
  'unused-cacerts': ['cacerts-replaced-without-restart', 'primary-remote'],
  // version
  'distant-control-planes': ['release-that-mixes-connections-in-one-cluster', 'three ambient primaries'],
  'interrupted-upgrade': ['first-cluster-upgraded-to-1-20', 'two primaries'],
  'known-bad-release': ['ambient-trust-domains-differ', 'ambient'],
  'mismatched-proxy-version': ['policy-passed-by-ingress', 'ambient 1.28 with a waypoint'],
  'outdated-crds': ['crds-of-the-first-installation', 'primary-remote'],
  'unsupported-kubernetes': ['remote-kubernetes-upgraded-first', 'primary-remote 1.24'],
};

/** By check: why no mesh that runs here can have what it is about. */
export const unserved: Readonly<Record<string, string>> = {};

/** Faults of checks that claim no mode of their own. */
export const alsoServed: readonly Servable[] = [
  {
    id: 'istiod-scaled-to-nothing',
    says: 'The Deployment of istiod was scaled to nothing.',
    meshes: ['primary-remote'],
    edits: [istiodDown({ cluster: 'east', remotes: ['west'], how: 'scaled' })],
  },
  {
    id: 'policy-by-address-of-a-remote-pod',
    says: 'A policy admits a pod of the other network by its address, which nobody sees behind a gateway.',
    meshes: ['primary-remote'],
    edits: [allowedByAddress({ cluster: 'east', namespace: 'shop', of: 'west' })],
  },
];

/** A policy for the whole of a namespace, by the address that a pod of the same namespace has in another cluster. */
function allowedByAddress(options: { readonly cluster: string; readonly namespace: string; readonly of: string }): Edit {
  const { cluster, namespace, of } = options;
  return inCluster(cluster, (objects, mesh) => {
    const pod = find(clusterOf(mesh, of), ({ kind, metadata }) => kind === 'Pod' && metadata.namespace === namespace, 'pod of a caller');
    const rules = [{ from: [{ source: { ipBlocks: [`${textAt(pod, 'status', 'podIP') ?? ''}/32`] } }] }];
    const policy = { apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata: { name: 'by-address', namespace } };
    return [...objects, { ...policy, spec: { action: 'ALLOW', rules } }];
  });
}
