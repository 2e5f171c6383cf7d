import { type ClusterName, type ControlPlane, defineCheck, listOf, releases, versions } from 'meshdoctor/api';
import { spelledIstiod } from '../_area.ts';

interface Args {
  readonly cluster: ClusterName;
  readonly kubernetes: string;
  readonly controlPlane: ControlPlane;
  readonly support: 'below-minimum' | 'outside-range';
}

export default defineCheck({
  id: 'unsupported-kubernetes',
  title: 'Every cluster has a Kubernetes that the Istio reading it was tested with',
  severity: 'warning',
  certainty: 'possible',
  scope: 'managed',
  advice: true,
  needs: { primary: ['controlPlanes'], member: [] },
  uses: { primary: [], member: ['kubeVersion', 'nodes'] },
  catalogue: ['VER-04'],
  docs: {
    why: 'Upgrades of Kubernetes have changed what istiod stands on when it reads another cluster: 1.24 stopped to make tokens for service accounts, 1.33 gave Endpoints up, after 1.34 some remotes answered Unauthorized. A remote is often upgraded by other people and on another day than the primary.',
    confirm: 'kubectl --context REMOTE version; istioctl --context PRIMARY version',
    fix: 'Upgrade Istio to a release that was tested with this Kubernetes before the cluster itself is upgraded.',
    notWhen: 'Outside of the range that the project tests Istio mostly works; providers test ranges of their own.',
    see: ['https://istio.io/latest/docs/releases/supported-releases/', 'istio/istio#38246', 'istio/istio#57037', 'istio/istio#57907'],
  },
  messages: {
    outside: (a: Args) => {
      const release = releases.releaseOf(a.controlPlane.version);
      return {
        text: `Cluster ${a.cluster} runs Kubernetes ${versions.minorOf(a.kubernetes) ?? a.kubernetes}, ${a.support === 'below-minimum' ? 'older than the oldest' : 'which is not among those'} that ${spelledIstiod(a.controlPlane)} ${a.support === 'below-minimum' ? 'runs with' : 'was tested with'}.`,
        expected: `${release?.kubernetes.from ?? ''} to ${release?.kubernetes.to ?? ''}`,
        found: a.kubernetes,
        ...(a.support === 'below-minimum' ? {} : { severity: 'info' as const }),
      };
    },
  },
  *run({ member, controlPlane, finding, undecided }) {
    const { kubeVersion } = member;
    const kubelets = listOf(member.nodes).flatMap(({ kubeletVersion }) => kubeletVersion ?? []);
    const kubernetes = kubeVersion.status === 'collected' ? kubeVersion.value.gitVersion : newest(kubelets);
    if (kubernetes === undefined) {
      yield undecided('it is not known which Kubernetes runs there', {
        missing: [{ cluster: member.name, fact: 'kubeVersion' }],
        clusters: [member.name],
      });
      return;
    }
    const support = releases.kubernetesSupport(controlPlane.version, kubernetes);
    if (support === 'supported' || support === 'unknown') return;
    // An API server may be newer than every kubelet of its cluster, never older.
    if (kubeVersion.status !== 'collected' && !isAbove(controlPlane, kubernetes)) return;
    yield finding(
      'outside',
      { cluster: member.name, kubernetes, controlPlane, support },
      {
        at: member.ref,
        subject: `${controlPlane.ref.cluster} ${controlPlane.revision}`,
        related: [controlPlane.ref],
        evidence: [{ ref: member.ref, observed: kubernetes }],
      },
    );
  },
});

function newest(kubelets: readonly string[]): string | undefined {
  return kubelets.reduce<string | undefined>(
    (last, kubelet) => (last === undefined || versions.isAtLeast(kubelet, last) === true ? kubelet : last),
    undefined,
  );
}

function isAbove({ version }: ControlPlane, kubernetes: string): boolean {
  const to = releases.releaseOf(version)?.kubernetes.to;
  return to !== undefined && (versions.minorsBetween(to, kubernetes) ?? 0) > 0;
}
