import {
  type ClusterName,
  defineCheck,
  type destinationRules,
  distinct,
  type endpoints,
  type IstioResource,
  type Json,
  json,
  list,
  mtlsBarriers,
  refKey,
  remedy,
  type Remedy,
  routeTargets,
  subsetGaps,
  type VirtualService,
  type worlds,
} from 'meshdoctor/api';
import { isOfUsers, readingOf, unknownReading, worldNeeds, worldsIn, worldUses } from '../_area.ts';

export default defineCheck({
  id: 'missing-subset',
  title: 'Subsets that routes name are known on both sides of a gateway between networks',
  severity: 'error',
  certainty: 'certain',
  scope: 'mesh',
  needs: [...worldNeeds, 'virtualServices'],
  uses: worldUses,
  applies: { dataPlane: 'sidecar' },
  path: { hops: ['cluster', 'sni'] },
  catalogue: ['POL-03'],
  explains: [{ code: 'missing-caller-rules', match: 'cluster' }],
  docs: {
    why: 'A subset is part of the server name by which a gateway between networks finds a service. A gateway knows only the subsets of DestinationRules that its own istiod reads and that are exported to its namespace: calls to any other are ended at once, while the same route works within the cluster.',
    confirm:
      'istioctl proxy-config listeners deploy/istio-eastwestgateway.istio-system --context CLUSTER --port 15443 -o json | grep outbound_',
    fix: 'Apply the DestinationRule in every primary, in the namespace of the service, exported to all.',
    notWhen: 'A subset that no route names does no harm.',
    see: ['https://github.com/istio/istio/issues/40673', 'https://github.com/istio/istio/issues/36241'],
  },
  messages: {
    missing: (a: Missing) => ({
      text: `No DestinationRule in ${a.reader} gives ${a.host} ${subsetsOf(a)}, to which VirtualService ${list(a.routes, 'none', 2)} leads callers in ${list(a.callers)}: the gateway of ${list(a.behind)} ends these calls.`,
      expected: `${subsetsOf(a)} of ${a.host} in ${a.reader}, as in ${a.rule.ref.cluster}`,
      found: a.there === undefined ? 'no DestinationRule for the host' : `DestinationRule ${a.there.namespace}/${a.there.name} without it`,
      effect: `calls from ${list(a.callers)} to ${list(a.behind)} fail`,
      remedy: [bring(a)],
    }),
    hidden: (a: Missing) => ({
      text: `DestinationRule ${a.rule.namespace}/${a.rule.name} in ${a.rule.ref.cluster}, which gives ${a.host} ${subsetsOf(a)}, is not for the gateway of ${list(a.behind)}: it ends calls from ${list(a.callers)}.`,
      expected: 'a rule in the namespace of the service, exported to the namespace of the gateway',
      found: `a rule of ${a.rule.namespace}`,
      effect: `calls from ${list(a.callers)} to ${list(a.behind)} fail`,
      certainty: 'likely',
      remedy: [bring(a)],
    }),
    empty: (a: Missing) => ({
      text: `In ${a.reader}, ${subsetsOf(a)} of ${a.host} selects no endpoint behind the gateway of ${list(a.behind)}, though it does for callers in ${list(a.callers)}.`,
      expected: 'the same labels in both',
      found: `other labels in DestinationRule ${a.there?.namespace ?? ''}/${a.there?.name ?? ''}`,
      effect: `calls from ${list(a.callers)} to ${list(a.behind)} fail`,
      remedy: [bring(a)],
    }),
    unknown: (a: Unknown) => ({
      text: `VirtualService ${a.route.namespace}/${a.route.name} in ${a.route.ref.cluster} leads to subset ${list(a.subsets)} of ${a.host}, which only a DestinationRule in ${a.rule.ref.cluster} defines.`,
      expected: `a DestinationRule in ${a.route.ref.cluster} with it`,
      found: 'none',
      effect: `calls in ${a.route.ref.cluster} get 503`,
      remedy: [applied(a.config, a.rule)],
    }),
  },
  *run({ clusters, mesh, finding, undecided }) {
    const all = worldsIn(mesh, clusters);
    if (all.every((world) => targetsOf(world).length === 0)) return;
    const { known, missing } = readingOf(all);
    if (missing.length > 0) yield undecided(unknownReading, { missing });
    const policies = new Map(known.map((world) => [world, mtlsBarriers.policiesOf(world)]));
    const gaps = new Map<string, Found>();
    const unknown = new Map<string, Unknown>();
    for (const world of known) {
      for (const target of targetsOf(world)) {
        const service = world.predictions.services.get(target.host);
        const first = service?.instances[0]?.service;
        if (service === undefined || first === undefined || !isOfUsers(first, mesh)) continue;
        const rule = ruleWith(policies.get(world), service, target);
        if (rule === undefined) {
          const other = definedElsewhere(world, policies, service, target.subset);
          if (other !== undefined && world.callers.length > 0) note(unknown, world, target, other);
          continue;
        }
        for (const gap of subsetGaps.subsetGaps({ world, service, rule, subset: target.subset }, known, policies)) {
          const key = `${gap.is} ${target.host} ${gap.reader.config} ${refKey(rule.object.ref)}`;
          const same = gaps.get(key) ?? { service, rule, found: [] };
          gaps.set(key, same);
          same.found.push({ gap, target });
        }
      }
    }
    const lacks = clusters.flatMap(({ name }) =>
      (['istioResources', 'pods', 'services'] as const).map((fact) => ({ cluster: name, fact })),
    );
    for (const { service, rule, found } of gaps.values()) {
      const [first] = found;
      if (first === undefined) continue;
      const { gap } = first;
      const args = argsOf(service, rule, found, gap);
      yield finding(gap.is, args, {
        at: gap.is === 'empty' && gap.there !== undefined ? gap.there.ref : rule.object.ref,
        field: '.spec.subsets',
        related: [...found.map(({ target }) => target.route.ref), ...(gap.there === undefined ? [] : [gap.there.ref])],
        evidence: [{ ref: rule.object.ref, field: '.spec.subsets', observed: list(args.subsets) }],
        concerns: distinct<ClusterName>([...args.callers, ...args.behind]),
        lacks,
        subject: `${service.host} ${gap.reader.config}`,
      });
    }
    for (const args of unknown.values()) {
      yield finding('unknown', args, {
        at: args.route.ref,
        related: [args.rule.ref],
        evidence: [{ ref: args.rule.ref, field: '.spec.subsets', observed: list(args.subsets) }],
        concerns: args.callers,
        lacks,
        subject: args.host,
      });
    }
  },
});

interface Missing {
  readonly host: string;
  /** The rule by which callers know the subset. */
  readonly rule: IstioResource;
  /** The rule that counts for the gateway. */
  readonly there: IstioResource | undefined;
  /** The cluster whose configuration the gateway's istiod reads. */
  readonly reader: ClusterName;
  readonly subsets: readonly string[];
  readonly routes: readonly string[];
  readonly callers: readonly ClusterName[];
  readonly behind: readonly ClusterName[];
  /** Of the service. */
  readonly namespace: string;
}

interface Unknown {
  readonly route: VirtualService;
  readonly host: string;
  readonly rule: IstioResource;
  readonly subsets: string[];
  /** Where the rule is missing. */
  readonly config: ClusterName;
  readonly callers: readonly ClusterName[];
}

interface Found {
  readonly service: endpoints.RegisteredService;
  readonly rule: destinationRules.AppliedRule;
  readonly found: { readonly gap: subsetGaps.SubsetGap; readonly target: Target }[];
}

interface Target {
  readonly route: VirtualService;
  readonly host: string;
  readonly subset: string;
}

function targetsOf({ applied: { virtualServices, clusterDomain } }: worlds.World): Target[] {
  return virtualServices.flatMap((route) =>
    routeTargets.routeTargets(route, clusterDomain).flatMap(({ host, subset }) => (subset === undefined ? [] : [{ route, host, subset }])),
  );
}

/** The rule that gives callers the subset: for the route's own namespace, that of the service, or any. */
function ruleWith(policies: mtlsBarriers.Policies | undefined, service: endpoints.RegisteredService, { route, subset }: Target) {
  return [route.namespace, service.namespace, '']
    .map((namespace) => policies?.rules(service, namespace))
    .find((rule) => rule?.subsets.some(({ name }) => name === subset));
}

function definedElsewhere(
  world: worlds.World,
  policies: ReadonlyMap<worlds.World, mtlsBarriers.Policies>,
  service: endpoints.RegisteredService,
  subset: string,
): IstioResource | undefined {
  return [...policies]
    .filter(([{ config }]) => config !== world.config)
    .map(([, other]) => other.rules(service, service.namespace))
    .find((rule) => rule?.subsets.some(({ name }) => name === subset))?.object;
}

function note(unknown: Map<string, Unknown>, world: worlds.World, { route, host, subset }: Target, rule: IstioResource): void {
  const key = `${refKey(route.ref)} ${host}`;
  const callers = distinct<ClusterName>(world.callers.map(({ cluster }) => cluster));
  const same = unknown.get(key) ?? { route, host, rule, subsets: [], config: world.config, callers };
  unknown.set(key, same);
  if (!same.subsets.includes(subset)) same.subsets.push(subset);
}

function argsOf(
  { host, namespace }: endpoints.RegisteredService,
  { object }: destinationRules.AppliedRule,
  found: Found['found'],
  { reader, there }: subsetGaps.SubsetGap,
): Missing {
  return {
    host,
    namespace,
    rule: object,
    there,
    reader: reader.config,
    subsets: distinct(found.map(({ target }) => target.subset)),
    routes: distinct(found.map(({ target: { route } }) => `${route.namespace}/${route.name}`)),
    callers: distinct<ClusterName>(found.map(({ gap }) => gap.caller)),
    behind: distinct<ClusterName>(found.map(({ gap }) => gap.home)),
  };
}

function subsetsOf({ subsets }: Missing): string {
  return `${subsets.length > 1 ? 'subsets' : 'subset'} ${list(subsets)}`;
}

/** The subsets into the rule that counts for the gateway, or the callers' rule beside it. */
function bring({ reader, there, rule, subsets, namespace }: Missing): Remedy {
  if (there === undefined) return applied(reader, rule, namespace);
  const isNamed = (subset: Json): boolean => subsets.includes(json.textAt(subset, 'name') ?? '');
  const kept = json.itemsAt(there.spec, 'subsets').filter((subset) => !isNamed(subset));
  return remedy.patch(there.ref, { spec: { subsets: [...kept, ...json.itemsAt(rule.spec, 'subsets').filter(isNamed)] } });
}

/** The callers' rule where it counts for everybody; a short name is one of the rule's own namespace. */
function applied(to: ClusterName, rule: IstioResource, namespace = rule.namespace): Remedy {
  const { exportTo: _private, ...spec } = json.fieldsAt(rule.spec);
  const host = json.textAt(rule.spec, 'host') ?? '';
  return remedy.apply(to, {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: rule.name, namespace },
    spec: { ...spec, host: host.includes('.') ? host : `${host}.${rule.namespace}.svc.cluster.local` },
  });
}
