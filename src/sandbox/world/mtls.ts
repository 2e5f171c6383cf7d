import { isRecord, itemsAt, mapAt, textAt } from '../../builder/edits/json.ts';
import { hostMatches, resolveHost } from '../../istio/hosts.ts';
import type { MtlsSettings } from '../../mesh/endpoints.ts';
import { hasLabels } from '../../mesh/selectors.ts';
import { listOf } from '../../mesh/topology.ts';
import type { ClusterFacts, IstioResource, Pod } from '../../model/facts.ts';
import type { StringMap } from '../../model/kube.ts';

/** What configuration says of mTLS towards one host and port, for a client of one namespace; `config` are the facts istiod reads it from. */
export function mtlsSettings(
  config: ClusterFacts,
  to: { readonly host: string; readonly port: number; readonly clusterDomain: string },
  clientNamespace: string,
  rootNamespace: string,
): MtlsSettings {
  const resources = listOf(config.istioResources);
  const peers = resources.filter(({ kind }) => kind === 'PeerAuthentication');
  return {
    destinationRuleMode: ruleMode(resources, to, clientNamespace, rootNamespace),
    isDisabled: ({ pod, port }) => pod !== undefined && peerMode(peers, pod, port, rootNamespace) === 'DISABLE',
  };
}

/** Labels a subset of a host asks for; nothing when no DestinationRule defines it. */
export function subsetLabels(config: ClusterFacts, host: string, subset: string, clusterDomain: string): StringMap | undefined {
  for (const rule of listOf(config.istioResources)) {
    if (!appliesTo(rule, host, clusterDomain)) continue;
    for (const one of itemsAt(rule.spec, 'subsets')) if (textAt(one, 'name') === subset) return mapAt(one, 'labels');
  }
  return undefined;
}

/** Mode of PeerAuthentication for a port of a pod: the workload's own before the namespace's before the mesh's. */
function peerMode(peers: readonly IstioResource[], pod: Pod, port: number, rootNamespace: string): string | undefined {
  const inNamespace = peers.filter((peer) => peer.namespace === pod.namespace);
  const selecting = inNamespace.find((peer) => isNarrow(peer) && hasLabels(mapAt(peer.spec, 'selector', 'matchLabels'), pod.labels));
  const ofPort = textAt(selecting?.spec, 'portLevelMtls', String(port), 'mode');
  const candidates = [
    ofPort,
    modeOf(selecting),
    modeOf(inNamespace.find((peer) => !isNarrow(peer))),
    modeOf(peers.find((peer) => peer.namespace === rootNamespace && !isNarrow(peer))),
  ];
  return candidates.find((mode) => mode !== undefined && mode !== 'UNSET');
}

function modeOf(peer: IstioResource | undefined): string | undefined {
  return textAt(peer?.spec, 'mtls', 'mode');
}

function isNarrow(peer: IstioResource): boolean {
  return Object.keys(mapAt(peer.spec, 'selector', 'matchLabels')).length > 0;
}

/** TLS mode of the DestinationRule for a host: of the client's namespace before the service's before the root namespace's. */
function ruleMode(
  resources: readonly IstioResource[],
  to: { readonly host: string; readonly port: number; readonly clusterDomain: string },
  clientNamespace: string,
  rootNamespace: string,
): string | undefined {
  const own = to.host.split('.')[1];
  const rules = resources.filter((rule) => appliesTo(rule, to.host, to.clusterDomain));
  for (const namespace of [clientNamespace, own, rootNamespace]) {
    for (const rule of rules) {
      if (rule.namespace !== namespace) continue;
      const policy = isRecord(rule.spec) ? rule.spec['trafficPolicy'] : undefined;
      const ofPort = itemsAt(policy, 'portLevelSettings').find(
        (setting) => isRecord(setting) && isRecord(setting['port']) && setting['port']['number'] === to.port,
      );
      const mode = textAt(ofPort, 'tls', 'mode') ?? textAt(policy, 'tls', 'mode');
      if (mode !== undefined) return mode;
    }
  }
  return undefined;
}

function appliesTo(rule: IstioResource, host: string, clusterDomain: string): boolean {
  if (rule.kind !== 'DestinationRule') return false;
  const own = textAt(rule.spec, 'host');
  return own !== undefined && hostMatches(resolveHost(own, rule.namespace, clusterDomain), host);
}
