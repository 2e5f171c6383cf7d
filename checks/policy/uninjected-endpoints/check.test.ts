import { checkTester, mesh, type MeshBuilder } from 'meshdoctor/testkit';
import check from './check.ts';

const base = mesh().primaryRemote('east', 'west', { revision: '1-31-0' }).namespace('shop', { injected: true }).service('abc.shop');
const peers = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('abc.shop');
const plain = base.namespace('plain').service('metrics.plain');

/** A label of the template that the injector finds set, and leaves as it is. */
const withoutTls = (built: MeshBuilder, app: string): MeshBuilder =>
  built.edit((objects) =>
    new Map(objects).set(
      'west',
      (objects.get('west') ?? []).map((object) =>
        object.kind === 'Pod' && object.metadata.labels?.['app'] === app
          ? { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, 'security.istio.io/tlsMode': 'disabled' } } }
          : object,
      ),
    ),
  );

checkTester(check, {
  healthy: {
    'sidecars everywhere': base,
    'sidecars everywhere, two primaries': peers,
    'infrastructure without sidecars in every cluster': plain,
    'infrastructure of one cluster, whose name other sidecars resolve': plain.service('only.plain', { in: ['west'] }),
    'a workload that is left out of injection, in one cluster': base.service('job.shop', { in: ['west'], inject: false }),
    'a headless service': base
      .service('db.shop', { in: ['west'], headless: true, inject: false })
      .service('db.shop', { in: ['east'], headless: true }),
    'one network': mesh()
      .primaryRemote('east', 'west', { networks: 1 })
      .namespace('shop', { injected: true })
      .service('abc.shop', { in: ['east'] })
      .service('abc.shop', { in: ['west'], inject: false }),
    'a Service without endpoints in any cluster': base.service('off.shop', { withoutWorkload: true }),
    'an ambient mesh': mesh().ambient('east', 'west'),
  },
  broken: {
    'the pods of one cluster were left out of injection': {
      mesh: base.service('cart.shop', { in: ['east'] }).service('cart.shop', { in: ['west'], inject: false }),
      findings: ['uninjected-endpoints/unequal @ west:Namespace/shop (warning likely)'],
    },
    'two primaries, one of which has no sidecars': {
      mesh: peers.service('cart.shop', { in: ['east'], inject: false }).service('cart.shop', { in: ['west'] }),
      findings: ['uninjected-endpoints/unequal @ east:Namespace/shop (warning likely)'],
    },
    'the label of pods with sidecars says that they take no mutual TLS': {
      mesh: withoutTls(base.service('cart.shop', { in: ['west'] }), 'cart'),
      findings: ['uninjected-endpoints/mislabelled @ west:Namespace/shop (error likely)'],
    },
    'the same where the other cluster has endpoints as well': {
      mesh: withoutTls(base.service('cart.shop'), 'cart'),
      findings: ['uninjected-endpoints/mislabelled @ west:Namespace/shop (warning likely)'],
    },
    'callers know the name by a Service without pods': {
      mesh: base.service('cart.shop', { in: ['east'], withoutWorkload: true }).service('cart.shop', { in: ['west'], inject: false }),
      findings: ['uninjected-endpoints/unreachable @ west:Namespace/shop (error likely)'],
    },
    "the same in a namespace that the callers' cluster does not inject": {
      mesh: base
        .namespace('tools')
        .service('cart.tools', { in: ['east'], withoutWorkload: true })
        .service('cart.tools', { in: ['west'] }),
      findings: ['uninjected-endpoints/unreachable @ west:Namespace/tools (warning possible)'],
    },
  },
});
