import {
  defined,
  type Fields,
  fields,
  filled,
  flag,
  objects,
  optionalFields,
  port,
  sharedTextMap,
  sharedTexts,
  text,
  textMap,
  texts,
  type Tally,
  unlessSame,
} from '../model/decode.ts';
import type { Endpoint, EndpointSlice, Endpoints, Service, ServicePort } from '../model/facts.ts';
import { labels as label } from '../istio/labels.ts';
import type { ReducedObject } from '../model/snapshot.ts';
import { defineFact, defineListFact, namespacedEntity, type Projection, uncounted } from './fact.ts';
import { defineKind, reduceStatusOf } from './kind.ts';
import { endpointSliceMessage, serviceMessage } from './messages.ts';

export const services = defineKind({
  resource: 'services',
  kind: 'Service',
  message: serviceMessage,
  reduce(object, odd) {
    const spec = fields(odd, object['spec']);
    return {
      spec: defined({
        type: filled(odd, spec['type']),
        clusterIP: filled(odd, spec['clusterIP']),
        clusterIPs: unlessNone(texts(odd, spec['clusterIPs'])),
        externalName: filled(odd, spec['externalName']),
        externalIPs: unlessNone(texts(odd, spec['externalIPs'])),
        selector: spec['selector'] === undefined ? undefined : textMap(odd, spec['selector']),
        ports: objects(odd, spec['ports']).flatMap((entry) => servicePort(odd, entry)),
        loadBalancerSourceRanges: unlessNone(texts(odd, spec['loadBalancerSourceRanges'])),
        internalTrafficPolicy: filled(odd, spec['internalTrafficPolicy']),
        externalTrafficPolicy: filled(odd, spec['externalTrafficPolicy']),
        loadBalancerClass: filled(odd, spec['loadBalancerClass']),
        publishNotReadyAddresses: flag(odd, spec['publishNotReadyAddresses']),
      }),
      ...reduceStatusOf(object, odd, (status) => ({
        loadBalancer: {
          ingress: objects(odd, fields(odd, status['loadBalancer'])['ingress']).map((entry) =>
            defined({ ip: filled(odd, entry['ip']), hostname: filled(odd, entry['hostname']) }),
          ),
        },
      })),
    };
  },
});

function servicePort(odd: Tally, entry: Fields): ServicePort | [] {
  const number = port(odd, entry['port']);
  if (number === undefined) return [];
  return defined({
    name: text(odd, entry['name']) ?? '',
    port: number,
    targetPort: targetPort(odd, entry['targetPort']) ?? number,
    protocol: filled(odd, entry['protocol']) ?? 'TCP',
    nodePort: entry['nodePort'] === 0 ? undefined : port(odd, entry['nodePort']),
    appProtocol: filled(odd, entry['appProtocol']),
  });
}

function targetPort(odd: Tally, value: unknown): number | string | undefined {
  if (value === 0 || value === '') return undefined;
  return typeof value === 'string' ? value : port(odd, value);
}

export const servicesFact = defineListFact({
  fact: 'services',
  reads: [services],
  place: 'all',
  each(projection) {
    const ports = unlessSame((value) => objects(uncounted, value).flatMap((entry) => servicePort(uncounted, entry)));
    return (object) => projectService(object, projection, ports);
  },
});

function projectService(
  object: ReducedObject,
  projection: Pick<Projection, 'cluster'>,
  ports: (value: unknown) => Service['ports'],
): Service {
  const spec = fields(uncounted, object['spec']);
  const status = optionalFields(uncounted, object['status']);
  const type = filled(uncounted, spec['type']) ?? 'ClusterIP';
  const clusterIP = text(uncounted, spec['clusterIP']) ?? '';
  const clusterIPs = sharedTexts(uncounted, spec['clusterIPs']);
  const service: { -readonly [K in keyof Service]: Service[K] } = Object.assign(namespacedEntity(projection, object), {
    type,
    clusterIP,
    clusterIPs: clusterIPs.length > 0 || clusterIP === '' ? clusterIPs : [clusterIP],
    externalIPs: sharedTexts(uncounted, spec['externalIPs']),
    selector: sharedTextMap(uncounted, spec['selector']),
    ports: ports(spec['ports']),
    loadBalancer: objects(uncounted, fields(uncounted, status?.['loadBalancer'])['ingress']),
    loadBalancerSourceRanges: sharedTexts(uncounted, spec['loadBalancerSourceRanges']),
    publishNotReadyAddresses: spec['publishNotReadyAddresses'] === true,
  });
  const externalName = filled(uncounted, spec['externalName']);
  const internal = filled(uncounted, spec['internalTrafficPolicy']);
  const external = filled(uncounted, spec['externalTrafficPolicy']);
  const balancerClass = filled(uncounted, spec['loadBalancerClass']);
  if (status === undefined) service.withoutStatus = true;
  if (externalName !== undefined) service.externalName = externalName;
  if (internal !== undefined) service.internalTrafficPolicy = internal;
  if (external !== undefined) service.externalTrafficPolicy = external;
  if (balancerClass !== undefined) service.loadBalancerClass = balancerClass;
  return service;
}

export const endpointSlices = defineKind({
  resource: 'endpointslices',
  group: 'discovery.k8s.io',
  versions: ['v1', 'v1beta1'],
  kind: 'EndpointSlice',
  message: endpointSliceMessage,
  reduce: (object, odd) => ({
    addressType: filled(odd, object['addressType']) ?? 'IPv4',
    endpoints: objects(odd, object['endpoints']).map((entry) => reduceEndpoint(odd, entry)),
    ports: objects(odd, object['ports']).map((entry) => slicePort(odd, entry)),
  }),
});

function reduceEndpoint(odd: Tally, entry: Fields): Fields {
  const conditions = fields(odd, entry['conditions']);
  const target = optionalFields(odd, entry['targetRef']);
  return defined({
    addresses: texts(odd, entry['addresses']),
    conditions: defined({
      ready: flag(odd, conditions['ready']),
      serving: flag(odd, conditions['serving']),
      terminating: flag(odd, conditions['terminating']),
    }),
    nodeName: filled(odd, entry['nodeName']),
    pod: target?.['kind'] === 'Pod' ? filled(odd, target['name']) : undefined,
  });
}

function slicePort(odd: Tally, entry: Fields): EndpointSlice['ports'][number] {
  return defined({
    name: text(odd, entry['name']) ?? '',
    port: port(odd, entry['port']),
    protocol: filled(odd, entry['protocol']) ?? 'TCP',
  });
}

export const endpointSlicesFact = defineListFact({
  fact: 'endpointSlices',
  reads: [endpointSlices],
  place: 'all',
  each(projection) {
    const ports = unlessSame((value) => objects(uncounted, value).map((entry) => slicePort(uncounted, entry)));
    return (object) => {
      const entity = namespacedEntity(projection, object);
      return Object.assign(entity, {
        service: entity.labels[label.serviceName] ?? '',
        addressType: text(uncounted, object['addressType']) ?? 'IPv4',
        endpoints: objects(uncounted, object['endpoints']).map(projectEndpoint),
        ports: ports(object['ports']),
      });
    };
  },
});

/** Absent conditions mean ready; `serving` follows `ready` where it is not said. */
function projectEndpoint(entry: Fields): Endpoint {
  const conditions = fields(uncounted, entry['conditions']);
  const ready = conditions['ready'] !== false;
  const endpoint: { -readonly [K in keyof Endpoint]: Endpoint[K] } = {
    addresses: sharedTexts(uncounted, entry['addresses']),
    ready,
    serving: flag(uncounted, conditions['serving']) ?? ready,
    terminating: conditions['terminating'] === true,
  };
  const nodeName = filled(uncounted, entry['nodeName']);
  const pod = filled(uncounted, entry['pod']);
  if (nodeName !== undefined) endpoint.nodeName = nodeName;
  if (pod !== undefined) endpoint.pod = pod;
  return endpoint;
}

export const endpoints = defineKind({
  resource: 'endpoints',
  kind: 'Endpoints',
  place: 'system',
  // Behind Services they repeat the slices; behind the one that stands for istiod they may be what somebody wrote.
  asks: [{ namespace: { place: 'system' } }],
  reduce: (object, odd) => ({
    subsets: objects(odd, object['subsets']).map((subset) => ({
      addresses: addresses(odd, subset['addresses']),
      notReadyAddresses: addresses(odd, subset['notReadyAddresses']),
      ports: objects(odd, subset['ports']).flatMap((entry) => {
        const number = port(odd, entry['port']);
        return number === undefined ? [] : [{ name: text(odd, entry['name']) ?? '', port: number }];
      }),
    })),
  }),
});

function addresses(odd: Tally, value: unknown): readonly string[] {
  return objects(odd, value).flatMap((entry) => filled(odd, entry['ip']) ?? []);
}

export const endpointsFact = defineFact({
  fact: 'endpoints',
  reads: [endpoints],
  place: 'system',
  project(items, projection): readonly Endpoints[] {
    const ports = unlessSame((value) =>
      objects(uncounted, value).map((entry) => ({ name: text(uncounted, entry['name']) ?? '', port: port(uncounted, entry['port']) ?? 0 })),
    );
    return items.map((object) =>
      Object.assign(namespacedEntity(projection, object), {
        subsets: objects(uncounted, object['subsets']).map((subset) => ({
          addresses: sharedTexts(uncounted, subset['addresses']),
          notReadyAddresses: sharedTexts(uncounted, subset['notReadyAddresses']),
          ports: ports(subset['ports']),
        })),
      }),
    );
  },
});

function unlessNone(items: readonly string[]): readonly string[] | undefined {
  return items.length === 0 ? undefined : items;
}
