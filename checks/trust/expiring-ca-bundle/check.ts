import { type Certificate, count, defineCheck, expiry, injection, type Injector, shellWord } from 'meshdoctor/api';
import { dayOf, rootName } from '../_area.ts';

export default defineCheck({
  id: 'expiring-ca-bundle',
  title: 'Injectors that trust other certificates than the root of the mesh trust some that are in force',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['injectors', 'rootConfigMaps', 'today'],
  catalogue: ['TRU-05'],
  docs: {
    why: 'The API server verifies the injector with the caBundle of its webhook. Where istiod stands behind a url or has a certificate of another provider, the bundle was put there by hand, and nobody renews it: on the day on which its certificate ends every pod creation in the namespaces of that webhook fails.',
    confirm:
      'kubectl --context CLUSTER get mutatingwebhookconfiguration NAME -o jsonpath="{.webhooks[0].clientConfig.caBundle}" | base64 -d | openssl x509 -noout -subject -enddate',
    fix: 'Renew the authority behind the injector, and write its new certificate into the caBundle of every webhook and into the values of the installation.',
    notWhen:
      'A webhook without caBundle is verified with the certificates of the API server itself. Of several certificates in a bundle one that lasts is enough.',
  },
  messages: {
    expired: (a: Ending) => ({
      text: `The last certificate in the caBundle of webhook ${a.injector.name} of ${a.injector.ref.cluster} expired on ${dayOf(a.certificate.notAfter)}, so the API server refuses the injector.`,
      expected: 'a certificate that is in force',
      found: `${rootName(a.certificate)}, notAfter ${a.certificate.notAfter}`,
      effect: 'no pod is created in the namespaces of that webhook',
      confirm: [shows(a.injector)],
    }),
    soon: (a: Ending) => ({
      text: `The last certificate in the caBundle of webhook ${a.injector.name} of ${a.injector.ref.cluster} expires on ${dayOf(a.certificate.notAfter)}; then the API server refuses the injector.`,
      expected: 'a certificate that was renewed in time',
      found: `${rootName(a.certificate)}, in ${count(a.days, 'day')}`,
      effect: 'from then on no pod is created in the namespaces of that webhook',
      severity: 'warning',
      confirm: [shows(a.injector)],
    }),
  },
  *run({ cluster, finding }) {
    const now = cluster.today.takenAt;
    const roots = new Set(cluster.rootConfigMaps.flatMap(({ certificates }) => certificates.map(({ fingerprint }) => fingerprint)));
    const told = new Set<string>();
    for (const injector of cluster.injectors.filter(injection.isActive)) {
      const bundle = injector.webhooks.flatMap(({ caBundle }) => (caBundle.state === 'certificates' ? caBundle.certificates : []));
      // The root of the mesh is a question of its own.
      if (bundle.some(({ fingerprint }) => roots.has(fingerprint))) continue;
      const [last] = bundle.sort((a, b) => Date.parse(b.notAfter) - Date.parse(a.notAfter));
      const state = last === undefined ? undefined : expiry.urgencyOf(last, now);
      // The tags of a revision hold the bundle that the revision holds.
      if (last === undefined || (state !== 'expired' && state !== 'soon') || told.has(last.fingerprint)) continue;
      told.add(last.fingerprint);
      const field = '.webhooks[*].clientConfig.caBundle';
      yield finding(
        state,
        { injector, certificate: last, days: Math.floor(expiry.daysLeft(last.notAfter, now) ?? 0) },
        {
          at: injector.ref,
          field,
          evidence: [{ ref: injector.ref, field, observed: `notAfter ${last.notAfter}`, expected: `after ${now}` }],
          subject: last.fingerprint.slice(0, 16),
        },
      );
    }
  },
});

interface Ending {
  readonly injector: Injector;
  readonly certificate: Certificate;
  readonly days: number;
}

function shows({ ref, name }: Injector): string {
  return `kubectl --context ${shellWord(ref.cluster)} get mutatingwebhookconfiguration ${shellWord(name)} -o jsonpath='{.webhooks[0].clientConfig.caBundle}' | base64 -d | openssl x509 -noout -subject -enddate`;
}
