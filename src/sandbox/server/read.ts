import { kindOf } from '../../collect/kinds.ts';
import type { KubeObject } from '../../model/kube.ts';
import { type Message, protobufType } from '../../model/protobuf.ts';
import type { ApiError } from './status.ts';
import { badRequest, expired, notFound, tooLargeResourceVersion } from './status.ts';
import type { Answer, Context } from './context.ts';
import type { Form } from './negotiate.ts';
import type { Resource } from './resources.ts';
import { protobufList } from './protobuf-answer.ts';
import { selectorOf } from './selectors.ts';
import { type IncludeObject, tableText } from './table.ts';
import { listBytes, type ListMeta, metadataListBytes, metadataText, objectText } from './wire.ts';

/** What a read is about. */
export interface Target {
  readonly resource: Resource;
  readonly version: string;
  /** Empty: all namespaces, or none. */
  readonly namespace: string;
  readonly name: string;
}

export function objectAnswer(context: Context, target: Target, object: KubeObject, form: Form, query: URLSearchParams, code = 200): Answer {
  const { resource, version } = target;
  const metadata = { resourceVersion: object.metadata.resourceVersion ?? '' };
  const body =
    form.as === 'table'
      ? tableText([object], metadata, tableOptions(context, target, form, query))
      : form.as === 'metadata'
        ? metadataText(object, form.metaVersion)
        : objectText(object, resource, version);
  return { code, contentType: 'application/json', body };
}

export function existingObject(context: Context, { resource, namespace, name }: Target): KubeObject {
  const object = context.store.find(resource, namespace === '' ? undefined : namespace, name);
  if (object === undefined) throw notFound(resource, name);
  return object;
}

/** The objects of a list request, in the order of their namespaces and names. */
export function selectedObjects(all: readonly KubeObject[], target: Target, query: URLSearchParams): readonly KubeObject[] {
  const selects = selectorOf(target.resource, query);
  const { namespace } = target;
  if (namespace === '' && selects === undefined) return all;
  return all.filter(
    (object) => (namespace === '' || object.metadata.namespace === namespace) && (selects === undefined || selects(object)),
  );
}

/** What can be said of objects of a kind in protobuf, if anything. */
export function messageOf({ resource: { group, kind } }: Target): Message | undefined {
  return kindOf({ apiVersion: group === '' ? 'v1' : `${group}/v1`, kind })?.message;
}

export function listAnswer(context: Context, target: Target, form: Form, query: URLSearchParams): Answer {
  const { items, metadata } = pageOf(context, target, query);
  const { kind } = target.resource;
  const message = messageOf(target);
  if (form.as === 'protobuf' && message !== undefined)
    return { code: 200, contentType: protobufType, body: protobufList(kind, target.version, { ...metadata }, items, message) };
  const body =
    form.as === 'table'
      ? tableText(items, metadata, tableOptions(context, target, form, query))
      : form.as === 'metadata'
        ? metadataListBytes(items, form.metaVersion, metadata)
        : listBytes(items, target.resource, target.version, metadata);
  return { code: 200, contentType: 'application/json', body };
}

function tableOptions(context: Context, { resource, version }: Target, form: Form, query: URLSearchParams) {
  const asked = query.get('includeObject') ?? 'Metadata';
  if (!isIncluded(asked)) throw badRequest(`unrecognized includeObject value: "${asked}"`);
  return { resource, version, metaVersion: form.metaVersion, include: asked, now: context.clock() };
}

function isIncluded(text: string): text is IncludeObject {
  return ['None', 'Metadata', 'Object'].includes(text);
}

interface Page {
  readonly items: readonly KubeObject[];
  readonly metadata: ListMeta;
}

/** A list, or the part of it that `limit` and `continue` ask for. Further pages are of the list as it was at the first. */
function pageOf({ store }: Context, target: Target, query: URLSearchParams): Page {
  const asked = revisionOf(query);
  const limit = wholeNumber(query, 'limit');
  const token = query.get('continue') ?? '';
  const { resource } = target;
  if (token !== '') {
    if (asked !== undefined && asked !== 0) throw badRequest('specifying resource version is not allowed when using continue');
    return nextPage(store, target, query, limit, tokenOf(token));
  }
  if (asked !== undefined && asked > store.revision()) throw tooLargeResourceVersion(asked, store.revision());
  const isExact = query.get('resourceVersionMatch') === 'Exact';
  const exact = isExact && asked !== undefined && asked !== store.revision() ? asked : undefined;
  const all = exact === undefined ? store.all(resource) : store.heldAt(resource, exact);
  if (all === undefined) throw expired(`The resourceVersion for the provided list is too old.`);
  const items = selectedObjects(all, target, query);
  const revision = exact ?? store.revision();
  // What is read from the watch cache at any revision is never cut.
  if (limit === 0 || asked === 0 || items.length <= limit) return { items, metadata: { resourceVersion: String(revision) } };
  if (exact === undefined) store.hold(resource);
  return cut(items, limit, revision, query);
}

function nextPage(store: Context['store'], target: Target, query: URLSearchParams, limit: number, token: ContinueToken): Page {
  const isConsistent = token.rv > 0;
  const all = isConsistent ? store.heldAt(target.resource, token.rv) : store.all(target.resource);
  if (all === undefined) throw expiredToken(token.start);
  const revision = isConsistent ? token.rv : store.revision();
  const rest = selectedObjects(all, target, query).filter((object) => keyOf(object) > token.start);
  if (limit === 0 || rest.length <= limit) return { items: rest, metadata: { resourceVersion: String(revision) } };
  if (!isConsistent) store.hold(target.resource);
  return cut(rest, limit, revision, query);
}

function cut(items: readonly KubeObject[], limit: number, revision: number, query: URLSearchParams): Page {
  const page = items.slice(0, limit);
  const last = page.at(-1);
  const hasSelector = (query.get('labelSelector') ?? '') !== '' || (query.get('fieldSelector') ?? '') !== '';
  return {
    items: page,
    metadata: {
      resourceVersion: String(revision),
      continue: tokenText({ rv: revision, start: last === undefined ? '' : keyOf(last) }),
      ...(hasSelector ? {} : { remainingItemCount: items.length - limit }),
    },
  };
}

/** The order of lists. */
function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

/** Where a list goes on: after `start`, as things were at `rv`, or as they are when that is -1. */
interface ContinueToken {
  readonly rv: number;
  readonly start: string;
}

function tokenText({ rv, start }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv, start })).toString('base64url');
}

function tokenOf(text: string): ContinueToken {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (typeof value === 'object' && value !== null && 'rv' in value && 'start' in value) {
      const { rv, start } = value;
      if (typeof rv === 'number' && typeof start === 'string') return { rv, start };
    }
  } catch {
    // No JSON: not a token of ours.
  }
  throw badRequest('continue key is not valid: illegal base64 data or encoding');
}

const tooOld =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter';
const orResume =
  ', or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

function expiredToken(start: string): ApiError {
  return expired(`${tooOld}${orResume}`, tokenText({ rv: -1, start }));
}

/** What becomes of a continue token that is too old; with a token for the rest as it is now, or without. */
export function expiredAnswer(token: string, isResumable: boolean): ApiError {
  return isResumable ? expiredToken(tokenOf(token).start) : expired(`${tooOld}.`);
}

/** `resourceVersion` of a query; nothing when it is not given. */
export function revisionOf(query: URLSearchParams): number | undefined {
  const text = query.get('resourceVersion') ?? '';
  if (text === '') return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`);
  return Number(text);
}

export function wholeNumber(query: URLSearchParams, key: string): number {
  const text = query.get(key) ?? '';
  if (text === '') return 0;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  return Number(text);
}
