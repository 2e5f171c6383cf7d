import { type ControlPlane, count, defineCheck, shellWord, versions } from 'meshdoctor/api';
import { byCluster, spelledIstiod } from '../_area.ts';

/** Minor releases between control planes that are nothing to speak of. */
const usual = 1;

export default defineCheck({
  id: 'distant-control-planes',
  title: 'Control planes of one mesh are at most one minor release apart',
  severity: 'warning',
  certainty: 'possible',
  scope: 'mesh',
  partial: true,
  needs: ['controlPlanes'],
  catalogue: ['VER-01'],
  docs: {
    why: 'Istiods of several clusters do not talk to each other, so that nothing forbids any distance. But what they make of the same services differs with the release: which endpoints go by a gateway, which trust domain is expected, what is read of other clusters. A mesh that is many releases apart behaves differently from each side.',
    confirm: 'istioctl --context CLUSTER version',
    fix: 'Upgrade the cluster that lags behind, one minor release at a time.',
    notWhen: 'In the middle of an upgrade a distance of a few releases is meant. Several revisions in one cluster count by the nearest.',
    see: ['istio/istio.io#12971', 'istio/istio#51795'],
  },
  messages: {
    apart: (a: Distance) => ({
      text: `Control planes are ${count(a.minors, 'minor release')} apart: ${spelledIstiod(a.older)} and ${spelledIstiod(a.newer)} may treat the same services differently.`,
      expected: 'at most one minor release apart',
      found: `${a.older.version ?? ''} and ${a.newer.version ?? ''}`,
      confirm: [a.older, a.newer].map(({ ref }) => `istioctl --context ${shellWord(ref.cluster)} version`),
    }),
  },
  *run({ clusters, finding }) {
    const homes = byCluster(clusters);
    for (const own of homes) {
      // Each that lags behind is told once, and compared with the one that is furthest ahead of it.
      const distances = homes
        .flatMap((other) => (other === own ? [] : (nearestOf(own, other) ?? [])))
        .filter(({ older }) => own.includes(older));
      const widest = distances.reduce<Distance | undefined>(
        (last, next) => (next.minors > (last?.minors ?? usual) ? next : last),
        undefined,
      );
      if (widest === undefined) continue;
      const { older, newer } = widest;
      yield finding('apart', widest, {
        at: older.ref,
        related: [newer.ref],
        concerns: [older.ref.cluster, newer.ref.cluster],
        evidence: [older, newer].map(({ ref, version }) => ({
          ref,
          field: '.spec.template.spec.containers[*].image',
          observed: version ?? '',
        })),
      });
    }
  },
});

interface Distance {
  readonly older: ControlPlane;
  readonly newer: ControlPlane;
  readonly minors: number;
}

/** The two that are least apart: with several revisions an upgrade is under way, and half of it is done. */
function nearestOf(one: readonly ControlPlane[], other: readonly ControlPlane[]): Distance | undefined {
  let nearest: Distance | undefined;
  for (const a of one) {
    for (const b of other) {
      const minors = versions.minorsBetween(a.version, b.version);
      if (minors === undefined || Math.abs(minors) >= (nearest?.minors ?? Number.POSITIVE_INFINITY)) continue;
      nearest = minors >= 0 ? { older: a, newer: b, minors } : { older: b, newer: a, minors: -minors };
    }
  }
  return nearest;
}
