import {
  type ClusterName,
  defineCheck,
  groupBy,
  type Injector,
  type InjectorValues,
  labels,
  list,
  listOf,
  type Message,
  type NetworkId,
  networkId,
  type Pod,
  releases,
  refKey,
  remedy,
  selectors,
  type Service,
  valueOf,
  type Workload,
  workloadOf,
} from 'meshdoctor/api';
import {
  gatewaysByNetwork,
  giveNetwork,
  injectorsFor,
  installZtunnel,
  isZtunnel,
  podsIn,
  proxiesOf,
  type ProxyPod,
  some,
  valuesOf,
} from '../_area.ts';

const field = '.spec.containers[*].env["ISTIO_META_NETWORK"]';
const labelField = '.metadata.labels["topology.istio.io/network"]';
/** Pods that are labelled one by one. */
const mostPatched = 20;

export default defineCheck({
  id: 'stale-proxy-network',
  title: 'Proxies carry the network of their cluster',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes'], member: ['namespaces', 'pods', 'services'] },
  uses: { primary: ['injectorValues'], member: ['injectors', 'workloads'] },
  applies: { networks: 'multi' },
  path: { hops: ['network', 'gateway'] },
  catalogue: ['ID-04', 'ID-15'],
  docs: {
    why: 'A pod gets its network when it is injected and keeps it. Pods from before the network was set or renamed are sent addresses of other networks that they cannot reach, or are themselves handed out under a network for which there is no gateway. As an endpoint a pod is on the network that its own label names at the moment, before that of its cluster, whatever its proxy was told: a label that was written on a running pod moves it to that network for everybody who calls it, its neighbours included, while the pod stays where it is.',
    confirm:
      'kubectl --context CLUSTER get pods -A -L topology.istio.io/network; kubectl --context CLUSTER get namespace istio-system -L topology.istio.io/network',
    fix: 'Make sure that the injector gives the right network (global.network of the primary, /net/ in the injection path of a remote), then restart the workloads. A label of a workload’s own template comes before both: take it away. A running pod gets the label back that it was injected with.',
    notWhen:
      'ztunnel goes by the label of the system namespace alone: labels of pods that it captures are not looked at. Since 1.30 a proxy without network is sent to the gateways like any other. Pods of a second network that has a gateway of its own in the cluster are right.',
    since: '1.8',
  },
  messages: {
    none: (a: Args & { usesGateway: boolean | undefined }) => ({
      ...message(
        a,
        'no network',
        a.usesGateway === true
          ? 'since 1.30 istiod sends them to gateways all the same'
          : 'so they are sent pod addresses of other networks',
      ),
      effect: `${examples(a.pods)}: calls to other networks may go to addresses that they cannot reach`,
      ...(a.usesGateway === false ? {} : { severity: 'warning' as const }),
      ...(a.usesGateway === undefined ? { certainty: 'likely' as const } : {}),
    }),
    other: (a: Args & { claimed: NetworkId }) => ({
      ...message(a, `network ${a.claimed}`, 'so traffic to and from them takes the wrong way'),
      effect: `${examples(a.pods)}: calls from and to them go to addresses that are out of reach`,
    }),
    relabelled: (a: { cluster: ClusterName; pods: readonly ProxyPod[]; network: NetworkId; claimed: NetworkId }) => ({
      text: `Cluster ${a.cluster} has ${podsIn(a.pods)} labelled for network ${a.claimed} while they run, but ${a.cluster} is on ${a.network} and has no gateway of ${a.claimed}, so istiod hands them out as endpoints of ${a.claimed}.`,
      expected: `label ${labels.network}=${a.network}`,
      found: a.claimed,
      effect: `${examples(a.pods)}: calls from other networks go to addresses that are out of reach`,
      remedy: a.pods.slice(0, mostPatched).map(({ ref, proxy }) => remedy.label(ref, { [labels.network]: proxy.network ?? null })),
    }),
  },
  *run({ primary, member, controlPlane, couple, finding }) {
    const network = valueOf(member.member.network);
    // Without a label on the namespace there is nothing to compare with: that is a fault of its own (ID-01).
    if (couple.kind === 'peer' || network === undefined) return;
    const injectors = injectorsFor(controlPlane, listOf(member.injectors));
    const values = valuesOf(controlPlane, primary.injectorValues);
    const gateways = gatewaysByNetwork(member.services);
    const proxies = proxiesOf(controlPlane, member.pods, listOf(member.injectors));
    const odd = proxies.filter(({ proxy }) => proxy.network !== network);
    const namespace = member.namespaces.find((candidate) => candidate.name === member.member.systemNamespace);
    for (const [key, pods] of groupBy(odd, (pod) => pod.proxy.network ?? '')) {
      const [claimed] = pods.map((pod) => pod.proxy.network);
      // A pod may be labelled for a second network of its cluster, as long as that has a gateway there.
      const stale = claimed !== undefined && gateways.has(claimed) ? pods.filter((pod) => pod.labels[labels.network] !== claimed) : pods;
      if (stale.length === 0) continue;
      const isPrimary = couple.kind === 'self';
      const labelled = listOf(member.workloads).filter(
        ({ ref, podLabels }) =>
          claimed !== undefined &&
          podLabels[labels.network] === claimed &&
          stale.some((pod) => refKey(workloadOf(pod) ?? pod.ref) === refKey(ref)),
      );
      const args = { cluster: member.name, pods: stale, labelled, network, given: wronglyGiven(injectors, values, network), isPrimary };
      const where = {
        at: member.ref,
        subject: key === '' ? 'none' : key,
        related: [...(namespace === undefined ? [] : [namespace.ref]), ...some(injectors)],
        evidence: stale.slice(0, 5).map((pod) => ({ ref: pod.ref, field, observed: claimed ?? 'absent', expected: network })),
      };
      if (claimed !== undefined)
        yield finding('other', { ...args, claimed }, { ...where, lacks: [{ cluster: member.name, fact: 'services' }] });
      else yield finding('none', { ...args, usesGateway: releases.behaves(controlPlane.version, 'emptyNetworkUsesGateway') }, where);
    }
    const moved = proxies.filter((pod) => isMoved(pod, network, gateways) && isCalled(pod, member.services));
    for (const [key, pods] of groupBy(moved, (pod) => pod.labels[labels.network] ?? '')) {
      const claimed = networkId(key);
      yield finding(
        'relabelled',
        { cluster: member.name, pods, network, claimed },
        {
          at: member.ref,
          subject: `label ${claimed}`,
          related: namespace === undefined ? [] : [namespace.ref],
          evidence: pods.slice(0, 5).map((pod) => ({ ref: pod.ref, field: labelField, observed: claimed, expected: network })),
          lacks: [{ cluster: member.name, fact: 'services' }],
        },
      );
    }
  },
});

/** Whether istiod takes a pod for an endpoint of a network that neither its proxy nor its cluster is on (pilot/pkg/serviceregistry/kube/controller: Network). */
function isMoved({ proxy, labels: own }: ProxyPod, network: NetworkId, gateways: ReadonlyMap<NetworkId, unknown>): boolean {
  const claimed = own[labels.network] ?? '';
  if (claimed === '' || claimed === network || claimed === proxy.network || proxy.kind === 'ztunnel') return false;
  // A second network of the cluster, by whose gateway there the pod is called.
  return !gateways.has(networkId(claimed));
}

function isCalled(pod: Pod, services: readonly Service[]): boolean {
  return services.some(({ namespace, selector }) => namespace === pod.namespace && selectors.selectsPods(selector, pod.labels));
}

interface Args {
  readonly cluster: ClusterName;
  readonly pods: readonly ProxyPod[];
  /** Workloads whose template has that network as a label: the injector puts it before any value of its own (pkg/kube/inject). */
  readonly labelled: readonly Workload[];
  readonly network: NetworkId;
  /** What the injector gives new pods, where that is not the network either. */
  readonly given: string | undefined;
  readonly isPrimary: boolean;
}

function message(a: Args, carried: string, consequence: string): Message {
  const isLabelled = (pod: ProxyPod): boolean => a.labelled.some(({ ref }) => refKey(ref) === refKey(workloadOf(pod) ?? pod.ref));
  const injected = a.pods.filter((pod) => !isLabelled(pod));
  return {
    text: `Cluster ${a.cluster} has ${podsIn(a.pods)} whose proxies carry ${carried}${injected.length === 0 ? ' by a label of their template' : ''}, but ${a.cluster} is on ${a.network}, ${consequence}.`,
    expected: `network ${a.network}`,
    found: carried,
    remedy: [
      ...a.labelled.map(({ ref }) =>
        remedy.patch(ref, { spec: { template: { metadata: { labels: { [labels.network]: null } } } } }, { disruptive: true }),
      ),
      ...(a.given === undefined || injected.length === 0
        ? []
        : [giveNetwork(a.cluster, a.network, a.isPrimary, `the injector still gives new pods ${a.given}`)]),
      ...(injected.length > 0 && injected.every(isZtunnel)
        ? [installZtunnel(a.cluster, `global.network=${a.network}`)]
        : remedy.restartPods(injected)),
    ],
  };
}

function examples(pods: readonly ProxyPod[]): string {
  return list(
    pods.map((pod) => `${pod.namespace}/${pod.name}`),
    'none',
    3,
  );
}

/** What the injector would give now, where that is known and not the network. */
function wronglyGiven(injectors: readonly Injector[], values: InjectorValues | undefined, network: NetworkId): string | undefined {
  const [path] = injectors.map((injector) => injector.injectedNetwork);
  if (path === undefined && (values === undefined || injectors.length === 0)) return undefined;
  const given = path ?? values?.network;
  return given === network ? undefined : given || 'no network';
}
