import { label, put } from '../../../src/builder/edits/edit.ts';
import { isPod, isRemoteSecret } from '../../../src/builder/edits/find.ts';
import { at } from '../../../src/builder/edits/json.ts';
import { readerWithout } from '../../../src/builder/edits/remote-secret.ts';
import { mesh } from '../../../src/builder/mesh.ts';
import {
  and,
  external,
  inSystemNamespace,
  isNamespace,
  multiPrimary,
  plain,
  pod,
  primariesWithRemote,
  primaryRemote,
  shop,
  spelled,
  standalone,
  three,
  where,
  without,
  type Odd,
} from './edits.ts';

/** Which clusters there are, how they are named, and which of them are given. */
export const topologies: Readonly<Record<string, () => Odd>> = {
  'FP-24: the reader may not list what only analyzers read': () => ({
    built: ['telemetries', 'wasmplugins'].reduce(
      (built, resource) => built.edit(readerWithout({ cluster: 'west', resource })),
      shop(mesh().primaryRemote('east', 'west', { networks: 2 })),
    ),
  }),
  'AKS: aks-istio-system with a revision of the add-on': () => ({
    built: shop(mesh().primaryRemote('east', 'west', { revision: 'asm-1-27', release: '1.27.9' })).edit(
      inSystemNamespace('aks-istio-system'),
    ),
  }),
  'a second mesh namespace: istio-system-2': () => ({ built: multiPrimary.edit(inSystemNamespace('istio-system-2')) }),
  // Revisions
  'a tag in one cluster only': () => ({ built: primaryRemote.break((m) => m.cluster('east').tag('stable', '1-31-0')) }),
  'no tag at all': () => ({ built: primaryRemote.break((m) => m.cluster('east').withoutDefaultTag().cluster('west').withoutDefaultTag()) }),
  'primaries on the default and on a named revision': () => ({
    built: shop(mesh().multiPrimary('east', 'west', { revisions: ['default', '1-30-3'] })),
  }),
  'canary: control plane only': () => ({
    built: shop(mesh().canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'control-plane' })),
  }),
  'canary: remote as well, one namespace moved': () => ({
    built: shop(mesh().canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' }))
      .namespace('new', { revision: '1-31-0' })
      .workload('n.new'),
  }),
  'canary on one network': () => ({
    built: shop(mesh().canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote', networks: 0 })),
  }),
  // Topologies
  'two remotes of one primary': () => ({ built: shop(mesh().primaryRemote('east', ['west', 'south'], { networks: 2 })) }),
  'a remote that shares the network of its primary, and its gateway': () => ({
    built: shop(mesh().primaryRemote('east', ['west', 'south'], { networks: 2, networkNames: { south: 'network1' } })).edit(
      without(
        (object) =>
          object.metadata.name.startsWith('istio-eastwestgateway') &&
          ['Deployment', 'Service', 'Pod', 'ReplicaSet', 'EndpointSlice', 'Endpoints', 'HorizontalPodAutoscaler'].includes(object.kind),
        'south',
      ),
    ),
  }),
  'two remotes that share a network and a gateway': () => ({
    built: shop(mesh().primaryRemote('east', ['west', 'south'], { networks: 2, networkNames: { south: 'network2' } })).edit(
      without(
        (object) =>
          object.metadata.name.startsWith('istio-eastwestgateway') &&
          ['Deployment', 'Service', 'Pod', 'ReplicaSet', 'EndpointSlice', 'Endpoints', 'HorizontalPodAutoscaler'].includes(object.kind),
        'south',
      ),
    ),
  }),
  'two primaries on one network with a gateway each, beside a third on another': () => ({
    built: shop(mesh().multiPrimary('east', 'west', { more: ['south'], networkNames: { west: 'network1' } })),
  }),
  'two meshes in one command': () => ({
    built: shop(
      mesh()
        .primaryRemote('east', 'west', { networks: 2 })
        .multiPrimary('north', 'south', { trust: 'plugged-in', clusterIds: { north: 'n1', south: 's1' }, meshId: 'mesh2' }),
    ),
  }),
  'two primary-remote meshes with the same cluster IDs': () => ({
    built: shop(
      mesh()
        .primaryRemote('prod-a', 'prod-b', { clusterIds: { 'prod-a': 'a', 'prod-b': 'b' }, meshId: 'prod' })
        .primaryRemote('test-a', 'test-b', { clusterIds: { 'test-a': 'a', 'test-b': 'b' }, meshId: 'test' }),
    ),
  }),
  'a cluster without Istio beside a mesh': () => ({
    built: primaryRemote.edit((objects) =>
      new Map(objects).set('bare', [plain('default'), plain('kube-system'), plain('apps'), pod('apps', 'web')]),
    ),
  }),
  'a remote without its primary': () => ({ built: primaryRemote, only: ['west'] }),
  'a primary without its remote': () => ({ built: primaryRemote, only: ['east'] }),
  'one primary of three missing': () => ({ built: three, only: ['east', 'west'] }),
  'an external control plane without its further remote': () => ({ built: external, only: ['outside', 'inside'] }),
  'a config cluster without the external cluster': () => ({ built: external, only: ['inside'] }),
  'the external cluster alone': () => ({ built: external, only: ['outside'] }),
  'an external remote without the config cluster': () => ({ built: external, only: ['outside', 'south'] }),
  'two primaries, and a remote of one of them that both read': () => ({ built: primariesWithRemote() }),
  'two primaries, and a remote of one of them, declared to be read by nobody else': () => ({
    built: primariesWithRemote().edit(without((object) => isRemoteSecret(object) && object.metadata.name.endsWith('-west'), 'north')),
    declared: { withoutSecret: [{ reader: 'north', read: 'west' }] },
  }),
  'two meshes of one cluster each, under one root of the company, with mesh IDs of their own': () => ({
    built: standalone('prod', 'test'),
    only: ['prod', 'test'],
  }),
  'two installations of one cluster each, made alike': () => ({
    built: shop(
      mesh()
        .multiPrimary('prod', 'x', { trust: 'self-signed', networks: 0 })
        .multiPrimary('test', 'y', { trust: 'self-signed', networks: 0 }),
    ).edit(without(isRemoteSecret)),
    only: ['prod', 'test'],
  }),
  'cluster IDs are ARNs': () => ({
    built: shop(
      mesh()
        .primaryRemote('east', 'west', {
          clusterIds: { east: 'arn:aws:eks:eu-west-1:123456789012:cluster/east', west: 'arn:aws:eks:eu-west-1:123456789012:cluster/west' },
        })
        .edit(spelled(/inject\/cluster\/(arn[^"]*?)cluster\/(east|west)\/net/g, 'inject/cluster/$1cluster--slash--$2/net')),
    ),
  }),
  'a cluster domain of the company': () => ({
    // The domain of DNS, not that of identities, which a remote without mesh config would not be known by.
    built: primaryRemote.edit(
      and(
        spelled('cluster.local', 'prod.corp.internal'),
        spelled('trustDomain: prod.corp.internal', 'trustDomain: cluster.local'),
        spelled('"*.local"', '"*.internal"'),
      ),
    ),
  }),
  'addresses of both families': () => ({
    built: multiPrimary.edit(
      where(
        (object) => isPod(object) && at(object, 'status', 'podIP') !== undefined,
        (object) =>
          put(
            object,
            ['status', 'podIPs'],
            [{ ip: at(object, 'status', 'podIP') }, { ip: `fd00:${object.metadata.uid?.slice(0, 4) ?? ''}::7` }],
          ),
      ),
    ),
  }),
  'a further ingress gateway that is injected, in a namespace of its own': () => ({
    built: primaryRemote.namespace('istio-ingress', { injected: true }).workload('public.istio-ingress', { labels: { istio: 'ingress' } }),
  }),
  'canary: namespaces moved, pods not restarted yet': () => ({
    built: shop(mesh().canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' })).edit(
      where(isNamespace('shop'), (object) => label(object, 'istio.io/rev', '1-31-0')),
    ),
  }),
};
