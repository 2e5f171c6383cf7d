import {
  type ClusterName,
  defineCheck,
  distinct,
  effectsOfCutOff,
  gatewayWays,
  hosts,
  type Injector,
  ipAddresses,
  type IstiodHandshake,
  list,
  listOf,
  type ObjectRef,
} from 'meshdoctor/api';
import { calledBy } from '../_area.ts';

export default defineCheck({
  id: 'foreign-istiod-certificate',
  title: 'Clusters without an istiod of their own trust the certificate of the one they call',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['istiodHandshakes'], member: ['rootConfigMaps'] },
  uses: { primary: [], member: ['injectors'] },
  applies: { probed: ['istiodHandshakes'] },
  catalogue: ['CPX-06', 'CPX-07'],
  explains: [
    ...effectsOfCutOff,
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
    { code: 'unready-east-west-gateway/notReady', match: 'cluster' },
    { code: 'failing-injection/untrusted', match: 'cluster' },
    // The gateway before istiod does not trust it either, and goes on calling the pods of before.
    { code: 'rejected-istiod-call', match: 'object', keys: ['untrusted'] },
  ],
  docs: {
    why: 'Where a remote calls istiod it expects a certificate for the name that it asks for, of the root that its proxies were given (ConfigMap istio-ca-root-cert) and, for injection, of the caBundle of its webhooks. Another name means that another istiod or revision answers; another root, that somebody else does or that roots differ.',
    confirm:
      'openssl s_client -connect ADDRESS:15012 -servername istiod.istio-system.svc -showcerts </dev/null; kubectl --context REMOTE -n istio-system get configmap istio-ca-root-cert -o yaml',
    fix: 'Route the name to the istiod of its revision, with TLS passed through; have one root for all clusters of the mesh.',
    notWhen:
      'An external control plane under a public name may have a certificate of a public authority, which proxies are told to trust (XDS_ROOT_CA).',
  },
  messages: {
    otherName: (a: Seen & { names: readonly string[] }) => ({
      text: `What answers ${a.member} for ${a.call.sni} at ${place(a)} has a certificate for ${list(a.names, 'no name', 3)}.`,
      expected: a.call.sni,
      found: list(a.names, 'no name'),
      effect: effect(a),
    }),
    untrusted: (a: Seen & { issuer: string }) => ({
      text: `What answers ${a.member} for ${a.call.sni} at ${place(a)} has a certificate that does not verify against ${against(a)} of ${a.member}.`,
      expected: `a chain to ${against(a)} of ${a.member}`,
      found: `issued by ${a.issuer === '' ? 'nobody named' : a.issuer}`,
      effect: effect(a),
    }),
    publicAuthority: (a: Seen & { issuer: string }) => ({
      text: `What answers ${a.member} for ${a.call.sni} at ${place(a)} has a certificate of a public authority, which proxies of ${a.member} trust only when they are told to (XDS_ROOT_CA).`,
      expected: `a chain to ${against(a)} of ${a.member}`,
      found: `issued by ${a.issuer === '' ? 'nobody named' : a.issuer}`,
      effect: effect(a),
      severity: 'info',
      certainty: 'possible',
    }),
  },
  *run({ primary, member, controlPlane, finding, undecided }) {
    const near = member.rootConfigMaps.filter(({ namespace }) => namespace === member.member.systemNamespace);
    const maps = near.length > 0 ? near : member.rootConfigMaps;
    const roots = distinct(maps.flatMap(({ certificates }) => certificates.map(({ fingerprint }) => fingerprint)));
    const bundles = bundlesOf(listOf(member.injectors).filter(({ revision }) => revision === controlPlane.revision));
    for (const { call: outside, inside } of calledBy(member.name, controlPlane, primary.istiodHandshakes)) {
      // Where the address gives no certificate, what its pod presents counts.
      const call = outside.outcome.stage === 'certificate' ? outside : (inside ?? outside);
      const { outcome } = call;
      if (outcome.stage !== 'certificate') continue;
      const seen = { call, member: member.name };
      const where = {
        at: call.gateway ?? call.named,
        related: [controlPlane.ref, ...maps.map(({ ref }): ObjectRef => ref).slice(0, 1)],
        evidence: [
          {
            ref: call.gateway ?? call.named,
            observed: `${call.sni} at ${gatewayWays.addressOf(call)}: certificate for ${list(outcome.dnsNames, 'no name', 4)}, issued by ${outcome.issuer || 'nobody named'}`,
          },
        ],
        subject: `${gatewayWays.addressOf(call)} ${call.purpose}`,
        concerns: [member.name],
        lacks: [{ cluster: member.name, fact: 'rootConfigMaps' as const }],
      };
      const covers = (name: string): boolean => hosts.hostMatches(name, call.sni);
      // Where an address is all that is configured, proxies expect another name than that: seen on a healthy external control plane.
      const isNamed = ipAddresses.ipFamily(call.sni) === undefined;
      if (isNamed && !outcome.dnsNames.some(covers)) {
        yield finding('otherName', { ...seen, names: [...outcome.dnsNames, ...outcome.uris] }, where);
        continue;
      }
      if (hosts.discoveryService(call.sni) === undefined) {
        // Under a public name proxies and API servers may trust what is in no object: the store of a system, XDS_ROOT_CA.
        if (call.purpose === 'discovery' && outcome.isPublic === true)
          yield finding('publicAuthority', { ...seen, issuer: outcome.issuer }, where);
        continue;
      }
      const trusted = call.purpose === 'injection' ? bundles : roots;
      if (trusted.some((root) => outcome.verifiedBy.includes(root))) continue;
      if (trusted.length > 0 && trusted.every((root) => outcome.rootsTried.includes(root)))
        yield finding('untrusted', { ...seen, issuer: outcome.issuer }, where);
      else if (call.purpose === 'discovery')
        yield undecided(`it was not tried against every root that ${member.name} trusts`, { clusters: [primary.name, member.name] });
    }
  },
});

interface Seen {
  readonly call: IstiodHandshake;
  readonly member: ClusterName;
}

/** What API servers hold the certificate of the injector against. */
function bundlesOf(injectors: readonly Injector[]): string[] {
  return distinct(
    injectors.flatMap(({ webhooks }) =>
      webhooks.flatMap(({ caBundle }) =>
        caBundle.state === 'certificates' ? caBundle.certificates.map(({ fingerprint }) => fingerprint) : [],
      ),
    ),
  );
}

function place({ call }: Seen): string {
  const by = call.pod === undefined ? '' : ` (gateway pod ${call.pod.namespace ?? ''}/${call.pod.name}, by port-forward)`;
  return `${gatewayWays.addressOf(call)}${by}`;
}

function against({ call }: Seen): string {
  return call.purpose === 'injection' ? 'the caBundle of the injectors' : 'the root';
}

function effect({ call, member }: Seen): string {
  return call.purpose === 'discovery' ? `proxies of ${member} refuse discovery` : `the API server of ${member} refuses the injector`;
}
