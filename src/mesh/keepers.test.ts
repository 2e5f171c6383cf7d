import { describe, expect, test } from 'vitest';
import { keeperOf, spelledKeeper } from './keepers.ts';

const none = { labels: {}, annotations: {}, managers: [] };
const written = (manager: string, fields: readonly string[] = []) => ({ ...none, managers: [{ manager, operation: 'Apply', fields }] });
const told = (object: Parameters<typeof keeperOf>[0]): string | undefined => {
  const keeper = keeperOf(object);
  return keeper === undefined ? undefined : spelledKeeper(keeper);
};

describe('who keeps an object', () => {
  test.each([
    [
      'Argo CD (application mesh)',
      { ...none, annotations: { 'argocd.argoproj.io/tracking-id': 'mesh:/Namespace:istio-system/istio-system' } },
    ],
    ['Argo CD (application mesh)', { ...none, labels: { 'argocd.argoproj.io/instance': 'mesh' } }],
    [
      'Flux (Kustomization flux-system/mesh)',
      { ...none, labels: { 'kustomize.toolkit.fluxcd.io/name': 'mesh', 'kustomize.toolkit.fluxcd.io/namespace': 'flux-system' } },
    ],
    [
      'Flux (HelmRelease istio-system/istiod)',
      {
        ...none,
        labels: {
          'helm.toolkit.fluxcd.io/name': 'istiod',
          'helm.toolkit.fluxcd.io/namespace': 'istio-system',
          'kustomize.toolkit.fluxcd.io/name': 'mesh',
        },
      },
    ],
    ['Config Sync', { ...none, labels: { 'app.kubernetes.io/managed-by': 'configmanagement.gke.io' } }],
    ['Argo CD', written('argocd-controller')],
    ['Argo CD', written('argocd-application-controller')],
    ['Flux', written('kustomize-controller')],
    ['Flux', written('helm-controller')],
    ['Fleet', written('fleetagent')],
  ])('%s', (expected, object) => expect(told(object)).toBe(expected));

  test.each([
    ['nobody', none],
    ['people', written('kubectl-label')],
    ['Helm by hand', { ...written('helm'), labels: { 'app.kubernetes.io/managed-by': 'Helm' } }],
    ['a controller of k3s of the same name', written('helm-controller@node-1')],
    ['istiod', written('pilot-discovery')],
    ['rollouts of Argo', written('rollouts-controller')],
    ['one that only writes the status', written('argocd-controller', ['.status.conditions'])],
    ['the Secret by which Argo CD knows a cluster', { ...none, labels: { 'argocd.argoproj.io/secret-type': 'cluster' } }],
  ])('not %s', (_name, object) => expect(told(object)).toBeUndefined());
});
