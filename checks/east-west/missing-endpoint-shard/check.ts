import {
  type ClusterName,
  type ControlPlane,
  count,
  defineCheck,
  distinct,
  type endpoints,
  hosts,
  type IstiodReplica,
  knownFaults,
  list,
  type ListedEndpoint,
  measured,
  remedy,
  remoteSecrets,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'missing-endpoint-shard',
  title: 'Every replica of istiod knows the ready endpoints of the services that were asked for',
  severity: 'error',
  certainty: 'likely',
  scope: 'managed',
  needs: {
    primary: ['controlPlanes', 'remoteSecrets', 'meshConfigs', 'istiods'],
    member: ['namespaces', 'endpointSlices', 'pods'],
  },
  uses: { primary: [], member: ['clock'] },
  applies: { probed: ['istiods'] },
  path: { hops: ['endpoints'] },
  catalogue: ['SEC-08', 'SEC-13'],
  explains: [
    { code: 'rejected-cross-network-call', match: 'cluster', keys: ['missing', 'stale'] },
    { code: 'failing-pod-call/rejected', match: 'cluster', keys: ['missing', 'stale'] },
    { code: 'unanswered-name', match: 'cluster', keys: ['missing'] },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster', keys: ['missing'] },
  ],
  docs: {
    why: 'istiod keeps the endpoints of every service in shards, one for each cluster. A cluster whose shard is missing or out of date gets no calls, whatever its own objects say, and in most cases istioctl remote-clusters says synced all the same.',
    confirm: 'kubectl --context PRIMARY -n istio-system exec deploy/istiod -- pilot-discovery request GET /debug/endpointShardz',
    fix: 'Restart istiod, then see why it lost the cluster: a secret that was renewed, a token that is no longer accepted, an API server that was away.',
    notWhen: 'While a workload is rolled out, endpoints change between the moment they are listed and the moment istiod is asked.',
  },
  messages: {
    missing: (a: Shard) => ({
      text: `${reader(a)} has no endpoint of ${a.service} in ${a.of}, where ${count(a.expected.length, 'is ready', 'are ready')}.`,
      expected: list(a.expected),
      found: 'none',
      effect: `nobody is sent to ${a.service} in ${a.of}`,
      remedy: [restart(a)],
      ...graded(a),
    }),
    stale: (a: Shard) => ({
      text: `${reader(a)} sends callers of ${a.service} in ${a.of} to ${list(a.found)}, which are no longer its endpoints.`,
      expected: list(a.expected),
      found: list(a.found),
      effect: `calls to ${a.service} in ${a.of} fail`,
      remedy: [restart(a)],
      ...graded(a),
    }),
    otherNetwork: (a: Shard) => ({
      text: `${reader(a)} has endpoints of ${a.service} in ${a.of} on ${list(a.found)} instead of ${list(a.expected)}.`,
      expected: list(a.expected),
      found: list(a.found),
      effect: 'callers are sent to pod addresses, or through a gateway, where it should be the other way',
    }),
    otherMtls: (a: Shard) => ({
      text: `${reader(a)} has endpoints of ${a.service} in ${a.of} with TLS mode ${list(a.found)} instead of ${list(a.expected)}.`,
      expected: list(a.expected),
      found: list(a.found),
      effect: 'endpoints without mutual TLS are left out for callers of other networks',
    }),
  },
  *run({ primary, member, controlPlane, couple, finding, undecided }) {
    const unread = couple.kind === 'self' ? undefined : remoteSecrets.unreadBecause(controlPlane, couple);
    if (unread !== undefined) {
      if ('missing' in unread) yield undecided('it is not known which secret opens it', unread);
      return;
    }
    const replicas = measured.replicasOf(controlPlane, primary.istiods);
    if (replicas.length === 0)
      yield undecided('no pod of this istiod could be asked', { blockedBy: 'unavailable-istiod', clusters: [primary.name] });
    if (replicas.some(({ shards }) => 'failed' in shards))
      yield undecided('not every replica of istiod lists its endpoints', { clusters: [primary.name] });
    const istiod = { istiod: controlPlane, meshConfig: measured.meshConfigOf(controlPlane, primary.meshConfigs) };
    const lacks = [
      { cluster: primary.name, fact: 'meshConfigs' as const },
      ...(['namespaces', 'pods', 'endpointSlices'] as const).map((fact) => ({ cluster: member.name, fact })),
    ];
    for (const host of distinct(replicas.flatMap(({ shardsAsked }) => shardsAsked))) {
      const service = hosts.serviceOfFqdn(host, controlPlane.clusterDomain);
      if (service === undefined) continue;
      const endpointSlices = member.endpointSlices.filter(
        (slice) => slice.namespace === service.namespace && slice.service === service.name,
      );
      const { namespaces, pods } = member;
      for (const id of measured.idsRead(controlPlane, couple)) {
        const ready = measured
          .endpointsIn(istiod, id, host, { namespaces, endpointSlices, pods })
          .filter(({ health }) => health === 'healthy');
        const [first] = ready;
        if (first === undefined) continue;
        const asked = replicas.flatMap((replica) => answerOf(replica, host, id));
        for (const [key, wanted, found, without] of differences(ready, asked)) {
          const refs = without.map(({ replica }) => replica.pod);
          yield finding(
            key,
            {
              controlPlane,
              service: `${service.namespace}/${service.name}`,
              of: member.name,
              expected: wanted,
              found,
              pods: refs.map(({ name }) => name),
              asked: asked.length,
              isSettled: ready.some(({ pod }) => measured.isSettled(pod, member.clock)),
            },
            {
              at: first.ref,
              related: [controlPlane.ref, ...refs],
              evidence: refs.map((ref) => ({
                ref,
                observed: `/debug/endpointShardz: ${host} ${id}: ${list(found)}`,
                expected: list(wanted),
              })),
              lacks,
              subject: `${primary.name}/${controlPlane.revision} ${id} ${host}`,
            },
          );
        }
      }
    }
  },
});

interface Shard {
  readonly controlPlane: ControlPlane;
  readonly service: string;
  readonly of: ClusterName;
  readonly expected: readonly string[];
  readonly found: readonly string[];
  readonly pods: readonly string[];
  readonly asked: number;
  /** Some endpoint was there long before istiod was asked. */
  readonly isSettled: boolean;
}

function graded(a: Shard) {
  return a.isSettled ? {} : { certainty: 'possible' as const };
}

interface Answered {
  readonly replica: IstiodReplica;
  readonly listed: readonly ListedEndpoint[];
}

function answerOf(replica: IstiodReplica, host: string, id: Parameters<typeof measured.servesEndpointsOf>[1]): Answered[] {
  if ('failed' in replica.shards || !replica.shardsAsked.includes(host)) return [];
  return [{ replica, listed: measured.listedEndpoints(replica.shards.answer, host, id) }];
}

type Difference = readonly [
  key: 'missing' | 'stale' | 'otherNetwork' | 'otherMtls',
  expected: readonly string[],
  found: readonly string[],
  without: readonly Answered[],
];

/** How replicas differ from the objects: that one of several endpoints is not there yet is no difference. */
function differences(ready: readonly endpoints.ShardEndpoint[], asked: readonly Answered[]): Difference[] {
  const key = (one: { readonly address: string; readonly portName: string }): string => `${one.address} ${one.portName}`;
  const byKey = new Map(ready.map((one) => [key(one), one]));
  const addresses = distinct(ready.map(({ address }) => address));
  const common = ({ listed }: Answered) =>
    listed.flatMap((own) => {
      const expected = byKey.get(key(own));
      return expected === undefined ? [] : [{ own, expected }];
    });
  const missing = asked.filter(({ listed }) => listed.length === 0);
  const stale = asked.filter((one) => one.listed.length > 0 && common(one).length === 0);
  const networks = asked.filter((one) => common(one).some(({ own, expected }) => own.network !== (expected.network ?? '')));
  const modes = asked.filter((one) => common(one).some(({ own, expected }) => own.tlsMode !== '' && own.tlsMode !== expected.tlsMode));
  const pairs = (of: readonly Answered[]) => of.flatMap(common);
  const all: Difference[] = [
    ['missing', addresses, [], missing],
    ['stale', addresses, distinct(stale.flatMap(({ listed }) => listed.map(({ address }) => address))), stale],
    [
      'otherNetwork',
      distinct(ready.map(({ network }) => networkNamed(network ?? ''))),
      distinct(pairs(networks).map(({ own }) => networkNamed(own.network))),
      networks,
    ],
    ['otherMtls', distinct(ready.map(({ tlsMode }) => tlsMode)), distinct(pairs(modes).map(({ own }) => own.tlsMode)), modes],
  ];
  return all.filter(([, , , without]) => without.length > 0);
}

function networkNamed(network: string): string {
  return network === '' ? 'no network' : `network ${network}`;
}

function reader(a: Shard): string {
  const { namespace, name, ref } = a.controlPlane;
  const replica = a.pods.length === a.asked ? '' : ` (${list(a.pods)}, ${a.pods.length} of ${count(a.asked, 'replica')})`;
  return `Deployment ${namespace}/${name} in ${ref.cluster}${replica}`;
}

function restart(a: Shard) {
  const { ref, version } = a.controlPlane;
  const fault = knownFaults.faultNamed('wiped-shards-after-rotation');
  const fix = knownFaults.isAffected(fault, version) === true ? knownFaults.fixOf(fault, version) : undefined;
  const release = fix === undefined ? '' : `; Istio ${version ?? ''} loses endpoints when a remote secret is renewed, ${fix} does not`;
  return remedy.restart(ref, `afterwards istiod knows only what it can still read${release}`);
}
