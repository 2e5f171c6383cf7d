import { type ControlPlane, defineCheck, faultConditions, knownFaults, list } from 'meshdoctor/api';

const wasteful = knownFaults.rows.filter(({ modes }) => modes.some((mode) => mode.startsWith('PERF')));

export default defineCheck({
  id: 'wasteful-release',
  title: 'The release of istiod is not known to waste memory or pushes in a mesh like this',
  severity: 'info',
  certainty: 'likely',
  scope: 'managed',
  advice: true,
  needs: { primary: ['controlPlanes'], member: [] },
  uses: {
    primary: ['remoteSecrets'],
    member: ['remoteSecrets', 'virtualServices'],
  },
  catalogue: ['PERF-01', 'PERF-02'],
  docs: {
    why: 'Some releases keep what they know of a remote cluster after it was removed or its secret renewed, so that istiod grows with every rotation until it is killed. Others send everything to every proxy when nothing changed that proxies could notice. Several clusters multiply both.',
    confirm: 'istioctl --context PRIMARY version; kubectl --context PRIMARY -n istio-system top pods -l app=istiod',
    fix: 'Upgrade to the release that is named. Until then restart istiod after clusters were removed or many secrets renewed.',
    notWhen: 'A mesh whose secrets are hardly ever renewed grows too slowly to notice.',
    see: ['istio/istio#48224', 'istio/istio#57269', 'istio/istio#60033', 'istio/istio#60629'],
  },
  messages: {
    wastes: (a: { controlPlane: ControlPlane; faults: readonly knownFaults.KnownFault[] }) => {
      const [first] = a.faults;
      const fix = first === undefined ? undefined : knownFaults.fixOf(first, a.controlPlane.version);
      return {
        text: `Deployment ${a.controlPlane.namespace}/${a.controlPlane.name} in ${a.controlPlane.ref.cluster} is Istio ${a.controlPlane.version ?? ''}, of which it is known: ${list(a.faults.map(({ effect }) => effect))}.`,
        expected: fix === undefined ? 'a release without it' : `at least ${fix}`,
        found: a.controlPlane.version ?? '',
      };
    },
  },
  *run({ primary, member, controlPlane, couple, mesh, finding }) {
    if (couple.kind !== 'self') return;
    const faults = faultConditions.inUse(wasteful, {
      mesh,
      controlPlane,
      cluster: { virtualServices: member.virtualServices },
      remoteSecrets: [primary.remoteSecrets, member.remoteSecrets],
    });
    if (faults.length === 0) return;
    yield finding(
      'wastes',
      { controlPlane, faults },
      {
        at: controlPlane.ref,
        field: '.spec.template.spec.containers[*].image',
        evidence: faults.map((fault) => ({ ref: controlPlane.ref, observed: `${fault.id}: ${list(fault.issues)}` })),
      },
    );
  },
});
