import { isDeepEqual } from '../../base/equal.ts';
import { type Fields, filled, tally } from '../../model/decode.ts';
import { isRecord } from '../../builder/patch.ts';
import { ApiError, badRequest, failure } from './status.ts';

/** `value` after a JSON patch (RFC 6902). Nothing that was given is changed. Throws 400 for what is no patch, 422 for one that does not fit. */
export function applyJsonPatch(value: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  let result = value;
  for (const operation of patch) {
    if (!isRecord(operation)) throw badRequest('error decoding patch: an operation is no object');
    result = applied(result, operation);
  }
  return result;
}

function applied(document: unknown, operation: Fields): unknown {
  const path = pointer(operation['path']);
  switch (operation['op']) {
    case 'add':
      return changed(document, path, 'add', operation['value']);
    case 'replace':
      return changed(document, path, 'replace', operation['value']);
    case 'remove':
      return changed(document, path, 'remove', undefined);
    case 'copy':
      return changed(document, path, 'add', read(document, pointer(operation['from'])));
    case 'move': {
      const from = pointer(operation['from']);
      return changed(changed(document, from, 'remove', undefined), path, 'add', read(document, from));
    }
    case 'test':
      if (isDeepEqual(read(document, path), operation['value'])) return document;
      throw unfit(`testing value ${text(operation['path'])} failed: test failed`);
    default:
      throw badRequest(`Unexpected kind: ${text(operation['op'])}`);
  }
}

type Change = 'add' | 'replace' | 'remove';

function changed(value: unknown, [key, ...rest]: readonly string[], change: Change, next: unknown): unknown {
  if (key === undefined) {
    if (change === 'remove') throw unfit('the whole document cannot be removed');
    return next;
  }
  if (Array.isArray(value)) return changedList(value, key, rest, change, next);
  if (!isRecord(value)) throw missing(change, key);
  const known = Object.hasOwn(value, key);
  if (!known && (rest.length > 0 || change !== 'add')) throw missing(change, key);
  if (rest.length === 0 && change === 'remove') {
    const { [key]: _removed, ...others } = value;
    return others;
  }
  return { ...value, [key]: rest.length === 0 ? next : changed(value[key], rest, change, next) };
}

function changedList(items: readonly unknown[], key: string, rest: readonly string[], change: Change, next: unknown): unknown {
  const isAtEnd = key === '-' && rest.length === 0 && change === 'add';
  const index = isAtEnd ? items.length : /^(?:0|[1-9]\d*)$/.test(key) ? Number(key) : -1;
  const most = rest.length === 0 && change === 'add' ? items.length : items.length - 1;
  if (index < 0 || index > most) throw missing(change, key);
  const before = items.slice(0, index);
  if (rest.length > 0) return [...before, changed(items[index], rest, change, next), ...items.slice(index + 1)];
  if (change === 'add') return [...before, next, ...items.slice(index)];
  return change === 'replace' ? [...before, next, ...items.slice(index + 1)] : [...before, ...items.slice(index + 1)];
}

function read(document: unknown, path: readonly string[]): unknown {
  let found = document;
  for (const key of path) {
    const isThere = typeof found === 'object' && found !== null && Object.hasOwn(found, key);
    if (!isThere) throw unfit(`error in remove/test/copy for path: '/${path.join('/')}': nonexistent value`);
    found = Array.isArray(found) ? (found[Number(key)] as unknown) : isRecord(found) ? found[key] : undefined;
  }
  return found;
}

function pointer(value: unknown): readonly string[] {
  if (typeof value !== 'string' || (value !== '' && !value.startsWith('/')))
    throw badRequest('error decoding patch: a path is no JSON pointer');
  return value
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function missing(change: Change, key: string): ApiError {
  return unfit(`${change} operation does not apply: doc is missing key: ${key}: missing value`);
}

function unfit(why: string): ApiError {
  const message = `the server rejected our request due to an error in our request: ${why}`;
  return new ApiError(422, { status: failure(422, 'Invalid', message, {}) }, message);
}

function text(value: unknown): string {
  return filled(tally(), value) ?? '';
}
