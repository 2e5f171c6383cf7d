import { type ClusterName, type ControlPlane, type CustomResource, defineCheck, list, releases, remedy, shellWord } from 'meshdoctor/api';
import { spelledIstiod } from '../_area.ts';

interface Args {
  readonly controlPlane: ControlPlane;
  readonly cluster: ClusterName;
  readonly crds: readonly CustomResource[];
}

export default defineCheck({
  id: 'outdated-crds',
  title: 'Custom resources serve the version that istiod reads',
  severity: 'error',
  certainty: 'likely',
  scope: 'managed',
  needs: { primary: ['controlPlanes'], member: ['customResources'] },
  explains: [
    { code: 'unread-configuration', match: 'cluster' },
    { code: 'unavailable-istiod', match: 'cluster', keys: ['own'] },
    { code: 'unsynced-cluster', match: 'cluster' },
  ],
  catalogue: ['VER-03'],
  docs: {
    why: 'Since 1.24 istiod watches Istio’s configuration as version v1, which custom resources serve since 1.22. helm upgrade leaves definitions in a crds folder as they are, so they are often as old as the first installation, and a remote is often forgotten altogether. Where v1 is not served every watch fails: istiod does not get ready in its own cluster, and another cluster counts as timed out for ever.',
    confirm:
      'kubectl --context REMOTE get crd virtualservices.networking.istio.io workloadentries.networking.istio.io -o jsonpath="{range .items[*]}{.metadata.name} {.spec.versions[*].name}{\'\\n\'}{end}"',
    fix: 'Apply the definitions of the release of istiod, in every cluster that it reads, before istiod itself is upgraded.',
    notWhen: 'An istiod that was told to leave these resources alone (PILOT_IGNORE_RESOURCES) needs none of them.',
    since: '1.24',
    see: ['https://istio.io/latest/docs/setup/upgrade/helm/', 'istio/istio pkg/config/schema/metadata.yaml'],
  },
  messages: {
    own: (a: Args) => ({
      text: `CustomResourceDefinition ${a.crds[0]?.ref.name ?? ''} in ${a.cluster}${others(a)} does not serve v1, which ${spelledIstiod(a.controlPlane)} reads: its configuration is unknown.`,
      ...found(a),
      effect: 'istiod does not become ready after its next start, since it waits for configuration that it cannot read',
    }),
    read: (a: Args) => ({
      text: `CustomResourceDefinition ${a.crds[0]?.ref.name ?? ''} in ${a.cluster} does not serve v1, which ${spelledIstiod(a.controlPlane)} reads there: the cluster counts as timed out.`,
      ...found(a),
      effect: 'each start of istiod waits for this cluster in vain, and workloads of it outside of Kubernetes are unknown',
      severity: 'warning' as const,
    }),
  },
  *run({ member, controlPlane, couple, finding }) {
    if (releases.behaves(controlPlane.version, 'readsConfigurationAsV1') !== true) return;
    const isOwn = couple.kind === 'self';
    if (!isOwn && controlPlane.env['PILOT_ENABLE_CROSS_CLUSTER_WORKLOAD_ENTRY'] === 'false') return;
    // Of another cluster istiod reads no configuration but the workloads that are not pods.
    const crds = member.customResources.filter(
      ({ group, kind, versions }) =>
        versions.length > 0 &&
        !versions.includes('v1') &&
        (isOwn ? releases.kindsReadAsV1[group]?.includes(kind) === true : group === 'networking.istio.io' && kind === 'WorkloadEntry'),
    );
    const [first] = crds;
    if (first === undefined) return;
    yield finding(
      isOwn ? 'own' : 'read',
      { controlPlane, cluster: member.name, crds },
      {
        at: first.ref,
        field: '.spec.versions',
        subject: controlPlane.ref.cluster,
        related: [controlPlane.ref, ...crds.slice(1, 5).map(({ ref }) => ref)],
        evidence: crds
          .slice(0, 5)
          .map(({ ref, versions }) => ({ ref, field: '.spec.versions[*].name', observed: list(versions), expected: 'v1' })),
      },
    );
  },
});

function others({ crds }: Args): string {
  return crds.length > 1 ? ` and ${crds.length - 1} more` : '';
}

function found({ crds, cluster, controlPlane }: Args) {
  return {
    expected: 'v1 among the served versions',
    found: list(crds[0]?.versions ?? []),
    remedy: [
      remedy.command(
        cluster,
        [`kubectl --context ${shellWord(cluster)} apply --server-side --force-conflicts -f manifests/charts/base/files/crd-all.gen.yaml`],
        {
          note: `the file is part of release ${controlPlane.version ?? ''}`,
        },
      ),
    ],
  };
}
