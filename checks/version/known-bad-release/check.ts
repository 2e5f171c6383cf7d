import { type ControlPlane, defineCheck, faultConditions, knownFaults, list } from 'meshdoctor/api';
import { spelledIstiod } from '../_area.ts';

type KnownFault = knownFaults.KnownFault;

/** What only costs memory or pushes is a question of its own, and what every mesh can meet is none of clusters. */
const ofClusters = knownFaults.rows.filter(
  ({ conditions, modes, harmless }) => conditions.length > 0 && harmless !== true && !modes.every((mode) => mode.startsWith('PERF')),
);

export default defineCheck({
  id: 'known-bad-release',
  title: 'The release of istiod has no known fault that this mesh can meet',
  severity: 'info',
  certainty: 'likely',
  scope: 'managed',
  advice: true,
  needs: { primary: ['controlPlanes'], member: [] },
  uses: {
    primary: ['remoteSecrets'],
    member: ['remoteSecrets', 'namespaces', 'services', 'injectors', 'meshConfigs', 'istioResources', 'kubeGateways'],
  },
  catalogue: ['VER-05'],
  docs: {
    why: 'Some faults are Istio’s own, and only meshes of several clusters meet them: a remote secret that is renewed and a cluster that is lost until istiod restarts, gateways that are forgotten, waypoints that are passed by. They look like mistakes in the configuration and are none.',
    confirm: 'istioctl --context PRIMARY version',
    fix: 'Upgrade to the release that is named, or avoid what sets the fault off until then; where it has struck, restart istiod.',
    notWhen: 'Releases of vendors may have a fix earlier than the release of the same number.',
    see: ['https://istio.io/latest/news/releases/'],
  },
  messages: {
    affected: (a: { controlPlane: ControlPlane; faults: readonly KnownFault[] }) => {
      const fixes = a.faults.map((fault) => knownFaults.fixOf(fault, a.controlPlane.version));
      return {
        text: `Deployment ${a.controlPlane.namespace}/${a.controlPlane.name} in ${a.controlPlane.ref.cluster} is ${spelledIstiod(a.controlPlane)}, in which ${spelled(a.faults[0])}${more(a.faults)}.`,
        expected: fixes.includes(undefined) ? 'a release without these faults' : `at least ${newest(fixes)}`,
        found: a.controlPlane.version ?? '',
        effect: list(a.faults.map((fault) => `${spelled(fault)} (${fault.issues[0] ?? ''})`)),
      };
    },
  },
  *run({ primary, member, controlPlane, couple, mesh, finding }) {
    if (couple.kind !== 'self') return;
    const faults = faultConditions.inUse(ofClusters, {
      mesh,
      controlPlane,
      cluster: member,
      remoteSecrets: [primary.remoteSecrets, member.remoteSecrets],
    });
    if (faults.length === 0) return;
    yield finding(
      'affected',
      { controlPlane, faults },
      {
        at: controlPlane.ref,
        field: '.spec.template.spec.containers[*].image',
        subject: 'release',
        evidence: faults.map((fault) => ({ ref: controlPlane.ref, observed: `${fault.id}: ${list(fault.issues)}` })),
      },
    );
  },
});

function spelled(fault: KnownFault | undefined): string {
  if (fault === undefined) return '';
  return fault.trigger === 'always' ? fault.effect : `after ${article(fault.trigger)} ${fault.trigger} ${fault.effect}`;
}

function article(noun: string): string {
  return noun === 'upgrade' ? 'an' : 'a';
}

function more(faults: readonly KnownFault[]): string {
  return faults.length > 1
    ? `, and has ${faults.length - 1} more known ${faults.length === 2 ? 'fault' : 'faults'} that this mesh can meet`
    : '';
}

/** Fixes are in the order of their faults, which is that of their releases only by and large. */
function newest(fixes: readonly (string | undefined)[]): string {
  return fixes.reduce((last, fix) => (fix !== undefined && (last === undefined || isLater(fix, last)) ? fix : last), undefined) ?? '';
}

function isLater(one: string, other: string): boolean {
  const [a = [], b = []] = [one, other].map((text) => text.split('.').map(Number));
  for (const [index, part] of a.entries()) if (part !== (b[index] ?? 0)) return part > (b[index] ?? 0);
  return false;
}
