import {
  ambient,
  type ClusterName,
  type ControlPlane,
  defineCheck,
  labels,
  list,
  type Pod,
  ports,
  releases,
  remedy,
  containers,
} from 'meshdoctor/api';
import { isIngress, isSidecar, istiodsOf, networkOf, settings } from '../_area.ts';

export default defineCheck({
  id: 'diverted-ingress',
  title: 'Ingress gateways still reach sidecars of other networks',
  severity: 'error',
  certainty: 'likely',
  scope: 'mesh',
  needs: ['controlPlanes', 'pods', 'services'],
  applies: { dataPlane: 'ambient', networks: 'multi' },
  partial: true,
  catalogue: ['AMB-05'],
  docs: {
    why: 'With ambient on several networks istiod no longer sends ingress gateways to the classic gateways of other networks (port 15443): with AMBIENT_ENABLE_MULTI_NETWORK_INGRESS=true they go by HBONE, which sidecars there do not take, and without it they keep to their own network.',
    confirm: 'istioctl --context CLUSTER proxy-config endpoints POD.NAMESPACE | grep -e 15443 -e 15008 -e connect_originate',
    fix: 'Leave AMBIENT_ENABLE_MULTI_NETWORK_INGRESS off while services behind ingress gateways have sidecars, and give those gateways an istiod revision of their own without AMBIENT_ENABLE_MULTI_NETWORK.',
    notWhen: 'Every service that is called from outside the mesh has workloads in the cluster of its ingress gateway.',
    since: '1.29',
    see: ['https://github.com/istio/istio/issues/60609'],
  },
  messages: {
    diverted: (a: Diverted) => ({
      text: `Ingress gateway ${gatewayOf(a)} calls sidecars of ${list(a.others)} by HBONE, which they do not take: ${settings.ingress} is true.`,
      expected: `${settings.ingress} off while ${list(a.others)} ${a.others.length === 1 ? 'has' : 'have'} sidecars`,
      found: `${settings.ingress}=true`,
      effect: `calls from outside to services whose sidecars run in ${list(a.others)} fail`,
      remedy: [
        remedy.setEnv(
          a.istiod.ref,
          containers.istiod,
          { [settings.ingress]: null },
          { note: 'restarts istiod; change the installation values too' },
        ),
      ],
    }),
    kept: (a: Diverted) => ({
      text: `Ingress gateway ${gatewayOf(a)} is sent to no workload of ${list(a.others)} since ${settings.multiNetwork} is true.`,
      expected: `an istiod without ${settings.multiNetwork} for gateways in front of sidecars`,
      found: `${settings.multiNetwork}=true, ${settings.ingress} not`,
      effect: `services that run in ${list(a.others)} only are not reached from outside through it`,
      severity: 'warning',
      certainty: 'possible',
      remedy: [],
    }),
  },
  *run({ clusters, mesh, finding }) {
    for (const home of clusters) {
      const istiods = istiodsOf(home, mesh);
      const network = networkOf(home);
      if (network === undefined) continue;
      const ingress = home.pods.filter(isIngress);
      const others = clusters.filter(
        (other) =>
          networkOf(other) !== undefined &&
          networkOf(other) !== network &&
          other.pods.some(isSidecar) &&
          clusters.some((cluster) =>
            cluster.services.some(
              (service) =>
                service.labels[labels.network] === networkOf(other) && service.ports.some(({ port }) => port === ports.crossNetwork),
            ),
          ),
      );
      if (ingress.length === 0 || others.length === 0) continue;
      for (const istiod of istiods) {
        if (!ambient.isMultiNetwork(istiod) || releases.behaves(istiod.version, 'divertsIngressToHbone') !== true) continue;
        const own = ingress.filter(({ proxy }) => istiods.length === 1 || proxy?.revision === istiod.revision);
        const [pod] = own;
        if (pod === undefined) continue;
        const isDiverted = istiod.env[settings.ingress] === 'true';
        yield finding(
          isDiverted ? 'diverted' : 'kept',
          { istiod, pod, others: others.map(({ name }) => name) },
          {
            at: istiod.ref,
            field: '.spec.template.spec.containers[0].env',
            related: own.map(({ ref }) => ref),
            evidence: [
              {
                ref: istiod.ref,
                field: '.env',
                observed: `${settings.multiNetwork}=true, ${settings.ingress} ${istiod.env[settings.ingress] ?? 'not set'}`,
              },
            ],
            concerns: [home.name, ...others.map(({ name }) => name)],
          },
        );
      }
    }
  },
});

interface Diverted {
  readonly istiod: ControlPlane;
  readonly pod: Pod;
  readonly others: readonly ClusterName[];
}

function gatewayOf({ pod }: Diverted): string {
  return `${pod.namespace}/${pod.owner?.name ?? pod.name} in ${pod.ref.cluster}`;
}
