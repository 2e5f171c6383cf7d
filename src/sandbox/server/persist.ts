import { isDeepEqual } from '../../base/equal.ts';
import { isRecord } from '../../builder/patch.ts';
import { usualTolerations } from '../../builder/workload.ts';
import type { Fields } from '../../model/decode.ts';
import type { KubeObject } from '../../model/kube.ts';
import { controlled, secondsOf } from '../store.ts';
import { withAddresses } from './addresses.ts';
import type { Context } from './context.ts';
import { definitionStatus, withDefaults } from './defaults.ts';
import { fieldsAt, itemsAt, scalar, textAt, valueAt } from './json-path.ts';
import { ownedAfterUpdate, type Writer } from './managed-fields.ts';
import { hasFinalizers, removeObject } from './remove.ts';
import { apiVersionOf, type Resource, typeKey } from './resources.ts';
import { alreadyExists, badRequest, conflict, internalError, modified, notFound } from './status.ts';
import { validate } from './validate.ts';

export interface WriteOptions {
  readonly writer: Writer;
  readonly isDryRun: boolean;
  /** Ownership of fields is settled already, by server-side apply. */
  readonly isOwned?: boolean;
}

/** A new object, as an API server makes it of what a client sends. */
export function createObject(context: Context, resource: Resource, given: KubeObject, options: WriteOptions): KubeObject {
  const { store } = context;
  const { namespace } = given.metadata;
  if (namespace !== undefined && store.find({ group: '', kind: 'Namespace' }, undefined, namespace) === undefined)
    throw notFound({ group: '', plural: 'namespaces' }, namespace);
  if (given.metadata.resourceVersion !== undefined && given.metadata.resourceVersion !== '')
    throw badRequest('resourceVersion should not be set on objects to be created');
  if (store.find(resource, namespace, given.metadata.name) !== undefined) throw alreadyExists(resource, given.metadata.name);
  const { resourceVersion: _version, uid: _uid, ...metadata } = given.metadata;
  const plain = withStringData(resource, withInitialStatus(context, resource, { ...given, metadata }));
  const defaulted = withDefaults(resource, plain);
  validate(resource, defaulted, undefined);
  const addressed = typeKey(resource) === '/Service' ? withAddresses(store, defaulted, undefined) : defaulted;
  const now = secondsOf(context.clock());
  const admitted = typeKey(resource) === '/Pod' ? admittedPod(context, addressed) : addressed;
  const owned = options.isOwned === true ? admitted : ownedAfterUpdate(resource, undefined, admitted, options.writer);
  const { creationTimestamp: _given, deletionTimestamp: _deletion, ...rest } = owned.metadata;
  const next = { ...owned, metadata: controlled({ ...owned, metadata: rest }, undefined, now) };
  return options.isDryRun ? next : store.write(next);
}

/** What admission makes of a pod, the webhooks last. Throws as a real server does when one that must answer does not. */
function admittedPod({ admission, cluster }: Context, pod: KubeObject): KubeObject {
  const spec = fieldsAt(pod, 'spec');
  const account = textAt(spec, 'serviceAccountName') || 'default';
  const settled = { enableServiceLinks: true, preemptionPolicy: 'PreemptLowerPriority', priority: 0 };
  const named = { ...settled, ...spec, serviceAccount: account, serviceAccountName: account };
  const tolerated = { ...named, tolerations: [...itemsAt(spec, 'tolerations'), ...usualTolerations] };
  const admitted = admission(cluster, { ...pod, spec: tolerated });
  if ('refused' in admitted) throw internalError(admitted.refused);
  return admitted.pod;
}

/** The object after a change. Nothing is written when nothing changes. Throws 409 when it was changed meanwhile. */
export function updateObject(
  context: Context,
  resource: Resource,
  existing: KubeObject,
  given: KubeObject,
  options: WriteOptions,
): KubeObject {
  const { resourceVersion, uid } = given.metadata;
  if (resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== existing.metadata.resourceVersion)
    throw conflict(resource, existing.metadata.name, modified);
  if (uid !== undefined && uid !== existing.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${existing.metadata.uid ?? ''}`;
    throw conflict(resource, existing.metadata.name, why);
  }
  const changed = withStringData(resource, keepingOthers(resource, existing, given, options.writer.subresource));
  const defaulted = isDeepEqual(withDefaults(resource, existing), existing) ? withDefaults(resource, changed) : changed;
  const addressed = typeKey(resource) === '/Service' ? withAddresses(context.store, defaulted, existing) : defaulted;
  validate(resource, addressed, existing);
  const owned = options.isOwned === true ? addressed : ownedAfterUpdate(resource, existing, addressed, options.writer);
  const next = { ...owned, metadata: controlled(withSystemMetadata(owned, existing), existing, '') };
  if (isDeepEqual(next, existing)) return existing;
  const isGone = existing.metadata.deletionTimestamp !== undefined && !hasFinalizers(next);
  if (options.isDryRun) return next;
  const written = context.store.write(next);
  if (isGone) removeObject(context, resource, written, 'Background');
  return written;
}

/** What a request may not touch stays: the status in ordinary requests, all but the status in those of the subresource. */
function keepingOthers(resource: Resource, existing: KubeObject, given: KubeObject, subresource: string): KubeObject {
  const { status: givenStatus, ...rest } = given;
  const { status, ...others } = existing;
  if (subresource === 'status') {
    const managed = given.metadata['managedFields'] === undefined ? {} : { managedFields: given.metadata['managedFields'] };
    return { ...others, metadata: { ...existing.metadata, ...managed }, ...(givenStatus === undefined ? {} : { status: givenStatus }) };
  }
  const kept = resource.subresources.includes('status') ? status : givenStatus;
  // Versions of a kind are the same object; the one it is stored in does not change with the client that writes.
  return { ...rest, apiVersion: existing.apiVersion, ...(kept === undefined ? {} : { status: kept }) };
}

/** Times of deletion are the server's to set. */
function withSystemMetadata(object: KubeObject, existing: KubeObject): KubeObject {
  const { deletionTimestamp: _given, deletionGracePeriodSeconds: _period, ...metadata } = object.metadata;
  const { deletionTimestamp, deletionGracePeriodSeconds } = existing.metadata;
  const isGoing = deletionTimestamp !== undefined;
  return { ...object, metadata: isGoing ? { ...metadata, deletionTimestamp, deletionGracePeriodSeconds } : metadata };
}

function withInitialStatus(context: Context, resource: Resource, object: KubeObject): KubeObject {
  const { status, ...rest } = object;
  switch (typeKey(resource)) {
    case '/Node':
      return object;
    case '/Pod':
      return { ...rest, metadata: object.metadata, status: { phase: 'Pending', qosClass: qualityOf(object) } };
    case '/Service':
      return { ...rest, status: { loadBalancer: {} } };
    case 'apiextensions.k8s.io/CustomResourceDefinition':
      return { ...rest, status: definitionStatus(withDefaults(resource, object), secondsOf(context.clock())) };
    default:
      return resource.subresources.includes('status')
        ? resource.isCustom
          ? rest
          : { ...rest, status: {} }
        : status === undefined
          ? rest
          : object;
  }
}

function qualityOf(pod: KubeObject): string {
  const containers = itemsAt(pod, 'spec', 'containers');
  const quantities = (key: string, name: string) => containers.map((one) => scalar(valueAt(one, ['resources', key, name])));
  const limits = [...quantities('limits', 'cpu'), ...quantities('limits', 'memory')];
  const requests = [...quantities('requests', 'cpu'), ...quantities('requests', 'memory')];
  if ([...limits, ...requests].every((quantity) => quantity === '')) return 'BestEffort';
  const isGuaranteed = limits.every((limit, index) => limit !== '' && (requests[index] === '' || requests[index] === limit));
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}

/** Texts that a client gives for a Secret in clear are kept as its other data are. */
function withStringData(resource: Resource, object: KubeObject): KubeObject {
  if (typeKey(resource) !== '/Secret' || object['stringData'] === undefined) return object;
  const { stringData, ...rest } = object;
  const encoded = Object.entries(fieldsAt({ stringData }, 'stringData')).map(([key, value]) => [
    key,
    Buffer.from(scalar(value)).toString('base64'),
  ]);
  return { ...rest, data: { ...fieldsAt(object, 'data'), ...Object.fromEntries(encoded) } };
}

/** A body as an object of a resource: in the namespace and with the name of the path. Throws 400 for what is none. */
export function objectOf(resource: Resource, version: string, namespace: string, name: string, body: unknown): KubeObject {
  const apiVersion = apiVersionOf(resource.group, version);
  const given = withoutNulls(resource, fieldsAt({ body }, 'body'));
  const [itsVersion, itsKind] = [textAt(given, 'apiVersion') || apiVersion, textAt(given, 'kind') || resource.kind];
  if (itsKind !== resource.kind) throw badRequest(`${itsKind} in version "${version}" cannot be handled as a ${resource.kind}`);
  if (itsVersion !== apiVersion)
    throw badRequest(`the API version in the data (${itsVersion}) does not match the expected API version (${apiVersion})`);
  const metadata = fieldsAt(given, 'metadata');
  const itsName = textAt(metadata, 'name') || name || generatedName(metadata);
  if (itsName === '') throw badRequest('name or generateName is required');
  if (name !== '' && itsName !== name) throw badRequest(`the name of the object (${itsName}) does not match the name on the URL (${name})`);
  const itsNamespace = textAt(metadata, 'namespace');
  if (namespace !== '' && itsNamespace !== '' && itsNamespace !== namespace)
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  const { namespace: _namespace, ...rest } = metadata;
  return { ...given, apiVersion, kind: resource.kind, metadata: { ...rest, name: itsName, ...(resource.namespaced ? { namespace } : {}) } };
}

/** Typed decoding takes null for absent; statuses of builders and of real servers have nulls that stay. */
function withoutNulls(resource: Resource, { status, ...rest }: Fields): Fields {
  const clean = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(clean);
    if (!isRecord(value)) return value;
    return Object.fromEntries(Object.entries(value).flatMap(([key, item]) => (item === null ? [] : [[key, clean(item)]])));
  };
  // An EndpointSlice without endpoints says null, on real servers too.
  const kept = resource.isCustom || resource.kind === 'EndpointSlice' ? rest : fieldsAt({ rest: clean(rest) }, 'rest');
  return status === undefined || status === null ? kept : { ...kept, status };
}

const letters = 'bcdfghjklmnpqrstvwxz2456789';

function generatedName(metadata: object): string {
  const prefix = textAt(metadata, 'generateName');
  if (prefix === '') return '';
  const suffix = Array.from({ length: 5 }, () => letters[Math.floor(Math.random() * letters.length)] ?? 'x');
  return `${prefix.slice(0, 58)}${suffix.join('')}`;
}
