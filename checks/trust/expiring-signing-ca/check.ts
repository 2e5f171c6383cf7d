import {
  type CaSecret,
  type Certificate,
  type ClusterName,
  count,
  defineCheck,
  distinct,
  effectsOfCutOff,
  expiry,
  list,
  onlyFor,
  remedy,
} from 'meshdoctor/api';
import { bundleOf, dayOf, handsOutElsewhere, isAuthority, meets, pluggingIn, rootMapOf, rootName, servedBy } from '../_area.ts';

export default defineCheck({
  id: 'expiring-signing-ca',
  title: 'The intermediate certificates that istiod signs with are in force, and stay so for a while',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['caSecrets', 'controlPlanes', 'rootConfigMaps', 'today'],
  path: { hops: ['mtls'] },
  catalogue: ['TRU-05'],
  explains: [
    { code: 'foreign-gateway-certificate/untrusted', match: 'cluster', keys: ['expired'] },
    { code: 'failing-pod-call/untrusted', match: 'cluster', keys: ['expired'] },
    { code: 'foreign-istiod-certificate', match: 'cluster', keys: ['expired'] },
    ...onlyFor(['expired'], effectsOfCutOff),
  ],
  docs: {
    why: 'Certificates of workloads lead to the root over the intermediate that istiod signs with. From the day on which that one ends none of them is accepted, and istiod issues none that is. Istio never renews what was plugged in.',
    confirm:
      'kubectl --context CLUSTER -n istio-system get secret cacerts -o jsonpath="{.data.ca-cert\\.pem}" | base64 -d | openssl x509 -noout -subject -enddate',
    fix: 'Make a new intermediate under the same root and put it into Secret cacerts: istiod takes it as it runs. Where it has ended already, restart istiod, then the workloads.',
    notWhen: 'Where a tool such as cert-manager renews it, it is only told of when the time for that has passed.',
    see: ['https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/'],
  },
  messages: {
    expired: (a: Ending) => ({
      text: `${what(a)} expired on ${dayOf(a.end)}, so no certificate that istiod there issues is accepted.`,
      expected: `a certificate that is in force on ${dayOf(a.today)}`,
      found: `notAfter ${a.end}`,
      effect: `workloads of ${list(a.clusters)} are refused by everybody`,
      remedy: renewal(a, 'the files hold a new intermediate under the same root; then restart the workloads'),
    }),
    soon: (a: Ending) => ({
      text: `${what(a)} expires on ${dayOf(a.end)}; from then on no certificate that istiod there issues is accepted.`,
      expected: 'an intermediate that was renewed in time',
      found: `notAfter ${a.end}, in ${count(a.days, 'day')}`,
      effect: `certificates get shorter until then, and end with it on ${dayOf(a.end)}`,
      severity: 'warning',
      remedy: renewal(a, 'the files hold a new intermediate under the same root'),
    }),
    approaching: (a: Ending) => ({
      text: `${what(a)} expires on ${dayOf(a.end)}, in ${count(a.days, 'day')}.`,
      expected: 'a plan for its renewal',
      found: `notAfter ${a.end}`,
      severity: 'info',
    }),
  },
  *run({ cluster, mesh, finding }) {
    const { systemNamespace } = cluster.member;
    const today = cluster.today.takenAt;
    const near = cluster.caSecrets.filter(({ namespace, signing }) => namespace === systemNamespace && signing.length > 0);
    const secret = near.find(({ source }) => source === 'plugged-in') ?? near[0];
    const map = rootMapOf(cluster.rootConfigMaps, systemNamespace);
    const istiod = cluster.controlPlanes.find(({ namespace }) => namespace === systemNamespace);
    if (secret === undefined || map === undefined || istiod === undefined || handsOutElsewhere(istiod) || !isAuthority(istiod.env)) return;
    // What is not in use yet is another fault.
    if (!meets(bundleOf(secret.roots), bundleOf(map.certificates))) return;
    for (const certificate of pathOf(secret, bundleOf([...secret.roots, ...map.certificates]))) {
      const state = expiry.urgencyOf(certificate, today);
      if (state === undefined || state === 'far') continue;
      const field = certificate === secret.signing[0] ? '.data["ca-cert.pem"]' : '.data["cert-chain.pem"]';
      const concerned = distinct([cluster.name, ...servedBy(mesh, cluster.name)]);
      const days = Math.floor(expiry.daysLeft(certificate.notAfter, today) ?? 0);
      yield finding(
        state,
        { certificate, secret, clusters: concerned, end: certificate.notAfter, today, days },
        {
          at: secret.ref,
          field,
          related: [istiod.ref],
          evidence: [{ ref: secret.ref, field, observed: `notAfter ${certificate.notAfter}`, expected: `after ${today}` }],
          subject: certificate.fingerprint.slice(0, 16),
          concerns: concerned,
        },
      );
    }
  },
});

interface Ending {
  readonly certificate: Certificate;
  readonly secret: CaSecret;
  readonly clusters: readonly ClusterName[];
  readonly end: string;
  readonly today: string;
  readonly days: number;
}

/** The certificate istiod signs with and those between it and a root, by the names that they call each other; the root is another question. */
function pathOf(secret: CaSecret, roots: ReadonlyMap<string, Certificate>): Certificate[] {
  const path: Certificate[] = [];
  let next = secret.signing[0];
  while (next !== undefined && !next.selfSigned && !roots.has(next.fingerprint) && !path.includes(next)) {
    path.push(next);
    const { issuer } = next;
    next = secret.chain?.find(({ subject }) => subject === issuer);
  }
  return path;
}

function what({ certificate, secret }: Ending): string {
  return `Certificate ${rootName(certificate)} in Secret ${secret.namespace}/${secret.name} of ${secret.ref.cluster}`;
}

function renewal({ secret }: Ending, note: string) {
  const { cluster } = secret.ref;
  return [remedy.command(cluster, pluggingIn(cluster, secret.namespace), { disruptive: true, note })];
}
