import {
  crdsWithoutV1,
  installedByRelease,
  istiodOfRelease,
  nodesOfKubernetes,
  proxiesOfRelease,
} from '../../../src/builder/edits/release.ts';
import { readerWithout } from '../../../src/builder/edits/remote-secret.ts';
import { annotatedAll, istiodKilled, istiodLimited, lockInEndpoints, manyProxies, manyServices } from '../../../src/builder/edits/scale.ts';
import type { Edit } from '../../../src/builder/edits/edit.ts';
import type { Fault } from '../fault.ts';

/** Both clusters' proxies were restarted, and have the release of their istiod. */
const proxiesEverywhere = (release: string): readonly Edit[] => ['east', 'west'].map((cluster) => proxiesOfRelease({ cluster, release }));

/** Releases that do not fit together, upgrades that stopped half way, and what grows until it breaks. */
export const faults: readonly Fault[] = [
  {
    id: 'workloads-newer-than-istiod',
    mode: 'VER-01',
    says: 'istiod was rolled back, and workloads that were restarted meanwhile kept the newer proxy.',
    meshes: ['primary-remote 1.24', 'primary-remote 1.24 with a revision'],
    edits: [proxiesOfRelease({ cluster: 'west', release: '1.26.2', in: 'shop' })],
  },
  {
    id: 'gateway-upgraded-before-istiod',
    mode: 'VER-01',
    says: 'The gateways of a cluster were upgraded before its istiod.',
    meshes: ['primary-remote 1.24', 'primary-remote 1.24 with a revision', 'two primaries'],
    edits: [proxiesOfRelease({ cluster: 'east', release: '1.33.0', of: 'gateways' })],
  },
  {
    id: 'workloads-never-restarted',
    mode: 'VER-01',
    says: 'istiod was upgraded release by release, and the workloads of a remote were never restarted.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'two remotes', 'two primaries', 'three primaries'],
    edits: [proxiesOfRelease({ cluster: 'west', release: '1.26.8', in: 'shop' })],
  },
  {
    id: 'primary-left-behind',
    mode: 'VER-01',
    says: 'One primary was upgraded with every release, the other one was not for a year.',
    meshes: ['two primaries', 'three primaries'],
    edits: [istiodOfRelease({ cluster: 'west', release: '1.27.9' }), proxiesOfRelease({ cluster: 'west', release: '1.27.9' })],
  },
  {
    id: 'first-cluster-upgraded-to-1-20',
    mode: 'VER-02',
    says: 'Of two primaries of 1.19 one was upgraded to 1.20.',
    meshes: ['two primaries', 'two primaries on one network'],
    edits: ['east', 'west'].flatMap((cluster) => {
      const release = cluster === 'east' ? '1.20.5' : '1.19.6';
      return [istiodOfRelease({ cluster, release }), proxiesOfRelease({ cluster, release })];
    }),
  },
  {
    id: 'first-of-three-upgraded-to-1-20',
    mode: 'VER-02',
    says: 'Of three primaries of 1.19 two are upgraded to 1.20, and the third one waits.',
    meshes: ['three primaries'],
    edits: ['east', 'west', 'south'].flatMap((cluster) => {
      const release = cluster === 'south' ? '1.19.10' : '1.20.0';
      return [istiodOfRelease({ cluster, release }), proxiesOfRelease({ cluster, release })];
    }),
  },
  {
    id: 'crds-of-the-first-installation',
    mode: 'VER-03',
    says: 'helm upgrade left the custom resource definitions of a primary as they were installed first.',
    meshes: ['primary-remote', 'primary-remote 1.24', 'two primaries', 'three primaries'],
    edits: [crdsWithoutV1({ cluster: 'east' })],
  },
  {
    id: 'crds-of-remote-forgotten',
    mode: 'VER-03',
    says: 'The base chart was upgraded in the primary and not in the remote.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24', 'two remotes', 'two primaries'],
    edits: [crdsWithoutV1({ cluster: 'west' })],
    also: ['VER-03'],
  },
  {
    id: 'reader-role-of-remote-forgotten',
    mode: 'VER-03',
    says: 'The primary was upgraded, and the reader role of the other cluster is still that of a release that read no ConfigMaps.',
    meshes: ['two primaries', 'three primaries'],
    edits: [
      installedByRelease({ cluster: 'west', release: '1.31.0' }),
      readerWithout({ cluster: 'west', resource: 'configmaps', verbs: ['list', 'watch'] }),
    ],
    also: ['SEC-06'],
  },
  {
    id: 'remote-kubernetes-upgraded-first',
    mode: 'VER-04',
    says: 'The provider upgraded Kubernetes of a remote, and Istio was not.',
    meshes: ['primary-remote 1.24', 'primary-remote 1.24 with a revision'],
    edits: [nodesOfKubernetes({ cluster: 'west', version: 'v1.34.1-gke.2037000' })],
  },
  {
    id: 'primary-kubernetes-upgraded-first',
    mode: 'VER-04',
    says: 'Kubernetes of a primary was upgraded three releases further than its Istio was tested with.',
    meshes: ['primary-remote 1.24', 'primary-remote 1.24 with a revision'],
    edits: [nodesOfKubernetes({ cluster: 'east', version: 'v1.34.4' })],
  },
  {
    id: 'release-that-loses-rotated-clusters',
    mode: 'VER-05',
    says: 'A mesh was upgraded to the release whose istiod loses a cluster when its secret is renewed.',
    meshes: ['primary-remote'],
    edits: [istiodOfRelease({ cluster: 'east', release: '1.30.1' }), ...proxiesEverywhere('1.30.1')],
  },
  {
    id: 'peers-with-a-release-that-loses-gateways',
    mode: 'VER-05',
    says: 'Two primaries run the release in which the gateway of a cluster is lost when its secret is renewed.',
    meshes: ['two primaries'],
    edits: [...['east', 'west'].map((cluster) => istiodOfRelease({ cluster, release: '1.30.3' })), ...proxiesEverywhere('1.30.3')],
  },
  {
    id: 'release-that-expects-no-trust-domain',
    mode: 'VER-05',
    says: 'An ambient mesh stayed on one of the first releases that span networks.',
    meshes: ['ambient'],
    edits: [...['east', 'west'].map((cluster) => istiodOfRelease({ cluster, release: '1.28.2' })), ...proxiesEverywhere('1.28.2')],
  },
  {
    id: 'istiod-out-of-memory',
    mode: 'PERF-01',
    says: 'istiod grew with every renewed secret until the kernel killed it.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'two remotes', 'two primaries', 'ambient'],
    edits: [istiodLimited({ cluster: 'east', memory: '2Gi' }), istiodKilled({ cluster: 'east', times: 9, minutesAgo: 42 })],
  },
  {
    id: 'release-that-leaks-removed-clusters',
    mode: 'PERF-01',
    says: 'Clusters come and go in a mesh whose release keeps what it knows of those that are gone.',
    meshes: ['two primaries', 'three primaries'],
    edits: [istiodOfRelease({ cluster: 'west', release: '1.27.1' }), proxiesOfRelease({ cluster: 'west', release: '1.27.1' })],
    also: ['VER-01'],
  },
  {
    id: 'leader-elected-by-endpoints',
    mode: 'PERF-02',
    says: 'A database renews its lock in the endpoints of a headless Service every ten seconds.',
    meshes: ['primary-remote', 'two remotes', 'two primaries', 'two primaries on one network'],
    edits: [lockInEndpoints({ cluster: 'west', namespace: 'plain', name: 'postgres' })],
  },
  {
    id: 'routes-written-by-gitops',
    mode: 'PERF-02',
    says: 'A GitOps controller writes annotations of routes again and again, in a release that pushes them all the same.',
    meshes: ['primary-remote'],
    edits: [
      istiodOfRelease({ cluster: 'east', release: '1.30.2' }),
      ...proxiesEverywhere('1.30.2'),
      annotatedAll({ cluster: 'east', kind: 'VirtualService', key: 'argocd.argoproj.io/tracking-id', value: 'mesh:networking.istio.io' }),
    ],
    also: ['VER-05'],
  },
  {
    id: 'istiod-limited-to-half-a-core',
    mode: 'PERF-03',
    says: 'istiod was given the limit of an ordinary application.',
    meshes: ['primary-remote', 'primary-remote 1.24', 'two primaries', 'ambient'],
    edits: [istiodLimited({ cluster: 'east', cpu: '500m', memory: '4Gi' })],
  },
  {
    id: 'istiod-limit-outgrown',
    mode: 'PERF-03',
    says: 'The mesh grew, and the limit of istiod did not.',
    meshes: ['two primaries'],
    edits: [istiodLimited({ cluster: 'west', cpu: '1' }), manyProxies({ cluster: 'west', namespace: 'shop', proxies: 1200 })],
  },
  {
    id: 'gateway-of-thousands-of-services',
    mode: 'PERF-04',
    says: 'A mesh grew to thousands of service ports, all of which its east-west gateway holds.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [manyServices({ cluster: 'east', namespace: 'plain', services: 900, ports: 4 })],
  },
];
