import { sortedBy } from '../base/sort.ts';
import { labels } from '../istio/labels.ts';
import { leadsTo } from '../mesh/pilot-address.ts';
import { selectsPods } from '../mesh/selectors.ts';
import { listOf } from '../mesh/topology.ts';
import type { ClusterFacts, Service, ServicePort } from '../model/facts.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';

/** A port of a pod that stands behind an address: who is asked when the address does not answer. */
export interface Door {
  readonly service: ObjectRef;
  readonly pod: ObjectRef;
  readonly port: number;
}

/**
 * The pod behind a port of an address: of the Service that `of` is, or that istiod made for the Gateway that it is, or that has this
 * address. A ready one before others, the first by name. Nothing where no running pod is known.
 */
export function doorBehind(at: { readonly host: string; readonly port: number }, of: ObjectRef, facts: ClusterFacts): Door | undefined {
  const services = listOf(facts.services);
  const service = serviceOf(of, services) ?? leadsTo(at.host, services, listOf(facts.nodes));
  const servicePort = service?.ports.find(({ port }) => port === at.port) ?? service?.ports.find(({ nodePort }) => nodePort === at.port);
  if (service === undefined || servicePort === undefined) return undefined;
  const pods = listOf(facts.pods).filter(
    (pod) => pod.namespace === service.namespace && pod.phase === 'Running' && selectsPods(service.selector, pod.labels),
  );
  const [pod] = sortedBy(pods, ({ ready, name }) => `${ready ? 0 : 1} ${name}`);
  return pod === undefined ? undefined : { service: service.ref, pod: pod.ref, port: numberOf(servicePort, service, facts) };
}

function serviceOf(of: ObjectRef, services: readonly Service[]): Service | undefined {
  if (of.kind === 'Service') return services.find(({ ref }) => refKey(ref) === refKey(of));
  if (of.kind !== 'Gateway') return undefined;
  return services.find((one) => one.namespace === of.namespace && one.labels[labels.gatewayName] === of.name);
}

/** A port that is named has its number in the slices of the Service. */
function numberOf({ name, port, targetPort }: ServicePort, service: Service, facts: ClusterFacts): number {
  if (typeof targetPort === 'number') return targetPort;
  const slices = listOf(facts.endpointSlices).filter((one) => one.namespace === service.namespace && one.service === service.name);
  return slices.flatMap(({ ports }) => ports).find((one) => one.name === name)?.port ?? port;
}
