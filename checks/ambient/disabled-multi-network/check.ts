import {
  ambient,
  classes,
  type ControlPlane,
  defineCheck,
  listOf,
  names,
  type ObjectRef,
  remedy,
  sortedBy,
  valueOf,
  containers,
} from 'meshdoctor/api';
import { isZtunnel, istiodsOf, settings } from '../_area.ts';

export default defineCheck({
  id: 'disabled-multi-network',
  title: 'Every istiod of an ambient mesh that spans networks is set to do so',
  severity: 'error',
  certainty: 'certain',
  scope: 'mesh',
  needs: ['controlPlanes'],
  uses: ['kubeGateways', 'services', 'pods'],
  applies: { dataPlane: 'ambient', networks: 'multi' },
  partial: true,
  path: { hops: ['endpoints'] },
  catalogue: ['AMB-01'],
  explains: [
    { code: 'missing-east-west-gateway/waiting', match: 'cluster' },
    { code: 'missing-east-west-gateway/missing', match: 'cluster' },
    // To a gateway of ambient it sends a listener without filter chains then, which Envoy refuses.
    { code: 'rejected-push', match: 'object', keys: ['off'] },
  ],
  docs: {
    why: 'Ambient stays within its cluster unless istiod is started with AMBIENT_ENABLE_MULTI_NETWORK=true, which is off by default in every release and does nothing without PILOT_ENABLE_AMBIENT=true. Every istiod decides by its own settings: one without them knows no service of another cluster, and does not program east-west gateways of ambient.',
    confirm:
      'kubectl --context CLUSTER -n istio-system get deployment istiod -o jsonpath=\'{range .spec.template.spec.containers[0].env[*]}{.name}={.value}{"\\n"}{end}\' | grep AMBIENT',
    fix: 'Set values.pilot.env.AMBIENT_ENABLE_MULTI_NETWORK=true (and profile ambient) for every revision in every cluster.',
    notWhen:
      'A mesh that uses ambient inside each cluster only needs it nowhere; nothing is said unless something in the mesh asks for more.',
    since: '1.27',
    see: ['https://istio.io/latest/docs/ambient/install/multicluster/'],
  },
  messages: {
    off: (a: Off) => ({
      text: `${istiodOf(a)} does not span networks: ${settings.multiNetwork} is ${saidOf(a.istiod, settings.multiNetwork)}, so its cluster shares no ambient service.`,
      expected: `${settings.multiNetwork}=true`,
      found: saidOf(a.istiod, settings.multiNetwork),
      effect: `ambient workloads of ${a.istiod.ref.cluster} know no service of other clusters, and its east-west gateway takes no calls`,
      ...(a.isSure ? {} : { certainty: 'likely' as const }),
      remedy: [setting(a.istiod, settings.multiNetwork)],
    }),
    ignored: (a: Off) => ({
      text: `${istiodOf(a)} ignores ${settings.multiNetwork}=true, because ${settings.ambient} is ${saidOf(a.istiod, settings.ambient)}.`,
      expected: `${settings.ambient}=true`,
      found: saidOf(a.istiod, settings.ambient),
      effect: `ztunnel of ${a.istiod.ref.cluster} is told of no workload, nor of any in other clusters`,
      remedy: [setting(a.istiod, settings.ambient)],
    }),
    withoutAmbient: (a: Off) => ({
      text: `${istiodOf(a)} does not serve ambient, while ztunnel runs there: ${settings.ambient} is ${saidOf(a.istiod, settings.ambient)}.`,
      expected: `${settings.ambient}=true and ${settings.multiNetwork}=true`,
      found: 'neither',
      effect: `ztunnel of ${a.istiod.ref.cluster} is told of no workload, nor of any in other clusters`,
      remedy: [setting(a.istiod, settings.ambient, settings.multiNetwork)],
    }),
  },
  *run({ clusters, mesh, finding }) {
    if (mesh.members.size < 2) return;
    const inOrder = sortedBy(clusters, ({ member }) => valueOf(member.clusterId) ?? '');
    const spanning = inOrder.flatMap((cluster) => istiodsOf(cluster, mesh)).find(ambient.isMultiNetwork);
    const gateway = inOrder.flatMap(({ kubeGateways }) => listOf(kubeGateways)).find(({ className }) => className === classes.eastWest);
    const global = inOrder.flatMap(({ services }) => listOf(services)).find(ambient.asksToBeGlobal);
    // Without any of them ambient may well be meant to stay inside each cluster.
    const wish: ObjectRef | undefined = (spanning ?? gateway ?? global)?.ref;
    if (wish === undefined) return;
    for (const cluster of clusters) {
      const istiods = istiodsOf(cluster, mesh);
      const ztunnels = listOf(cluster.pods).filter(isZtunnel);
      const asked = (istiod: ControlPlane): boolean => ztunnels.some(({ proxy }) => proxy?.discoveryHost?.split('.')[0] === hostOf(istiod));
      for (const istiod of istiods) {
        if (ambient.isMultiNetwork(istiod)) continue;
        // Of several revisions one may serve sidecars only.
        if (istiods.length > 1 && istiods.some(isBetter(istiod)) && !asked(istiod)) continue;
        const isOfAmbient = ambient.isAmbient(istiod);
        if (!isOfAmbient && ztunnels.length === 0) continue;
        const says = istiod.env[settings.multiNetwork] === 'true';
        yield finding(
          isOfAmbient ? 'off' : says ? 'ignored' : 'withoutAmbient',
          { istiod, isSure: spanning !== undefined || gateway !== undefined },
          {
            at: istiod.ref,
            field: '.spec.template.spec.containers[0].env',
            related: [wish],
            evidence: [
              {
                ref: istiod.ref,
                field: '.env',
                observed: `${settings.ambient} ${saidOf(istiod, settings.ambient)}, ${settings.multiNetwork} ${saidOf(istiod, settings.multiNetwork)}`,
              },
              { ref: wish, observed: 'is made for ambient on several networks' },
            ],
            concerns: [cluster.name],
          },
        );
      }
    }
  },
});

interface Off {
  readonly istiod: ControlPlane;
  readonly isSure: boolean;
}

/** Whether another istiod of the cluster is set up further. */
function isBetter(than: ControlPlane): (other: ControlPlane) => boolean {
  const rank = (istiod: ControlPlane): number => (ambient.isMultiNetwork(istiod) ? 2 : ambient.isAmbient(istiod) ? 1 : 0);
  return (other) => rank(other) > rank(than);
}

/** Name of its Service. */
function hostOf({ revision }: ControlPlane): string {
  return revision === names.defaultRevision ? 'istiod' : `istiod-${revision}`;
}

function istiodOf({ istiod }: Off): string {
  return `Deployment ${istiod.namespace}/${istiod.name} in ${istiod.ref.cluster}`;
}

function saidOf({ env }: ControlPlane, name: string): string {
  const value = env[name];
  return value === undefined || value === '' ? 'not set' : value;
}

function setting({ ref }: ControlPlane, ...flags: readonly string[]) {
  return remedy.setEnv(ref, containers.istiod, Object.fromEntries(flags.map((flag) => [flag, 'true'])), {
    note: 'restarts istiod; change the installation values too',
  });
}
