import { secondRoot } from '../../../src/builder/certificates.ts';
import { labels } from '../../../src/istio/labels.ts';
import { change, type Edit, inCluster, isNamed, label } from '../../../src/builder/edits/edit.ts';
import { namespaceWants } from '../../../src/builder/edits/injection.ts';
import { podsRefused, validatorRequired } from '../../../src/builder/edits/refusals.ts';
import { istiodRestarted } from '../../../src/builder/edits/control-plane.ts';
import {
  canaryGateway,
  installedAsPrimary,
  podNetworks,
  podsInjectedBy,
  proxiesAsk,
  webhooksShareService,
} from '../../../src/builder/edits/revisions.ts';
import type { Fault } from '../fault.ts';
import { mesh } from '../../../src/builder/mesh.ts';

/** A cluster `west` with an istiod that belongs to nobody. */
const alone = (revisions: readonly string[], networks: 1 | 2) =>
  mesh()
    .multiPrimary('far', 'west', { networks, trust: 'self-signed', revisions })
    .namespace('shop', { injected: true })
    .service('abc.shop')
    .namespace('plain')
    .workload('batch.plain')
    .objects();

const labelled = (cluster: string, namespace: string, values: Readonly<Record<string, string>>): Edit =>
  inCluster(cluster, (objects) =>
    change(
      objects,
      isNamed('Namespace', namespace),
      (object) => Object.entries(values).reduce((next, [key, value]) => label(next, key, value), object),
      `namespace ${namespace}`,
    ),
  );

/** Revisions and injection: what people did to labels, webhooks and Services, and what became of pods. */
export const faults: readonly Fault[] = [
  {
    id: 'rollout-refused-while-istiod-started',
    mode: 'INJ-10',
    says: 'istiod was restarted, said that it was ready, and a rollout in a remote called its webhook a few seconds too early.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24', 'primary-remote on one network'],
    edits: [
      istiodRestarted({ cluster: 'east' }),
      podsRefused({ cluster: 'west', reason: 'context deadline exceeded', minutesAgo: 3.5, only: 'sidecars' }),
    ],
  },
  {
    id: 'own-rollout-refused-while-istiod-started',
    mode: 'INJ-10',
    says: 'All workloads of a primary were restarted together with its istiod, whose webhook did not listen yet.',
    meshes: ['two primaries', 'two primaries on one network'],
    edits: [
      istiodRestarted({ cluster: 'west' }),
      podsRefused({ cluster: 'west', reason: 'dial tcp 10.96.12.1:443: connect: connection refused', minutesAgo: 3.8, only: 'sidecars' }),
    ],
  },
  {
    id: 'remote-service-renamed-by-upgrade',
    mode: 'INJ-12',
    says: 'The remote was upgraded across the chart istiod-remote: the Service of that name went, sidecars of before still ask for it.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote on one network', 'primary-remote 1.24'],
    edits: [proxiesAsk({ cluster: 'west', host: 'istiod-remote.istio-system.svc', only: 'sidecars' })],
  },
  {
    id: 'gateway-asks-removed-service',
    mode: 'INJ-12',
    says: 'The gateway of a remote was not restarted after the Service of its istiod got another name.',
    meshes: ['primary-remote', 'two remotes', 'an upgrade in flight'],
    edits: [proxiesAsk({ cluster: 'west', host: 'istiod-1-22-0.istio-system.svc.cluster.local', only: 'gateways' })],
  },
  {
    id: 'remote-installed-with-whole-profile',
    mode: 'INJ-13',
    says: 'The remote was installed with the default profile instead of profile remote, so that it runs an istiod with a CA of its own.',
    meshes: ['primary-remote', 'two remotes'],
    edits: [installedAsPrimary({ cluster: 'west', like: alone([], 2), primary: 'east', reads: [] })],
  },
  {
    id: 'remote-of-revision-installed-with-istiod',
    mode: 'INJ-13',
    says: 'An operator installed a whole revision where profile remote was asked for.',
    meshes: ['primary-remote with a revision'],
    edits: [installedAsPrimary({ cluster: 'west', like: alone(['1-31-0'], 2), primary: 'east', reads: [] })],
  },
  {
    id: 'remote-on-one-network-installed-with-istiod',
    mode: 'INJ-13',
    says: 'The profile of a remote on the network of its primary was forgotten, and an istiod came with the installation.',
    meshes: ['primary-remote on one network'],
    edits: [installedAsPrimary({ cluster: 'west', like: alone([], 1), primary: 'east', reads: [] })],
  },
  {
    id: 'canary-webhook-calls-old-service',
    mode: 'INJ-04',
    says: 'The webhook of the canary was copied into the remote, but calls the Service of the old revision.',
    meshes: ['an upgrade in flight'],
    edits: [webhooksShareService({ cluster: 'west', from: '1-24-6', to: '1-31-0' })],
  },
  {
    id: 'canary-proxies-ask-old-service',
    mode: 'INJ-04',
    says: 'The mesh config of the canary names the discovery address of the old revision, so proxies of both connect to one istiod.',
    meshes: ['an upgrade in flight'],
    edits: [
      namespaceWants({ cluster: 'west', namespace: 'shop', wish: { revision: '1-31-0' } }),
      podsInjectedBy({ cluster: 'west', namespace: 'shop', revision: '1-31-0', host: 'istiod-1-24-6.istio-system.svc' }),
    ],
    also: ['VER-01'],
  },
  {
    id: 'canary-gateway-labelled-in-remote',
    mode: 'INJ-05',
    says: 'A gateway of the canary was installed beside the old one with the label of the network from the start.',
    meshes: ['an upgrade in flight', 'primary-remote with a revision'],
    edits: [canaryGateway({ cluster: 'west', revision: '1-31-1', labelled: true, address: '172.18.2.77' })],
  },
  {
    id: 'canary-gateway-labelled-in-primary',
    mode: 'INJ-05',
    says: 'One of two primaries got a second gateway for its canary, and callers are spread over both.',
    meshes: ['two primaries', 'three primaries'],
    edits: [canaryGateway({ cluster: 'east', revision: 'canary', labelled: true, address: '172.18.1.77' })],
  },
  {
    id: 'pod-networks-replaced-by-injector',
    mode: 'INJ-16',
    says: 'The injector wrote its CNI network over the list of networks that a workload asks Multus for.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [podNetworks({ cluster: 'west', namespace: 'shop', wanted: 'macvlan-conf', held: 'istio-cni' })],
  },
  {
    id: 'pod-networks-replaced-in-old-release',
    mode: 'INJ-16',
    says: 'On OpenShift the default namespace’s network of Istio took the place of one of two networks in the list.',
    meshes: ['primary-remote 1.24', 'an upgrade in flight'],
    edits: [podNetworks({ cluster: 'west', namespace: 'shop', wanted: 'storage,shop/macvlan-conf', held: 'storage,default/istio-cni' })],
  },
  {
    id: 'validator-required-without-ca',
    mode: 'INJ-08',
    says: 'An operator made the validating webhook of a remote mandatory, and nobody gave it the certificate of istiod.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote on one network', 'two remotes', 'an upgrade in flight'],
    edits: [validatorRequired({ cluster: 'west', bundle: 'empty' })],
  },
  {
    id: 'validator-required-with-ca-of-before',
    mode: 'INJ-08',
    says: 'The caBundle of a mandatory validating webhook was copied by hand, and the root of the mesh was replaced since.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24'],
    edits: [validatorRequired({ cluster: 'west', bundle: { pem: secondRoot } })],
  },
  {
    id: 'validator-of-primary-emptied',
    mode: 'INJ-08',
    says: 'A deployment tool keeps emptying the caBundle of the validating webhook beside istiod.',
    meshes: ['two primaries', 'two primaries on one network'],
    edits: [validatorRequired({ cluster: 'west', bundle: 'empty' })],
  },
  {
    id: 'both-injection-labels-on-canary',
    mode: 'INJ-11',
    says: 'A namespace of the old revision was also labelled istio-injection=enabled while another revision is the default.',
    meshes: ['an upgrade in flight'],
    edits: [labelled('west', 'shop', { [labels.injection]: 'enabled' })],
  },
  {
    id: 'both-injection-labels-unserved',
    mode: 'INJ-11',
    says: 'A namespace of a named revision was also labelled istio-injection=enabled where no default revision exists.',
    meshes: ['primary-remote 1.24 with a revision'],
    edits: [labelled('west', 'shop', { [labels.injection]: 'enabled' })],
  },
  {
    id: 'injection-label-and-canary-revision',
    mode: 'INJ-11',
    says: 'A namespace of the default revision was told to move to a canary by istio.io/rev, and kept istio-injection.',
    meshes: ['primary-remote', 'primary-remote 1.24', 'two primaries', 'primary-remote on one network'],
    edits: [labelled('west', 'shop', { [labels.revision]: 'canary' })],
  },
  {
    id: 'injection-disabled-beside-revision',
    mode: 'INJ-11',
    says: 'istio-injection=disabled was set on a namespace that asks for a revision and whose pods have sidecars.',
    meshes: ['primary-remote with a revision', 'an upgrade in flight'],
    edits: [labelled('west', 'shop', { [labels.injection]: 'disabled' })],
  },
];
