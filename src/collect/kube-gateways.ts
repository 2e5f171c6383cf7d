import {
  defined,
  type Fields,
  fields,
  filled,
  objects,
  optionalFields,
  port,
  scalarText,
  text,
  textMap,
  type Tally,
} from '../model/decode.ts';
import type { KubeGateway } from '../model/facts.ts';
import type { StringMap } from '../model/kube.ts';
import { defineFact, namespacedEntity, statusMark, uncounted } from './fact.ts';
import { defineKind, reduceStatusOf } from './kind.ts';

/** Gateway of the Kubernetes Gateway API. */
export const kubeGateways = defineKind({
  resource: 'gateways',
  group: 'gateway.networking.k8s.io',
  versions: ['v1', 'v1beta1'],
  kind: 'Gateway',
  reduce(object, odd) {
    const spec = fields(odd, object['spec']);
    return {
      spec: {
        gatewayClassName: text(odd, spec['gatewayClassName']) ?? '',
        listeners: objects(odd, spec['listeners']).flatMap((listener) => listenerOf(odd, listener, optionalFields(odd, listener['tls']))),
        addresses: addresses(odd, spec['addresses']),
      },
      ...reduceStatusOf(object, odd, (status) => ({
        addresses: addresses(odd, status['addresses']),
        conditions: conditions(odd, status['conditions']),
      })),
    };
  },
});

function listenerOf(odd: Tally, listener: Fields, tls: Fields | undefined): KubeGateway['listeners'][number] | [] {
  const number = port(odd, listener['port']);
  if (number === undefined) return [];
  return defined({
    name: text(odd, listener['name']) ?? '',
    port: number,
    protocol: text(odd, listener['protocol']) ?? '',
    hostname: filled(odd, listener['hostname']),
    // A tls block without mode terminates: the API server fills that in, a manifest need not.
    tlsMode: tls === undefined ? undefined : (filled(odd, tls['mode']) ?? 'Terminate'),
    tlsOptions: tls === undefined ? {} : optionsOf(odd, tls['options']),
  });
}

function optionsOf(odd: Tally, value: unknown): StringMap {
  const kept: Record<string, string> = {};
  for (const [key, item] of Object.entries(fields(odd, value))) {
    const option = scalarText(odd, item);
    if (option !== undefined && key.startsWith('gateway.istio.io/')) kept[key] = option;
  }
  return kept;
}

function addresses(odd: Tally, value: unknown): KubeGateway['specAddresses'] {
  return objects(odd, value).flatMap((entry) => {
    const address = filled(odd, entry['value']);
    return address === undefined ? [] : [defined({ type: filled(odd, entry['type']), value: address })];
  });
}

function conditions(odd: Tally, value: unknown): KubeGateway['conditions'] {
  return objects(odd, value).map((condition) => ({
    type: text(odd, condition['type']) ?? '',
    status: text(odd, condition['status']) ?? '',
    reason: text(odd, condition['reason']) ?? '',
  }));
}

export const kubeGatewaysFact = defineFact({
  fact: 'kubeGateways',
  reads: [kubeGateways],
  place: 'all',
  absentIsEmpty: true,
  project: (items, projection): readonly KubeGateway[] =>
    items.map((object) => {
      const spec = fields(uncounted, object['spec']);
      const status = fields(uncounted, object['status']);
      return Object.assign(namespacedEntity(projection, object), statusMark(object), {
        className: text(uncounted, spec['gatewayClassName']) ?? '',
        listeners: objects(uncounted, spec['listeners']).map((listener) =>
          defined({
            name: text(uncounted, listener['name']) ?? '',
            port: port(uncounted, listener['port']) ?? 0,
            protocol: text(uncounted, listener['protocol']) ?? '',
            hostname: filled(uncounted, listener['hostname']),
            tlsMode: filled(uncounted, listener['tlsMode']),
            tlsOptions: textMap(uncounted, listener['tlsOptions']),
          }),
        ),
        specAddresses: addresses(uncounted, spec['addresses']),
        statusAddresses: addresses(uncounted, status['addresses']),
        conditions: conditions(uncounted, status['conditions']),
      });
    }),
});
