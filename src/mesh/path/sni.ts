import { list } from '../../base/text.ts';
import { hostMatches, sniOf } from '../../istio/hosts.ts';
import { ports } from '../../istio/labels.ts';
import type { ClusterFacts } from '../../model/facts.ts';
import type { GatewayHandshake } from '../../model/observations.ts';
import { tlsModeOf } from '../destination-rules.ts';
import { clientOf, endpointsSentTo, isExportedTo } from '../endpoints.ts';
import { type CrossNetworkExposure, crossNetworkExposure, gatewayProxies } from '../exposure.ts';
import { allGateways } from '../gateway-api.ts';
import { layerOf } from '../gateway-ways.ts';
import { gatewayService, type NetworkGateway } from '../gateways.ts';
import { modeAt } from '../mtls-barriers.ts';
import { isInSubset } from '../subset-gaps.ts';
import { listOf } from '../topology-types.ts';
import { type World, worldServing } from '../worlds.ts';
import { type Around, controlPlaneIn, istiodOf, told } from './around.ts';
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
import { crossing, gatewaysOf, podsBehind } from './network.ts';
import type { Way } from './way.ts';

const reasons: Readonly<Record<NonNullable<CrossNetworkExposure['missing']>, string>> = {
  gateway: 'no Gateway has a server there',
  'gateway-pods': 'no pod stands behind it',
  'gateway-revision': 'the Gateway that has it is labelled for another revision',
  'gateway-namespace': 'the Gateway that has it lies in another namespace than the gateway pods',
  'gateway-selector': 'the Gateway that has it selects none of the gateway pods',
  'gateway-mode': 'the Gateway that has it is not AUTO_PASSTHROUGH',
  'gateway-hosts': 'its hosts leave the service out',
};

/** What the gateway makes of the server name: the AUTO_PASSTHROUGH chain of the service, and an endpoint behind it. */
export function sniHop(around: Around, way: Way): Hop {
  const { aim } = way;
  const how = crossing(around, way);
  if (around.kind === 'plain' || how === 'direct') return hop('sni', notApplicable('no gateway is needed'));
  if (around.kind === 'ambient') return hop('sni', notApplicable('HBONE: the gateway takes a tunnel, and no server name'));
  const sni = sniOf({ port: aim.port, host: aim.host, ...(aim.subset === undefined ? {} : { subset: aim.subset }) });
  const [gateway] = gatewaysOf(around, way);
  if (gateway === undefined) return hop('sni', unknown(`${sni}: there is no gateway to ask`));
  const behind = podsBehind(around, gateway);
  if (behind?.service === undefined || gateway.port === 0)
    return hop('sni', unknown(`${sni}: what stands behind ${gateway.address} is not known`));
  const measured = measuredOf(around, gateway, sni, behind.home);
  const revision = behind.pods[0]?.proxy?.revision;
  const reader = worldServing(around.worlds, behind.home, revision ?? around.world?.controlPlane.revision);
  const controlPlane = reader === undefined ? undefined : controlPlaneIn(reader, around.facts);
  if (reader === undefined || controlPlane === undefined)
    return hop('sni', unknown(`${sni}: the istiod of the gateway is not known`), { object: gateway.ref, measured });
  const config = around.facts.get(reader.config);
  const own = around.facts.get(behind.home);
  const wanted = gatewayService(behind.service, own === undefined ? [] : listOf(own.nodes))?.wantedPort ?? ports.crossNetwork;
  const proxies = gatewayProxies(behind.service, behind.pods, own === undefined ? [] : listOf(own.workloads));
  const services = own === undefined ? [] : listOf(own.services);
  const given = config === undefined ? { gateways: [], kubeGateways: [] } : listsOfGateways(config);
  const open = crossNetworkExposure(
    { reader: controlPlane, gateways: allGateways(given, services, proxies), proxies },
    wanted,
    behind.service.ports.find(({ port }) => port === wanted)?.targetPort,
  );
  const evidence: HopEvidence[] = open.nearest.map((ref) => ({ ref, observed: `hosts ${list(open.hosts)}` }));
  const parts = { object: open.nearest[0] ?? gateway.ref, evidence, measured };
  const isOpen =
    open.missing === undefined || (open.missing === 'gateway-hosts' && open.hosts.some((pattern) => hostMatches(pattern, aim.host)));
  if (!isOpen) {
    const gaps = gapsIn(around.facts, [
      { cluster: reader.config, fact: 'gateways' },
      { cluster: reader.config, fact: 'kubeGateways' },
      { cluster: behind.home, fact: 'pods' },
    ]);
    return brokenByAbsence('sni', `${sni} is not let through: on port ${wanted}, ${reasons[open.missing ?? 'gateway']}`, gaps, parts);
  }
  const gap = unknownThere(around, reader, gateway, way, behind.pods[0] === undefined ? undefined : clientOf(behind.pods[0]));
  if (gap !== undefined) return hop('sni', gap.isSure ? broken(`${sni}: ${gap.text}`) : unknown(`${sni}: ${gap.text}`), parts);
  return hop(
    'sni',
    works(`${sni} is passed through by ${open.nearest[0] === undefined ? 'the gateway' : told({ ref: open.nearest[0] })}`),
    parts,
  );
}

/** Why the gateway has no chain, or nobody behind it, although the port is open. */
function unknownThere(
  around: Around,
  reader: World,
  { ref }: NetworkGateway,
  { aim, cluster, endpoints }: Way,
  proxy: ReturnType<typeof clientOf>,
): { readonly text: string; readonly isSure: boolean } | undefined {
  const who = `${istiodOf(reader)}, which configures the gateway,`;
  const service = reader.predictions.services.get(aim.host);
  const first = service?.instances[0]?.service;
  if (first === undefined) return { text: `${who} does not know the Service`, isSure: reader.gaps.length === 0 };
  const namespace = ref?.namespace ?? '';
  if (!isExportedTo(first, namespace, reader.applied.meshConfig?.defaultServiceExportTo))
    return { text: `the Service is not exported to namespace ${namespace} of the gateway`, isSure: true };
  const own = around.policies.get(reader);
  const rule = own?.rules({ host: aim.host, namespace: aim.namespace }, namespace);
  const subset = aim.subset === undefined ? undefined : rule?.subsets.find(({ name }) => name === aim.subset);
  if (aim.subset !== undefined && subset === undefined)
    return { text: `${who} knows no subset ${aim.subset}${rule === undefined ? '' : `: ${told(rule.object)} has none`}`, isSure: true };
  if (proxy === undefined) return undefined;
  const sent = endpointsSentTo(proxy, aim.host, aim.port, reader.predictions, {
    destinationRuleMode: tlsModeOf(rule, aim.port, aim.subset),
    isDisabled: (endpoint) => own !== undefined && modeAt(endpoint, own.modes, aim.namespace).mode === 'DISABLE',
  });
  const isThere = sent?.endpoints.some(
    ({ via, endpoints: found }) =>
      via === 'pod' && found.some((one) => reader.members.get(one.cluster) === cluster && isInSubset(one, subset?.labels ?? {})),
  );
  // Endpoints that are not ready are told where endpoints are.
  if (isThere === true || endpoints.every(({ health }) => health !== 'healthy')) return undefined;
  const views = proxy.requestedNetworkView;
  const view = views.length === 0 ? '' : `; it asked for ${list(views)} only`;
  return { text: `the gateway is sent no endpoint of it${view}`, isSure: true };
}

/** What came of handshakes with this gateway for this very name. */
function measuredOf({ facts }: Around, gateway: NetworkGateway, sni: string, home: Parameters<typeof facts.get>[0]): Measurement[] {
  const own = facts.get(home);
  const all = (own === undefined ? [] : listOf(own.gatewayHandshakes)).filter(
    ({ host, port }) => host === gateway.address && port === gateway.port,
  );
  return all
    .filter((one) => one.purpose === 'target' && one.sni === sni)
    .map(({ outcome, pod }): Measurement => {
      const by =
        pod === undefined ? `from here to ${gateway.address}:${gateway.port}` : `port-forward to pod ${pod.namespace ?? ''}/${pod.name}`;
      return { by, ...saying(outcome) };
    });
}

function saying(outcome: GatewayHandshake['outcome']): Omit<Measurement, 'by'> {
  switch (outcome.stage) {
    case 'certificate':
      if (layerOf(outcome) !== 'workload')
        return { verdict: 'broken', text: `${outcome.dnsNames[0] ?? outcome.subject} answers, which is no workload`, isDecisive: false };
      return { verdict: 'works', text: `${outcome.uris[0] ?? outcome.subject} answers behind it`, isDecisive: true };
    case 'reset':
      return { verdict: 'broken', text: `ends the connection after ${outcome.milliseconds} ms without a certificate`, isDecisive: false };
    case 'silence':
      return { verdict: 'broken', text: `says nothing for ${outcome.milliseconds} ms`, isDecisive: false };
    case 'tls':
      return { verdict: 'broken', text: outcome.reason, isDecisive: false };
    case 'tcp':
      return { verdict: 'unknown', text: outcome.reason, isDecisive: false };
    default:
      return outcome satisfies never;
  }
}

function listsOfGateways(config: Pick<ClusterFacts, 'gateways' | 'kubeGateways'>) {
  return { gateways: listOf(config.gateways), kubeGateways: listOf(config.kubeGateways) };
}
