import { annotate, label, put } from '../../../src/builder/edits/edit.ts';
import { isElection, isIstiod, isPod, isSidecarPod } from '../../../src/builder/edits/find.ts';
import { at } from '../../../src/builder/edits/json.ts';
import { mesh } from '../../../src/builder/mesh.ts';
import type { KubeObject } from '../../../src/model/kube.ts';
import {
  adding,
  and,
  asFromGit,
  config,
  external,
  isKind,
  isLock,
  isMade,
  isNamespace,
  multiPrimary,
  multiPrimaryOne,
  network,
  plain,
  pod,
  primaryRemote,
  proxyEnvOf,
  renewed,
  shop,
  spelled,
  system,
  unnamed,
  where,
  without,
  type Odd,
} from './edits.ts';

/** Injection, where the objects come from, time, ambient. */
export const sources: Readonly<Record<string, () => Odd>> = {
  'istio-injection=disabled, labels of both kinds, kube-system': () => ({
    built: primaryRemote.edit(
      and(
        adding(
          'west',
          plain('off', { 'istio-injection': 'disabled', 'istio.io/rev': '1-28-0' }),
          plain('both', { 'istio-injection': 'enabled', 'istio.io/rev': '1-31-0' }),
        ),
        where(isNamespace('kube-system'), (object) => label(label(object, 'istio.io/rev', '1-28-0'), 'istio-injection', 'disabled')),
      ),
    ),
  }),
  'pods join by labels of their own': () => ({
    built: unnamed.namespace('own').workload('one.own', { inject: true }).workload('two.own', { inject: false }),
  }),
  'native sidecars': () => ({ built: shop(mesh().primaryRemote('east', 'west', { nativeSidecars: true })) }),
  'finished jobs with the network and ID of old': () => ({
    built: primaryRemote.edit(
      where(
        (object) => isSidecarPod(object) && object.metadata.namespace === 'shop',
        (object) => [
          object,
          ...['Succeeded', 'Failed'].map((phase) =>
            put(
              proxyEnvOf(
                proxyEnvOf(
                  label(
                    { ...object, metadata: { ...object.metadata, name: `job-${phase.toLowerCase()}`, uid: phase } },
                    network,
                    'network9',
                  ),
                  'ISTIO_META_NETWORK',
                  'network9',
                ),
                'ISTIO_META_CLUSTER_ID',
                'old-name',
              ),
              ['status', 'phase'],
              phase,
            ),
          ),
        ],
        'west',
      ),
    ),
  }),
  'finished pods have addresses that others have now': () => ({
    built: multiPrimaryOne.edit((objects) => {
      const address = (objects.get('east') ?? []).flatMap((object) =>
        isSidecarPod(object) ? (at(object, 'status', 'podIP') as string) : [],
      )[0];
      return adding('west', pod('plain', 'job-1', { status: { phase: 'Succeeded', podIP: address, podIPs: [{ ip: address }] } }))(objects);
    }),
  }),
  'agents on the host network: nodes of both clusters have one address': () => ({
    built: multiPrimaryOne.edit((objects) => {
      const agent = (): KubeObject =>
        pod('kube-system', 'agent-x', {
          spec: { hostNetwork: true, containers: [{ name: 'a', image: 'x' }] },
          status: { phase: 'Running', hostIP: '10.1.0.10', podIP: '10.1.0.10', podIPs: [{ ip: '10.1.0.10' }] },
        });
      return and(adding('east', agent()), adding('west', agent()))(objects);
    }),
  }),
  'the same pod addresses on two networks': () => ({
    built: multiPrimary.edit(
      spelled(
        /10\.2\.(\d+\.\d+)/g,
        '10.1.$1',
        (object) => isPod(object) || object.kind === 'EndpointSlice' || object.kind === 'Endpoints',
        'west',
      ),
    ),
  }),
  'the same Service addresses in both clusters': () => ({
    built: multiPrimary.edit(spelled(/10\.97\./g, '10.96.', isKind('Service'), 'west')),
  }),
  'Pending pods': () => ({ built: primaryRemote.edit(adding('west', pod('shop', 'waits', { status: { phase: 'Pending' } }))) }),
  // Sources
  'manifests from Git: no status, no running objects': () => ({ built: multiPrimary.edit(and(without(isMade), asFromGit)) }),
  'manifests from Git, primary-remote': () => ({ built: primaryRemote.edit(and(without(isMade), asFromGit)) }),
  'manifests of an external control plane': () => ({ built: external.edit(and(without(isMade), asFromGit)) }),
  'objects that Argo manages': () => ({
    built: primaryRemote.edit(
      where(
        () => true,
        (object) => annotate(label(object, 'argocd.argoproj.io/instance', 'mesh'), 'argocd.argoproj.io/tracking-id', 'mesh:x'),
      ),
    ),
  }),
  // Time
  'one dump was made two minutes after the other': () => ({
    built: primaryRemote.edit(where(isElection, renewed('2026-11-22T21:29:41Z'), 'west')),
    takenAt: { west: '2026-11-22T21:29:43Z' },
  }),
  'the remote was dumped ten minutes before its primary': () => ({
    built: primaryRemote.edit(where(isElection, renewed('2026-11-22T21:17:41Z'), 'west')),
    takenAt: { west: '2026-11-22T21:17:43Z' },
  }),
  'the lock was renewed 40 seconds ago': () => ({ built: primaryRemote.edit(where(isElection, renewed('2026-11-22T21:27:03Z'), 'west')) }),
  'ConfigMaps were read minutes before the dump was done': () => ({
    built: primaryRemote.edit(where(isLock, renewed('2026-11-22T21:24:10Z'))),
  }),
  'the clock of istiod runs ahead': () => ({ built: primaryRemote.edit(where(isElection, renewed('2026-11-22T21:29:50Z'))) }),
  'istiod was rolled minutes ago, its successor leads': () => ({
    built: primaryRemote.edit(
      and(
        spelled('istiod-1-31-0-9dff47c8dd-2dt45', 'istiod-1-31-0-5c6b7d8f9c-abcde'),
        where(
          (object) => object.metadata.name.startsWith('istiod-1-31-0') && (isPod(object) || isIstiod(object)),
          (object) => put(object, ['metadata', 'creationTimestamp'], isPod(object) ? '2026-11-22T21:25:00Z' : '2026-11-20T08:10:14Z'),
        ),
      ),
    ),
  }),
  'istiod was rolled a minute ago, the lock still names the pod before it': () => ({
    built: primaryRemote.edit(
      and(
        where(
          isElection,
          (object) =>
            renewed('2026-11-22T21:27:20Z')(
              JSON.parse(JSON.stringify(object).replaceAll('9dff47c8dd-2dt45', '5c6b7d8f9c-older')) as KubeObject,
            ),
          'west',
        ),
      ),
    ),
  }),
  // Ambient
  ambient: () => ({ built: mesh().ambient('east', 'west').namespace('shop', { injected: true }).service('abc.shop') }),
  'ambient with sidecars in one namespace': () => ({
    built: mesh()
      .ambient('east', 'west')
      .namespace('shop', { injected: true })
      .service('abc.shop')
      .namespace('old', { labels: { 'istio-injection': 'enabled' } })
      .workload('side.old'),
  }),
  'gateways of the Kubernetes Gateway API beside the classic ones': () => ({
    built: multiPrimary.edit(
      adding('east', {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'Gateway',
        metadata: { name: 'public', namespace: 'shop' },
        spec: { gatewayClassName: 'istio', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
        status: { addresses: [{ type: 'IPAddress', value: '10.200.1.30' }] },
      }),
    ),
  }),
  'names with a config the remote keeps for itself': () => ({
    built: primaryRemote.edit(adding('west', config(system, 'istio-1-31-0', { mesh: 'trustDomain: cluster.local' }))),
  }),
};
