import { checkTester, mesh, remoteInstalledWithRevision, remoteRevisionBeside } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const revisioned = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true }).service('cart.shop');
const plain = mesh().primaryRemote(east, west).namespace('shop', { injected: true }).service('cart.shop');
const own = 'west:MutatingWebhookConfiguration/istio-sidecar-injector-1-30-3';

checkTester(check, {
  healthy: {
    'the remote has the revision of its primary': revisioned,
    'neither has a name': plain,
    'an old release': mesh().primaryRemote(east, west, { revision: '1-24-6', release: '1.24.6' }),
    'two primaries with a revision each': mesh().multiPrimary(east, west, { revisions: ['1-31-0', '1-30-3'] }),
    'a tag points at the revision': revisioned.break((m) => m.cluster(west).tag('prod', '1-31-0')),
    'an upgrade in flight, known to the remote': mesh()
      .canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' })
      .namespace('shop', { injected: true }),
    'an upgrade in flight, unknown to the remote': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0' }),
    'one primary, two remotes': mesh().primaryRemote(east, [west, 'north']),
    'an external control plane': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
  },
  broken: {
    'the remote was installed with another revision': {
      mesh: revisioned.edit(remoteInstalledWithRevision({ cluster: west, revision: '1-30-3' })),
      findings: [`unserved-injector @ ${own} (error certain)`],
    },
    'the remote was installed with a revision, the primary without': {
      mesh: plain.edit(remoteInstalledWithRevision({ cluster: west, revision: '1-30-3' })),
      findings: [`unserved-injector @ ${own} (error certain)`],
    },
    'a second revision beside the right one, asked for by nobody': {
      mesh: revisioned.edit(remoteRevisionBeside({ cluster: west, revision: '1-30-3' })),
      findings: [`unserved-injector @ ${own} (warning certain)`],
    },
    'a second revision beside the right one, asked for': {
      mesh: revisioned.edit(remoteRevisionBeside({ cluster: west, revision: '1-30-3', namespace: 'shop' })),
      findings: [`unserved-injector @ ${own} (error certain)`],
    },
  },
});
