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
  releases,
  refKey,
  remedy,
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
  catalogue: ['ID-04'],
  docs: {
    why: 'A pod gets its network when it is injected and keeps it. Pods from before the network was set or renamed are sent addresses of other networks that they cannot reach, or are themselves handed out under a network for which there is no gateway.',
    confirm:
      'kubectl --context CLUSTER get pods -A -L topology.istio.io/network; kubectl --context CLUSTER get namespace istio-system -L topology.istio.io/network',
    fix: 'Make sure that the injector gives the right network (global.network of the primary, /net/ in the injection path of a remote), then restart the workloads. A label of a workload’s own template comes before both: take it away.',
    notWhen:
      'Since 1.30 a proxy without network is sent to the gateways like any other. Pods of a second network that has a gateway of its own in the cluster are right.',
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
  },
  *run({ primary, member, controlPlane, couple, finding }) {
    const network = valueOf(member.member.network);
    // Without a label on the namespace there is nothing to compare with: that is a fault of its own (ID-01).
    if (couple.kind === 'peer' || network === undefined) return;
    const injectors = injectorsFor(controlPlane, listOf(member.injectors));
    const values = valuesOf(controlPlane, primary.injectorValues);
    const gateways = gatewaysByNetwork(member.services);
    const odd = proxiesOf(controlPlane, member.pods, listOf(member.injectors)).filter(({ proxy }) => proxy.network !== network);
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
  },
});

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
