import { itemsAt, itemsOf, mapAt } from '../../builder/edits/json.ts';
import { gatewayHost, hostMatches } from '../../istio/hosts.ts';
import { hasLabels } from '../../mesh/selectors.ts';
import { listOf } from '../../mesh/topology.ts';
import type { IstioResource, Pod } from '../../model/facts.ts';
import type { IstiodProcess } from './istiods.ts';
import { type Knowledge, meshConfigOf } from './knowledge.ts';

/**
 * What the Sidecar of a proxy lets through: that which selects the pod, else its namespace's, else the root namespace's
 * (pilot/pkg/model/sidecar.go). Nothing where it has none: it sees everything.
 */
export function sidecarVisibility(
  pod: Pod,
  process: IstiodProcess,
  { state }: Knowledge,
): ((host: string, namespace: string) => boolean) | undefined {
  const config = state.clusters.get(process.config)?.facts;
  const sidecars = (config === undefined ? [] : listOf(config.istioResources)).filter(({ kind }) => kind === 'Sidecar');
  const root = meshConfigOf(process, state)?.rootNamespace ?? process.controlPlane.namespace;
  const selectorOf = (sidecar: IstioResource) => mapAt(sidecar.spec, 'workloadSelector', 'labels');
  const isNarrow = (sidecar: IstioResource): boolean => Object.keys(selectorOf(sidecar)).length > 0;
  const own = sidecars.filter(({ namespace }) => namespace === pod.namespace);
  const chosen =
    own.find((sidecar) => isNarrow(sidecar) && hasLabels(selectorOf(sidecar), pod.labels)) ??
    own.find((sidecar) => !isNarrow(sidecar)) ??
    sidecars.find((sidecar) => sidecar.namespace === root && !isNarrow(sidecar));
  const egress = itemsAt(chosen?.spec, 'egress');
  if (chosen === undefined || egress.length === 0) return undefined;
  const hosts = egress
    .flatMap((listener) => itemsOf(itemsAt(listener, 'hosts')))
    .filter((host) => typeof host === 'string')
    .map(gatewayHost);
  return (host, namespace) =>
    hosts.some((one) => {
      const inNamespace = one.namespace === '*' || one.namespace === namespace || (one.namespace === '.' && namespace === pod.namespace);
      return inNamespace && hostMatches(one.host, host);
    });
}
