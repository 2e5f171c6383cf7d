import type { KubeObject, StringMap } from '../model/kube.ts';
import { resourceVersionOf, uidOf } from './seeded.ts';

/** Fields of `metadata` that an author gives; the rest an API server would add. */
export interface Meta {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly labels?: StringMap | undefined;
  readonly annotations?: StringMap | undefined;
  readonly generateName?: string | undefined;
  readonly generation?: number | undefined;
  readonly ownerReferences?: readonly Owner[] | undefined;
}

export interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: true;
  readonly blockOwnerDeletion?: true;
}

/** Makes the objects of one cluster, created at one time, as its API server would answer them. */
export type Maker = (apiVersion: string, kind: string, meta: Meta, body?: Readonly<Record<string, unknown>>) => KubeObject;

/** A maker for a cluster. `cluster` only seeds UIDs. */
export function makerOf(cluster: string, createdAt: string): Maker {
  return (apiVersion, kind, meta, body = {}) => {
    const seed = seedOf(cluster, kind, meta.namespace, meta.name);
    const { name, namespace, labels, annotations, ...rest } = meta;
    return {
      apiVersion,
      kind,
      metadata: {
        ...present({ annotations }),
        creationTimestamp: createdAt,
        ...present({ labels }),
        name,
        ...present({ namespace }),
        ...present(rest),
        resourceVersion: resourceVersionOf(seed),
        uid: uidOf(seed),
      },
      ...body,
    };
  };
}

/** UID of an object of the builder, known before the object is made. */
export function objectUid(cluster: string, kind: string, namespace: string | undefined, name: string): string {
  return uidOf(seedOf(cluster, kind, namespace, name));
}

/** The owner reference a controller writes. */
export function controlledBy(owner: KubeObject): Owner {
  return {
    apiVersion: owner.apiVersion,
    blockOwnerDeletion: true,
    controller: true,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? '',
  };
}

/** `kubectl apply` leaves what it was given behind. */
export function lastApplied(applied: Readonly<Record<string, unknown>>): StringMap {
  return { 'kubectl.kubernetes.io/last-applied-configuration': `${JSON.stringify(applied)}\n` };
}

/** A record whose entries that may be undefined are absent instead. */
export type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The entries that are not undefined. */
export function present<T extends object>(record: T): Present<T>;
export function present(record: object): object {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}

function seedOf(cluster: string, kind: string, namespace: string | undefined, name: string): string {
  return `${cluster}/${kind}/${namespace ?? ''}/${name}`;
}
