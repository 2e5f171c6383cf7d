import { defineCheck, type IstioResource, type Json, list, objectPath, peerAuthentications, refKey, remedy } from 'meshdoctor/api';
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
  id: 'disabled-mutual-tls',
  title: 'No PeerAuthentication takes services from callers of other networks',
  severity: 'error',
  certainty: 'certain',
  scope: 'mesh',
  needs: worldNeeds,
  uses: worldUses,
  applies: { networks: 'multi', dataPlane: 'sidecar' },
  path: { hops: ['endpoints', 'sni', 'mtls'] },
  catalogue: ['POL-01'],
  explains: [
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
  ],
  docs: {
    why: 'Gateways between networks find the service by the server name of mutual TLS. istiod therefore leaves endpoints out for which a PeerAuthentication says DISABLE, for callers of other networks and for the gateways themselves. Nobody is told.',
    confirm: 'kubectl --context PRIMARY get peerauthentications -A -o yaml | grep -B2 DISABLE',
    fix: 'Set the mode to PERMISSIVE, which takes plain text and mutual TLS, or STRICT.',
    notWhen:
      'A service that is meant for its own cluster or network only may turn mutual TLS off. Ports of portLevelMtls are those of the workload, not of the Service.',
    see: ['https://github.com/istio/istio/issues/28798', 'https://github.com/istio/istio/issues/30705'],
  },
  messages: {
    disabled: (a: { policy: IstioResource; consequences: readonly Consequence[] }) => ({
      ...gradeOf(a.consequences),
      text: `PeerAuthentication ${a.policy.namespace}/${a.policy.name} in ${a.policy.ref.cluster} turns mutual TLS off for ${servicesOf(a.consequences)}: ${effectOf(a.consequences)}.`,
      expected: 'PERMISSIVE or STRICT',
      found: 'DISABLE',
      effect: effectOf(a.consequences),
      remedy: [remedy.patch(a.policy.ref, { spec: permissive(a.policy.spec) }, { note: 'sidecars then take plain text and mutual TLS' })],
    }),
  },
  *run({ clusters, mesh, finding, undecided }) {
    const all = worldsIn(mesh, clusters);
    if (all.every(({ applied }) => !peerAuthentications.disablesMutualTls(applied))) return;
    const { known, missing } = readingOf(all);
    if (missing.length > 0) yield undecided(unknownReading, { missing });
    const byPolicy = new Map<string, { policy: IstioResource; found: BarredFor[] }>();
    for (const one of barredFor(known, mesh, ({ barrier }) => barrier.why === 'peer-authentication')) {
      for (const { barrier } of one.barred) {
        if (barrier.why !== 'peer-authentication') continue;
        const key = refKey(barrier.by.ref);
        const group = byPolicy.get(key) ?? { policy: barrier.by, found: [] };
        byPolicy.set(key, group);
        if (group.found.at(-1) !== one) group.found.push(one);
      }
    }
    for (const { policy, found } of byPolicy.values()) {
      const consequences = found.map(({ consequence }) => consequence);
      yield finding(
        'disabled',
        { policy, consequences },
        {
          at: policy.ref,
          field: '.spec',
          evidence: found.slice(0, 10).map(({ consequence, barred }) => ({
            ref: barred[0]?.endpoint.ref ?? policy.ref,
            observed: `${consequence.service} for callers in ${consequence.callers}: without ${list(
              barred.map(({ endpoint }) => endpoint.address),
              'none',
              3,
            )}`,
          })),
          ...whereOf(consequences, clusters),
          subject: objectPath(policy.ref),
        },
      );
    }
  },
});

/** The same modes, but PERMISSIVE for DISABLE. */
function permissive(spec: Json): Json {
  if (typeof spec !== 'object' || spec === null) return {};
  const changes: Record<string, Json> = {};
  for (const [key, value] of Object.entries(spec)) {
    if (key === 'mode' && value === 'DISABLE') changes[key] = 'PERMISSIVE';
    else if (key === 'mtls' || key === 'portLevelMtls' || /^\d+$/.test(key)) changes[key] = permissive(value);
  }
  return changes;
}
