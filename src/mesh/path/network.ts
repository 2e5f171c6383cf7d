import { distinct } from '../../base/sort.ts';
import { count, list } from '../../base/text.ts';
import { labels } from '../../istio/labels.ts';
import type { Pod, Service } from '../../model/facts.ts';
import type { ClusterName } from '../../model/ids.ts';
import { objectPath, type ObjectRef } from '../../model/refs.ts';
import type { SentEndpoint } from '../endpoints.ts';
import { gatewayService, type GatewayProblem, type NetworkGateway } from '../gateways.ts';
import { isListedAs, replicasOf } from '../measured.ts';
import { hasLabels, selectsPods } from '../selectors.ts';
import { listOf } from '../topology-types.ts';
import { controlPlaneIn, istiodOf, named, type Around } from './around.ts';
import {
  broken,
  brokenByAbsence,
  gapsIn,
  type Hop,
  hop,
  type HopEvidence,
  type Measurement,
  notApplicable,
  unknown,
  works,
} from './hop.ts';
import type { Way } from './way.ts';

/** Whether a way leads through a gateway; unknown where nothing is sent and nothing tells. */
export function crossing({ client, world }: Around, { sent, network, dropped }: Way): 'gateway' | 'raw' | 'direct' | 'unknown' {
  if (sent.some(({ via }) => via === 'gateway')) return 'gateway';
  const isApart = client?.network !== undefined && network !== undefined && client.network !== network;
  if (sent.some(({ via }) => via === 'raw')) return 'raw';
  if (sent.length > 0) return isApart ? 'raw' : 'direct';
  if (dropped.some(({ because }) => because === 'no-gateway' || because === 'gateway-of-other-family')) return 'raw';
  if (client === undefined || world === undefined) return 'unknown';
  return isApart ? 'gateway' : 'direct';
}

/** From the caller's network to that of the endpoints. */
export function networkHop(around: Around, way: Way): Hop {
  const { client, kind, caller } = around;
  const { network, endpoints, cluster } = way;
  const pod = endpoints[0]?.pod;
  const evidence: HopEvidence[] = [
    ...(caller.pod?.proxy === undefined
      ? []
      : [{ ref: caller.pod.ref, field: 'ISTIO_META_NETWORK', observed: caller.pod.proxy.network ?? 'none' }]),
    ...(pod === undefined
      ? []
      : [{ ref: pod.ref, field: `.metadata.labels["${labels.network}"]`, observed: pod.labels[labels.network] ?? 'none' }]),
  ];
  const parts = { object: pod?.ref ?? endpoints[0]?.ref, evidence };
  if (kind === 'plain' && cluster !== caller.cluster) return hop('network', notApplicable('it is not called'), parts);
  if (kind === 'plain') return hop('network', works(`the Service of ${cluster} leads to its own pods`), parts);
  const own = client?.network ?? 'no network';
  const other = network ?? 'no network';
  const how = crossing(around, way);
  switch (how) {
    case 'unknown':
      return hop('network', unknown(`from ${own} to ${other}`), parts);
    case 'direct':
      return hop(
        'network',
        works(
          client?.network === network
            ? `both are on ${other}: pods are called directly`
            : `from ${own} to ${other}: pods are called directly`,
        ),
        parts,
      );
    case 'gateway':
    case 'raw':
      return hop('network', works(`from ${own} to ${other}: only a gateway of ${other} leads there`), parts);
    default:
      return how satisfies never;
  }
}

/** The gateway of the other network: that there is one, with an address, a port, and pods behind it. */
export function gatewayHop(around: Around, way: Way): Hop {
  const { world, kind, facts } = around;
  const { sent, network, cluster } = way;
  const how = crossing(around, way);
  if (kind === 'plain' || how === 'direct') return hop('gateway', notApplicable('no gateway is needed'));
  const gateways = gatewaysOf(around, way);
  if (how === 'unknown' || world === undefined) return hop('gateway', unknown('whether a gateway is needed is not known'));
  const [first] = gateways;
  if (first === undefined || how === 'raw') {
    const near = nearMisses(around, way);
    const gaps = gapsIn(
      facts,
      [...world.members.values()].flatMap((member) => [
        { cluster: member, fact: 'services' as const },
        { cluster: member, fact: 'kubeGateways' as const },
      ]),
    );
    const why = near.length === 0 ? '' : ` (${list(near.map(({ text }) => text))})`;
    const instead = sent.length > 0 ? `, and the caller is sent pod addresses of ${cluster}, which it cannot reach` : '';
    return brokenByAbsence(
      'gateway',
      `${istiodOf(world)} knows no gateway of ${network ?? 'that network'} that the caller can use${why}${instead}`,
      gaps,
      {
        object: near[0]?.ref,
        evidence: near.map(({ ref, text }) => ({ ref, observed: text })),
      },
    );
  }
  const port = kind === 'ambient' ? first.hbonePort : first.port;
  const addresses = list(
    gateways.map((one) => spelled(one, kind === 'ambient')),
    '',
    3,
  );
  const behind = podsBehind(around, first);
  const where = {
    object: first.ref,
    evidence: first.ref === undefined ? [] : [{ ref: first.ref, observed: addresses }],
    measured: measuredOf(around, gateways),
  };
  if (port === 0) return hop('gateway', broken(`${addresses}: it has no port that the caller can use`), where);
  if (behind === undefined) return hop('gateway', works(`${addresses}${first.isUnresolved ? ', which istiod resolves' : ''}`), where);
  const { pods, home } = behind;
  const ready = pods.filter((pod) => pod.ready).length;
  const shown = `${addresses}; ${ready} of ${count(pods.length, 'pod')} behind it ${ready === 1 ? 'is' : 'are'} ready`;
  if (ready > 0) return hop('gateway', works(shown), where);
  if (pods.some(({ withoutStatus }) => withoutStatus === true))
    return hop('gateway', unknown(`${addresses}; whether its pods are ready is not said`), where);
  return brokenByAbsence('gateway', shown, gapsIn(facts, [{ cluster: home, fact: 'pods' }]), where);
}

/** Gateways that the caller is sent for this way, else those that stand for its network. */
export function gatewaysOf({ world }: Around, { sent, network, endpoints }: Way): readonly NetworkGateway[] {
  const used = sent.flatMap(({ gateway }: SentEndpoint) => gateway ?? []);
  if (used.length > 0 || world === undefined) return used;
  const [id] = endpoints.map((one) => one.cluster);
  return id === undefined ? [] : world.predictions.gatewaysOf.of(network, id);
}

function spelled({ address, port, hbonePort }: NetworkGateway, isAmbient: boolean): string {
  return `${address.includes(':') ? `[${address}]` : address}:${isAmbient ? hbonePort : port}`;
}

/** Pods behind the Service, or of the Gateway, that an address comes from. */
export function podsBehind(
  { facts }: Around,
  { ref }: NetworkGateway,
): { readonly home: ClusterName; readonly service: Service | undefined; readonly pods: readonly Pod[] } | undefined {
  const own = ref === undefined ? undefined : facts.get(ref.cluster);
  if (ref === undefined || own === undefined) return undefined;
  const service =
    ref.kind === 'Service' ? listOf(own.services).find((one) => one.namespace === ref.namespace && one.name === ref.name) : undefined;
  const isBehind = (pod: Pod): boolean =>
    service === undefined ? hasLabels({ [labels.gatewayName]: ref.name }, pod.labels) : selectsPods(service.selector, pod.labels);
  const pods = listOf(own.pods).filter((pod) => pod.namespace === ref.namespace && isBehind(pod));
  // What stands behind a Service without selector, or a Gateway in another place, is not in any list.
  if (service !== undefined && Object.keys(service.selector).length === 0) return undefined;
  return service === undefined && pods.length === 0 ? undefined : { home: ref.cluster, service, pods };
}

const problems: Readonly<Record<GatewayProblem, string>> = {
  'no-port': 'has none of the ports for other networks',
  'no-address': 'waits for its address',
  'unknown-address': 'does not say its address',
  'not-exposed': 'is not exposed to other clusters',
  'no-node-selector': 'is a NodePort without annotation traffic.istio.io/nodeSelector',
  'no-external-node': 'selects no node with an ExternalIP',
};

/** What looks like a gateway of that cluster or network, and why it is none. */
function nearMisses({ facts, kind }: Around, { cluster, network }: Way): { readonly ref: ObjectRef; readonly text: string }[] {
  const own = facts.get(cluster);
  if (own === undefined) return [];
  const services = listOf(own.services).flatMap((service) => {
    const is = gatewayService(service, listOf(own.nodes));
    const what = named(service.ref);
    if (is !== undefined && is.network !== network) return [{ ref: service.ref, text: `${what} is labelled for ${is.network}` }];
    if (is !== undefined && is.problems.length > 0)
      return [{ ref: service.ref, text: `${what} ${list(is.problems.map((one) => problems[one]))}` }];
    const usable = kind === 'ambient' ? is?.hbonePort : is?.port;
    if (is !== undefined && usable === 0) return [{ ref: service.ref, text: `${what} has no port that the caller can use` }];
    return is === undefined && service.labels['istio'] === 'eastwestgateway'
      ? [{ ref: service.ref, text: `${what} has no label ${labels.network}` }]
      : [];
  });
  return services.slice(0, 3);
}

/** What istiod lists, and how connections from here end. Where the caller's cluster is it may be otherwise. */
function measuredOf(around: Around, gateways: readonly NetworkGateway[]): Measurement[] {
  const { world, facts } = around;
  const controlPlane = world === undefined ? undefined : controlPlaneIn(world, facts);
  const own = world === undefined ? undefined : facts.get(world.controlPlane.cluster);
  const listed = (controlPlane === undefined || own === undefined ? [] : replicasOf(controlPlane, listOf(own.istiods))).flatMap(
    (replica): Measurement[] => {
      if ('failed' in replica.gateways) return [];
      const { answer } = replica.gateways;
      const missing = gateways.filter((gateway) => !gateway.isUnresolved && !answer.some((one) => isListedAs(one, gateway)));
      const by = `istiod ${named(replica.pod, false)}`;
      return missing.length === 0
        ? [{ by, verdict: 'works', text: 'lists it for its network', isDecisive: false }]
        : [
            {
              by,
              verdict: 'broken',
              text: `does not list ${list(missing.map(({ address, port }) => `${address}:${port}`))}`,
              isDecisive: false,
            },
          ];
    },
  );
  return [...listed, ...connections(around, gateways)];
}

function connections({ facts }: Around, gateways: readonly NetworkGateway[]): Measurement[] {
  const clusters = distinct(gateways.flatMap(({ ref }) => ref?.cluster ?? []));
  const found = clusters.flatMap((cluster) => {
    const own = facts.get(cluster);
    return (own === undefined ? [] : listOf(own.gatewayHandshakes)).filter(
      // What a pod says by port-forward is no connection to the address.
      ({ host, port, pod }) =>
        pod === undefined && gateways.some((gateway) => gateway.address === host && (gateway.port === port || gateway.hbonePort === port)),
    );
  });
  const once = new Map(found.map((one) => [`${objectPath(one.gateway)} ${one.host}:${one.port}`, one]));
  return [...once.values()].map(({ host, port, outcome }): Measurement => {
    const by = `from here to ${host}:${port}`;
    return outcome.stage === 'tcp'
      ? { by, verdict: 'broken', text: outcome.reason, isDecisive: false }
      : { by, verdict: 'works', text: 'it takes connections', isDecisive: false };
  });
}
