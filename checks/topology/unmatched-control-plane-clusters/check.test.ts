import { checkTester, controlPlaneClusters, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const system = 'istio-system';
const key = 'topology.istio.io/controlPlaneClusters';
const healthy = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true });
const named = (value: string | undefined, leader: 'lives' | 'restarted' | 'never') =>
  healthy.edit(controlPlaneClusters({ cluster: west, primary: east, value, leader }));
const admits = (value: string) => healthy.break((m) => m.cluster(west).annotate('Namespace', undefined, system, { [key]: value }));

checkTester(check, {
  healthy: {
    'the remote names the primary': healthy,
    'the remote admits everybody (FP-23)': admits('*'),
    'the primary is one of a list (FP-23)': admits('north,east'),
    'the primary was installed without a name': mesh().primaryRemote(east, west, { clusterIds: { east: 'Kubernetes' } }),
    'two primaries need no annotation': mesh().multiPrimary(east, west),
    'a config cluster needs none, a further remote names it': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'an upgrade is under way': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0' }),
    'a cluster without Istio is merely read': healthy.break((m) =>
      m
        .cluster(west)
        .annotate('Namespace', undefined, system, { [key]: null })
        .edit((objects) => new Map(objects).set(west, (objects.get(west) ?? []).filter(isNotOfIstio))),
    ),
  },
  broken: {
    'the annotation is gone and an old leader lives': {
      mesh: named(undefined, 'lives'),
      findings: ['unmatched-control-plane-clusters/unmatched @ west:Namespace/istio-system (warning certain)'],
    },
    'the annotation names another cluster and istiod restarted': {
      mesh: named('north', 'restarted'),
      findings: ['unmatched-control-plane-clusters/unmatched @ west:Namespace/istio-system (error certain)'],
    },
    'a list with a space in it': {
      mesh: named('north, east', 'restarted'),
      findings: ['unmatched-control-plane-clusters/unmatched @ west:Namespace/istio-system (error certain)'],
    },
    'there never was a leader': {
      mesh: named('Kubernetes', 'never'),
      findings: ['unmatched-control-plane-clusters/unmatched @ west:Namespace/istio-system (error certain)'],
    },
    'without a clock nobody knows whether the old leader lives': {
      mesh: named(undefined, 'restarted'),
      options: { takenAt: 'unknown' },
      findings: ['unmatched-control-plane-clusters/unmatched @ west:Namespace/istio-system (warning likely)'],
    },
    'both revisions of an upgrade serve the remote': {
      mesh: mesh()
        .canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' })
        .edit(controlPlaneClusters({ cluster: west, primary: east, value: 'north', leader: 'lives' })),
      findings: ['unmatched-control-plane-clusters/unmatched @ west:Namespace/istio-system (warning certain)'],
    },
    'the remote has no namespace of that name': {
      mesh: healthy.break((m) => m.cluster(west).remove('Namespace', undefined, system)),
      findings: ['unmatched-control-plane-clusters/noNamespace @ west:Cluster/west (error certain)'],
    },
  },
});

function isNotOfIstio(object: {
  readonly kind: string;
  readonly metadata: { readonly namespace?: string; readonly name: string };
}): boolean {
  return object.kind !== 'MutatingWebhookConfiguration' && !(object.kind === 'Pod' && object.metadata.namespace !== 'kube-system');
}
