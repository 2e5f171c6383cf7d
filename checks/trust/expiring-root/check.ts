import {
  type ClusterName,
  count,
  defineCheck,
  distinct,
  effectsOfCutOff,
  expiry,
  list,
  listOf,
  onlyFor,
  remedy,
  type Remedy,
  shellWord,
  valueOf,
} from 'meshdoctor/api';
import { bundleOf, dayOf, handsOutElsewhere, isAuthority, pluggingIn, rootField, rootMapOf, rootName, servedBy } from '../_area.ts';

export default defineCheck({
  id: 'expiring-root',
  title: 'The root certificates that proxies are given are in force, and stay so for a while',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['rootConfigMaps', 'controlPlanes', 'today'],
  uses: ['caSecrets'],
  path: { hops: ['mtls'] },
  catalogue: ['TRU-05'],
  explains: [
    // One root of several primaries is one cause.
    { code: 'expiring-root', match: 'mesh' },
    { code: 'expiring-signing-ca', match: 'cluster', keys: ['expired', 'soon'] },
    { code: 'foreign-gateway-certificate/untrusted', match: 'cluster', keys: ['expired'] },
    { code: 'failing-pod-call/untrusted', match: 'cluster', keys: ['expired'] },
    { code: 'foreign-istiod-certificate', match: 'cluster', keys: ['expired'] },
    ...onlyFor(['expired'], effectsOfCutOff),
  ],
  docs: {
    why: 'A certificate is only accepted while every certificate between it and the root, and the root itself, is in force. On the day on which the root ends, every mutual TLS connection of the mesh is refused at once, and so is every proxy that connects to istiod. Nobody renews a root that was plugged in; istiod renews only the one it made itself.',
    confirm:
      'kubectl --context CLUSTER -n istio-system get configmap istio-ca-root-cert -o jsonpath="{.data.root-cert\\.pem}" | openssl x509 -noout -subject -enddate',
    fix: 'Put old and new root side by side into root-cert.pem of every primary first, then sign with the new one, then take the old one out; restart istiod and the workloads after each step.',
    notWhen:
      'An old root that has ended and lies beside the one in use, as a rotation leaves it, harms nobody. Roots that some tool renews by itself are only told of when the time for it has passed.',
    see: ['https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/'],
  },
  messages: {
    expired: (a: Ending) => ({
      text: `The root certificate ${a.root} of ${list(a.clusters)} expired on ${dayOf(a.end)}, so no certificate under it is accepted.`,
      expected: `a root that is in force on ${dayOf(a.today)}`,
      found: `notAfter ${a.end}`,
      effect: `all mutual TLS of ${list(a.clusters)} is refused, and so are proxies that connect to istiod`,
      remedy: renewal(a),
    }),
    soon: (a: Ending) => ({
      text: `The root certificate ${a.root} of ${list(a.clusters)} expires on ${dayOf(a.end)}; from then on no certificate under it is accepted.`,
      expected: 'a root that was renewed in time',
      found: `notAfter ${a.end}, in ${count(a.days, 'day')}`,
      effect: `on ${dayOf(a.end)} all mutual TLS of ${list(a.clusters)} stops`,
      severity: 'warning',
      remedy: renewal(a),
    }),
    approaching: (a: Ending) => ({
      text: `The root certificate ${a.root} of ${list(a.clusters)} expires on ${dayOf(a.end)}, in ${count(a.days, 'day')}.`,
      expected: 'a plan for its rotation',
      found: `notAfter ${a.end}`,
      severity: 'info',
    }),
  },
  *run({ cluster, mesh, finding, undecided }) {
    const role = valueOf(cluster.member.role);
    const { systemNamespace } = cluster.member;
    const own = cluster.controlPlanes.filter(({ namespace }) => namespace === systemNamespace);
    // The primary tells for its remotes. What lies beside an external istiod is of another mesh; its own root is in its config cluster.
    if ((own.length === 0 && role !== 'config') || role === 'external' || own.some(handsOutElsewhere)) return;
    const map = rootMapOf(cluster.rootConfigMaps, systemNamespace);
    if (map === undefined) return;
    const today = cluster.today.takenAt;
    const secrets = listOf(cluster.caSecrets).filter(({ namespace }) => namespace === systemNamespace);
    const secret = own.some(({ env }) => !isAuthority(env))
      ? undefined
      : (secrets.find(({ source }) => source === 'plugged-in') ?? secrets[0]);
    const leadsTo = secret?.leadsTo?.filter((root) => map.certificates.some(({ fingerprint }) => fingerprint === root)) ?? [];
    for (const certificate of bundleOf(map.certificates).values()) {
      const state = expiry.urgencyOf(certificate, today);
      if (state === undefined || state === 'far') continue;
      const end = Date.parse(certificate.notAfter);
      const isLast = map.certificates.every((one) => Date.parse(one.notAfter) <= end);
      if (!isLast && !leadsTo.includes(certificate.fingerprint)) {
        // Beside one that lasts: the old root of a rotation, or the one that is in use.
        const isHarmless = state === 'approaching' || map.certificates.every((one) => expiry.urgencyOf(one, today) === 'expired');
        if (leadsTo.length === 0 && !isHarmless)
          yield undecided(`it is not known whether ${rootName(certificate)} is still in use`, {
            missing: [{ cluster: cluster.name, fact: 'caSecrets' }],
          });
        continue;
      }
      const concerned = distinct([cluster.name, ...servedBy(mesh, cluster.name)]);
      yield finding(
        state,
        {
          root: rootName(certificate),
          clusters: concerned,
          end: certificate.notAfter,
          today,
          days: Math.floor(expiry.daysLeft(certificate.notAfter, today) ?? 0),
          at: { cluster: cluster.name, namespace: systemNamespace },
          isOwn: secret?.source === 'self-signed',
        },
        {
          at: map.ref,
          field: rootField,
          related: own.map(({ ref }) => ref),
          evidence: [{ ref: map.ref, field: rootField, observed: `notAfter ${certificate.notAfter}`, expected: `after ${today}` }],
          subject: certificate.fingerprint.slice(0, 16),
          concerns: concerned,
        },
      );
    }
  },
});

interface Ending {
  readonly root: string;
  readonly clusters: readonly ClusterName[];
  readonly end: string;
  readonly today: string;
  readonly days: number;
  /** Where the istiod is that signs under it. */
  readonly at: { readonly cluster: ClusterName; readonly namespace: string };
  /** istiod made it itself. */
  readonly isOwn: boolean;
}

function renewal({ at: { cluster, namespace }, isOwn }: Ending): Remedy[] {
  if (!isOwn) {
    return [
      remedy.command(cluster, pluggingIn(cluster, namespace), {
        disruptive: true,
        note: 'root-cert.pem holds the old and the new root until every cluster has both; restart the workloads after each step',
      }),
    ];
  }
  const restart = `kubectl --context ${shellWord(cluster)} -n ${shellWord(namespace)} rollout restart deployment -l app=istiod`;
  return [
    remedy.command(cluster, [restart], {
      disruptive: true,
      note: 'istiod renews a root of its own when it looks at it; then restart the workloads',
    }),
  ];
}
