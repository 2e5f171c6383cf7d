import type { KubeObject } from '../../model/kube.ts';
import { apiVersionOf, type Resource } from './resources.ts';

/*
 * Objects as text. Every object is serialised once: what stands in front of `metadata` depends on the version that is asked for, the
 * rest does not.
 */

interface Texts {
  body?: string;
  metadata?: string;
}

const texts = new WeakMap<KubeObject, Texts>();

/** `apiVersion` and `kind` in front, in the version asked for. */
export function objectText(object: KubeObject, resource: Resource, version: string): string {
  return `{"apiVersion":${JSON.stringify(apiVersionOf(resource.group, version))},"kind":"${resource.kind}",${bodyText(object).slice(1)}`;
}

/** An item of a list: those of custom resources say what they are, the others do not. */
export function itemText(object: KubeObject, resource: Resource, version: string): string {
  return resource.isCustom ? objectText(object, resource, version) : bodyText(object);
}

/** Only the metadata, as a kind of its own. */
export function metadataText(object: KubeObject, metaVersion: string): string {
  const known = textsOf(object);
  known.metadata ??= JSON.stringify(object.metadata);
  return `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/${metaVersion}","metadata":${known.metadata}}`;
}

/** The object as JSON values in the version asked for. */
export function versioned(object: KubeObject, resource: Resource, version: string): KubeObject {
  const apiVersion = apiVersionOf(resource.group, version);
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}

/** Metadata of a list. */
export interface ListMeta {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export function listText(kind: string, apiVersion: string, metadata: ListMeta, items: readonly string[]): string {
  return `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":${JSON.stringify(metadata)},"items":[${items.join(',')}]}`;
}

/** Everything but `apiVersion` and `kind`, beginning with its brace. Metadata always makes it more than `{}`. */
function bodyText(object: KubeObject): string {
  const known = textsOf(object);
  if (known.body === undefined) {
    const { apiVersion: _version, kind: _kind, ...body } = object;
    known.body = JSON.stringify(body);
  }
  return known.body;
}

function textsOf(object: KubeObject): Texts {
  let known = texts.get(object);
  if (known === undefined) {
    known = {};
    texts.set(object, known);
  }
  return known;
}
