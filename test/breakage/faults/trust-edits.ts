import { change, clusterOf, type Edit, find, inCluster, put } from '../../../src/builder/edits/edit.ts';
import { isInjector, isRemoteSecret, systemNamespaceOf, clusterIdOf } from '../../../src/builder/edits/find.ts';
import { textAt } from '../../../src/builder/edits/json.ts';
import { secretRekeyed } from '../../../src/builder/edits/remote-secret.ts';
import { trustsRoot } from '../../../src/builder/edits/trust.ts';
import { rootOf } from '../../../src/builder/edits/control-plane.ts';
import type { MeshObjects } from '../../../src/model/kube.ts';
import type { ClusterObservations } from '../../../src/model/observations.ts';
import { clusterId } from '../../../src/model/ids.ts';
import { replicas } from '../../../src/testkit/observed-edits.ts';
import { observedIn } from '../../../src/testkit/observed.ts';

/** Primaries list the roots of each other under caCertificates. */
export function federated(one: string, two: string): Edit[] {
  return [
    (mesh) => trustsRoot({ cluster: one, root: rootOf(clusterOf(mesh, two)) })(mesh),
    (mesh) => trustsRoot({ cluster: two, root: rootOf(clusterOf(mesh, one)) })(mesh),
  ];
}

/** The primary was installed with a trust domain of its own. */
export function trustDomainSet(options: { readonly cluster: string; readonly trustDomain: string }): Edit {
  return inCluster(options.cluster, (objects) =>
    objects.map((object) => {
      const text = object.kind === 'ConfigMap' ? textAt(object, 'data', 'mesh') : undefined;
      return text === undefined
        ? object
        : put(object, ['data', 'mesh'], text.replace(/^trustDomain: .*$/m, `trustDomain: ${options.trustDomain}`));
    }),
  );
}

/** A ConfigMap of the mesh configuration that somebody left or made. */
export function meshConfigMade(options: { readonly cluster: string; readonly name: string; readonly trustDomain: string }): Edit {
  return inCluster(options.cluster, (objects) => [
    ...objects,
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: options.name, namespace: systemNamespaceOf(objects) },
      data: { mesh: `trustDomain: ${options.trustDomain}\n`, meshNetworks: 'networks: {}' },
    },
  ]);
}

/** `create-remote-secret` with the context of one cluster and the name of the other. istiod passes over what bears its own name. */
export function secretNamedAfter(options: { readonly cluster: string; readonly of: string }): Edit {
  return (mesh) => secretRekeyed({ ...options, key: clusterIdOf(clusterOf(mesh, options.cluster)) })(mesh);
}

/** The remote secret for a cluster, as it lies in another, also in the cluster that it opens. */
export function secretForItself(options: { readonly cluster: string; readonly from: string }): Edit {
  return (mesh) => {
    const id = clusterIdOf(clusterOf(mesh, options.cluster));
    const secret = find(
      clusterOf(mesh, options.from),
      (object) => object.kind === 'Secret' && isRemoteSecret(object) && textAt(object, 'data', id) !== undefined,
      `remote secret for ${options.cluster}`,
    );
    return inCluster(options.cluster, (objects) => [...objects, secret])(mesh);
  };
}

/** What istiods say of a cluster that they cannot read. */
export function unreachable(mesh: MeshObjects, readers: readonly string[], gone: string): readonly ClusterObservations[] {
  return readers.reduce<readonly ClusterObservations[]>(
    (seen, cluster) =>
      replicas(cluster, (replica) =>
        'failed' in replica.clusters
          ? replica
          : {
              ...replica,
              clusters: {
                answer: [
                  ...replica.clusters.answer,
                  { id: clusterId(gone), secret: `istio-system/istio-remote-secret-${gone}`, syncStatus: 'timeout' },
                ],
              },
            },
      )(seen),
    observedIn(mesh),
  );
}

/** Injectors were given an authority by hand, as an external istiod with a certificate of its own needs it. */
export function bundlePutByHand(options: { readonly cluster: string; readonly authority: string }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      isInjector,
      (object) => put(object, ['webhooks', '*', 'clientConfig', 'caBundle'], btoa(options.authority)),
      'injector',
    ),
  );
}
