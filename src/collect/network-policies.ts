import { defined, type Fields, fields, filled, objects, optionalFields, port, text, type Tally, texts } from '../model/decode.ts';
import type { NetworkPolicy, NetworkPolicyRule } from '../model/facts.ts';
import type { ReducedObject } from '../model/snapshot.ts';
import { defineFact, namespacedEntity, uncounted } from './fact.ts';
import { defineKind } from './kind.ts';
import { selectorOf } from './selectors.ts';

/** What keeps connections from pods, or pods from connections, where the network of the cluster enforces it. */
export const networkPolicies = defineKind({
  group: 'networking.k8s.io',
  resource: 'networkpolicies',
  kind: 'NetworkPolicy',
  reduce(object, odd) {
    const spec = fields(odd, object['spec']);
    return {
      spec: defined({
        podSelector: reduceSelector(odd, spec['podSelector']),
        policyTypes: spec['policyTypes'] === undefined ? undefined : texts(odd, spec['policyTypes']),
        ingress: reduceRules(odd, spec['ingress'], 'from'),
        egress: reduceRules(odd, spec['egress'], 'to'),
      }),
    };
  },
});

/** A selector as it is written: one that is not there differs from an empty one. */
function reduceSelector(odd: Tally, value: unknown): Fields | undefined {
  return value === undefined || value === null ? undefined : { ...selectorOf(odd, value) };
}

function reduceRules(odd: Tally, value: unknown, peers: 'from' | 'to'): readonly Fields[] | undefined {
  if (value === undefined || value === null) return undefined;
  return objects(odd, value).map((rule) =>
    defined({
      ports: objects(odd, rule['ports']).map((entry) =>
        defined({
          protocol: filled(odd, entry['protocol']),
          port: typeof entry['port'] === 'string' ? entry['port'] : port(odd, entry['port']),
          endPort: port(odd, entry['endPort']),
        }),
      ),
      [peers]: objects(odd, rule[peers]).map((peer) => {
        const block = optionalFields(odd, peer['ipBlock']);
        return defined({
          podSelector: reduceSelector(odd, peer['podSelector']),
          namespaceSelector: reduceSelector(odd, peer['namespaceSelector']),
          ipBlock: block === undefined ? undefined : { cidr: text(odd, block['cidr']) ?? '', except: texts(odd, block['except']) },
        });
      }),
    }),
  );
}

export const networkPoliciesFact = defineFact({
  fact: 'networkPolicies',
  reads: [networkPolicies],
  place: 'all',
  absentIsEmpty: true,
  project: (items, projection): readonly NetworkPolicy[] =>
    items.map((object) => {
      const spec = fields(uncounted, object['spec']);
      return Object.assign(namespacedEntity(projection, object), {
        podSelector: selectorOf(uncounted, spec['podSelector']),
        ...directionsOf(spec),
      });
    }),
});

/** Without policyTypes every policy is about ingress, and about egress if it has rules for it (k8s.io/api/networking/v1: NetworkPolicySpec). */
function directionsOf(spec: ReducedObject | Fields): Pick<NetworkPolicy, 'ingress' | 'egress'> {
  const types = spec['policyTypes'] === undefined ? undefined : texts(uncounted, spec['policyTypes']);
  const egress = objects(uncounted, spec['egress']);
  const isAboutIngress = types === undefined || types.length === 0 || types.includes('Ingress');
  const isAboutEgress = types === undefined || types.length === 0 ? egress.length > 0 : types.includes('Egress');
  return {
    ...(isAboutIngress ? { ingress: objects(uncounted, spec['ingress']).map((rule) => ruleOf(rule, 'from')) } : undefined),
    ...(isAboutEgress ? { egress: egress.map((rule) => ruleOf(rule, 'to')) } : undefined),
  };
}

function ruleOf(rule: Fields, peers: 'from' | 'to'): NetworkPolicyRule {
  return {
    ports: objects(uncounted, rule['ports']).map((entry) =>
      defined({
        protocol: filled(uncounted, entry['protocol']) ?? 'TCP',
        port: typeof entry['port'] === 'string' ? entry['port'] : port(uncounted, entry['port']),
        endPort: port(uncounted, entry['endPort']),
      }),
    ),
    peers: objects(uncounted, rule[peers]).map((peer) => {
      const block = optionalFields(uncounted, peer['ipBlock']);
      return defined({
        podSelector: peer['podSelector'] === undefined ? undefined : selectorOf(uncounted, peer['podSelector']),
        namespaceSelector: peer['namespaceSelector'] === undefined ? undefined : selectorOf(uncounted, peer['namespaceSelector']),
        ipBlock:
          block === undefined ? undefined : { cidr: text(uncounted, block['cidr']) ?? '', except: texts(uncounted, block['except']) },
      });
    }),
  };
}
