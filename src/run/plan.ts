import { sideNeeds } from '../api/check.ts';
import { type Read, readsFor } from '../collect/facts.ts';
import type { RegisteredCheck } from '../engine/types.ts';
import { topologyFacts } from '../mesh/topology.ts';
import type { FactName } from '../model/facts.ts';
import { type Footprint, reaches } from '../base/footprint.ts';

/** What probes are planned from: pods to ask, gateways to knock at, and what is behind them. */
const probeFacts: readonly FactName[] = [
  'controlPlanes',
  'kubeGateways',
  'meshConfigs',
  'namespaces',
  'nodes',
  'pods',
  'services',
  'endpointSlices',
];

/** The lists that a run reads of a live cluster: what the selected checks need or use, what the topology is inferred from, and what probes are planned from. */
export function plannedReads(checks: readonly RegisteredCheck[], probe: Footprint): readonly Read[] {
  const facts = new Set<FactName>([
    ...topologyFacts,
    ...checks.flatMap(({ check }) => [...sideNeeds(check.needs, 'any'), ...sideNeeds(check.uses, 'any')]),
    ...(probe === 'off' ? [] : probeFacts),
  ]);
  return readsFor(facts);
}

/** Checks by id, with the ids of the kinds of object that each rests on, those that tell the topology included. */
export function kindsRead(checks: readonly RegisteredCheck[]): ReadonlyMap<string, readonly string[]> {
  return new Map(checks.map((one) => [one.check.id, plannedReads([one], 'off').map(({ kind }) => kind.id)]));
}

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** Least rights for these reads and probes, one rule per group and set of verbs, sorted. `/version` and `/apis` are open to everybody (system:discovery). */
export function rulesFor(reads: readonly Read[], probe: Footprint): readonly PolicyRule[] {
  const groups = new Map<string, Set<string>>();
  for (const { group, resource } of reads) groups.set(group, (groups.get(group) ?? new Set()).add(resource));
  const listed = [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([group, resources]) => ({ apiGroups: [group], resources: [...resources].sort(), verbs: ['list'] }));
  return [
    ...listed,
    // The root that gateways' certificates are held against.
    ...(probe === 'off' ? [] : [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }]),
    // An upgrade over websocket needs get before Kubernetes 1.35, and create since.
    ...(reaches(probe, 'query') ? [{ apiGroups: [''], resources: ['pods/portforward'], verbs: ['create', 'get'] }] : []),
    // A dry run takes the right to do it.
    ...(reaches(probe, 'pod')
      ? [
          { apiGroups: [''], resources: ['pods'], verbs: ['create', 'delete', 'get'] },
          { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
        ]
      : reaches(probe, 'dry-run')
        ? [{ apiGroups: [''], resources: ['pods'], verbs: ['create'] }]
        : []),
  ];
}
