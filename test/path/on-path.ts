import type { callPaths } from '../../src/api/index.ts';

/** A call in a mesh with a fault of the real tier, and the hop where it ends. */
export interface FollowedCall {
  readonly from: string;
  readonly to: string;
  readonly hop: callPaths.HopName;
  /** Where it could not be told whether the call gets on: what is seen from where meshdoctor runs proves nothing of the caller. */
  readonly isOpen?: true;
}

const toCluster2 = { from: 'cluster1/sample/client', to: 'def.sample:5000' } as const;
const toCluster1 = { from: 'cluster2/sample/client', to: 'abc.sample:5000' } as const;
const ambient = { from: 'cluster1/sample/client', to: 'both.sample:5000' } as const;
const within = { from: 'cluster2/sample/client', to: 'abc.sample:5000' } as const;
const toPeers = { from: 'cluster1/sample/client', to: 'peers.sample:5000' } as const;
const toFront = { from: 'cluster1/sample/client', to: 'front.sample:5000' } as const;
const canary = { from: 'cluster2/shop/def', to: 'abc.shop:5000' } as const;

/** Faults of the real tier that lie on the way of a call, by their id. */
export const onPath: Readonly<Record<string, FollowedCall>> = {
  // The caller's sidecar does not get what istiod has for it.
  'address-of-istiod-removed': { ...toCluster1, hop: 'caller' },
  'address-of-primary-moved': { ...toCluster1, hop: 'caller' },
  'another-revision-exposed': { ...toCluster1, hop: 'caller' },
  'canary-not-exposed': { ...canary, hop: 'caller' },
  'canary-of-next-release': { ...canary, hop: 'caller' },
  'canary-only-in-primary': { ...canary, hop: 'caller' },
  'external-istiod-down': { ...within, hop: 'caller' },
  'external-not-exposed': { ...within, hop: 'caller' },
  'external-stale-address': { ...within, hop: 'caller' },
  'flat-istiod-not-exposed': { ...toCluster1, hop: 'caller' },
  'gateway-of-primary-left-out': { ...toCluster1, hop: 'caller' },
  'injection-path-left-out': { ...toCluster1, hop: 'caller' },
  'istiod-crashes': { ...toCluster1, hop: 'caller' },
  'istiod-denied-at-gateway': { ...toCluster1, hop: 'caller' },
  'istiod-not-exposed': { ...toCluster1, hop: 'caller' },
  'istiod-not-routed': { ...toCluster1, hop: 'caller' },
  'istiod-scaled-to-zero': { ...toCluster1, hop: 'caller' },
  'istiod-service-left-out': { ...toCluster1, hop: 'caller' },
  'pilot-address-stale': { ...toCluster1, hop: 'caller' },
  'tag-of-removed-revision': { ...canary, hop: 'caller' },
  'istiod-port-behind-firewall': { ...toCluster1, hop: 'caller' },
  'nodes-cut-off-from-istiod': { ...toCluster1, hop: 'caller' },
  // The name has no address.
  'headless-stub': { ...toPeers, hop: 'name' },
  'dns-capture-after-the-pods': { ...toCluster1, hop: 'name' },
  'dns-capture-left-out': { ...toCluster1, hop: 'name' },
  'flat-peer-secret-missing': { ...toCluster2, hop: 'name' },
  'flat-remote-secret-missing': { ...toCluster2, hop: 'name' },
  'namespace-not-selected': { ...toCluster2, hop: 'name' },
  'peer-secret-missing': { ...toCluster2, hop: 'name' },
  'peer-secret-of-itself': { ...toCluster2, hop: 'name' },
  'peer-with-the-same-name': { ...toCluster1, hop: 'name' },
  'peer-without-dns-capture': { ...toCluster1, hop: 'name' },
  'reader-without-services': { ...toCluster2, hop: 'name' },
  'secret-left-out': { ...toCluster2, hop: 'name' },
  'secret-misplaced': { ...toCluster2, hop: 'name' },
  'secret-under-name-of-primary': { ...toCluster2, hop: 'name' },
  'secret-unlabelled': { ...toCluster2, hop: 'name' },
  'secret-with-another-port': { ...toCluster2, hop: 'name' },
  'secret-with-foreign-ca': { ...toCluster2, hop: 'name' },
  // It has one, and istiod has no endpoints for it, or will not have them for long.
  'ambient-peer-secret-missing': { ...ambient, hop: 'endpoints' },
  'ambient-setting-missing': { ...ambient, hop: 'endpoints' },
  'routes-of-a-stub-in-one-primary': { ...toFront, hop: 'endpoints' },
  'service-kept-to-nodes': { ...toCluster2, hop: 'endpoints' },
  'client-tls-simple': { ...toCluster2, hop: 'endpoints' },
  'server-without-sidecar': { ...toCluster2, hop: 'endpoints' },
  'sidecar-labelled-plain': { ...toCluster2, hop: 'endpoints' },
  'trust-domain-of-the-primary-only': { ...toCluster2, hop: 'mtls' },
  'policy-by-source-address': { ...toCluster2, hop: 'authorization' },
  'external-loopback-server': { ...within, hop: 'endpoints' },
  'flat-peer-reader-cut': { ...toCluster2, hop: 'endpoints' },
  'peer-reader-renewed': { ...toCluster2, hop: 'endpoints' },
  'port-named-otherwise': { ...toCluster2, hop: 'endpoints' },
  'reader-account-made-anew': { ...toCluster2, hop: 'endpoints' },
  'reader-unbound': { ...toCluster2, hop: 'endpoints' },
  'reader-without-configmaps': { ...toCluster2, hop: 'endpoints' },
  'secret-under-another-name': { ...toCluster2, hop: 'endpoints' },
  'secret-with-loopback': { ...toCluster2, hop: 'endpoints' },
  'token-revoked': { ...toCluster2, hop: 'endpoints' },
  // The other network is not what it is taken for.
  'ambient-network-label-removed': { ...ambient, hop: 'network' },
  'injection-path-of-another-network': { ...toCluster2, hop: 'network' },
  'network-label-copied': { ...toCluster2, hop: 'network' },
  'network-label-of-primary-removed': { ...toCluster1, hop: 'network' },
  'network-label-otherwise': { ...toCluster2, hop: 'network' },
  'network-label-removed': { ...toCluster2, hop: 'network' },
  'peer-network-label-missing': { ...toCluster2, hop: 'network' },
  'peer-on-the-same-network': { ...toCluster2, hop: 'network' },
  // No gateway leads there.
  'ambient-gateway-missing': { ...ambient, hop: 'gateway' },
  'ambient-gateway-unlabelled': { ...ambient, hop: 'gateway' },
  'ambient-load-balancer-pending': { ...ambient, hop: 'gateway' },
  'gateway-of-another-network': { ...toCluster2, hop: 'gateway' },
  'callers-behind-firewall': { ...toCluster2, hop: 'gateway' },
  'gateway-of-primary-behind-firewall': { ...toCluster1, hop: 'gateway', isOpen: true },
  'gateway-of-primary-crashes': { ...toCluster1, hop: 'gateway' },
  'gateway-of-remote-behind-firewall': { ...toCluster2, hop: 'gateway', isOpen: true },
  'gateway-of-remote-left-out': { ...toCluster2, hop: 'gateway' },
  'gateway-of-remote-scaled-to-zero': { ...toCluster2, hop: 'gateway' },
  'gateway-started-while-cut-off': { ...toCluster2, hop: 'gateway' },
  'gateway-started-with-refused-filter': { ...toCluster2, hop: 'gateway' },
  'gateway-selector-changed': { ...toCluster2, hop: 'gateway' },
  'gateway-without-cross-network-port': { ...toCluster2, hop: 'gateway' },
  'gateway-without-network': { ...toCluster2, hop: 'gateway' },
  'load-balancer-sends-proxy-headers': { ...toCluster2, hop: 'gateway' },
  'peer-gateway-not-installed': { ...toCluster2, hop: 'gateway' },
  'peer-gateway-of-another-network': { ...toCluster2, hop: 'gateway' },
  'pods-of-a-former-network': { ...toCluster2, hop: 'gateway' },
  // One does, and does not let the call through.
  'gateway-sees-another-network': { ...toCluster2, hop: 'sni' },
  'service-exported-to-its-namespace': { ...toCluster2, hop: 'sni' },
  'gateway-with-tls-of-its-own': { ...toCluster2, hop: 'sni' },
  'load-balancer-ends-tls': { ...toCluster2, hop: 'sni' },
  'mutual-tls-disabled': { ...toCluster2, hop: 'sni' },
  'peer-services-not-exposed': { ...toCluster1, hop: 'sni' },
  'services-exposed-by-another-gateway': { ...toCluster2, hop: 'sni' },
  'services-exposed-in-remote-only': { ...toCluster1, hop: 'sni' },
  'services-exposed-narrowly': { ...toCluster2, hop: 'sni' },
  'services-not-exposed': { ...toCluster2, hop: 'sni' },
  'subset-in-one-primary': { ...toCluster2, hop: 'sni' },
  // Who answers is not trusted.
  'peer-of-another-trust-domain': { ...toCluster2, hop: 'mtls' },
  'peer-roots-differ': { ...toCluster2, hop: 'mtls' },
  'root-replaced': { ...toCluster2, hop: 'mtls' },
  // One of the clusters was not read.
  'api-server-of-primary-stopped': { ...toCluster1, hop: 'caller', isOpen: true },
  'api-server-of-remote-stopped': { ...toCluster2, hop: 'name', isOpen: true },
  'replica-restarted-while-remote-away': { ...toCluster2, hop: 'name', isOpen: true },
};

/** Faults of the real tier that no call between running pods meets: each with what they keep from happening instead. */
export const besidePath: Readonly<Record<string, string>> = {
  'ambient-global-label-forgotten': 'calls stay in their cluster',
  'another-application-of-the-same-name': 'a share of the calls is answered, by a stranger',
  'failover-without-outlier-detection': 'calls are spread where they should prefer their region',
  'headless-in-one-primary': 'callers of that service stay in their cluster',
  'name-of-the-old-scheme': 'calls of the old name',
  'port-added-in-one-primary': 'calls of another port',
  'rule-beside-the-service-only': 'a limit that callers do not keep',
  'annotation-late': 'new pods get no root',
  'annotation-left-out': 'new pods get no root',
  'annotation-names-another': 'new pods get no root',
  'ca-bundle-wrong-and-unled': 'new pods are not injected',
  'external-injection-path': 'new pods get another ID',
  'external-istiod-left-out': 'new pods get no root',
  'external-kubeconfig-missing': 'the next start of istiod',
  'external-unserved-revision': 'new pods are not injected',
  'injection-path-of-another-cluster': 'new pods get another ID',
  'gateway-cut-off-from-istiod': 'what changes next does not reach the gateway',
  'istiod-with-certificate-of-another-authority': 'who is connected to istiod stays so until the connection ends',
  'filter-that-envoy-refuses': 'what changes next does not reach the gateways',
  'injection-port-behind-firewall': 'new pods are not injected',
  'injector-ignored-and-unreached': 'new pods are not injected',
  'injectors-deleted': 'new pods are not injected',
  'intermediate-ends-in-days': 'calls in two weeks',
  'namespace-on-unserved-revision': 'new pods are not injected',
  'policy-in-remote': 'a policy that nobody reads',
  'gateways-overlap': 'a gateway that runs keeps its listener',
  'dns-barred-for-pods': 'names that no sidecar answers',
  'tokens-not-reviewed': 'new pods get no certificate',
  'root-copied-and-locked': 'new pods trust another root',
  'root-replaced-without-restart': 'the next start of istiod',
  'root-tampered-while-unled': 'new pods trust another root',
  'secret-twice': 'the second secret is not taken',
  'token-ends-in-days': 'calls in two days',
  'webhook-port-left-out': 'new pods are not injected',
};
