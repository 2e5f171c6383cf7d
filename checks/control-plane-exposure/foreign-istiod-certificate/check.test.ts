import { checkTester, mesh, observedEdits, observedIn, type ObservedEdit } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' });
const at = '@ east:Service/istio-system/istio-eastwestgateway';

const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
type Call = Parameters<Parameters<typeof observedEdits.istiodCalls>[1]>[0];
const presenting = (change: Partial<Extract<Call['outcome'], { stage: 'certificate' }>>, of?: Call['purpose']): ObservedEdit =>
  observedEdits.istiodCalls('east', (call) =>
    call.outcome.stage === 'certificate' && (of === undefined || call.purpose === of)
      ? { ...call, outcome: { ...call.outcome, ...change } }
      : call,
  );

checkTester(check, {
  healthy: {
    'istiod presents its own certificate': { mesh: remote, options: seen() },
    'probes are off': remote,
    'a certificate for every name of a domain': { mesh: remote, options: seen(presenting({ dnsNames: ['*.istio-system.svc'] })) },
    'an address is all that is configured, and proxies expect another name than that': {
      mesh: remote,
      options: seen(observedEdits.istiodCalls('east', (call) => ({ ...call, sni: '203.0.113.7' }))),
    },
    'no call gets through, which is another question': {
      mesh: remote,
      options: seen(observedEdits.istiodCalls('east', (call) => ({ ...call, outcome: { stage: 'reset', milliseconds: 3 } }))),
    },
  },
  broken: {
    'another revision answers': {
      mesh: remote,
      options: seen(presenting({ dnsNames: ['istiod.istio-system.svc'] }, 'discovery')),
      findings: [`foreign-istiod-certificate/otherName ${at} (error certain)`],
    },
    'of another root': {
      mesh: remote,
      options: seen(presenting({ verifiedBy: [] }, 'discovery')),
      findings: [`foreign-istiod-certificate/untrusted ${at} (error certain)`],
    },
    'of another root, as API servers see it': {
      mesh: remote,
      options: seen(presenting({ verifiedBy: [] }, 'injection')),
      findings: [`foreign-istiod-certificate/untrusted ${at} (error certain)`],
    },
    'of a public authority, under a public name': {
      mesh: mesh()
        .externalControlPlane('outside', 'inside')
        .namespace('shop', { injected: true })
        .service('abc.shop', { in: ['inside'] }),
      options: seen((before) =>
        before.map((own) =>
          own.istiodHandshakes?.status === 'observed'
            ? {
                ...own,
                istiodHandshakes: {
                  status: 'observed',
                  value: own.istiodHandshakes.value.map((call) =>
                    call.outcome.stage === 'certificate' ? { ...call, outcome: { ...call.outcome, verifiedBy: [], isPublic: true } } : call,
                  ),
                },
              }
            : own,
        ),
      ),
      findings: ['foreign-istiod-certificate/publicAuthority @ inside:Pod/shop/abc-5bcc95bf54-c8xgp (info possible)'],
    },
  },
});
