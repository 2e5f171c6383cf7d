import {
  defineCheck,
  expiry,
  type HeldCertificate,
  type HeldRoot,
  list,
  type Pod,
  refKey,
  remedy,
  type RootConfigMap,
  shellWord,
  workloadOf,
} from 'meshdoctor/api';
import { rootField } from '../_area.ts';

export default defineCheck({
  id: 'unrenewed-sidecar-certificate',
  title: 'Sidecars hold a certificate in force, and trust a root that their namespace has today',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['sidecars', 'pods', 'rootConfigMaps', 'today'],
  applies: { dataPlane: 'sidecar', probed: ['sidecars'] },
  catalogue: ['TRU-02'],
  explains: [
    // What a gateway passes on is what the sidecars of its cluster present.
    { code: 'foreign-gateway-certificate/untrusted', match: 'within', keys: ['expired'] },
    { code: 'foreign-gateway-certificate/otherTrustDomain', match: 'within', keys: ['otherTrustDomain'] },
    // Who gets no certificate of istiod gets no endpoints, either.
    { code: 'unexpected-sidecar-endpoints', match: 'object', keys: ['expired', 'overdue'] },
  ],
  path: { hops: ['mtls'] },
  docs: {
    why: 'A sidecar asks for a new certificate when half the life of the old one is over, after twelve hours by default. One that is much older did not get any: the authority does not answer, or refuses it, and in the hour in which the old one ends every mutual TLS connection of the pod fails. The roots that a sidecar trusts come with its certificate, too: after a change of the root it goes on with the old ones until then.',
    confirm: 'istioctl --context CLUSTER proxy-config secret POD.NAMESPACE',
    fix: 'See why the proxy does not get a certificate (its log says, and that of istiod) and mend that; restart the workload where it should not wait.',
    notWhen: 'Where another authority issues certificates (SPIRE, cert-manager), their life and roots follow its rules.',
  },
  messages: {
    expired: (a: Own) => ({
      text: `The certificate of the sidecar of ${podOf(a)} expired on ${moment(a.own.notAfter)}.`,
      expected: 'a certificate in force',
      found: `notAfter ${a.own.notAfter}`,
      effect: 'mutual TLS from and to the pod is refused',
      remedy: remedyFor(a),
    }),
    overdue: (a: Own) => ({
      text: `The certificate of the sidecar of ${podOf(a)} should have been renewed long ago; it ends on ${moment(a.own.notAfter)}.`,
      expected: 'a new certificate when half the life of the old one is over',
      found: `notBefore ${a.own.notBefore}, notAfter ${a.own.notAfter}`,
      effect: `from ${moment(a.own.notAfter)} on mutual TLS from and to the pod is refused`,
      severity: 'warning',
      certainty: 'likely',
      remedy: remedyFor(a),
    }),
    oldRoot: (a: Roots) => ({
      text: `The sidecar of ${podOf(a)} trusts ${list(a.held.map(spelled), 'none', 2)}, none of which is a root of its namespace any more.`,
      expected: list(a.map.certificates.map(spelled)),
      found: list(a.held.map(spelled)),
      effect: 'it and pods with certificates of the other root refuse each other',
      certainty: 'likely',
      remedy: remedyFor(a),
    }),
    otherTrustDomain: (a: Own & { told: string; trustDomain: string }) => ({
      text: `The certificate of the sidecar of ${podOf(a)} is of trust domain ${a.trustDomain}, where its injector told it ${a.told}.`,
      expected: `spiffe://${a.told}/…`,
      found: list(a.own.uris),
      effect: 'policies and callers that name the trust domain take it for a stranger',
      severity: 'warning',
      certainty: 'likely',
    }),
  },
  *run({ cluster, finding, undecided }) {
    if (cluster.sidecars.some(({ certificate, roots }) => 'failed' in certificate || 'failed' in roots))
      yield undecided('not every sidecar that was asked tells its certificates');
    for (const { pod: ref, certificate, roots } of cluster.sidecars) {
      const pod = cluster.pods.find((one) => refKey(one.ref) === refKey(ref));
      if (pod === undefined) continue;
      if ('answer' in certificate && certificate.answer !== 'none') {
        const own = certificate.answer;
        const state = stateOf(own, cluster.today.takenAt);
        const observed = `/certs: notBefore ${own.notBefore}, notAfter ${own.notAfter}`;
        if (state !== undefined)
          yield finding(state, { pod, own }, { at: pod.ref, evidence: [{ ref: pod.ref, observed }], subject: 'certificate' });
        const told = pod.proxy?.trustDomain;
        const trustDomain = trustDomainOf(own.uris);
        if (told !== undefined && trustDomain !== undefined && told !== trustDomain)
          yield finding(
            'otherTrustDomain',
            { pod, own, told, trustDomain },
            { at: pod.ref, evidence: [{ ref: pod.ref, observed: `/certs: ${list(own.uris)}`, expected: told }], subject: 'trust domain' },
          );
      }
      const map = cluster.rootConfigMaps.find(({ namespace }) => namespace === pod.namespace);
      if ('failed' in roots || roots.answer.length === 0 || map === undefined || map.certificates.length === 0) continue;
      const isHeld = (given: RootConfigMap): boolean =>
        given.certificates.some(({ fingerprint }) => roots.answer.some((held) => held.fingerprint === fingerprint));
      // What another namespace is given is no root of before: then this one's was written by somebody else.
      if (cluster.rootConfigMaps.some(isHeld)) continue;
      yield finding(
        'oldRoot',
        { pod, held: roots.answer, map },
        {
          at: pod.ref,
          related: [map.ref],
          evidence: [
            { ref: pod.ref, observed: `ROOTCA in Envoy: ${list(roots.answer.map(spelled))}` },
            { ref: map.ref, field: rootField, observed: list(map.certificates.map(spelled)) },
          ],
          lacks: [{ cluster: cluster.name, fact: 'rootConfigMaps' }],
          subject: 'roots',
        },
      );
    }
  },
});

interface Own {
  readonly pod: Pod;
  readonly own: HeldCertificate;
}

interface Roots {
  readonly pod: Pod;
  readonly held: readonly HeldRoot[];
  readonly map: RootConfigMap;
}

/** Agents renew at half of a certificate's life, give or take a little, and try again all the time: at four fifths something is wrong. */
const overdueFrom = 0.8;

function stateOf({ notBefore, notAfter }: HeldCertificate, today: string): 'expired' | 'overdue' | undefined {
  const life = expiry.daysLeft(notAfter, notBefore);
  const left = expiry.daysLeft(notAfter, today);
  if (life === undefined || left === undefined || life <= 0) return undefined;
  if (left <= 0) return 'expired';
  return left < life * (1 - overdueFrom) ? 'overdue' : undefined;
}

function trustDomainOf(uris: readonly string[]): string | undefined {
  return uris.flatMap((uri) => /^spiffe:\/\/([^/]+)\//.exec(uri)?.[1] ?? [])[0];
}

function podOf({ pod }: { readonly pod: Pod }): string {
  return `${pod.namespace}/${pod.name} in ${pod.ref.cluster}`;
}

function spelled({ subject, fingerprint }: Pick<HeldRoot, 'subject' | 'fingerprint'>): string {
  return `${subject} (${fingerprint.slice(0, 8)}…)`;
}

/** `2026-11-29 17:08 UTC`. */
function moment(time: string): string {
  return `${time.slice(0, 16).replace('T', ' ')} UTC`;
}

function remedyFor({ pod }: { readonly pod: Pod }) {
  const { cluster } = pod.ref;
  const workload = workloadOf(pod);
  const log = `kubectl --context ${shellWord(cluster)} -n ${shellWord(pod.namespace)} logs ${shellWord(pod.name)} -c istio-proxy --tail=50`;
  return [
    remedy.command(cluster, [log], { note: 'reads only: why it gets no certificate' }),
    ...(workload === undefined ? [] : [remedy.restart(workload, 'a new pod gets a new certificate, if the authority gives it one')]),
  ];
}
