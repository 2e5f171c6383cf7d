import {
  type ControlPlane,
  count,
  defineCheck,
  distinct,
  kubectl,
  list,
  measured,
  type ObjectRef,
  readClusters,
  remedy,
  takenConfig,
} from 'meshdoctor/api';

/** Milliseconds within which an object that was just made may be on its way to istiod. */
const settling = 60_000;

export default defineCheck({
  id: 'unread-configuration',
  title: 'istiod took the Istio objects of its cluster',
  severity: 'warning',
  certainty: 'likely',
  scope: 'cluster',
  needs: ['controlPlanes', 'gateways', 'virtualServices', 'istioResources', 'namespaces', 'meshConfigs', 'istiodStates'],
  uses: ['clock'],
  applies: { probed: ['istiodStates'] },
  catalogue: ['POL-04'],
  explains: [
    { code: 'rejected-cross-network-call', match: 'cluster' },
    // Gateways and routes of istiod are among these objects: both are seen where istiod runs.
    { code: 'unconnected-proxy', match: 'within' },
    { code: 'divergent-replicas/config', match: 'cluster' },
    { code: 'rejected-istiod-call', match: 'within' },
  ],
  docs: {
    why: 'istiod works with the objects that it watches. One that the API server holds and istiod does not list has no effect: the watch of its kind failed, the definition of its kind came after istiod started or serves no version that istiod asks for, or a setting keeps that kind out.',
    confirm: 'istioctl --context CLUSTER x internal-debug configz | grep NAME',
    fix: 'See the log of istiod for the kind. Restart istiod where it missed the definition of the kind, and upgrade definitions that are older than istiod.',
    notWhen:
      'Objects labelled for another revision and objects in namespaces that the discovery selectors leave out are not expected. One that was deleted while meshdoctor read is no longer there.',
  },
  messages: {
    unread: (a: Unread) => ({
      text: `Deployment ${a.controlPlane.namespace}/${a.controlPlane.name} in ${a.controlPlane.ref.cluster} knows nothing of ${count(a.objects.length, 'Istio object')} there: ${list(
        a.objects.map(takenConfig.configKey),
        '',
        3,
      )}.`,
      expected: 'listed by istiod',
      found: 'not listed',
      effect: 'they have no effect',
      ...(a.isSettled ? {} : { certainty: 'possible' as const }),
      confirm: a.pods.slice(0, 1).map((pod) => `${kubectl(a.controlPlane.ref)} logs ${pod.name} | grep -iE 'error|failed'`),
      remedy: [remedy.restart(a.controlPlane.ref, 'afterwards istiod reads every kind anew')],
    }),
  },
  *run({ cluster, mesh, finding }) {
    const now = cluster.clock.status === 'collected' ? Date.parse(cluster.clock.value.takenAt) : undefined;
    for (const controlPlane of measured.istiodsOf(mesh, cluster.controlPlanes)) {
      if (isFiltered(controlPlane) || !readsHere(controlPlane, mesh.couples)) continue;
      const meshConfig = measured.meshConfigOf(controlPlane, cluster.meshConfigs);
      const wanted = takenConfig
        .takenObjects(controlPlane, cluster, meshConfig)
        .filter(({ createdAt }) => now === undefined || createdAt === undefined || now - Date.parse(createdAt) > settling);
      const without = cluster.istiodStates.flatMap(({ pod, namespace, revision, config }) => {
        if (namespace !== controlPlane.namespace || revision !== controlPlane.revision || config === undefined || 'failed' in config)
          return [];
        const taken = new Set(config.answer);
        const missing = wanted.filter(({ ref }) => !taken.has(takenConfig.configKey(ref)));
        return missing.length === 0 ? [] : [{ pod, missing }];
      });
      const objects = without.flatMap(({ missing }) => missing);
      const keys = distinct(objects.map(({ ref }) => takenConfig.configKey(ref)));
      const refs = keys.flatMap((key) => objects.find(({ ref }) => takenConfig.configKey(ref) === key)?.ref ?? []);
      const [first] = refs;
      if (first === undefined) continue;
      yield finding(
        'unread',
        { controlPlane, objects: refs, pods: without.map(({ pod }) => pod), isSettled: now !== undefined },
        {
          at: first,
          related: [controlPlane.ref, ...without.map(({ pod }) => pod), ...refs.slice(1)],
          evidence: without.map(({ pod, missing }) => ({
            ref: pod,
            observed: `/debug/configz: without ${list(
              missing.map(({ ref }) => takenConfig.configKey(ref)),
              '',
              3,
            )}`,
            expected: 'listed',
          })),
          subject: controlPlane.revision,
        },
      );
    }
  },
});

interface Unread {
  readonly controlPlane: ControlPlane;
  readonly objects: readonly ObjectRef[];
  readonly pods: readonly ObjectRef[];
  /** There is a clock by which the objects are old enough. */
  readonly isSettled: boolean;
}

/** Whether istiod was told to leave kinds out. */
function isFiltered({ env }: ControlPlane): boolean {
  return ['PILOT_IGNORE_RESOURCES', 'PILOT_INCLUDE_RESOURCES'].some((name) => (env[name] ?? '') !== '');
}

/** Whether an istiod reads the configuration of the cluster it runs in; an external one reads another's. */
function readsHere({ ref }: ControlPlane, couples: Parameters<typeof readClusters.configClusterOf>[1]): boolean {
  return readClusters.configClusterOf({ ref }, couples) === ref.cluster;
}
