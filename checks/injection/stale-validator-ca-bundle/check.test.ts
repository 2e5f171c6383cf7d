import { checkTester, mesh, validatorRequired, withForeignRoot, withIstiodEnv } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' });
const plain = mesh().primaryRemote('east', 'west');
const west = { cluster: 'west' } as const;
const at = 'west:ValidatingWebhookConfiguration/istiod-default-validator';

checkTester(check, {
  healthy: {
    'the installer leaves it empty, and to be ignored': remote,
    'without a name': plain,
    'two primaries, each with the root of its own': mesh().multiPrimary('east', 'west', { trust: 'self-signed' }),
    'an old release': mesh().primaryRemote('east', 'west', { revision: '1-24-6', release: '1.24.6' }),
    'an upgrade in flight': mesh().canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'an external control plane, which is called by a url': mesh().externalControlPlane('outside', 'inside', { remotes: ['south'] }),
    ambient: mesh().ambient('east', 'west'),
    'it must be asked, and has the root of the primary': remote.edit(validatorRequired({ ...west, bundle: { rootOf: 'east' } })),
    'another root, and it may be ignored': remote.edit(
      withForeignRoot('west', (pem) => validatorRequired({ ...west, bundle: { pem }, policy: 'Ignore' })),
    ),
    'istiod’s certificate does not come from its own CA': {
      mesh: plain.edit(validatorRequired({ ...west, bundle: 'empty' })).edit(withIstiodEnv('east', { PILOT_CERT_PROVIDER: 'kubernetes' })),
      inconclusive: ['the root of the certificate of istiod is not known @ east west'],
    },
  },
  broken: {
    'empty in a remote': {
      mesh: remote.edit(validatorRequired({ ...west, bundle: 'empty' })),
      findings: [`stale-validator-ca-bundle @ ${at} (error certain)`],
    },
    'another root in a remote': {
      mesh: plain.edit(withForeignRoot('west', (pem) => validatorRequired({ ...west, bundle: { pem } }))),
      findings: [`stale-validator-ca-bundle @ ${at} (error certain)`],
    },
    'overwritten where istiod runs': {
      mesh: mesh()
        .multiPrimary('east', 'west')
        .edit(validatorRequired({ ...west, bundle: 'empty' })),
      findings: ['stale-validator-ca-bundle @ west:ValidatingWebhookConfiguration/istio-validator-istio-system (error likely)'],
    },
  },
});
