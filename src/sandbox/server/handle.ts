import type { Answer, Context } from './context.ts';
import { jsonAnswer, textAnswer } from './context.ts';
import { type Attributes, forbiddenTo, refusalOf } from './authorize.ts';
import { bodyValue } from './body.ts';
import { discoveryAnswer } from './discovery.ts';
import { impersonationOf } from './impersonate.ts';
import { create, patch, remove, removeCollection, update } from './mutate.ts';
import { type Form, formOf } from './negotiate.ts';
import { openApiAnswer } from './openapi.ts';
import { forwardingOf, type Forwarding } from './port-forward.ts';
import type { KubeObject } from '../../model/kube.ts';
import { itemsAt, textAt } from './json-path.ts';
import { existingObject, listAnswer, messageOf, objectAnswer, type Target } from './read.ts';
import type { Call, ResourceRequest } from './request.ts';
import { reviews, type Resource } from './resources.ts';
import { reviewAnswer, tokenAnswer } from './review.ts';
import { scaleOf } from './scale.ts';
import { badRequest, methodNotAllowed, noSuchPath, noSuchResource, unauthorized } from './status.ts';
import type { User } from './users.ts';

/** Who a request is from, as whom, and that it may: else throws 401 or 403. `onUser` is told as soon as somebody was recognised. */
export function admitted(context: Context, { info, message }: Call, onUser: (user: User) => void): User {
  const { authorizer, users, store } = context;
  const authenticated = users.authenticate(message, store);
  if (authenticated === undefined) throw unauthorized();
  onUser(authenticated);
  const impersonation = impersonationOf(message.headers);
  for (const right of impersonation?.rights ?? []) if (!authorizer.allows(authenticated, right)) throw forbiddenTo(authenticated, right);
  const user = impersonation?.user ?? authenticated;
  const refusal = refusalOf(authorizer, user, info);
  if (refusal !== undefined) throw refusal;
  return user;
}

/** The answer to a request that is no watch and no upgrade. */
export async function answerTo(context: Context, call: Call, user: User): Promise<{ readonly answer: Answer; readonly isYaml: boolean }> {
  const { info, path, message } = call;
  if (info.kind === 'path') {
    if (!['GET', 'HEAD'].includes(call.method)) throw methodNotAllowed();
    const accept = message.headers.accept;
    const answer = fixedAnswer(context, path) ?? discoveryAnswer(context, path, accept) ?? openApiAnswer(context, path, accept);
    if (answer === undefined) throw noSuchPath();
    return { answer, isYaml: false };
  }
  const isReview = reviews.some(({ group, plural }) => info.group === group && info.resource === plural);
  if (isReview && info.version === 'v1') {
    if (info.verb !== 'create') throw methodNotAllowed();
    const answer = reviewAnswer(context, user, info.resource, await bodyValue(message));
    if (answer !== undefined) return { answer, isYaml: false };
  }
  const target = targetOf(context, info);
  const isList = info.verb === 'list' || info.verb === 'deletecollection';
  const form = formOf(message.headers.accept, isList, info.verb === 'list' && messageOf(target) !== undefined);
  const answer = await (info.subresource === ''
    ? ofResource(context, call, info, target, form)
    : ofSubresource(context, call, info, target, form));
  const isDeprecated = context.minor >= 33 && target.resource.group === '' && target.resource.kind === 'Endpoints';
  return { answer: isDeprecated ? { ...answer, headers: { ...answer.headers, Warning: endpointsWarning } } : answer, isYaml: form.isYaml };
}

const endpointsWarning = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"';

/** What a path names: 404 when it is nothing that is served. */
export function targetOf(context: Context, info: ResourceRequest): Target {
  const resource = context.catalogue().find(info.group, info.version, info.resource);
  if (resource === undefined) throw isBuiltInGroup(context, info.group) ? noSuchResource() : noSuchPath();
  const isMisplaced = resource.namespaced
    ? info.namespace === '' && info.name !== ''
    : info.namespace !== '' && resource.kind !== 'Namespace';
  if (isMisplaced) throw noSuchPath();
  return { resource, version: info.version, namespace: resource.namespaced ? info.namespace : '', name: info.name };
}

function isBuiltInGroup(context: Context, group: string): boolean {
  return context.catalogue().resources.some((resource) => resource.group === group && !resource.isCustom);
}

async function ofResource(context: Context, call: Call, info: ResourceRequest, target: Target, form: Form): Promise<Answer> {
  const change = { call, target, subresource: '', form } as const;
  const { resource, namespace, name } = target;
  const verb = resource.verbs.find((one) => one === info.verb);
  // Objects are made and collections deleted in one namespace at a time.
  if (resource.namespaced && namespace === '' && (verb === 'create' || verb === 'deletecollection')) throw methodNotAllowed();
  if (verb === 'create' && name !== '') throw methodNotAllowed();
  if ((verb === 'update' || verb === 'patch') && name === '') throw methodNotAllowed();
  switch (verb) {
    case 'get':
      return objectAnswer(context, target, existingObject(context, target), form, call.query);
    case 'list':
      return listAnswer(context, target, form, call.query);
    case 'create':
      return create(context, change);
    case 'update':
      return update(context, change);
    case 'patch':
      return patch(context, change);
    case 'delete':
      return remove(context, change);
    case 'deletecollection':
      return removeCollection(context, change);
    default:
      throw methodNotAllowed();
  }
}

/** Whose log is asked for: a pod with one container need not be asked for it by name. */
function containerOf(pod: KubeObject, wanted: string): string {
  const { name } = pod.metadata;
  const own = itemsAt(pod, 'spec', 'containers').map((one) => textAt(one, 'name'));
  const initial = itemsAt(pod, 'spec', 'initContainers').map((one) => textAt(one, 'name'));
  if (wanted !== '') {
    if (![...own, ...initial].includes(wanted)) throw badRequest(`container ${wanted} is not valid for pod ${name}`);
    return wanted;
  }
  const [only = ''] = own;
  if (own.length === 1) return only;
  const others = initial.length === 0 ? '' : ` or one of the init containers: [${initial.join(' ')}]`;
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${own.join(' ')}]${others}`);
}

async function ofSubresource(context: Context, call: Call, info: ResourceRequest, target: Target, form: Form): Promise<Answer> {
  const { subresource, verb } = info;
  const served = servedOf(target.resource, info);
  const change = { call, target, subresource, form } as const;
  if (served === 'portforward') throw badRequest('Upgrade request required');
  if (served === 'log') {
    if (verb !== 'get') throw methodNotAllowed();
    const pod = existingObject(context, target);
    const container = containerOf(pod, call.query.get('container') ?? '');
    return { ...textAnswer(await context.logs(context.cluster, pod, container)), contentType: 'text/plain' };
  }
  if (served === 'token') {
    if (verb !== 'create') throw methodNotAllowed();
    return tokenAnswer(context, target, await bodyValue(call.message));
  }
  switch (verb) {
    case 'get': {
      const object = existingObject(context, target);
      return served === 'scale' ? jsonAnswer(scaleOf(object)) : objectAnswer(context, target, object, form, call.query);
    }
    case 'update':
      return update(context, change);
    case 'patch':
      return patch(context, change);
    default:
      throw methodNotAllowed();
  }
}

/** Subresources that real clusters have and simulated ones have nothing behind. */
const unserved: ReadonlySet<string> = new Set(['attach', 'binding', 'ephemeralcontainers', 'eviction', 'exec', 'proxy']);

function servedOf({ subresources, plural }: Resource, { subresource }: ResourceRequest) {
  const found = subresources.find((one) => one === subresource);
  if (found !== undefined) return found;
  const [first = ''] = subresource.split('/');
  if (unserved.has(first)) throw badRequest(`${plural}/${first} is not served: there are no containers behind this API server`);
  throw noSuchPath();
}

/** What a port-forward leads to. From Kubernetes 1.35 on it takes the right to create, whatever the method of the request. */
export function forwardingTo(context: Context, call: Call, user: User): Forwarding {
  const { info, query, message } = call;
  if (info.kind === 'path') throw noSuchPath();
  const target = targetOf(context, info);
  if (servedOf(target.resource, info) !== 'portforward') throw badRequest('this request cannot be upgraded');
  const attributes: Attributes = { ...info, verb: 'create' };
  if (context.minor >= 35 && !context.authorizer.allows(user, attributes)) throw forbiddenTo(user, attributes);
  return forwardingOf(existingObject(context, target), query, message);
}

function fixedAnswer(context: Context, path: string): Answer | undefined {
  if (/^\/(?:healthz|livez|readyz)(?:\/.*)?$/.test(path)) return textAnswer('ok');
  const minor = String(context.minor);
  const version = {
    major: '1',
    minor,
    emulationMajor: '1',
    emulationMinor: minor,
    minCompatibilityMajor: '1',
    minCompatibilityMinor: String(context.minor - 1),
    gitVersion: `v1.${minor}.0`,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: 'go1.24',
    compiler: 'gc',
    platform: 'linux/amd64',
  };
  return path === '/version' || path === '/version/' ? jsonAnswer(version) : undefined;
}
