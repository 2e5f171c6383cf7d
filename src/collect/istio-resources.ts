import { compareText } from '../base/sort.ts';
import { redact } from '../base/text.ts';
import { shownAddress } from './credentials.ts';
import { type Fields, fields, filled, json, objects, optionalFields, port, text, textMap, texts, type Tally } from '../model/decode.ts';
import type { Gateway, IstioResource, TlsRoute, VirtualService } from '../model/facts.ts';
import type { Json } from '../model/kube.ts';
import type { ReducedObject } from '../model/snapshot.ts';
import { defineFact, namespacedEntity, uncounted } from './fact.ts';
import { defineKind, type KindCollector } from './kind.ts';

const networking = { group: 'networking.istio.io', versions: ['v1', 'v1beta1', 'v1alpha3'], reduce: reduceSpec } as const;
const security = { group: 'security.istio.io', versions: ['v1', 'v1beta1'], reduce: reduceSpec } as const;

export const istioGateways = defineKind({ ...networking, resource: 'gateways', kind: 'Gateway' });
export const virtualServices = defineKind({ ...networking, resource: 'virtualservices', kind: 'VirtualService' });

/** Kinds kept with their spec as given, sorted by kind. */
export const istioKinds: readonly KindCollector[] = [
  defineKind({ ...security, resource: 'authorizationpolicies', kind: 'AuthorizationPolicy' }),
  defineKind({ ...networking, resource: 'destinationrules', kind: 'DestinationRule' }),
  defineKind({ ...networking, versions: ['v1alpha3'], resource: 'envoyfilters', kind: 'EnvoyFilter', reduce: reduceEnvoyFilter }),
  defineKind({ ...security, resource: 'peerauthentications', kind: 'PeerAuthentication' }),
  defineKind({ ...networking, versions: ['v1beta1'], resource: 'proxyconfigs', kind: 'ProxyConfig', reduce: reduceProxyConfig }),
  defineKind({ ...security, resource: 'requestauthentications', kind: 'RequestAuthentication' }),
  defineKind({ ...networking, resource: 'serviceentries', kind: 'ServiceEntry' }),
  defineKind({ ...networking, resource: 'sidecars', kind: 'Sidecar' }),
  defineKind({ ...networking, resource: 'workloadentries', kind: 'WorkloadEntry' }),
  defineKind({ ...networking, resource: 'workloadgroups', kind: 'WorkloadGroup' }),
];

function reduceSpec(object: Fields, odd: Tally): Fields {
  return { spec: hidden(json(odd, optionalFields(odd, object['spec'])) ?? {}) };
}

/** Keys whose values users fill with whatever their requests carry, credentials included. */
const carriers: ReadonlySet<string> = new Set([
  'headers',
  'withoutHeaders',
  'queryParams',
  'requestHeaders',
  'responseHeaders',
  'annotations',
  'jwks',
  'body',
  'directResponse',
]);

/** The spec without values of headers and annotations, and without anything that looks like a credential. */
function hidden(value: Json): Json {
  if (typeof value === 'string') return value.includes('://') ? shownAddress(value) : redact(value);
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) return value.map(hidden);
  const kept: Record<string, Json> = {};
  const carriesHeader = typeof value['key'] === 'string' && value['key'].startsWith('request.');
  for (const key of Object.keys(value)) {
    const item = value[key];
    if (item === undefined) continue;
    kept[key] = carriers.has(key) || (carriesHeader && (key === 'values' || key === 'notValues')) ? blanked(item) : hidden(item);
  }
  return kept;
}

/** The same structure with every text in it taken out; names of fields stay. */
function blanked(value: Json): Json {
  if (typeof value === 'string') return '';
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) return value.map(blanked);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, blanked(item)]));
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Of an EnvoyFilter: whom it applies to and what it touches, by the names of the fields that it writes, not what it writes into them. */
function reduceEnvoyFilter(object: Fields, odd: Tally): Fields {
  const spec = fields(odd, object['spec']);
  const patches = objects(odd, spec['configPatches']).map((patch) => ({
    applyTo: text(odd, patch['applyTo']) ?? '',
    match: hidden(json(odd, patch['match']) ?? {}),
    patch: {
      operation: text(odd, optionalFields(odd, patch['patch'])?.['operation']) ?? '',
      fields: Object.keys(optionalFields(odd, optionalFields(odd, patch['patch'])?.['value']) ?? {}).sort(compareText),
    },
  }));
  return {
    spec: {
      ...kept(odd, spec, ['workloadSelector', 'targetRefs', 'priority']),
      configPatches: patches,
    },
  };
}

/** Of a ProxyConfig: everything but the environment, of which the switch of DNS capture is kept. */
function reduceProxyConfig(object: Fields, odd: Tally): Fields {
  const spec = fields(odd, object['spec']);
  const capture = fields(odd, spec['environmentVariables'])['ISTIO_META_DNS_CAPTURE'];
  return {
    spec: {
      ...kept(odd, spec, ['selector', 'concurrency', 'image']),
      ...(typeof capture === 'string'
        ? { environmentVariables: { ISTIO_META_DNS_CAPTURE: capture === 'true' ? 'true' : 'false' } }
        : undefined),
    },
  };
}

function kept(odd: Tally, spec: Fields, keys: readonly string[]): Fields {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = json(odd, spec[key]);
      return value === undefined ? [] : [[key, hidden(value)] as const];
    }),
  );
}

export const gatewaysFact = defineFact({
  fact: 'gateways',
  reads: [istioGateways],
  place: 'all',
  absentIsEmpty: true,
  project: (items, projection): readonly Gateway[] =>
    items.map((object) => {
      const spec = fields(uncounted, object['spec']);
      return Object.assign(namespacedEntity(projection, object), {
        selector: textMap(uncounted, spec['selector']),
        servers: objects(uncounted, spec['servers']).map((server) => {
          const listener = fields(uncounted, server['port']);
          const tls = optionalFields(uncounted, server['tls']);
          return {
            port: port(uncounted, listener['number']) ?? 0,
            protocol: text(uncounted, listener['protocol']) ?? '',
            hosts: texts(uncounted, server['hosts']),
            // `mode` is an enum whose zero value, PASSTHROUGH, is what a tls block without mode means.
            tlsMode: tls === undefined ? '' : (filled(uncounted, tls['mode']) ?? 'PASSTHROUGH'),
          };
        }),
      });
    }),
});

export const virtualServicesFact = defineFact({
  fact: 'virtualServices',
  reads: [virtualServices],
  place: 'all',
  absentIsEmpty: true,
  project: (items, projection): readonly VirtualService[] =>
    items.map((object) => {
      const spec = fields(uncounted, object['spec']);
      return Object.assign(namespacedEntity(projection, object), {
        hosts: texts(uncounted, spec['hosts']),
        gateways: texts(uncounted, spec['gateways']),
        exportTo: texts(uncounted, spec['exportTo']),
        tls: objects(uncounted, spec['tls']).map(tlsRoute),
        spec: specOf(object),
      });
    }),
});

function tlsRoute(route: Fields): TlsRoute {
  return {
    matches: objects(uncounted, route['match']).map((match) => {
      const number = port(uncounted, match['port']);
      return {
        ...(number === undefined ? undefined : { port: number }),
        sniHosts: texts(uncounted, match['sniHosts']),
        gateways: texts(uncounted, match['gateways']),
      };
    }),
    destinations: objects(uncounted, route['route']).map((entry) => {
      const destination = fields(uncounted, entry['destination']);
      const number = port(uncounted, fields(uncounted, destination['port'])['number']);
      return { host: text(uncounted, destination['host']) ?? '', ...(number === undefined ? undefined : { port: number }) };
    }),
  };
}

export const istioResourcesFact = defineFact({
  fact: 'istioResources',
  reads: istioKinds,
  place: 'all',
  absentIsEmpty: true,
  project: (items, projection): readonly IstioResource[] =>
    items.map((object) => Object.assign(namespacedEntity(projection, object), { kind: object.kind, spec: specOf(object) })),
});

/** The spec as it was reduced. */
function specOf(object: ReducedObject): Json {
  return json(uncounted, object['spec']) ?? {};
}
