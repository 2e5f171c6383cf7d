import { checkTester, injectorsRemoved, mesh, namespaceWants, tagRemoved } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const revisioned = mesh()
  .primaryRemote(east, west, { revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .namespace('till', { injected: true })
  .service('cart.shop')
  .service('desk.till');
const plain = mesh().primaryRemote(east, west).namespace('shop', { injected: true }).service('cart.shop');
const old = mesh().primaryRemote(east, west, { revision: '1-24-6', release: '1.24.6' }).namespace('shop', { injected: true });
const wants = (revision: string, restarted = false) => namespaceWants({ cluster: west, namespace: 'shop', wish: { revision }, restarted });

checkTester(check, {
  healthy: {
    'namespaces ask for the revision': revisioned,
    'namespaces ask for injection': plain,
    'an old release with a revision and without a default tag': old,
    'the installer made the revision the default one': revisioned.edit(
      namespaceWants({ cluster: west, namespace: 'shop', wish: { injection: 'enabled' } }),
    ),
    'two primaries': mesh().multiPrimary(east, west).namespace('shop', { injected: true }).service('cart.shop'),
    'a tag in one cluster, whose namespaces ask for it': revisioned.break((m) => m.cluster(west).tag('prod', '1-31-0')).edit(wants('prod')),
    'an upgrade in flight': mesh()
      .canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' })
      .namespace('shop', { injected: true })
      .namespace('next', { revision: '1-31-0' })
      .service('cart.shop')
      .service('cart.next'),
    'an external control plane': mesh()
      .externalControlPlane('outside', west, { remotes: ['north'] })
      .namespace('shop', { injected: true }),
    ambient: mesh().ambient(east, west).namespace('shop', { injected: true }).service('cart.shop'),
    'an ambient namespace that names a revision': mesh()
      .ambient(east, west)
      .namespace('shop', { injected: true, labels: { 'istio.io/rev': 'somebody-elses' } })
      .service('cart.shop'),
    'a namespace that says no': plain
      .namespace('quiet', { labels: { 'istio-injection': 'disabled', 'istio.io/rev': '1-20-0' } })
      .service('cart.quiet'),
    'both labels, and only istio.io/rev would be served, which is a fault of its own': old.namespace('both', {
      labels: { 'istio-injection': 'enabled', 'istio.io/rev': '1-24-6' },
      clusters: [west],
    }),
    'a namespace that says both: istio-injection wins, and is served': plain
      .namespace('both', { labels: { 'istio-injection': 'enabled', 'istio.io/rev': '1-20-0' } })
      .service('cart.both'),
    'namespaces that nobody injects into': plain.break((m) => m.cluster(west).relabel('kube-system', { 'istio.io/rev': '1-20-0' })),
  },
  broken: {
    'another revision': {
      mesh: revisioned.edit(wants('1-30-3')),
      findings: ['unserved-revision @ west:Namespace/shop (error certain)'],
    },
    'another revision, and its workloads were restarted since': {
      mesh: revisioned.edit(wants('1-30-3', true)),
      findings: ['unserved-revision @ west:Namespace/shop (error certain)'],
    },
    'two namespaces of one mind are one finding': {
      mesh: revisioned.edit(wants('1-30-3')).edit(namespaceWants({ cluster: west, namespace: 'till', wish: { revision: '1-30-3' } })),
      findings: ['unserved-revision @ west:Namespace/shop (error certain)'],
    },
    'two namespaces, two missing revisions': {
      mesh: revisioned.edit(wants('1-30-3')).edit(namespaceWants({ cluster: west, namespace: 'till', wish: { revision: 'prod' } })),
      findings: ['unserved-revision @ west:Namespace/shop', 'unserved-revision @ west:Namespace/till'],
    },
    'injection of a default that an old release did not make': {
      mesh: old.edit(namespaceWants({ cluster: west, namespace: 'shop', wish: { injection: 'enabled' } })),
      findings: ['unserved-revision @ west:Namespace/shop (error certain)'],
    },
    'many namespaces want a default that is gone': {
      mesh: revisioned
        .edit(namespaceWants({ cluster: west, namespace: 'shop', wish: { injection: 'enabled' } }))
        .edit(namespaceWants({ cluster: west, namespace: 'till', wish: { injection: 'enabled' } }))
        .edit(tagRemoved({ cluster: west, tag: 'default' })),
      findings: ['unserved-revision @ west:Namespace/shop (error certain)'],
    },
    'a tag that the other cluster has': {
      mesh: revisioned
        .break((m) => m.cluster(east).tag('prod', '1-31-0'))
        .edit(namespaceWants({ cluster: east, namespace: 'shop', wish: { revision: 'prod' } }))
        .edit(wants('prod')),
      findings: ['unserved-revision @ west:Namespace/shop (error certain)'],
    },
    'no injector at all': {
      mesh: plain.edit(injectorsRemoved({ cluster: west, tags: true })),
      findings: ['unserved-revision @ west:Namespace/shop (error certain)'],
    },
    'two revisions are served, and it asks for neither': {
      mesh: mesh()
        .canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' })
        .namespace('shop', { injected: true })
        .service('cart.shop')
        .edit(wants('1-29-6')),
      findings: ['unserved-revision @ west:Namespace/shop (error certain)'],
    },
  },
});
