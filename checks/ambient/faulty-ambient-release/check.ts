import { ambient, type ControlPlane, defineCheck, knownFaults, list } from 'meshdoctor/api';
import { istiodsOf } from '../_area.ts';

export default defineCheck({
  id: 'faulty-ambient-release',
  title: 'The release serves ambient in several clusters without known faults of its own',
  severity: 'info',
  certainty: 'likely',
  scope: 'cluster',
  advice: true,
  needs: ['controlPlanes'],
  applies: { dataPlane: 'ambient' },
  catalogue: ['AMB-13', 'AMB-16'],
  docs: {
    why: 'Ambient in several clusters is young. Releases up to 1.28.3 now and then forget what they read of other clusters, later ones serve only their own after a start or keep what they read before a remote secret was renewed, and before 1.30 a pooled connection could carry a call to another service than the one it was made for.',
    confirm: 'istioctl --context CLUSTER version; istioctl --context CLUSTER ztunnel-config service',
    fix: 'Upgrade istiod, ztunnel, gateways and waypoints to the release that is named. When it has struck, restart istiod.',
    notWhen: 'Ambient stays inside each cluster. Releases of vendors may have a fix earlier.',
    since: '1.27',
    see: ['https://github.com/istio/istio/issues/60033', 'https://github.com/istio/istio/issues/58047'],
  },
  messages: {
    staleClusters: (a: Affected) => ({
      ...affected(a, 'may serve ambient stale data, or data of its own cluster only'),
    }),
    mixedPools: (a: Affected) => ({
      ...affected(a, 'is of a release in which a call between networks may be answered by the wrong service'),
    }),
  },
  *run({ cluster, mesh, finding }) {
    if (mesh.members.size < 2) return;
    for (const istiod of istiodsOf(cluster, mesh).filter(ambient.isMultiNetwork)) {
      const faults = knownFaults.faultsOf(istiod.version).filter(({ harmless }) => harmless !== true);
      const stale = faults.filter(({ modes }) => modes.includes('AMB-13') && !modes.some((mode) => mode.startsWith('PERF')));
      const mixed = faults.filter(({ modes }) => modes.includes('AMB-16'));
      const where = { at: istiod.ref, field: '.spec.template.spec.containers[*].image' };
      const evidence = (found: readonly KnownFault[]) =>
        found.map(({ id, issues }) => ({ ref: istiod.ref, observed: `${id}: ${list(issues)}` }));
      if (stale.length > 0) yield finding('staleClusters', { istiod, faults: stale }, { ...where, evidence: evidence(stale) });
      if (mixed.length > 0 && mesh.networks.length > 1)
        yield finding('mixedPools', { istiod, faults: mixed }, { ...where, evidence: evidence(mixed) });
    }
  },
});

type KnownFault = knownFaults.KnownFault;

interface Affected {
  readonly istiod: ControlPlane;
  readonly faults: readonly KnownFault[];
}

function affected({ istiod, faults }: Affected, what: string) {
  const fixes = [...new Set(faults.flatMap((fault) => knownFaults.fixOf(fault, istiod.version) ?? []))];
  return {
    text: `Deployment ${istiod.namespace}/${istiod.name} in ${istiod.ref.cluster} (${istiod.version ?? ''}) ${what}.`,
    expected: fixes.length === 0 ? 'a release with the fix' : `${list(fixes)} or newer`,
    found: istiod.version ?? '',
    effect: list(faults.map(({ effect }) => effect)),
    remedy: [],
  };
}
