import { annotate, label, put } from '../../../src/builder/edits/edit.ts';
import { isEastWestService, isIstiod, isPod, isRemoteSecret } from '../../../src/builder/edits/find.ts';
import { mesh } from '../../../src/builder/mesh.ts';
import {
  adding,
  and,
  envOf,
  external,
  isKind,
  isNamespace,
  mergedSecrets,
  mesheConfig,
  multiPrimary,
  multiPrimaryOne,
  network,
  oneNetwork,
  preferring,
  primaryRemote,
  shop,
  spelled,
  system,
  three,
  where,
  without,
  type Odd,
} from './edits.ts';

/** Things that look wrong and are not, by the names that the list of them has; then more of their kind. */
export const known: Readonly<Record<string, () => Odd>> = {
  'FP-1: one network, no label anywhere': () => ({ built: multiPrimaryOne }),
  'FP-2: one network with its name, and no gateway': () => ({ built: shop(mesh().multiPrimary('east', 'west', { networks: 1 })) }),
  'one network, the same label on every system namespace': () => ({
    built: oneNetwork.edit(where(isNamespace(system), (object) => label(object, network, 'network1'))),
  }),
  'one network, the label on one system namespace only, without gateways': () => ({
    built: multiPrimaryOne.edit(where(isNamespace(system), (object) => label(object, network, ''))),
  }),
  'one network: no gateway but the one for istiod': () => ({
    built: shop(mesh().primaryRemote('east', ['west', 'south'], { networks: 0 })),
  }),
  'FP-3: load balancers with host names': () => ({
    built: multiPrimary.edit(
      where(isEastWestService, (object) =>
        put(object, ['status'], { loadBalancer: { ingress: [{ hostname: `${object.metadata.uid ?? ''}.elb.eu-west-1.amazonaws.com` }] } }),
      ),
    ),
  }),
  'FP-4: free secret names': () => ({
    built: primaryRemote.edit(
      where(isRemoteSecret, (object) => ({ ...object, metadata: { ...object.metadata, name: 'reach-the-west', annotations: {} } })),
    ),
  }),
  'FP-4: all clusters in one secret': () => ({
    built: three.edit(and(mergedSecrets('east'), mergedSecrets('west'), mergedSecrets('south'))),
  }),
  'FP-4: kubeconfigs in mounted files': () => ({
    built: three.edit(and(without(isRemoteSecret), where(isIstiod, envOf('PILOT_MULTICLUSTER_KUBECONFIG_PATH', '/etc/kubeconfigs')))),
  }),
  'FP-5: a remote without mesh config and without injector values': () => ({
    built: primaryRemote.edit(
      without((object) => object.kind === 'ConfigMap' && /^istio(-sidecar-injector)?(-1-31-0)?$/.test(object.metadata.name), 'west'),
    ),
  }),
  'FP-6: a mirrored slice beside hand-made Endpoints': () => ({
    built: shop(mesh().primaryRemote('east', 'west', { release: '1.27.9' })),
  }),
  'hand-made Endpoints beside the slice, not mirrored': () => ({
    built: primaryRemote.edit(
      adding('west', {
        apiVersion: 'v1',
        kind: 'Endpoints',
        metadata: { name: 'istiod-1-31-0', namespace: system, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
        subsets: [
          {
            addresses: [{ ip: '10.200.1.1' }],
            ports: [
              { name: 'tcp-istiod', port: 15012 },
              { name: 'tcp-webhook', port: 15017 },
            ],
          },
        ],
      }),
    ),
  }),
  'FP-7: webhooks of the remote trust the self-signed root of the primary': () => ({
    built: shop(mesh().primaryRemote('east', 'west', { networks: 2, trust: 'self-signed' })),
  }),
  'FP-8: two revisions, tags and proxies of both': () => ({
    built: shop(mesh().canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' }))
      .namespace('moved', { revision: '1-31-0' })
      .workload('n.moved')
      .break((m) => m.cluster('east').tag('stable', '1-30-3')),
  }),
  'FP-9: an intermediate for each cluster, under one root': () => ({
    built: shop(mesh().multiPrimary('east', 'west', { trust: 'plugged-in' })),
  }),
  'FP-10: trust domains with aliases both ways': () => ({
    built: multiPrimary.edit((objects) => {
      const named = spelled(
        'trustDomain: cluster.local',
        'trustDomain: west.example.com\\ntrustDomainAliases: [cluster.local]',
        isKind('ConfigMap'),
        'west',
      )(objects);
      return spelled(
        'trustDomain: cluster.local',
        'trustDomain: cluster.local\\ntrustDomainAliases: [west.example.com]',
        isKind('ConfigMap'),
        'east',
      )(named);
    }),
  }),
  'FP-11: a service that stays in its cluster, and one that prefers its locality': () => ({
    built: multiPrimary
      .edit(mesheConfig((text) => `serviceSettings:\n- settings:\n    clusterLocal: true\n  hosts: [abc.shop.svc.cluster.local]\n${text}`))
      .edit(and(...['east', 'west'].map((name) => adding(name, preferring)))),
  }),
  'FP-12: gateway pods without network label': () => ({
    built: primaryRemote.edit(
      and(
        where(
          (object) => isPod(object) && object.metadata.name.startsWith('istio-eastwest'),
          (object) => label(object, network, undefined),
        ),
        where(isEastWestService, (object) => put(object, ['spec', 'selector', network], undefined)),
      ),
    ),
  }),
  'FP-13: hub and spoke, declared': () => ({
    built: three
      .edit(without((object) => isRemoteSecret(object) && object.metadata.name.endsWith('-south'), 'west'))
      .edit(without((object) => isRemoteSecret(object) && object.metadata.name.endsWith('-west'), 'south')),
    declared: {
      withoutSecret: [
        { reader: 'west', read: 'south' },
        { reader: 'south', read: 'west' },
      ],
    },
  }),
  'FP-14: a gateway for HBONE without 15443': () => ({ built: shop(mesh().ambient('east', 'west')) }),
  'FP-16: a secret for the own cluster': () => ({
    built: three.edit((objects) =>
      adding(
        'east',
        ...(objects.get('west') ?? []).filter((object) => isRemoteSecret(object) && object.metadata.name.endsWith('-east')),
      )(objects),
    ),
  }),
  'FP-18: NodePorts differ': () => ({
    built: multiPrimary.edit(spelled(/"nodePort":3\d+/g, '"nodePort":30001', isKind('Service'), 'west')),
  }),
  'FP-19: a namespace that only one cluster injects': () => ({
    built: multiPrimary
      .namespace('lab', { clusters: ['east'], injected: true })
      .workload('x.lab', { in: ['east'] })
      .namespace('lab', { clusters: ['west'] }),
  }),
  'FP-21: ExternalName istiod beside url webhooks': () => ({
    built: external.edit(
      adding('south', {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'istiod', namespace: 'external-istiod' },
        spec: {
          type: 'ExternalName',
          externalName: 'istiod.mesh.example.com',
          ports: [
            { name: 'tcp-istiod', port: 15012 },
            { name: 'tcp-webhook', port: 443 },
          ],
        },
      }),
    ),
  }),
  'FP-22: tokens that never expire': () => ({ built: shop(mesh().primaryRemote('east', 'west', { networks: 2 })) }),
  'FP-23: controlPlaneClusters is a list': () => ({
    built: primaryRemote.edit(
      where(isNamespace(system), (object) => annotate(object, 'topology.istio.io/controlPlaneClusters', 'dr,east,old'), 'west'),
    ),
  }),
};
