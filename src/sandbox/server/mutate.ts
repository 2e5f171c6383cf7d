import { applyMergePatch, isRecord } from '../../builder/patch.ts';
import type { KubeObject } from '../../model/kube.ts';
import { secondsOf } from '../store.ts';
import { serverSideApplied } from './apply.ts';
import { bodyText, bodyValue, contentTypeOf, jsonValue, patchTypes, yamlValue } from './body.ts';
import { type Answer, type Context, jsonAnswer } from './context.ts';
import { fieldsAt, textAt } from './json-path.ts';
import { applyJsonPatch } from './json-patch.ts';
import type { Writer } from './managed-fields.ts';
import type { Form } from './negotiate.ts';
import { createObject, objectOf, updateObject } from './persist.ts';
import { existingObject, listAnswer, objectAnswer, selectedObjects, type Target } from './read.ts';
import { hasFinalizers, propagationOf, removeObject } from './remove.ts';
import type { Call } from './request.ts';
import { apiVersionOf, type Resource, typeKey } from './resources.ts';
import { changedByScale, scaleOf } from './scale.ts';
import { ApiError, badRequest, conflict, detailsOf, failure, notFound, success, unsupportedMediaType } from './status.ts';
import { applyStrategicMerge } from './strategic-merge.ts';
import { versioned } from './wire.ts';

/** A request that writes. */
export interface Change {
  readonly call: Call;
  readonly target: Target;
  /** Empty, `status` or `scale`. */
  readonly subresource: string;
  readonly form: Form;
}

export async function create(context: Context, { call, target, form }: Change): Promise<Answer> {
  const body = await bodyValue(call.message);
  if (body === undefined) throw badRequest('the request has no body');
  const { resource, version, namespace } = target;
  const given = objectOf(resource, version, namespace, '', body);
  const created = createObject(context, resource, given, optionsOf(context, call, target, ''));
  return objectAnswer(context, target, created, form, call.query, 201);
}

export async function update(context: Context, { call, target, subresource, form }: Change): Promise<Answer> {
  const body = await bodyValue(call.message);
  const existing = existingObject(context, target);
  return changed(context, { call, target, subresource, form }, existing, body);
}

export async function patch(context: Context, { call, target, subresource, form }: Change): Promise<Answer> {
  const type = contentTypeOf(call.message);
  const text = await bodyText(call.message);
  if (type === patchTypes.apply) return apply(context, { call, target, subresource, form }, yamlValue(text));
  const existing = existingObject(context, target);
  const current = subresource === 'scale' ? scaleOf(existing) : versioned(existing, target.resource, target.version);
  const patched = patchedValue(target.resource, current, type, jsonValue(text));
  return changed(context, { call, target, subresource, form }, existing, patched);
}

function patchedValue(resource: Resource, current: object, type: string, change: unknown): unknown {
  switch (type) {
    case patchTypes.json:
      return applyJsonPatch(current, change);
    case patchTypes.merge:
      return applyMergePatch(current, change);
    case patchTypes.strategic:
      if (!resource.isCustom) return applyStrategicMerge(resource, current, change);
      throw unsupportedMediaType([patchTypes.json, patchTypes.merge, patchTypes.apply]);
    default:
      throw unsupportedMediaType(Object.values(patchTypes));
  }
}

function changed(context: Context, { call, target, subresource, form }: Change, existing: KubeObject, body: unknown): Answer {
  const { resource, version, namespace, name } = target;
  const options = optionsOf(context, call, target, subresource);
  if (subresource === 'scale') {
    const updated = updateObject(context, resource, existing, changedByScale(resource, existing, body), options);
    return jsonAnswer(scaleOf(updated));
  }
  const updated = updateObject(context, resource, existing, objectOf(resource, version, namespace, name, body), options);
  return objectAnswer(context, target, updated, form, call.query);
}

/** Server-side apply: makes the object when it is not there. */
function apply(context: Context, { call, target, subresource, form }: Change, body: unknown): Answer {
  const { resource, version, namespace, name } = target;
  const manager = call.query.get('fieldManager') ?? '';
  if (manager === '') throw fieldManagerMissing(resource, name);
  const applied = objectOf(resource, version, namespace, name, body);
  if (applied.metadata['managedFields'] !== undefined) throw badRequest('metadata.managedFields must be nil');
  const options = { ...optionsOf(context, call, target, subresource), isOwned: true };
  const writer: Writer = { ...options.writer, operation: 'Apply' };
  const live = context.store.find(resource, namespace === '' ? undefined : namespace, name);
  const isForced = call.query.get('force') === 'true';
  const next = serverSideApplied(resource, live, applied, writer, isForced);
  if (live === undefined) {
    if (subresource !== '') throw notFound(resource, name);
    return objectAnswer(context, target, createObject(context, resource, next, options), form, call.query, 201);
  }
  return objectAnswer(context, target, updateObject(context, resource, live, next, options), form, call.query);
}

function fieldManagerMissing(resource: Resource, name: string): ApiError {
  const message = `PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch`;
  return new ApiError(422, { status: failure(422, 'Invalid', message, detailsOf(resource, name)) }, message);
}

export async function remove(context: Context, { call, target, form }: Change): Promise<Answer> {
  const body = await bodyValue(call.message);
  const existing = existingObject(context, target);
  const { resource, name } = target;
  const preconditions = fieldsAt({ body }, 'body', 'preconditions');
  for (const [key, now] of [
    ['uid', existing.metadata.uid],
    ['resourceVersion', existing.metadata.resourceVersion],
  ] as const) {
    const wanted = textAt(preconditions, key);
    if (wanted !== '' && wanted !== now) {
      const field = key === 'uid' ? 'UID' : 'ResourceVersion';
      throw conflict(resource, name, `Precondition failed: ${field} in precondition: ${wanted}, ${field} in object meta: ${now ?? ''}`);
    }
  }
  const isWaiting = hasFinalizers(existing);
  const query = deletionQuery(call, body);
  const last = isDryRun(query, body) ? existing : removeObject(context, resource, existing, propagationOf(query, body));
  // Pods go gracefully and are answered with; so is what waits for its finalizers.
  if (isWaiting || typeKey(resource) === '/Pod') return objectAnswer(context, target, last, form, call.query);
  return jsonAnswer(success(detailsOf(resource, name, existing)));
}

export async function removeCollection(context: Context, { call, target, form }: Change): Promise<Answer> {
  const body = await bodyValue(call.message);
  const answer = listAnswer(context, target, form, call.query);
  const query = deletionQuery(call, body);
  if (isDryRun(query, body)) return answer;
  for (const object of selectedObjects(context.store.all(target.resource), target, call.query))
    removeObject(context, target.resource, object, propagationOf(query, body));
  return answer;
}

/** Options of a deletion are in its body or in its query: of one that has a body the query is not read (apiserver/pkg/endpoints/handlers/delete.go). */
function deletionQuery({ query }: Call, body: unknown): URLSearchParams {
  return body === undefined ? query : new URLSearchParams();
}

function optionsOf(context: Context, call: Call, { resource, version }: Target, subresource: string) {
  const writer: Writer = {
    manager: managerOf(call),
    operation: 'Update',
    apiVersion: apiVersionOf(resource.group, version),
    subresource,
    time: secondsOf(context.clock()),
  };
  return { writer, isDryRun: isDryRun(call.query, undefined) };
}

/** Who a change is ascribed to: what the client calls itself, or the product its user agent names. */
function managerOf({ query, message }: Call): string {
  const given = query.get('fieldManager') ?? '';
  return given === '' ? ((message.headers['user-agent'] ?? 'unknown').split('/')[0] ?? 'unknown').slice(0, 128) : given;
}

function isDryRun(query: URLSearchParams, body: unknown): boolean {
  const inBody = isRecord(body) ? body['dryRun'] : undefined;
  const asked = [...query.getAll('dryRun'), ...(Array.isArray(inBody) ? inBody.filter((item) => typeof item === 'string') : [])];
  const odd = asked.find((value) => value !== 'All');
  if (odd === undefined) return asked.length > 0;
  const message = `Invalid value: dryRun: Unsupported value: "${odd}": supported values: "All"`;
  throw new ApiError(422, { status: failure(422, 'Invalid', message) }, message);
}
