import { isInCidr } from '../istio/addresses.ts';
import { annotations } from '../istio/labels.ts';
import type { Pod } from '../model/facts.ts';
import type { StringMap } from '../model/kube.ts';

/**
 * The annotation that keeps a call of a pod away from its sidecar; nothing where the sidecar takes it, or where annotations do not say
 * (tools/istio-iptables/pkg/capture: excluded interfaces, excluded ports, included ports, excluded ranges, included ranges, in this order).
 */
export function bypassOf(own: StringMap, address: string, port: number): string | undefined {
  if (listOf(own, annotations.excludeInterfaces).includes(podInterface)) return annotations.excludeInterfaces;
  if (listOf(own, annotations.excludeOutboundPorts).includes(String(port))) return annotations.excludeOutboundPorts;
  if (listOf(own, annotations.includeOutboundPorts).some((one) => one === '*' || one === String(port))) return undefined;
  const holds = (cidr: string): boolean => isInCidr(address, cidr.includes('/') ? cidr : `${cidr}/32`);
  if (listOf(own, annotations.excludeOutboundIPRanges).some(holds)) return annotations.excludeOutboundIPRanges;
  if (own[annotations.includeOutboundIPRanges] === undefined) return undefined;
  const included = listOf(own, annotations.includeOutboundIPRanges);
  return included.includes('*') || included.some(holds) ? undefined : annotations.includeOutboundIPRanges;
}

/** Runtimes of containers give the interface of a pod's own address this name, and others to those that further networks add. */
const podInterface = 'eth0';

/** What tells which calls of a pod its sidecar takes: its annotations, and what it was injected with. */
export function saidOf({ annotations: own, proxy }: Pick<Pod, 'annotations' | 'proxy'>): StringMap {
  return proxy?.capture === undefined ? own : { ...own, ...proxy.capture };
}

/** Whether a pod says anything of what its sidecar takes. */
export function saysAnything(own: StringMap): boolean {
  return [
    annotations.excludeInterfaces,
    annotations.excludeOutboundPorts,
    annotations.excludeOutboundIPRanges,
    annotations.includeOutboundIPRanges,
  ].some((key) => own[key] !== undefined);
}

function listOf(own: StringMap, key: string): string[] {
  return (own[key] ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
