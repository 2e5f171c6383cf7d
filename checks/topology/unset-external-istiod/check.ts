import {
  type ClusterName,
  type ControlPlane,
  defineCheck,
  installAgain,
  kubectl,
  leadership,
  list,
  refKey,
  remedy,
  selectors,
  shellWord,
  containers,
} from 'meshdoctor/api';
import { dutyOf } from '../_area.ts';

const field = '.spec.template.spec.containers[*].env["EXTERNAL_ISTIOD"]';

export default defineCheck({
  id: 'unset-external-istiod',
  title: 'An istiod that manages remote clusters is installed as external istiod',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes'], member: [] },
  uses: { primary: ['pods', 'leaderElections'], member: ['leaderElections', 'clock'] },
  explains: [
    { code: 'unled-remote', match: 'cluster' },
    { code: 'stale-ca-bundle', match: 'cluster' },
    { code: 'foreign-root', match: 'cluster' },
    { code: 'missing-root', match: 'cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
  ],
  catalogue: ['ID-10'],
  docs: {
    why: 'Without EXTERNAL_ISTIOD=true istiod never reads topology.istio.io/controlPlaneClusters, whatever it says: it distributes no root certificate in its remotes and does not patch their injectors.',
    confirm:
      'kubectl --context PRIMARY -n istio-system get deployments -l app=istiod -o jsonpath=\'{..env[?(@.name=="EXTERNAL_ISTIOD")]}\'',
    fix: 'Install the primary with values.global.externalIstiod=true (with Helm before 1.23 also values.pilot.env.EXTERNAL_ISTIOD=true).',
    notWhen: 'Multi-primary meshes do not need it: every cluster has an istiod of its own.',
    see: ['https://istio.io/latest/docs/setup/install/multicluster/primary-remote/'],
  },
  messages: {
    unset: (a: { controlPlane: ControlPlane; remotes: readonly ClusterName[]; leader: 'led' | 'stale' | 'unknown' }) => {
      const { ref, name, namespace } = a.controlPlane;
      const value = a.controlPlane.env['EXTERNAL_ISTIOD'];
      return {
        text: `Deployment ${namespace}/${name} in ${ref.cluster} ${a.leader === 'stale' ? 'does' : 'will'} not manage ${list(a.remotes)}${a.leader === 'stale' ? '' : ' once it restarts'}, because EXTERNAL_ISTIOD is not true.`,
        expected: 'EXTERNAL_ISTIOD=true',
        found: value === undefined ? 'EXTERNAL_ISTIOD is not set' : `EXTERNAL_ISTIOD=${value}`,
        effect: `new namespaces in ${list(a.remotes)} get no root certificate, so their pods do not start; caBundles of injectors there are not kept right`,
        confirm: [`${kubectl(ref)} get deployment ${shellWord(name)} -o yaml | grep -A1 'name: EXTERNAL_ISTIOD'`],
        remedy: [
          remedy.setEnv(
            ref,
            containers.istiod,
            { EXTERNAL_ISTIOD: 'true' },
            { note: 'restarts istiod; the next installation undoes it unless values.global.externalIstiod=true' },
          ),
          remedy.installer(
            ref.cluster,
            [`istioctl install --context ${shellWord(ref.cluster)} -f PRIMARY.yaml --set values.global.externalIstiod=true`],
            installAgain,
          ),
        ],
        ...(a.leader === 'stale' ? {} : { severity: 'warning' as const }),
        // A living leader may have the variable from elsewhere, such as a ConfigMap.
        ...(a.leader === 'stale' ? {} : { certainty: 'likely' as const }),
      };
    },
  },
  *run({ primary, member, controlPlane, couple, mesh, finding, undecided }) {
    if (controlPlane.externalIstiod) return;
    const duty = dutyOf(controlPlane, primary.isComplete('controlPlanes'), couple, member.member, mesh);
    if (duty === 'need-not') return;
    if (duty !== 'must') {
      yield undecided('it is not known which control plane the cluster is served by', { missing: duty.unknown });
      return;
    }
    const seen = leadership.leadershipOf({
      controlPlane,
      primary: primary.name,
      pods: primary.pods,
      heartbeats: primary.leaderElections,
      member: member.name,
      elections: member.leaderElections,
      clock: member.clock,
    });
    // A leader of another revision writes the roots, but this revision's injectors it leaves alone.
    const isOwn = seen.state === 'led' && selectors.hasLabels(controlPlane.selector, seen.holder.labels);
    const isWhole = primary.isComplete('controlPlanes');
    const remotes = mesh.couples.flatMap((other) => {
      const remote = mesh.members.get(other.member);
      const isOwnCouple = refKey(other.controlPlane.ref) === refKey(controlPlane.ref) && remote !== undefined;
      return isOwnCouple && dutyOf(controlPlane, isWhole, other, remote, mesh) === 'must' ? [other.member] : [];
    });
    yield finding(
      'unset',
      { controlPlane, remotes, leader: seen.state === 'led' && !isOwn ? 'unknown' : seen.state },
      {
        at: controlPlane.ref,
        field,
        evidence: [
          { ref: controlPlane.ref, field, observed: controlPlane.env['EXTERNAL_ISTIOD'] ?? 'absent', expected: 'true' },
          // One finding stands for all remotes: what only one of them shows has no place in it.
          ...(remotes.length > 1 ? [] : seen.evidence),
        ],
        related: remotes.length > 1 || seen.election === undefined ? [] : [seen.election.ref],
      },
    );
  },
});
