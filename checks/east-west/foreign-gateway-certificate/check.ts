import {
  type ClusterName,
  defineCheck,
  distinct,
  type GatewayHandshake,
  gatewayWays,
  labels,
  list,
  type MeshConfig,
  listOf,
  type ObjectRef,
  type Pod,
  type Remedy,
  remedy,
  type RootConfigMap,
  selectors,
  valueOf,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'foreign-gateway-certificate',
  title: 'Callers trust the certificates that services of other networks present',
  severity: 'error',
  certainty: 'certain',
  scope: 'pair',
  needs: { from: ['rootConfigMaps', 'meshConfigs'], to: ['gatewayHandshakes', 'meshConfigs', 'services', 'pods'] },
  uses: { from: [], to: ['rootConfigMaps'] },
  applies: { networks: 'multi', probed: ['gatewayHandshakes'] },
  path: { hops: ['mtls'] },
  catalogue: ['TRU-03', 'TRU-09'],
  explains: [
    { code: 'unconnected-proxy', match: 'cluster' },
    // Sidecars that started before a change of the root trust the one of before.
    { code: 'unrenewed-sidecar-certificate/oldRoot', match: 'cluster', keys: ['untrusted'] },
  ],
  docs: {
    why: 'Through a gateway a proxy speaks with the sidecar of the destination itself, a ztunnel with the gateway. The certificate has to verify against the roots that the caller was given, and to carry the identity that the caller was told to expect: trust domain, namespace and service account.',
    confirm:
      'openssl s_client -connect ADDRESS:15443 -servername outbound_.80_._.NAME.NAMESPACE.svc.cluster.local -alpn istio -showcerts; kubectl --context CLUSTER -n istio-system get configmap istio-ca-root-cert -o yaml',
    fix: 'Have one root sign for all clusters, with intermediates in cert-chain.pem; give a trust domain that differs to the others as an alias; and let one name stand for one application.',
    notWhen:
      'During a rotation of the root both are trusted; a service whose pods use several service accounts is answered by any of them.',
  },
  messages: {
    untrusted: (a: Seen & { chain: readonly string[]; isFormer: boolean; pods: readonly Pod[] }) => ({
      text: `What answers for ${serviceOf(a)} at ${gatewayWays.addressOf(a.handshake)}${byPod(a)} in ${a.to} does not verify against any root that ${a.from} trusts.`,
      expected: `a chain to a root in ConfigMap istio-ca-root-cert of ${a.from}`,
      found: `issued by ${a.issuer === '' ? 'nobody named' : a.issuer}; ${a.chain.length} in the chain${a.isFormer ? `, to no root that ${a.to} itself hands out today` : ''}`,
      effect:
        a.handshake.purpose === 'hbone'
          ? `ztunnels of ${a.from} refuse every connection to ${a.to}`
          : `proxies of ${a.from} refuse every connection to ${serviceOf(a)} in ${a.to}`,
      remedy: a.isFormer ? restartsOf(a.to, a.pods) : [],
    }),
    otherTrustDomain: (a: Seen & { trustDomain: string; accepted: readonly string[] }) => ({
      text: `What answers for ${serviceOf(a)} in ${a.to} is of trust domain ${a.trustDomain}, which is none that ${a.from} accepts.`,
      expected: list(a.accepted),
      found: a.trustDomain,
      effect: `proxies of ${a.from} refuse it by its name`,
      certainty: 'likely',
    }),
    otherIdentity: (a: Seen & { identity: string; expected: readonly string[] }) => ({
      text: `What answers for ${serviceOf(a)} at ${gatewayWays.addressOf(a.handshake)}${byPod(a)} in ${a.to} is ${a.identity}, which is ${a.handshake.purpose === 'hbone' ? 'no pod of the gateway' : 'none of its pods there'}.`,
      expected: list(a.expected),
      found: a.identity,
      effect:
        a.handshake.purpose === 'hbone'
          ? `ztunnels of ${a.from} refuse every connection to ${a.to}`
          : `calls to ${serviceOf(a)} reach another application, or are refused`,
      severity: 'warning',
      certainty: 'likely',
    }),
  },
  *run({ from, to, mesh, finding, undecided }) {
    const own = valueOf(from.member.network);
    const near = from.rootConfigMaps.filter(({ namespace }) => namespace === from.member.systemNamespace);
    const maps = near.length > 0 ? near : from.rootConfigMaps;
    const roots = rootsOf(from.rootConfigMaps, from.member.systemNamespace);
    const accepted = trustDomains(from.meshConfigs.length > 0 ? from.meshConfigs : to.meshConfigs);
    const isShared = (network: string): boolean =>
      [...mesh.members.values()].some(
        (other) => other.cluster !== to.name && (!('known' in other.network) || other.network.known === network),
      );
    const podsOf = (service: { readonly namespace: string; readonly name: string }): Pod[] => {
      const selector = to.services.find((one) => one.namespace === service.namespace && one.name === service.name)?.selector ?? {};
      if (Object.keys(selector).length === 0) return [];
      return to.pods.filter((pod) => pod.namespace === service.namespace && selectors.selectsPods(selector, pod.labels));
    };
    const between = { from: from.name, to: to.name };
    for (const handshake of to.gatewayHandshakes) {
      const { outcome, service, network } = handshake;
      const isAmbient = handshake.purpose === 'hbone';
      if (outcome.stage !== 'certificate' || handshake.purpose === 'control' || network === own) continue;
      if (service === undefined && !isAmbient) continue;
      const identity = identityOf(outcome.uris);
      if (identity === undefined) continue; // somebody ends TLS: that is another question
      const answering = service === undefined ? podsOfGateway(to.pods, handshake.gateway) : podsOf(service);
      const seen = { handshake, from: from.name, to: to.name, issuer: outcome.issuer };
      const where = {
        at: handshake.gateway,
        between,
        // The caller is the one that does not get through.
        concerns: [from.name],
        related: maps.map(({ ref }): ObjectRef => ref).slice(0, 1),
        evidence: [
          {
            ref: handshake.gateway,
            observed: `${isAmbient ? 'HBONE' : handshake.sni}: ${list(outcome.uris)}, issued by ${outcome.issuer}`,
          },
        ],
        lacks: [{ cluster: from.name, fact: 'rootConfigMaps' as const }],
        subject: `${gatewayWays.addressOf(handshake)} ${service === undefined ? 'hbone' : `${service.namespace}/${service.name}`}`,
      };
      const tried = [...roots].filter((root) => outcome.rootsTried.includes(root));
      if (tried.length < roots.size || roots.size === 0) {
        if (!tried.some((root) => outcome.verifiedBy.includes(root)))
          yield undecided(`it was not tried against every root of ${from.name}`, { clusters: [from.name, to.name] });
      } else if (!tried.some((root) => outcome.verifiedBy.includes(root))) {
        const today = rootsOf(listOf(to.rootConfigMaps), to.member.systemNamespace);
        // A proxy keeps the certificate that it has until it runs out or the pod restarts, whatever root istiod signs under meanwhile.
        const isFormer =
          today.size > 0 && [...today].every((root) => outcome.rootsTried.includes(root) && !outcome.verifiedBy.includes(root));
        const concerns = isFormer ? [from.name, to.name] : where.concerns;
        yield finding('untrusted', { ...seen, chain: outcome.chain, isFormer, pods: answering }, { ...where, concerns });
        continue;
      }
      if (accepted.length > 0 && !accepted.includes(identity.trustDomain)) {
        const lacks = [from, to].map(({ name }) => ({ cluster: name, fact: 'meshConfigs' as const }));
        yield finding('otherTrustDomain', { ...seen, trustDomain: identity.trustDomain, accepted }, { ...where, lacks });
      }
      const expected = distinct(answering.map((pod) => `${pod.namespace}/${pod.serviceAccount}`));
      // Behind a gateway that several clusters share the answer may come from another one.
      if (expected.length === 0 || isShared(network) || expected.includes(identity.workload)) continue;
      const lacks = [{ cluster: to.name, fact: 'pods' as const }];
      yield finding('otherIdentity', { ...seen, identity: identity.workload, expected }, { ...where, lacks });
    }
  },
});

interface Seen {
  readonly handshake: GatewayHandshake;
  readonly from: ClusterName;
  readonly to: ClusterName;
  readonly issuer: string;
}

/** Fingerprints of the roots that a cluster hands out: those of its system namespace, where it has a ConfigMap. */
function rootsOf(maps: readonly RootConfigMap[], systemNamespace: string): ReadonlySet<string> {
  const near = maps.filter(({ namespace }) => namespace === systemNamespace);
  return new Set((near.length > 0 ? near : maps).flatMap(({ certificates }) => certificates.map(({ fingerprint }) => fingerprint)));
}

function restartsOf(cluster: ClusterName, pods: readonly Pod[]): Remedy[] {
  return remedy.restartPods(
    pods,
    `its pods then get certificates under the root of today; so do all others of ${cluster} that started before`,
  );
}

/** Trust domains of a mesh config and those it names as aliases. */
function trustDomains(configs: readonly MeshConfig[]): string[] {
  return distinct(configs.filter(({ unreadable }) => !unreadable).flatMap((config) => [config.trustDomain, ...config.trustDomainAliases]));
}

/** `spiffe://cluster.local/ns/sample/sa/default`: of which trust domain, and `sample/default`. */
function identityOf(uris: readonly string[]): { readonly trustDomain: string; readonly workload: string } | undefined {
  for (const uri of uris) {
    const [, trustDomain, namespace, account] = /^spiffe:\/\/([^/]+)\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(uri) ?? [];
    if (trustDomain !== undefined && namespace !== undefined && account !== undefined)
      return { trustDomain, workload: `${namespace}/${account}` };
  }
  return undefined;
}

/** Pods that istiod deployed for a Gateway of the Gateway API. */
function podsOfGateway(pods: readonly Pod[], { kind, namespace, name }: ObjectRef): Pod[] {
  if (kind !== 'Gateway') return [];
  return pods.filter((pod) => pod.namespace === namespace && pod.labels[labels.gatewayName] === name);
}

function byPod({ handshake: { pod } }: Seen): string {
  return pod === undefined ? '' : ` (its pod ${pod.namespace ?? ''}/${pod.name}, by port-forward)`;
}

function serviceOf({ handshake: { service, sni, purpose } }: Seen): string {
  if (purpose === 'hbone') return 'ambient callers';
  return service === undefined ? sni : `${service.namespace}/${service.name}`;
}
