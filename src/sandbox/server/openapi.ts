import { createHash } from 'node:crypto';
import { type Answer, type Context, jsonAnswer } from './context.ts';
import type { Resource } from './resources.ts';
import { notAcceptable } from './status.ts';

/*
 * Descriptions of the API without schemas. kubectl asks them whether the server validates fields itself (then it does not do so), and for
 * merge keys, where it falls back to those it was built with. What needs schemas, `kubectl explain` above all, has nothing to show.
 */

/** `/openapi/v3`, `/openapi/v3/…` and `/openapi/v2`; nothing for other paths. */
export function openApiAnswer(context: Context, path: string, accept: string | undefined): Answer | undefined {
  if (path === '/openapi/v2') return version2(context, accept);
  if (path === '/openapi/v3') return index(context);
  const match = /^\/openapi\/v3\/(?:api\/(v1)|apis\/([^/]+)\/([^/]+))$/.exec(path);
  if (match === null) return undefined;
  const [, core, group = '', version = core ?? ''] = match;
  return described(context, group, version);
}

const info = (context: Context) => ({ title: 'Kubernetes', version: `v1.${context.minor}.0` });

function index(context: Context): Answer {
  const { groups } = context.catalogue();
  const paths = [...groups].flatMap(([group, versions]) => versions.map((version) => pathOf(group, version)));
  // A revision in the URL lets clients keep what they got until a definition changes.
  const served = context.catalogue().resources.map(({ group, plural, versions }) => `${plural}.${group}/${versions.join()}`);
  const revision = createHash('sha256').update(served.join()).digest('hex').slice(0, 16).toUpperCase();
  const entries = paths.map((path): [string, object] => [path.slice(1), { serverRelativeURL: `/openapi/v3${path}?hash=${revision}` }]);
  return jsonAnswer({ paths: Object.fromEntries(entries) });
}

function pathOf(group: string, version: string): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

function described(context: Context, group: string, version: string): Answer | undefined {
  if (context.catalogue().groups.get(group)?.includes(version) !== true) return undefined;
  const served = context.catalogue().resources.filter((resource) => resource.group === group && resource.versions.includes(version));
  const paths = Object.fromEntries(
    served.map((resource): [string, object] => [itemPath(resource, version), itemOperations(resource, version)]),
  );
  return jsonAnswer({ openapi: '3.0.0', info: info(context), paths, components: { schemas: {} } });
}

function itemPath({ group, plural, namespaced }: Resource, version: string): string {
  return `${pathOf(group, version)}${namespaced ? '/namespaces/{namespace}' : ''}/${plural}/{name}`;
}

function itemOperations({ group, kind }: Resource, version: string): object {
  const parameter = (name: string) => ({ name, in: 'query', schema: { type: 'string', uniqueItems: true } });
  const groupVersionKind = { group, version, kind };
  const operation = (action: string, ...names: readonly string[]) => ({
    parameters: names.map(parameter),
    responses: {},
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': groupVersionKind,
  });
  return {
    get: operation('get'),
    put: operation('put', 'dryRun', 'fieldManager', 'fieldValidation'),
    patch: operation('patch', 'dryRun', 'fieldManager', 'fieldValidation', 'force'),
    delete: operation('delete', 'dryRun', 'propagationPolicy'),
  };
}

/** The first form is what clients ask for; it is no valid media type, so the second is what they are answered. */
const protobufTypes = [
  'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
] as const;

/** Version 2 names what is there and nothing of it. Go clients want it as protobuf: field 1, the version of the format. */
function version2(context: Context, accept = 'application/json'): Answer {
  const types = accept.split(',').map((part) => part.split(';')[0]?.trim());
  if (types.some((type) => type === 'application/json' || type === '*/*' || type === 'application/*'))
    return jsonAnswer({ swagger: '2.0', info: info(context), paths: {}, definitions: {} });
  if (!protobufTypes.some((type) => types.includes(type))) throw notAcceptable(['application/json', ...protobufTypes]);
  return { code: 200, contentType: protobufTypes[1], body: '\n\u00032.0' };
}
