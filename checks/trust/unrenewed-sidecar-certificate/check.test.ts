import { apiServerCaOf, checkTester, foreignRoot, mesh, observedEdits, observedIn, type ObservedEdit } from 'meshdoctor/testkit';
import type { HeldCertificate, SidecarState } from 'meshdoctor/api';
import check from './check.ts';

const shop = mesh()
  .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .workload('caller.shop', { in: ['west'] });
const now = Date.parse(shop.takenAt);
const hours = (count: number): string => new Date(now + count * 3_600_000).toISOString();
const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
const own = (change: Partial<HeldCertificate>): ObservedEdit =>
  observedEdits.sidecars('west', ({ certificate, ...sidecar }) => ({
    ...sidecar,
    certificate: 'failed' in certificate || certificate.answer === 'none' ? certificate : { answer: { ...certificate.answer, ...change } },
  }));
const having = (change: Partial<SidecarState>): ObservedEdit => observedEdits.sidecars('west', (sidecar) => ({ ...sidecar, ...change }));
const name = (shop.objects().get('west') ?? []).find(({ kind, metadata }) => kind === 'Pod' && metadata.name.startsWith('caller-'))
  ?.metadata.name;
const at = `@ west:Pod/shop/${name ?? ''}`;
const stranger = { fingerprint: 'ab'.repeat(32), subject: 'O=old', notBefore: '2020-01-01T00:00:00Z', notAfter: '2030-01-01T00:00:00Z' };

checkTester(check, {
  healthy: {
    'in force, under the root of the namespace': { mesh: shop, options: seen() },
    'probes are off': shop,
    'somebody wrote another root into its namespace, which is another fault': {
      mesh: shop.edit(foreignRoot({ cluster: 'west', root: apiServerCaOf('west')(shop.objects()), namespaces: ['shop'] })),
      options: { observed: () => observedIn(shop.objects()) },
    },
    'half its life is over, and the agent is about to renew it': {
      mesh: shop,
      options: seen(own({ notBefore: hours(-13), notAfter: hours(11) })),
    },
    'Envoy has no certificate yet': { mesh: shop, options: seen(having({ certificate: { answer: 'none' }, roots: { answer: [] } })) },
    'the old root is trusted beside the new one': {
      mesh: shop,
      options: seen(
        observedEdits.sidecars('west', (sidecar) => ({
          ...sidecar,
          roots: 'failed' in sidecar.roots ? sidecar.roots : { answer: [stranger, ...sidecar.roots.answer] },
        })),
      ),
    },
    'the admin port does not answer': {
      mesh: shop,
      options: seen(having({ certificate: { failed: 'refused', reason: 'connection refused' } })),
      inconclusive: ['not every sidecar that was asked tells its certificates @ west'],
    },
  },
  broken: {
    'it expired an hour ago': {
      mesh: shop,
      options: seen(own({ notBefore: hours(-25), notAfter: hours(-1) })),
      findings: [`unrenewed-sidecar-certificate/expired ${at} (error certain)`],
    },
    'it ends in two hours and nobody renewed it': {
      mesh: shop,
      options: seen(own({ notBefore: hours(-22), notAfter: hours(2) })),
      findings: [`unrenewed-sidecar-certificate/overdue ${at} (warning likely)`],
    },
    'it trusts the root of before': {
      mesh: shop,
      options: seen(having({ roots: { answer: [stranger] } })),
      findings: [`unrenewed-sidecar-certificate/oldRoot ${at} (error likely)`],
    },
    'it is of another trust domain than the injector said': {
      mesh: shop,
      options: seen(own({ uris: ['spiffe://old.example/ns/shop/sa/caller'] })),
      findings: [`unrenewed-sidecar-certificate/otherTrustDomain ${at}`],
    },
  },
});
