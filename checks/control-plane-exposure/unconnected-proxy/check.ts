import {
  type ClusterName,
  type ControlPlane,
  defineCheck,
  effectsOfCutOff,
  list,
  measured,
  type ObjectRef,
  pilotAddress,
  shellWord,
  valueOf,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'unconnected-proxy',
  title: 'Proxies of remotes are connected to the istiod that serves them',
  severity: 'error',
  certainty: 'likely',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'istiods', 'services', 'pods'], member: [] },
  applies: { probed: ['istiods'] },
  path: { hops: ['caller'] },
  catalogue: ['CPX-05'],
  explains: effectsOfCutOff.filter(({ code }) => code !== 'unconnected-proxy'),
  docs: {
    why: 'A proxy keeps one connection to istiod, in a remote to port 15012 of the gateway of the primary. A running proxy to which no replica of istiod has a connection serves with what it last heard: a firewall between the clusters, a balancer that lost the port, or a certificate that one side refuses. New pods of that cluster do not get ready.',
    confirm:
      'istioctl proxy-status --context PRIMARY; kubectl --context REMOTE -n NAMESPACE logs POD -c istio-proxy --tail=20 | grep -iE "15012|xds|upstream connect"',
    fix: 'Allow tcp 15012 from the nodes of the remote to the address of the gateway, and 15017 from its API server.',
    notWhen:
      'A proxy connects again every half an hour, and for a moment is connected to nobody; one that was just scaled away may still be listed as ready.',
    see: ['https://github.com/istio/istio/issues/39707'],
  },
  messages: {
    unconnected: (a: {
      proxies: readonly ObjectRef[];
      member: ClusterName;
      controlPlane: ControlPlane;
      replicas: readonly ObjectRef[];
    }) => ({
      text: `Pod ${a.proxies[0]?.namespace}/${a.proxies[0]?.name} of ${a.member} runs a proxy that no replica of istiod ${a.controlPlane.namespace}/${a.controlPlane.name} in ${a.controlPlane.ref.cluster} is connected to.`,
      expected: 'a connection to one of them, over port 15012 of the gateway',
      found: `${list(a.replicas.map(({ name }) => name))}: not connected`,
      effect: `proxies of ${a.member} hear of no change, get no new certificate, and new pods do not get ready`,
      confirm: [
        `istioctl proxy-status --context ${shellWord(a.controlPlane.ref.cluster)}`,
        ...a.proxies
          .slice(0, 1)
          .map(
            ({ cluster, namespace, name }) =>
              `kubectl --context ${shellWord(cluster)} -n ${shellWord(namespace ?? '')} logs ${shellWord(name)} -c istio-proxy --tail=20`,
          ),
      ],
    }),
  },
  *run({ primary, member, controlPlane, couple, finding, undecided }) {
    if (!pilotAddress.isServedFromOutside(couple) || valueOf(couple.serves) !== true) return;
    const replicas = measured.replicasOf(controlPlane, primary.istiods);
    const tables = replicas.flatMap((replica) =>
      replica.nameTables.flatMap(({ proxy, table }) => (proxy.cluster === member.name ? [{ replica, proxy, table }] : [])),
    );
    const connection = measured.connectionOf(member.name, replicas, controlPlane);
    if (connection === 'connected' || connection === 'not-asked') return;
    if (connection === 'unknown') {
      yield undecided('not every replica of istiod says which proxies are connected to it', { clusters: [primary.name] });
      return;
    }
    if (!pilotAddress.hasReadyGateway(primary.services, primary.pods)) {
      yield undecided('no gateway of the primary is ready', { blockedBy: 'unready-east-west-gateway', clusters: [primary.name] });
      return;
    }
    const proxies = [...new Map(tables.map(({ proxy }) => [proxy.name, proxy])).values()];
    const [at] = proxies;
    if (at === undefined) return;
    yield finding(
      'unconnected',
      { proxies, member: member.name, controlPlane, replicas: replicas.map(({ pod }) => pod) },
      {
        at: controlPlane.ref,
        related: [...proxies, ...replicas.map(({ pod }) => pod)],
        evidence: tables.slice(0, 4).map(({ replica, proxy }) => ({
          ref: replica.pod,
          observed: `/debug/ndsz: ${proxy.namespace ?? ''}/${proxy.name} is not connected`,
          expected: 'connected to one replica',
        })),
        subject: member.name,
        concerns: [member.name],
      },
    );
  },
});
