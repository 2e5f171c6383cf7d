import { protobufType } from '../model/protobuf.ts';
import { Fault, statusOf } from './classify.ts';
import type { Caller, Said } from './caller.ts';
import type { ListRequest, ListSink, Read } from './connection.ts';
import type { BodyReader } from './exchange.ts';
import { handedOn } from './hand-on.ts';
import { listReader } from './protobuf.ts';
import { withoutManagedFields } from './trim.ts';

/** Objects per page: few round trips, and a page is still parsed in tens of milliseconds. */
const pageSize = 500;

/** How often an expired token is exchanged: each time is worth minutes of reading. */
const mostExpiries = 5;

const plain = 'application/json';
/** The form with metadata only, else whole objects: a server that does not know the first gives the second. */
const metadataFirst = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

/** An answer that is no page of the list, as a read. */
export type Refusal = (said: Said) => Exclude<Read<never>, { status: 'read' }>;

/** Path of a list, without query. */
export function listPath({ group, version, resource, namespace }: ListRequest): string {
  const base = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${base}${namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`}/${resource}`;
}

/**
 * Reads a list page after page; the next one is asked for before this one is handed over. An expired token is exchanged for one of the rest
 * as it is now where the server offers that; else the list begins again, once.
 * @throws Fault
 */
export async function readList(
  caller: Caller,
  request: ListRequest,
  sink: ListSink,
  refusal: Refusal,
  signal: AbortSignal | undefined,
): Promise<Read<{ readonly items: number; readonly pages: number }>> {
  const { message } = request;
  let accept = request.metadataOnly === true ? metadataFirst : message === undefined ? plain : protobufType;
  let counted = { items: 0, pages: 0 };
  let expiries = 0;
  let restarts = 0;
  let asked = '';
  const page = (token: string): Promise<Said> => {
    asked = token;
    const trim = request.withoutManagedFields === true ? withoutManagedFields : undefined;
    const isStreamed = accept === protobufType;
    const path = `${listPath(request)}${query(request, token, isStreamed ? undefined : pageSize)}`;
    return caller.call({ method: 'GET', path, headers: { Accept: accept }, trim, stream: isStreamed ? beginStream : undefined }, signal);
  };
  // One answer with everything. Its items are handed over while it comes: if it has to be asked for again, they come again.
  let hasBegun = false;
  const beginStream = (): BodyReader => {
    if (hasBegun) sink.restart();
    hasBegun = true;
    counted = { items: 0, pages: 0 };
    const reader = listReader(message ?? {}, (item) => {
      counted.items++;
      sink.item(Object.assign(item, typeOf(request)));
    });
    return handedOn(reader, sink, (items) => {
      counted.items += items;
    });
  };

  // Nothing of a page is kept once it is handed over: while the next one is parsed there is no other.
  const handedOver = (said: Said): Turn => {
    const { items, next } = contentsOf(said);
    if (next !== '' && next === asked) throw new Fault('server-error', 'the list has no end: its continue token leads to itself');
    const following = next === '' ? undefined : page(next);
    // It is waited for in the next round; should the sink throw, nobody waits.
    following?.catch(() => undefined);
    for (const item of items) sink.item(withKind(item, request));
    counted = { items: counted.items + items.length, pages: counted.pages + 1 };
    return { following };
  };
  const otherwise = (said: Said): Turn => {
    const { status } = said.answer;
    if (status === 410) {
      const rest = statusOf(said.json)?.continueToken ?? '';
      expiries++;
      if (rest !== '' && expiries <= mostExpiries) return { following: page(rest) };
      restarts++;
      if (rest !== '' || restarts > 1)
        throw new Fault('server-error', 'the list changed faster than it could be read: its continue token expired again');
      counted = { items: 0, pages: 0 };
      sink.restart();
      return { following: page('') };
    }
    if (status !== 406 || accept === plain) return { refused: refusal(said) };
    accept = plain;
    return { following: page('') };
  };

  // A function of its own, for what it holds of a page is gone when it returns.
  const turn = async (pending: Promise<Said>): Promise<Turn> => {
    const said = await pending;
    return said.answer.status === 200 && said.json !== undefined ? handedOver(said) : otherwise(said);
  };
  for (let last = await turn(page('')); ; last = await turn(last.following)) {
    if ('refused' in last) return last.refused;
    if (last.following === undefined) return { status: 'read', value: counted };
  }
}

/** What follows an answer: the next one, the end, or nothing because it was refused. In an object, since a promise would be waited for. */
type Turn = { readonly following: Promise<Said> | undefined } | { readonly refused: ReturnType<Refusal> };

function query({ labelSelector, fieldSelector }: ListRequest, token: string, limit: number | undefined): string {
  const parameters = new URLSearchParams(limit === undefined ? {} : { limit: String(limit) });
  if (labelSelector !== undefined) parameters.set('labelSelector', labelSelector);
  if (fieldSelector !== undefined) parameters.set('fieldSelector', fieldSelector);
  if (token !== '') parameters.set('continue', token);
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
}

type Item = Readonly<Record<string, unknown>>;

const isItem = (value: unknown): value is Item => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Items and continue token of a page. An empty list may be written as null. */
function contentsOf({ json }: Said): { readonly items: readonly Item[]; readonly next: string } {
  const items: unknown = isItem(json) && 'items' in json ? (json['items'] ?? []) : undefined;
  if (!isItem(json) || !Array.isArray(items)) throw new Fault('server-error', 'the answer to a list is no list');
  const meta = json['metadata'];
  const next = isItem(meta) ? meta['continue'] : undefined;
  return { items: items.filter(isItem), next: typeof next === 'string' ? next : '' };
}

/** Items of built-in kinds leave out what they are; items of a metadata list say that they are metadata. */
function withKind(item: Item, { group, version, kind, metadataOnly }: ListRequest): Item {
  const isMetadata = metadataOnly === true && item['kind'] === 'PartialObjectMetadata';
  if (!isMetadata && typeof item['kind'] === 'string' && typeof item['apiVersion'] === 'string') return item;
  return { ...item, ...typeOf({ group, version, kind }) };
}

function typeOf({ group, version, kind }: Pick<ListRequest, 'group' | 'version' | 'kind'>): Item {
  return { apiVersion: group === '' ? version : `${group}/${version}`, kind };
}
