import {
  type ClusterName,
  defineCheck,
  distinct,
  type Fact,
  type FactName,
  type FactTypes,
  gatewayWays,
  type HandshakeOutcome,
  type IstiodHandshake,
  labels,
  list,
  listOf,
  loadBalancers,
  measured,
  type Mesh,
  type Node,
  type ObjectRef,
  onlyFor,
  effectsOfCutOff,
  refKey,
  type Service,
  valueOf,
} from 'meshdoctor/api';
import { balancedGateways } from '../_area.ts';

export default defineCheck({
  id: 'narrow-source-ranges',
  title: 'Source ranges of load balancers admit the clusters that call through them',
  severity: 'error',
  certainty: 'likely',
  scope: 'mesh',
  needs: ['services'],
  uses: ['nodes', 'pods', 'controlPlanes', 'probePods', 'istiods', 'gatewayHandshakes', 'istiodHandshakes'],
  applies: { probed: ['gatewayHandshakes', 'istiodHandshakes'] },
  path: { hops: ['gateway'], isOn: ({ code }) => code === 'narrow-source-ranges/barring' },
  catalogue: ['EW-12', 'CPX-05'],
  explains: [
    { code: 'failing-pod-call/unreachable', match: 'object', keys: ['barring'] },
    { code: 'unreachable-gateway', match: 'object', keys: ['barring', 'cutOff'] },
    { code: 'rejected-istiod-call/unreachable', match: 'object', keys: ['barring', 'cutOff'] },
    { code: 'rejected-istiod-call/blocked', match: 'object', keys: ['barring', 'cutOff'] },
    ...onlyFor(['cutOff'], effectsOfCutOff),
    { code: 'unready-east-west-gateway/notReady', match: 'cluster', keys: ['cutOff'] },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster', keys: ['cutOff'] },
    { code: 'failing-injection', match: 'cluster', keys: ['cutOff'] },
    { code: 'unconfigured-gateway', match: 'within', keys: ['cutOff'] },
  ],
  docs: {
    why: 'With spec.loadBalancerSourceRanges, or an annotation of the same meaning, a load balancer drops what comes from other addresses: nobody answers, as behind any firewall, while the gateway is well. The addresses that count are those under which calls arrive: of nodes or pods of the calling cluster where networks are joined, of its NAT gateway where they go through the internet.',
    confirm:
      "kubectl --context CLUSTER -n istio-system get service istio-eastwestgateway -o jsonpath='{.spec.loadBalancerSourceRanges}{.metadata.annotations}'",
    fix: 'Add the addresses under which the calling cluster is seen to the ranges: its node subnets, its pod ranges where pods keep their addresses, or the addresses of its NAT gateway. Each cluster that calls has to be there, and new node pools with it.',
    notWhen:
      'Nobody is accused where a node or pod of the calling cluster has an address in the ranges, or where a call from there arrives. Without a measurement from there nobody is told anything: addresses of NAT gateways are in no object, and a list that holds none of a cluster’s own addresses may well hold those. That meshdoctor is kept away itself, from where it runs, counts for nothing. Security groups, prefix lists and service tags admit who is in no object either.',
    see: ['https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/'],
  },
  messages: {
    barring: (a: Barred & { said: string }) => ({
      text: `${narrow(a)}, and a pod in ${a.caller} that asked does not get to it.`,
      expected: `addresses under which ${a.caller} calls`,
      found: list(a.ranges.ranges, 'none', 4),
      effect: `no call from ${a.caller} gets into ${a.service.ref.cluster} by this gateway`,
    }),
    cutOff: (a: Barred) => ({
      text: `${narrow(a)}, and no proxy there that was asked about is connected to istiod, which answers through this gateway.`,
      expected: `addresses under which ${a.caller} calls`,
      found: list(a.ranges.ranges, 'none', 4),
      effect: `proxies of ${a.caller} hear of no change, get no new certificate, and new pods do not get ready`,
    }),
  },
  *run({ clusters, mesh, finding, undecided }) {
    for (const home of clusters) {
      const calls = listOf(home.istiodHandshakes);
      for (const service of balancedGateways(home.services)) {
        const ranges = loadBalancers.sourceRanges(service);
        if (ranges === undefined) continue;
        for (const caller of clusters) {
          if (caller.name === home.name || !mayCall(caller.name, home.name, calls, service, mesh)) continue;
          const said = barredPod(caller.probePods, service);
          const isWell = gatewayWays
            .seenAddresses(listOf(home.gatewayHandshakes).filter(({ gateway }) => loadBalancers.isOf(gateway, service)))
            .some((address) =>
              address.calls.some(({ call, inside }) => passes(call.outcome) || (inside !== undefined && passes(inside.outcome))),
            );
          const isBarred = said !== undefined && said.failed !== undefined && isWell;
          const connection = connectionOf(caller.name, home, calls, service, mesh);
          const isShown = isBarred || connection.is === 'cut-off';
          if (!isShown) continue;
          const blind = blindness(caller, connection.missing, home.name);
          if (blind.length > 0) {
            yield undecided('it is not known under which addresses a cluster calls', { missing: blind, clusters: [caller.name] });
            continue;
          }
          // Whose address is admitted, or whose call arrived, is not kept away by a list.
          if (connection.is === 'connected' || (said !== undefined && said.failed === undefined)) continue;
          const nodes = listOf(caller.nodes);
          if (isAdmitted(ranges, nodes, listOf(caller.pods))) continue;
          const args = { service, ranges, caller: caller.name };
          const where = {
            at: (isBarred ? said.at : undefined) ?? service.ref,
            field: ranges.field,
            between: { from: caller.name, to: home.name },
            subject: caller.name,
            evidence: [
              { ref: service.ref, field: ranges.field, observed: list(ranges.ranges, 'none', 6) },
              ...nodes.slice(0, 3).map(({ ref, addresses }) => ({
                ref,
                field: '.status.addresses',
                observed: list(addresses.map(({ address }) => address)),
                expected: 'an address in the ranges',
              })),
              ...(isBarred ? [{ ref: service.ref, observed: `from a pod in ${caller.name}: ${said.failed}` }] : []),
            ],
            concerns: distinct<ClusterName>([home.name, caller.name]),
            lacks: (['nodes', 'pods'] as const).map((fact) => ({ cluster: caller.name, fact })),
          };
          if (connection.is === 'cut-off') yield finding('cutOff', args, where);
          if (isBarred) yield finding('barring', { ...args, said: said.failed }, where);
        }
      }
    }
  },
});

interface Barred {
  readonly service: Service;
  readonly ranges: loadBalancers.SourceRanges;
  readonly caller: ClusterName;
}

function narrow({ service, ranges, caller }: Barred): string {
  return `Gateway ${service.namespace}/${service.name} in ${service.ref.cluster} admits ${loadBalancers.admitted(ranges)}, which holds no address of a node or pod of ${caller}`;
}

/** Whether pods or proxies of a cluster go through this gateway: to another network, or to their istiod. */
function mayCall(caller: ClusterName, home: ClusterName, calls: readonly IstiodHandshake[], service: Service, mesh: Mesh): boolean {
  const [here, there] = [caller, home].map((name) => {
    const network = mesh.members.get(name)?.network;
    return network === undefined ? undefined : valueOf(network);
  });
  const isNetworkGateway = (service.labels[labels.network] ?? '') !== '';
  return (isNetworkGateway && here !== undefined && there !== undefined && here !== there) || leadsThere(caller, calls, service).length > 0;
}

/** Calls of a cluster's proxies for their istiod that go through this gateway. */
function leadsThere(caller: ClusterName, calls: readonly IstiodHandshake[], service: Service): IstiodHandshake[] {
  return calls.filter(
    ({ members, gateway, purpose }) =>
      purpose === 'discovery' && members.includes(caller) && gateway !== undefined && loadBalancers.isOf(gateway, service),
  );
}

/** What a pod that asked from a cluster met at this gateway: `failed` where nobody answered it; nothing where none asked. */
function barredPod(
  pods: Fact<FactTypes['probePods']>,
  service: Service,
): { readonly at: ObjectRef; readonly failed: string | undefined } | undefined {
  const asked = listOf(pods).flatMap(({ answers }) =>
    'failed' in answers
      ? []
      : answers.answer.flatMap((one) => (one.is === 'handshake' && loadBalancers.isOf(one.gateway, service) ? [one] : [])),
  );
  const [first] = asked;
  if (first === undefined) return undefined;
  const isUnanswered = ({ outcome }: { readonly outcome: HandshakeOutcome }): boolean =>
    outcome.stage === 'tcp' && outcome.code !== 'dns' && outcome.code !== 'interrupted';
  const failed = asked.every(isUnanswered) && first.outcome.stage === 'tcp' ? first.outcome.reason : undefined;
  return { at: first.gateway, failed };
}

/** Somebody was there: whatever became of the call, packets got through. */
function passes(outcome: HandshakeOutcome): boolean {
  return outcome.stage === 'certificate' || outcome.stage === 'reset' || outcome.stage === 'tls';
}

interface Home {
  readonly name: ClusterName;
  readonly istiods: Fact<FactTypes['istiods']>;
  readonly istiodHandshakes: Fact<unknown>;
  readonly controlPlanes: Fact<FactTypes['controlPlanes']>;
}

/** Whether proxies of a cluster are connected to the istiod that they call through this gateway, where that answers through it. */
function connectionOf(caller: ClusterName, home: Home, calls: readonly IstiodHandshake[], service: Service, mesh: Mesh) {
  const ways = leadsThere(caller, calls, service);
  const couples = mesh.couples.filter(
    ({ kind, member, controlPlane }) => kind === 'remote' && member === caller && controlPlane.cluster === home.name,
  );
  // Without what says that they are connected nobody can say that the list is to blame.
  const missing: readonly FactName[] =
    couples.length === 0
      ? []
      : (['istiods', 'istiodHandshakes', 'controlPlanes'] as const).filter((fact) => home[fact].status !== 'collected');
  const isAnswered = ways.some(({ outcome }) => outcome.stage === 'certificate');
  const states = listOf(home.controlPlanes)
    .filter(({ ref }) => ways.some(({ controlPlane }) => refKey(controlPlane) === refKey(ref)))
    .map((controlPlane) => measured.connectionOf(caller, measured.replicasOf(controlPlane, listOf(home.istiods)), controlPlane));
  if (states.includes('connected')) return { is: 'connected', missing } as const;
  return { is: isAnswered && states.includes('cut-off') ? 'cut-off' : 'unknown', missing } as const;
}

function blindness(
  caller: { readonly name: ClusterName; readonly nodes: Fact<unknown>; readonly pods: Fact<unknown> },
  istiods: readonly FactName[],
  home: ClusterName,
) {
  return [
    ...(['nodes', 'pods'] as const).flatMap((fact) => (caller[fact].status === 'collected' ? [] : [{ cluster: caller.name, fact }])),
    ...istiods.map((fact) => ({ cluster: home, fact })),
  ];
}

function isAdmitted(
  ranges: loadBalancers.SourceRanges,
  nodes: readonly Node[],
  pods: readonly { readonly ips: readonly string[] }[],
): boolean {
  const own = nodes.flatMap(({ addresses }) => addresses.map(({ address }) => address));
  const cidrs = nodes.flatMap(({ podCidrs }) => podCidrs);
  return (
    [...own, ...cidrs.map((cidr) => cidr.split('/')[0] ?? ''), ...pods.flatMap(({ ips }) => ips)].some((address) =>
      loadBalancers.admits(ranges, address),
    ) || cidrs.some((cidr) => ranges.ranges.some((range) => loadBalancers.admits({ ranges: [cidr] }, range.split('/')[0] ?? '')))
  );
}
