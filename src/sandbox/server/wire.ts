import type { KubeObject } from '../../model/kube.ts';
import { apiVersionOf, type Resource } from './resources.ts';

/*
 * Objects as JSON, in bytes. Every object is serialised once: what stands in front of `metadata` depends on the version that is asked for,
 * the rest does not.
 */

interface Bytes {
  body?: Buffer;
  metadata?: Buffer;
}

const known = new WeakMap<KubeObject, Bytes>();

/** `apiVersion` and `kind` in front, in the version asked for. */
export function objectText(object: KubeObject, resource: Resource, version: string): string {
  return `${envelope(resource, version)}${bodyOf(object).toString('utf8', 1)}`;
}

function envelope({ group, kind }: Resource, version: string): string {
  return `{"apiVersion":${JSON.stringify(apiVersionOf(group, version))},"kind":"${kind}",`;
}

/** Only the metadata, as a kind of its own. */
export function metadataText(object: KubeObject, metaVersion: string): string {
  return `${metadataEnvelope(metaVersion)}${metadataOf(object).toString()}}`;
}

function metadataEnvelope(metaVersion: string): string {
  return `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/${metaVersion}","metadata":`;
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

/** A list of objects: items of custom resources say what they are, the others do not. */
export function listBytes(objects: readonly KubeObject[], resource: Resource, version: string, metadata: ListMeta): Buffer {
  // Lists of custom resources name a next page even where there is none.
  const known = resource.isCustom ? { continue: '', ...metadata } : metadata;
  const head = listHead(`${resource.kind}List`, apiVersionOf(resource.group, version), known);
  if (!resource.isCustom) return joined(head, objects.map(bodyOf));
  const front = Buffer.from(envelope(resource, version));
  return joined(
    head,
    objects.map((object) => Buffer.concat([front, bodyOf(object).subarray(1)])),
  );
}

/** A list of the metadata of objects. */
export function metadataListBytes(objects: readonly KubeObject[], metaVersion: string, metadata: ListMeta): Buffer {
  const head = listHead('PartialObjectMetadataList', `meta.k8s.io/${metaVersion}`, metadata);
  const [front, end] = [Buffer.from(metadataEnvelope(metaVersion)), Buffer.from('}')];
  return joined(
    head,
    objects.map((object) => Buffer.concat([front, metadataOf(object), end])),
  );
}

function listHead(kind: string, apiVersion: string, metadata: ListMeta): string {
  return `{"kind":"${kind}","apiVersion":${JSON.stringify(apiVersion)},"metadata":${JSON.stringify(metadata)},"items":[`;
}

const comma = Buffer.from(',');

function joined(head: string, items: readonly Buffer[]): Buffer {
  const chunks: Buffer[] = [Buffer.from(head)];
  for (const [index, item] of items.entries()) chunks.push(...(index === 0 ? [item] : [comma, item]));
  chunks.push(Buffer.from(']}'));
  return Buffer.concat(chunks);
}

/** Everything but `apiVersion` and `kind`, beginning with its brace. Metadata always makes it more than `{}`. */
function bodyOf(object: KubeObject): Buffer {
  const bytes = bytesOf(object);
  if (bytes.body === undefined) {
    const { apiVersion: _version, kind: _kind, ...body } = object;
    bytes.body = Buffer.from(JSON.stringify(body));
  }
  return bytes.body;
}

function metadataOf(object: KubeObject): Buffer {
  const bytes = bytesOf(object);
  bytes.metadata ??= Buffer.from(JSON.stringify(object.metadata));
  return bytes.metadata;
}

function bytesOf(object: KubeObject): Bytes {
  let bytes = known.get(object);
  if (bytes === undefined) {
    bytes = {};
    known.set(object, bytes);
  }
  return bytes;
}
