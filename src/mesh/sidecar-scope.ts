import { hostMatches } from '../istio/hosts.ts';
import { fields, objects, optionalFields, port, tally, textMap, texts } from '../model/decode.ts';
import type { IstioResource } from '../model/facts.ts';
import type { StringMap } from '../model/kube.ts';
import type { AppliedConfig } from './applied-config.ts';
import { hasLabels } from './selectors.ts';

/** What a Sidecar lets a workload know of the mesh. */
export interface SidecarScope {
  /** Absent: no Sidecar applies, and everything exported is known. */
  readonly object?: IstioResource;
  /** Whether a Service is among its egress hosts, for a port of it where an egress listener is of one port only. */
  readonly imports: (service: { readonly host: string; readonly namespace: string }, portNumber: number) => boolean;
}

/**
 * The Sidecar of a workload: that of its namespace which selects it, else the one of its namespace without selector, else that of the
 * root namespace; the oldest of each (pilot/pkg/model/push_context.go: getSidecarScope). One without egress takes everything. Hosts
 * that come in with the destinations of a VirtualService are not among those imported.
 */
export function sidecarScope(config: AppliedConfig, workload: { readonly namespace: string; readonly labels: StringMap }): SidecarScope {
  const all = config.ofKind('Sidecar');
  const own = all.filter(({ namespace }) => namespace === workload.namespace);
  const object =
    own.find((one) => selectorOf(one) !== undefined && hasLabels(selectorOf(one) ?? {}, workload.labels)) ??
    own.find((one) => selectorOf(one) === undefined) ??
    all.find((one) => one.namespace === config.rootNamespace && selectorOf(one) === undefined);
  if (object === undefined) return { imports: () => true };
  const odd = tally();
  const egress = objects(odd, fields(odd, object.spec)['egress']);
  if (egress.length === 0) return { object, imports: () => true };
  const listeners = egress.map((listener) => ({
    port: port(odd, optionalFields(odd, listener['port'])?.['number']),
    hosts: texts(odd, listener['hosts']).map((host) => patternOf(host, workload.namespace)),
  }));
  return {
    object,
    imports: ({ host, namespace }, portNumber) =>
      listeners.some(
        ({ port: only, hosts }) =>
          (only === undefined || only === portNumber) &&
          hosts.some((one) => (one.namespace === '*' || one.namespace === namespace) && hostMatches(one.host, host)),
      ),
  };
}

function selectorOf({ spec }: IstioResource): StringMap | undefined {
  const odd = tally();
  const selector = optionalFields(odd, fields(odd, spec)['workloadSelector']);
  const labels = selector === undefined ? {} : textMap(odd, selector['labels']);
  return Object.keys(labels).length === 0 ? undefined : labels;
}

/** `./name`, `ns/name`, `~/*` for nothing. */
function patternOf(text: string, ownNamespace: string): { readonly namespace: string; readonly host: string } {
  const slash = text.indexOf('/');
  const namespace = slash < 0 ? '*' : text.slice(0, slash);
  return { namespace: namespace === '.' ? ownNamespace : namespace, host: text.slice(slash + 1) };
}
