import type { ServerResponse } from 'node:http';
import type { KubeObject } from '../../model/kube.ts';
import type { StoreEvent } from '../store.ts';
import type { Context } from './context.ts';
import type { Form } from './negotiate.ts';
import { revisionOf, selectedObjects, type Target, wholeNumber } from './read.ts';
import { isTrue } from './request.ts';
import { apiVersionOf, typeKey, typeOf } from './resources.ts';
import { type Selector, selectorOf } from './selectors.ts';
import { failure } from './status.ts';
import { tableText } from './table.ts';
import { metadataText, objectText } from './wire.ts';

const longestSeconds = 30 * 60;
const bookmarkMilliseconds = 60_000;

/**
 * Streams changes as JSON lines until `timeoutSeconds` are over, the client leaves or the server closes. `head` sends the headers. Gives the
 * function that ends it.
 */
export function watchObjects(
  context: Context,
  target: Target,
  form: Form,
  query: URLSearchParams,
  response: ServerResponse,
  head: () => void,
): () => void {
  const { store } = context;
  const from = revisionOf(query);
  const selects = selectorOf(target.resource, query);
  const isInitial = from === undefined || from === 0 || isTrue(query.get('sendInitialEvents'));
  const wantsBookmarks = isTrue(query.get('allowWatchBookmarks'));
  const key = typeKey(target.resource);
  let hasColumns = false;

  const text = (object: KubeObject): string => {
    if (form.as === 'object') return objectText(object, target.resource, target.version);
    if (form.as === 'metadata') return metadataText(object, form.metaVersion);
    const withoutColumns = hasColumns;
    hasColumns = true;
    const options = { resource: target.resource, version: target.version, metaVersion: form.metaVersion } as const;
    const metadata = { resourceVersion: object.metadata.resourceVersion ?? '' };
    return tableText([object], metadata, { ...options, include: 'Metadata', now: context.clock(), withoutColumns });
  };
  const send = (type: string, body: string): void => {
    response.write(`{"type":"${type}","object":${body}}\n`);
  };
  const bookmark = (annotations?: Readonly<Record<string, string>>): void => {
    const resourceVersion = String(store.revision());
    const metadata = { resourceVersion, creationTimestamp: null, ...(annotations === undefined ? {} : { annotations }) };
    const { group, kind } = target.resource;
    send('BOOKMARK', JSON.stringify({ kind, apiVersion: apiVersionOf(group, target.version), metadata }));
  };
  const tell = (event: StoreEvent): void => {
    if (typeKey(typeOf(event.object)) !== key) return;
    if (target.namespace !== '' && event.object.metadata.namespace !== target.namespace) return;
    const type = toldType(event, selects);
    if (type !== undefined) send(type, text(event.object));
  };

  head();
  const missed = isInitial ? [] : store.since(from);
  if (missed === undefined) {
    const message = `too old resource version: ${from ?? 0} (${store.revision()})`;
    send('ERROR', JSON.stringify(failure(410, 'Expired', message)));
    response.end();
    return () => undefined;
  }
  if (isInitial) for (const object of selectedObjects(store.all(target.resource), target, query)) send('ADDED', text(object));
  if (isTrue(query.get('sendInitialEvents')) && wantsBookmarks) bookmark({ 'k8s.io/initial-events-end': 'true' });
  for (const event of missed) tell(event);
  response.flushHeaders();

  const unsubscribe = store.subscribe(tell);
  const seconds = Math.min(wholeNumber(query, 'timeoutSeconds') || longestSeconds, longestSeconds);
  const bookmarks = wantsBookmarks ? setInterval(bookmark, bookmarkMilliseconds) : undefined;
  const end = (): void => {
    unsubscribe();
    clearTimeout(timer);
    clearInterval(bookmarks);
    if (!response.writableEnded) response.end();
  };
  const timer = setTimeout(() => {
    if (wantsBookmarks) bookmark();
    end();
  }, seconds * 1000);
  response.on('close', end);
  return end;
}

/** What a change is to a watch with a selector: an object that begins to match is added, one that no longer does is deleted. */
function toldType({ type, object, previous }: StoreEvent, selects: Selector | undefined): StoreEvent['type'] | undefined {
  if (selects === undefined) return type;
  const [did, does] = [previous !== undefined && selects(previous), type !== 'DELETED' && selects(object)];
  if (type === 'DELETED') return did || selects(object) ? 'DELETED' : undefined;
  if (does) return did ? 'MODIFIED' : 'ADDED';
  return did ? 'DELETED' : undefined;
}
