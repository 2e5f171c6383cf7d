import { checkTester, istiodRestarted, mesh, podsRefused } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' }).namespace('shop', { injected: true }).service('cart.shop');
const primaries = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('cart.shop');
const restarted = remote.edit(istiodRestarted({ cluster: 'east' }));
const refused = (cluster: string, reason: string, minutesAgo?: number) =>
  podsRefused({ cluster, reason, only: 'sidecars', ...(minutesAgo === undefined ? {} : { minutesAgo }) });
const timedOut = 'context deadline exceeded';

checkTester(check, {
  healthy: {
    'nothing was refused': restarted,
    'two primaries': primaries,
    'an upgrade in flight': mesh().canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'refused long after istiod started': remote.edit(refused('west', timedOut, 3)),
    'refused before istiod started, because there was none': restarted.edit(refused('west', 'connection refused', 9)),
    'nobody tried again for an hour: it was not the start': remote
      .edit(istiodRestarted({ cluster: 'east', minutesAgo: 60 }))
      .edit(refused('west', timedOut, 59)),
    'another reason': restarted.edit(refused('west', 'x509: certificate signed by unknown authority', 3)),
    'the time is not known': { mesh: restarted.edit(refused('west', timedOut, 3)), options: { takenAt: 'unknown' } },
  },
  broken: {
    'a rollout in a remote began while istiod started': {
      mesh: restarted.edit(refused('west', timedOut, 3)),
      findings: ['premature-istiod @ west:Deployment/shop/cart (warning likely)'],
    },
    'in its own cluster': {
      mesh: primaries
        .edit(istiodRestarted({ cluster: 'west' }))
        .edit(refused('west', 'dial tcp 10.96.12.1:443: connect: connection refused', 4)),
      findings: ['premature-istiod @ west:Deployment/shop/cart (warning likely)'],
    },
    'an old release': {
      mesh: mesh()
        .primaryRemote('east', 'west', { revision: '1-24-6', release: '1.24.6' })
        .namespace('shop', { injected: true })
        .service('cart.shop')
        .edit(istiodRestarted({ cluster: 'east' }))
        .edit(refused('west', 'read: connection reset by peer', 3)),
      findings: ['premature-istiod @ west:Deployment/shop/cart (warning likely)'],
    },
  },
});
