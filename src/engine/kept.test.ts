import { describe, expect, test } from 'vitest';
import { remedy } from '../api/remedy.ts';
import type { Edit } from '../builder/edits/edit.ts';
import { annotate, changeAny, inCluster, isNamed, label } from '../builder/edits/edit.ts';
import { isInjector } from '../builder/edits/find.ts';
import { mesh } from '../builder/mesh.ts';
import { projectFacts } from '../collect/facts.ts';
import { snapshotOf } from '../collect/snapshot.ts';
import { clusterName } from '../model/ids.ts';
import type { KubeObject } from '../model/kube.ts';
import { withKeepers } from './kept.ts';

const west = clusterName('west');
const healthy = mesh().primaryRemote('east', 'west', { networks: 2 });
const system = { cluster: west, kind: 'Namespace', name: 'istio-system' };
const relabelled = remedy.label(system, { 'topology.istio.io/network': 'network2' });

function notes(edit: Edit, ...given: Parameters<typeof withKeepers>[0]): string[] {
  const snapshot = snapshotOf(edit(healthy.objects()), { complete: true });
  const facts = new Map(snapshot.clusters.map((cluster) => [cluster.name, projectFacts(cluster)]));
  return withKeepers(given, facts).map(({ note }) => note);
}

const kept = (fits: (object: KubeObject) => boolean): Edit =>
  inCluster('west', (objects) => changeAny(objects, fits, (object) => annotate(object, 'argocd.argoproj.io/tracking-id', 'mesh:x')));

describe('remedies for what a GitOps controller keeps', () => {
  test('say that the change belongs into Git', () => {
    const isKept = kept(isNamed('Namespace', 'istio-system'));
    expect(notes(isKept, relabelled, remedy.delete(system))).toEqual([
      'changes the cluster; Argo CD (application mesh) keeps this object: change it in Git, or it comes back',
      'changes the cluster; Argo CD (application mesh) keeps this object: delete it in Git, or it comes back',
    ]);
  });

  test('a controller that writes fields keeps the object, too', () => {
    const managedFields = [{ manager: 'kustomize-controller', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: {} }];
    const isKept = inCluster('west', (objects) =>
      changeAny(objects, isNamed('Namespace', 'istio-system'), (object) => ({
        ...object,
        metadata: { ...object.metadata, managedFields },
      })),
    );
    expect(notes(isKept, relabelled)).toEqual(['changes the cluster; Flux keeps this object: change it in Git, or it comes back']);
  });

  test('an installation that a controller makes is changed by its values', () => {
    const isKept = inCluster('west', (objects) =>
      changeAny(objects, isInjector, (object) =>
        label(label(object, 'helm.toolkit.fluxcd.io/name', 'istiod'), 'helm.toolkit.fluxcd.io/namespace', 'istio-system'),
      ),
    );
    const [note] = notes(isKept, remedy.installer(west, ['istioctl install'], 'with the values it was installed with'));
    expect(note).toMatch(/; Flux \(HelmRelease istio-system\/istiod\) installs Istio there: change its values in Git instead$/);
  });

  test('nothing is said of what nobody keeps, of other objects, nor of a restart', () => {
    const isKept = kept(isNamed('Deployment', 'istio-eastwestgateway', 'istio-system'));
    const gateway = { cluster: west, kind: 'Deployment', namespace: 'istio-system', name: 'istio-eastwestgateway' };
    expect(
      notes(isKept, relabelled, remedy.restart(gateway), remedy.label({ ...system, cluster: clusterName('south') }, { a: 'b' })),
    ).toEqual(['changes the cluster', 'changes the cluster; restarts pods', 'changes the cluster']);
    expect(notes(isKept, remedy.scale(gateway, 2))[0]).toContain('change it in Git');
  });
});
