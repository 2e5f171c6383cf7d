import { change, changed, type Edit, EditError, find, inCluster, isNamed, labelsOf } from '../../../src/builder/edits/edit.ts';
import { isCrossNetworkGateway, isSidecarPod } from '../../../src/builder/edits/find.ts';
import { restartedPlain } from '../../../src/builder/edits/injection.ts';
import { edited, itemsOf, textAt } from '../../../src/builder/edits/json.ts';
import { scaleToZero } from '../../../src/builder/edits/workload.ts';
import { agoIn } from '../../../src/builder/edits/clock.ts';
import type { KubeObject } from '../../../src/model/kube.ts';

type Spec = Readonly<Record<string, unknown>>;

export interface ConfigObject {
  readonly cluster: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly spec: Spec;
  readonly createdAt?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

const security: ReadonlySet<string> = new Set(['PeerAuthentication', 'AuthorizationPolicy', 'RequestAuthentication']);

/** Somebody applied an object of Istio's configuration. */
export function configured({ cluster, kind, namespace, name, spec, createdAt = '2026-11-22T12:00:00Z', labels }: ConfigObject): Edit {
  return inCluster(cluster, (objects) => {
    if (objects.some((object) => object.kind === kind && isNamed(kind, name, namespace)(object)))
      throw new EditError(`There is a ${kind} ${namespace}/${name} already.`);
    const object: KubeObject = {
      apiVersion: security.has(kind)
        ? 'security.istio.io/v1'
        : kind === 'EnvoyFilter'
          ? 'networking.istio.io/v1alpha3'
          : 'networking.istio.io/v1',
      kind,
      metadata: { name, namespace, creationTimestamp: createdAt, ...(labels === undefined ? {} : { labels }) },
      spec,
    };
    return [...objects, object];
  });
}

/** A policy for a workload by the addresses that pods of its callers have in its own cluster. */
export function policyByAddressOf({
  cluster,
  app,
  spec,
  ...at
}: {
  readonly cluster: string;
  /** Of the callers. */
  readonly app: string;
  readonly namespace: string;
  readonly name: string;
  readonly spec: (addresses: readonly string[]) => Spec;
}): Edit {
  return inCluster(cluster, (objects, mesh) => {
    const addresses = objects.flatMap((object) =>
      isSidecarPod(object) && labelsOf(object)['app'] === app ? (textAt(object, 'status', 'podIP') ?? []) : [],
    );
    if (addresses.length === 0) throw new EditError(`No pod of ${app} has an address.`);
    const after = configured({ cluster, kind: 'AuthorizationPolicy', ...at, spec: spec(addresses) })(mesh);
    return after.get(cluster) ?? objects;
  });
}

/** The pods of a workload scaled to nothing; its Service stays. */
export function scaledToZero({ cluster, namespace, name }: { cluster: string; namespace: string; name: string }): Edit {
  return inCluster(cluster, (objects) => scaleToZero(objects, find(objects, isNamed('Deployment', name, namespace), `Deployment ${name}`)));
}

/** The namespace taken out of injection and its workloads restarted. */
export function uninjected({ cluster, namespace }: { cluster: string; namespace: string }): Edit {
  return inCluster(cluster, (objects, mesh) => {
    const relabelled = objects.map((object) => {
      if (object.kind !== 'Namespace' || object.metadata.name !== namespace) return object;
      const { 'istio-injection': _injection, 'istio.io/rev': _revision, ...labels } = labelsOf(object);
      return { ...object, metadata: { ...object.metadata, labels } };
    });
    return restartedPlain(relabelled, namespace, agoIn(mesh, 60 * 60_000));
  });
}

/** Hosts of the Gateway on the cross-network port. */
export function crossNetworkHosts({ cluster, hosts }: { cluster: string; hosts: readonly string[] }): Edit {
  return inCluster(cluster, (objects) =>
    change(
      objects,
      isCrossNetworkGateway,
      (gateway) =>
        changed(gateway, ['spec', 'servers'], (servers) => itemsOf(servers).map((server) => edited(server, ['hosts'], () => [...hosts]))),
      'cross-network Gateway',
    ),
  );
}
