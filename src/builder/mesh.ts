import { deepFreeze } from '../base/freeze.ts';
import type { KubeObject, MeshObjects } from '../model/kube.ts';
import {
  type Built,
  type NamespaceOptions,
  namespaceIn,
  qualified,
  type ServiceOptions,
  serviceIn,
  type WorkloadOptions,
  workloadIn,
} from './applications.ts';
import { type ClusterEditor, type Edit, editMesh, type MeshEditor } from './cluster-editor.ts';
import { withManagedFields } from './managed-fields.ts';
import type { Site } from './plan.ts';
import { ambient } from './ambient.ts';
import { waypointIn, type WaypointOptions } from './waypoint.ts';
import { canary, type CanaryOptions } from './canary.ts';
import { externalControlPlane, type ExternalOptions } from './external.ts';
import {
  type BuiltCluster,
  multiPrimary,
  type MultiPrimaryOptions,
  type PresetOptions,
  primaryRemote,
  type PrimaryRemoteOptions,
} from './presets.ts';
import { type Load, loadIn } from './scale.ts';
import { takenAt } from './timeline.ts';

/** An empty mesh, to be filled by one of the topologies. */
export function mesh(): MeshBuilder {
  return new MeshBuilder(new Map(), new Map());
}

export interface LargeMeshOptions {
  /** How many; two unless given. */
  readonly clusters?: number;
  /** Services and pods of the whole mesh, beside those of Istio. */
  readonly services: number;
  readonly pods: number;
  readonly topology?: 'primary-remote' | 'multi-primary';
  /** With `managedFields`, as an API server answers unless it is asked not to. */
  readonly managedFields?: boolean;
}

/** A healthy mesh of any size, for measurements. The same options always give the same mesh. */
export function largeMesh(options: LargeMeshOptions): MeshObjects {
  const [first = 'cluster1', second = 'cluster2', ...more] = Array.from(
    { length: Math.max(2, options.clusters ?? 2) },
    (_, index) => `cluster${index + 1}`,
  );
  const empty =
    options.topology === 'primary-remote'
      ? mesh().primaryRemote(first, [second, ...more], { revision: '1-31-0' })
      : mesh().multiPrimary(first, second, { more });
  const filled = empty.load({ services: options.services, pods: options.pods });
  return options.managedFields === true ? filled.withManagedFields().objects() : filled.objects();
}

/**
 * A mesh as plain Kubernetes objects. A value: every method gives another one. It starts healthy; `break` and `edit` are there to
 * make it anything else.
 */
export class MeshBuilder {
  /** When the mesh was looked at: locks of running istiods were renewed seconds before. */
  readonly takenAt: string = takenAt;
  readonly #objects: MeshObjects;
  readonly #sites: ReadonlyMap<string, Site>;

  constructor(objects: MeshObjects, sites: ReadonlyMap<string, Site>) {
    this.#objects = objects;
    this.#sites = sites;
  }

  /** The whole mesh, deeply frozen: user-given cluster name → objects. */
  objects(): MeshObjects {
    return deepFreeze(this.#objects);
  }

  /** One primary, and a remote or several. */
  primaryRemote(primary: string, remote: string | readonly string[], options: PrimaryRemoteOptions = {}): MeshBuilder {
    return this.#with(primaryRemote(this.#sites.size + 1, primary, typeof remote === 'string' ? [remote] : remote, options));
  }

  /** Two primaries, or more with option `more`. */
  multiPrimary(first: string, second: string, options: MultiPrimaryOptions & { readonly more?: readonly string[] } = {}): MeshBuilder {
    return this.#with(multiPrimary(this.#sites.size + 1, [first, second, ...(options.more ?? [])], options));
  }

  /** An external istiod in one cluster, beside a mesh of its own; a config cluster that it serves, and further remotes. */
  externalControlPlane(outside: string, config: string, options: ExternalOptions = {}): MeshBuilder {
    return this.#with(externalControlPlane(this.#sites.size + 1, outside, config, options));
  }

  /** Two ambient primaries on a network each, or more with option `more`. */
  ambient(first: string, second: string, options: PresetOptions & { readonly more?: readonly string[] } = {}): MeshBuilder {
    return this.#with(ambient(this.#sites.size + 1, [first, second, ...(options.more ?? [])], options));
  }

  /** A primary and its remote with a second revision of istiod beside the first. */
  canary(primary: string, remote: string, options: CanaryOptions): MeshBuilder {
    return this.#with(canary(this.#sites.size + 1, primary, remote, options));
  }

  /** A namespace in every cluster, or in those named. */
  namespace(name: string, options: NamespaceOptions = {}): MeshBuilder {
    return this.#inClusters(options.clusters, (site) => ({ objects: namespaceIn(site, name, options), addressesUsed: site.addressesUsed }));
  }

  /** `NAME.NAMESPACE`: a Service with a Deployment and its pods. */
  service(name: string, options: ServiceOptions = {}): MeshBuilder {
    const { namespace, name: short } = qualified(name);
    return this.#inClusters(options.in, (site, objects) => serviceIn(site, objects, namespace, short, options));
  }

  /** `NAME.NAMESPACE`: a Deployment and its pods. */
  workload(name: string, options: WorkloadOptions = {}): MeshBuilder {
    const { namespace, name: short } = qualified(name);
    return this.#inClusters(options.in, (site, objects) => workloadIn(site, objects, namespace, short, options));
  }

  /** `NAME.NAMESPACE`: a waypoint, as `istioctl waypoint apply` and istiod make it. Who uses it is said by labels of Services or namespaces. */
  waypoint(name: string, options: WaypointOptions = {}): MeshBuilder {
    const { namespace, name: short } = qualified(name);
    return this.#inClusters(options.in, (site) => waypointIn(site, namespace, short, options));
  }

  /** Many services and injected pods, spread evenly over the clusters, or those named. */
  load(load: Load, clusters?: readonly string[]): MeshBuilder {
    const count = Math.max(1, clusters?.length ?? this.#sites.size);
    const share = { services: Math.ceil(load.services / count), pods: Math.ceil(load.pods / count) };
    return this.#inClusters(clusters, (site, objects) => loadIn(site, objects, share));
  }

  /** The same with `metadata.managedFields`: what an API server answers unless it is asked not to. */
  withManagedFields(): MeshBuilder {
    return this.edit((mesh) => new Map([...mesh].map(([name, objects]) => [name, objects.map(withManagedFields)])));
  }

  /** Any change of the whole mesh. */
  edit(edit: Edit): MeshBuilder {
    return new MeshBuilder(edit(this.objects()), this.#sites);
  }

  /** Changes cluster by cluster: `break((m) => m.cluster('west').withoutNetworkLabel())`. */
  break(change: (mesh: MeshEditor) => MeshEditor | ClusterEditor): MeshBuilder {
    return new MeshBuilder(change(editMesh(this.objects())).objects, this.#sites);
  }

  #with(clusters: readonly BuiltCluster[]): MeshBuilder {
    const objects = new Map(this.#objects);
    const sites = new Map(this.#sites);
    for (const { site, objects: own } of clusters) {
      const { name } = site.cluster;
      if (sites.has(name)) throw new Error(`The mesh has a cluster ${name} already.`);
      sites.set(name, site);
      objects.set(name, own);
    }
    return new MeshBuilder(objects, sites);
  }

  #inClusters(names: readonly string[] | undefined, build: (site: Site, objects: readonly KubeObject[]) => Built): MeshBuilder {
    const objects = new Map(this.#objects);
    const sites = new Map(this.#sites);
    for (const name of names ?? sites.keys()) {
      const site = sites.get(name);
      if (site === undefined) throw new Error(`The mesh has no cluster ${name}, only ${[...sites.keys()].join(', ')}.`);
      const existing = objects.get(name) ?? [];
      const made = build(site, existing);
      objects.set(name, [...existing, ...made.objects]);
      sites.set(name, { ...site, addressesUsed: made.addressesUsed });
    }
    return new MeshBuilder(objects, sites);
  }
}
