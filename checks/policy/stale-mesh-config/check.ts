import {
  type ControlPlane,
  defineCheck,
  distinct,
  effectiveMesh,
  list,
  measured,
  type MeshConfig,
  type ObjectRef,
  remedy,
  shellWord,
} from 'meshdoctor/api';

/** Milliseconds until a changed ConfigMap has surely reached the files of a pod, and istiod. */
const settling = 120_000;

export default defineCheck({
  id: 'stale-mesh-config',
  title: 'istiod works with the mesh config that its ConfigMap holds',
  severity: 'warning',
  certainty: 'likely',
  scope: 'cluster',
  needs: ['controlPlanes', 'meshConfigs', 'istiodStates'],
  uses: ['clock'],
  applies: { probed: ['istiodStates'] },
  catalogue: ['DNS-02', 'DNS-10'],
  explains: [
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'missing-endpoint-shard', match: 'cluster' },
    { code: 'unlisted-gateway', match: 'cluster' },
    { code: 'unread-configuration', match: 'cluster' },
    { code: 'divergent-replicas/mesh', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
  ],
  docs: {
    why: 'A mesh config that istiod cannot read as a whole, for a misspelled value or a field of another release, changes nothing: istiod says so in its log, goes on with what it had, and everybody who looks at the ConfigMap sees settings that do not apply. After a restart it may not come up.',
    confirm:
      'kubectl --context CLUSTER -n istio-system logs deploy/istiod | grep -i "mesh config"; istioctl --context CLUSTER x internal-debug mesh',
    fix: 'Correct the ConfigMap: istiod takes it within a minute or two. What only matters when istiod starts, such as the trust domain, needs a restart.',
    notWhen:
      'A ConfigMap reaches the files of a pod a minute or two after it was changed. Where several sources are merged nothing is compared.',
  },
  messages: {
    stale: (a: Stale) => ({
      text: `Deployment ${a.controlPlane.namespace}/${a.controlPlane.name} in ${a.controlPlane.ref.cluster} does not work with ${list(
        a.differences.map(({ field, configured }) => `${field} ${configured}`),
        '',
        2,
      )} of its ConfigMap.`,
      expected: list(a.differences.map(({ field, configured }) => `${field}: ${configured}`)),
      found: list(a.differences.map(({ field, effective }) => `${field}: ${effective}`)),
      effect: 'what was changed in the ConfigMap does not apply, and istiod may refuse it when it starts again',
      confirm: [
        `kubectl --context ${shellWord(a.controlPlane.ref.cluster)} -n ${shellWord(a.controlPlane.namespace)} logs ${shellWord(a.pods[0]?.name ?? '')} | grep -i 'mesh config'`,
      ],
      ...(a.isSettled ? {} : { certainty: 'possible' as const }),
      remedy: [
        remedy.command(
          a.config.ref.cluster,
          [
            `kubectl --context ${shellWord(a.config.ref.cluster)} -n ${shellWord(a.config.namespace)} get configmap ${shellWord(a.config.ref.name)} -o yaml`,
          ],
          { note: 'reads only: the log of istiod names the line that it does not take', ref: a.config.ref },
        ),
      ],
    }),
  },
  *run({ cluster, mesh, finding, undecided }) {
    const now = cluster.clock.status === 'collected' ? Date.parse(cluster.clock.value.takenAt) : undefined;
    for (const controlPlane of measured.istiodsOf(mesh, cluster.controlPlanes)) {
      const config = measured.meshConfigOf(controlPlane, cluster.meshConfigs);
      if (config === undefined || config.unreadable || isMerged(controlPlane)) continue;
      const writtenAt = lastWritten(config);
      const compared = cluster.istiodStates.flatMap(({ pod, namespace, revision, mesh: effective }) => {
        if (namespace !== controlPlane.namespace || revision !== controlPlane.revision || 'failed' in effective) return [];
        const differences = effectiveMesh.meshDifferences(config, effective.answer);
        return differences.length === 0 ? [] : [{ pod, differences }];
      });
      const [first] = compared;
      if (first === undefined) continue;
      if (now !== undefined && writtenAt !== undefined && now - writtenAt < settling) {
        yield undecided('the mesh config was changed a moment ago');
        continue;
      }
      yield finding(
        'stale',
        {
          controlPlane,
          config,
          differences: first.differences,
          pods: compared.map(({ pod }) => pod),
          isSettled: now !== undefined && writtenAt !== undefined,
        },
        {
          at: config.ref,
          field: '.data.mesh',
          related: [controlPlane.ref, ...compared.map(({ pod }) => pod)],
          evidence: compared.flatMap(({ pod, differences }) =>
            differences.map(({ field, configured, effective }) => ({
              ref: pod,
              observed: `/debug/mesh: ${field}: ${effective}`,
              expected: configured,
            })),
          ),
          subject: distinct(first.differences.map(({ field }) => field)).join(' '),
        },
      );
    }
  },
});

interface Stale {
  readonly controlPlane: ControlPlane;
  readonly config: MeshConfig;
  readonly differences: readonly effectiveMesh.MeshDifference[];
  readonly pods: readonly ObjectRef[];
  /** It is known that the ConfigMap is older than it takes to arrive. */
  readonly isSettled: boolean;
}

/** Whether istiod has another source of settings beside this ConfigMap. */
function isMerged({ env }: ControlPlane): boolean {
  return (env['SHARED_MESH_CONFIG'] ?? '') !== '';
}

/** When somebody wrote it last; it may never have been changed since it was made. */
function lastWritten({ managers, createdAt }: MeshConfig): number | undefined {
  const times = [...managers.map(({ time }) => time), createdAt].flatMap((time) => (time === undefined ? [] : [Date.parse(time)]));
  return times.length === 0 ? undefined : Math.max(...times);
}
