/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** String to string, as labels and annotations are. */
export type StringMap = Readonly<Record<string, string>>;

/** `metadata` of a Kubernetes object, as far as anybody reads it. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: StringMap;
  readonly annotations?: StringMap;
  readonly [key: string]: unknown;
}

/**
 * A Kubernetes object as an API server, a manifest or the builder gives it: raw JSON of which only the envelope is known.
 * Everything below the envelope is `unknown` on purpose: collectors decode it and drop what is odd.
 */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [key: string]: unknown;
}

/** `value` as JSON sees it: without undefined, functions and prototypes. */
export function toJson(value: object): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

/** A whole mesh as plain objects: user-given cluster name → objects of that cluster. What the builder makes and edits change. */
export type MeshObjects = ReadonlyMap<string, readonly KubeObject[]>;
