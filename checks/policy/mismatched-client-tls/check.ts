import {
  defineCheck,
  destinationRules,
  distinct,
  type IstioResource,
  type Json,
  json,
  list,
  objectPath,
  refKey,
  remedy,
} from 'meshdoctor/api';
import {
  barredFor,
  type BarredFor,
  type Consequence,
  effectOf,
  gradeOf,
  readingOf,
  servicesOf,
  unknownReading,
  whereOf,
  worldNeeds,
  worldsIn,
  worldUses,
} from '../_area.ts';

export default defineCheck({
  id: 'mismatched-client-tls',
  title: 'No DestinationRule makes callers use anything but mutual TLS towards other networks',
  severity: 'error',
  certainty: 'certain',
  scope: 'mesh',
  needs: worldNeeds,
  uses: worldUses,
  applies: { networks: 'multi', dataPlane: 'sidecar' },
  path: { hops: ['endpoints', 'sni', 'mtls'] },
  catalogue: ['POL-02'],
  explains: [
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
    { code: 'missing-caller-rules', match: 'cluster' },
  ],
  docs: {
    why: 'Gateways between networks find the service by the server name of mutual TLS. Where the DestinationRule of a host sets another TLS mode, istiod leaves its endpoints on other networks out; where the rule counts for a gateway, the gateway has no endpoint.',
    confirm: 'kubectl --context PRIMARY get destinationrules -A -o yaml | grep -E "host:|mode:"',
    fix: 'Set trafficPolicy.tls.mode to ISTIO_MUTUAL, or take the tls block out: then mutual TLS is used wherever a sidecar takes it.',
    notWhen: 'A rule for a host whose pods have no sidecar is right, and is not reported.',
    since: '1.20; calls failed before',
    see: ['https://github.com/istio/istio/issues/46555', 'https://github.com/istio/istio/issues/38704'],
  },
  messages: {
    mismatched: (a: { rule: IstioResource; modes: readonly string[]; consequences: readonly Consequence[] }) => ({
      ...gradeOf(a.consequences),
      text: `DestinationRule ${a.rule.namespace}/${a.rule.name} in ${a.rule.ref.cluster} sets TLS mode ${list(a.modes)} for ${servicesOf(a.consequences)}: ${effectOf(a.consequences)}.`,
      expected: 'ISTIO_MUTUAL, or no tls block',
      found: list(a.modes),
      effect: effectOf(a.consequences),
      remedy: [
        remedy.patch(a.rule.ref, { spec: mutual(a.rule.spec) }, { note: 'for a host outside the mesh, name it in a rule of its own' }),
      ],
    }),
  },
  *run({ clusters, mesh, finding, undecided }) {
    const all = worldsIn(mesh, clusters);
    if (!all.some(({ applied }) => destinationRules.allRules(applied).some(setsOtherMode))) return;
    const { known, missing } = readingOf(all);
    if (missing.length > 0) yield undecided(unknownReading, { missing });
    const byRule = new Map<string, { rule: IstioResource; modes: Set<string>; found: BarredFor[] }>();
    for (const one of barredFor(known, mesh, ({ barrier }) => barrier.why === 'destination-rule')) {
      for (const { barrier } of one.barred) {
        if (barrier.why !== 'destination-rule') continue;
        const key = refKey(barrier.by.ref);
        const group = byRule.get(key) ?? { rule: barrier.by, modes: new Set(), found: [] };
        byRule.set(key, group);
        group.modes.add(barrier.mode);
        if (group.found.at(-1) !== one) group.found.push(one);
      }
    }
    for (const { rule, modes, found } of byRule.values()) {
      const consequences = found.map(({ consequence }) => consequence);
      yield finding(
        'mismatched',
        { rule, modes: distinct(modes), consequences },
        {
          at: rule.ref,
          field: '.spec.trafficPolicy.tls.mode',
          evidence: found.slice(0, 10).map(({ consequence, barred }) => ({
            ref: barred[0]?.endpoint.ref ?? rule.ref,
            observed: `${consequence.service} for callers in ${consequence.callers}: without ${list(
              barred.map(({ endpoint }) => endpoint.address),
              'none',
              3,
            )}`,
          })),
          ...whereOf(consequences, clusters),
          subject: objectPath(rule.ref),
        },
      );
    }
  },
});

function setsOtherMode({ policy, subsets }: destinationRules.AppliedRule): boolean {
  const policies = [policy, ...subsets.map((subset) => subset.policy)];
  return policies.some((one) =>
    [one, ...(one?.ports ?? [])].some((settings) => settings?.tlsMode !== undefined && settings.tlsMode !== 'ISTIO_MUTUAL'),
  );
}

/** The same trafficPolicy with ISTIO_MUTUAL for every other mode: certificates go, which Istio would refuse beside it. */
function mutual(spec: Json): Json {
  const tls = json.fieldAt(spec, 'trafficPolicy', 'tls');
  const settings = json.itemsAt(spec, 'trafficPolicy', 'portLevelSettings');
  const gone = Object.fromEntries(Object.keys(json.fieldsAt(tls)).map((key) => [key, null]));
  return {
    trafficPolicy: {
      ...(tls === undefined ? {} : { tls: { ...gone, mode: 'ISTIO_MUTUAL' } }),
      ...(settings.length === 0 ? {} : { portLevelSettings: settings.map(mutualPort) }),
    },
  };
}

function mutualPort(settings: Json): Json {
  const own = json.fieldsAt(settings);
  return own['tls'] === undefined ? own : { ...own, tls: { mode: 'ISTIO_MUTUAL' } };
}
