import {
  type ClusterName,
  type ControlPlane,
  defineCheck,
  effectsOfCutOff,
  list,
  measured,
  type ObjectRef,
  onlyFor,
  pilotAddress,
  refKey,
  shellWord,
  valueOf,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'unconnected-proxy',
  title: 'Proxies are connected to the istiod that serves them',
  severity: 'error',
  certainty: 'likely',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'istiods', 'services', 'pods'], member: [] },
  uses: { primary: ['clock'], member: [] },
  applies: { probed: ['istiods'] },
  // A gateway that hears of nothing passes calls on by what it has.
  path: { hops: ['caller'], isOn: ({ code }) => code === 'unconnected-proxy/unconnected' },
  catalogue: ['CPX-05'],
  explains: [
    ...onlyFor(
      ['unconnected'],
      effectsOfCutOff.filter(({ code }) => code !== 'unconnected-proxy'),
    ),
    // A gateway that was started since has no configuration, and one that was started before keeps what it has.
    { code: 'unready-east-west-gateway/notReady', match: 'within', keys: ['unconnected'] },
    // The gateway that leads remotes to istiod calls the pods of before, where proxies beside istiod do not hear of it themselves.
    { code: 'rejected-istiod-call', match: 'within' },
  ],
  docs: {
    why: 'A proxy keeps one connection to istiod, in a remote to port 15012 of the gateway of the primary. A running proxy to which no replica of istiod has a connection serves with what it last heard: a firewall between them, a balancer that lost the port, or a certificate that one side refuses. New pods of that cluster do not get ready. istiod forgets a connection within 40 seconds of the last packet that came back (KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT).',
    confirm:
      'istioctl proxy-status --context PRIMARY; kubectl --context REMOTE -n NAMESPACE logs POD -c istio-proxy --tail=20 | grep -iE "15012|xds|upstream connect"',
    fix: 'Allow tcp 15012 from the nodes of a remote to the address of the gateway, and 15017 from its API server. Where istiod is in the same cluster, see in the log of the proxy what keeps it from its Service.',
    notWhen:
      'A proxy connects again every half an hour, and for a moment is connected to nobody; one that was just scaled away may still be listed as ready. Nothing is said for a minute after istiod was started.',
    see: ['https://github.com/istio/istio/issues/39707'],
  },
  messages: {
    unconnected: (a: Cut) => ({
      text: `Pod ${a.proxies[0]?.namespace}/${a.proxies[0]?.name} of ${a.member} runs a proxy that no replica of istiod ${a.controlPlane.namespace}/${a.controlPlane.name} in ${a.controlPlane.ref.cluster} is connected to.`,
      ...known(a),
      effect: `proxies of ${a.member} hear of no change, get no new certificate, and new pods do not get ready`,
    }),
    gateway: (a: Cut) => ({
      text: `Gateway pod ${a.proxies[0]?.namespace}/${a.proxies[0]?.name} of ${a.member} is connected to no replica of istiod ${a.controlPlane.namespace}/${a.controlPlane.name} in ${a.controlPlane.ref.cluster}, while sidecars of ${a.member} are.`,
      ...known(a),
      effect: `it passes calls on by what it last heard: pods and services that came since are not reached through it`,
    }),
  },
  *run({ primary, member, controlPlane, couple, finding, undecided }) {
    const isOwn = couple.kind === 'self' && !pilotAddress.isServedFromOutside(couple);
    if (!isOwn && (!pilotAddress.isServedFromOutside(couple) || valueOf(couple.serves) !== true)) return;
    const replicas = measured.replicasOf(controlPlane, primary.istiods);
    const others = primary.istiods.filter((replica) => !replicas.includes(replica));
    const tables = replicas.flatMap((replica) =>
      replica.nameTables.flatMap(({ proxy, table }) => (proxy.cluster === member.name ? [{ replica, proxy, table }] : [])),
    );
    const connection = measured.connectionOf(member.name, replicas, controlPlane);
    const isElsewhere = others.some(({ nameTables }) =>
      nameTables.some(
        ({ proxy, table }) =>
          tables.some((one) => refKey(one.proxy) === refKey(proxy)) && 'answer' in table && table.answer !== 'elsewhere',
      ),
    );
    const gateways = measured.gatewaysCutOff(member.name, replicas, controlPlane, others);
    if (connection === 'unknown' && !isElsewhere)
      yield undecided('not every replica of istiod says which proxies are connected to it', { clusters: [primary.name] });
    const isCutOff = connection === 'cut-off' && !isElsewhere;
    const proxies = isCutOff ? [...new Map(tables.map(({ proxy }) => [proxy.name, proxy])).values(), ...gateways] : gateways;
    const [first] = proxies;
    // That a gateway is not connected says something where a sidecar beside it is: else it is one and the same.
    if (first === undefined || (!isCutOff && connection !== 'connected')) return;
    if (!isOwn && !pilotAddress.hasReadyGateway(primary.services, primary.pods)) {
      yield undecided('no gateway of the primary is ready', { blockedBy: 'unready-east-west-gateway', clusters: [primary.name] });
      return;
    }
    if (!measured.isLongThere(replicas, primary.pods, primary.clock)) {
      yield undecided('istiod was just started, and proxies take up to half a minute to connect again', { clusters: [primary.name] });
      return;
    }
    yield finding(
      isCutOff ? 'unconnected' : 'gateway',
      { proxies, member: member.name, controlPlane, replicas: replicas.map(({ pod }) => pod), isOwn },
      {
        at: controlPlane.ref,
        related: [...proxies, ...replicas.map(({ pod }) => pod)],
        evidence: replicas
          .flatMap(({ pod }) => proxies.map((proxy) => ({ pod, proxy })))
          .slice(0, 4)
          .map(({ pod, proxy }) => ({
            ref: pod,
            observed: `/debug/ndsz: ${proxy.namespace ?? ''}/${proxy.name} is not connected`,
            expected: 'connected to one replica',
          })),
        subject: member.name,
        concerns: [member.name],
      },
    );
  },
});

interface Cut {
  readonly proxies: readonly ObjectRef[];
  readonly member: ClusterName;
  readonly controlPlane: ControlPlane;
  readonly replicas: readonly ObjectRef[];
  /** istiod runs in the same cluster. */
  readonly isOwn: boolean;
}

function known({ proxies, controlPlane, replicas, isOwn }: Cut) {
  return {
    expected: `a connection to one of them, over port 15012 of ${isOwn ? 'its Service' : 'the gateway'}`,
    found: `${list(replicas.map(({ name }) => name))}: not connected`,
    confirm: [
      `istioctl proxy-status --context ${shellWord(controlPlane.ref.cluster)}`,
      ...proxies
        .slice(0, 1)
        .map(
          ({ cluster, namespace, name }) =>
            `kubectl --context ${shellWord(cluster)} -n ${shellWord(namespace ?? '')} logs ${shellWord(name)} -c istio-proxy --tail=20`,
        ),
    ],
  };
}
