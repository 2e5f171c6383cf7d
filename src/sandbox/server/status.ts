import type { KubeObject } from '../../model/kube.ts';
import { qualifiedName, type Resource } from './resources.ts';

/** What an API server answers instead of what was asked for: a `Status`, or plain text where real ones answer with that. */
export class ApiError extends Error {
  readonly code: number;
  /** The body of the answer. */
  readonly body: { readonly text: string } | { readonly status: object };
  readonly headers: Readonly<Record<string, string>>;
  constructor(code: number, body: ApiError['body'], message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.body = body;
    this.headers = headers;
  }
}

interface Details {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly { readonly reason: string; readonly message: string; readonly field?: string }[];
  readonly retryAfterSeconds?: number;
}

/** A `Status` of failure, as JSON. */
export function failure(
  code: number,
  reason: string,
  message: string,
  details?: Details,
  metadata: Readonly<Record<string, unknown>> = {},
): object {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata,
    status: 'Failure',
    message,
    reason,
    ...(details === undefined ? {} : { details }),
    code,
  };
}

/** A `Status` of success. */
export function success(details: Details): object {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}

function refusal(code: number, reason: string, message: string, details?: Details): ApiError {
  return new ApiError(code, { status: failure(code, reason, message, details) }, message);
}

/** What no handler is there for. */
export function noSuchPath(): ApiError {
  return new ApiError(404, { text: '404 page not found\n' }, '404 page not found');
}

/** What a group that is served has not: a resource, or a version. */
export function noSuchResource(): ApiError {
  return refusal(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function internalError(what: string): ApiError {
  return refusal(500, 'InternalError', `Internal error occurred: ${what}`, { causes: [{ reason: '', message: what }] });
}

export function unauthorized(): ApiError {
  return refusal(401, 'Unauthorized', 'Unauthorized');
}

/** `name` is empty for lists and creations. */
export function notFound(resource: Pick<Resource, 'group' | 'plural'>, name: string): ApiError {
  return refusal(404, 'NotFound', `${qualifiedName(resource)} "${name}" not found`, detailsOf(resource, name));
}

export function alreadyExists(resource: Resource, name: string): ApiError {
  return refusal(409, 'AlreadyExists', `${qualifiedName(resource)} "${name}" already exists`, detailsOf(resource, name));
}

export function conflict(resource: Resource, name: string, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${qualifiedName(resource)} "${name}": ${why}`;
  return refusal(409, 'Conflict', message, detailsOf(resource, name));
}

export const modified = 'the object has been modified; please apply your changes to the latest version and try again';

export interface Invalid {
  readonly field: string;
  /** FieldValueInvalid, FieldValueRequired … */
  readonly reason: string;
  /** Without the field: `Required value: name or generateName is required`. */
  readonly message: string;
}

export function invalid(resource: Pick<Resource, 'group' | 'kind'>, name: string, problems: readonly Invalid[]): ApiError {
  const texts = problems.map(({ field, message }) => `${field}: ${message}`);
  const kind = resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`;
  const message = `${kind} "${name}" is invalid: ${texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`}`;
  return refusal(422, 'Invalid', message, {
    name,
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.kind,
    causes: problems.map(({ field, reason, message: text }) => ({ reason, message: text, field })),
  });
}

export function badRequest(message: string): ApiError {
  return refusal(400, 'BadRequest', message);
}

export function methodNotAllowed(message = 'the server does not allow this method on the requested resource'): ApiError {
  return refusal(405, 'MethodNotAllowed', message, {});
}

export function notAcceptable(accepted: readonly string[]): ApiError {
  return refusal(406, 'NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`);
}

export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`;
  return refusal(415, 'UnsupportedMediaType', message);
}

/** A resourceVersion or continue token that is too old. `token` resumes the list where it stopped, as things are now. */
export function expired(message: string, token?: string): ApiError {
  return new ApiError(
    410,
    { status: failure(410, 'Expired', message, undefined, token === undefined ? {} : { continue: token }) },
    message,
  );
}

export function forbidden(message: string, details: Details): ApiError {
  return new ApiError(403, { status: failure(403, 'Forbidden', message, details) }, message, { 'X-Content-Type-Options': 'nosniff' });
}

export function tooLargeResourceVersion(asked: number, current: number): ApiError {
  const message = `Too large resource version: ${asked}, current: ${current}`;
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }];
  return new ApiError(504, { status: failure(504, 'Timeout', message, { causes, retryAfterSeconds: 1 }) }, message, { 'Retry-After': '1' });
}

export function detailsOf(resource: Pick<Resource, 'group' | 'plural'>, name: string, object?: KubeObject): Details {
  return {
    ...(name === '' ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.plural,
    ...(object?.metadata.uid === undefined ? {} : { uid: object.metadata.uid }),
  };
}
