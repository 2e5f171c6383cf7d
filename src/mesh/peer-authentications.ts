import { fields, filled, tally, textMap } from '../model/decode.ts';
import type { IstioResource } from '../model/facts.ts';
import type { StringMap } from '../model/kube.ts';
import type { AppliedConfig } from './applied-config.ts';
import { hasLabels } from './selectors.ts';

export type MutualTlsMode = 'DISABLE' | 'PERMISSIVE' | 'STRICT';

/** The mode of one port of one workload, and the object that says so; nobody says anything = PERMISSIVE. */
export interface EffectiveMutualTls {
  readonly mode: MutualTlsMode;
  readonly by?: IstioResource;
}

export type PeerAuthentications = (workload: {
  readonly namespace: string;
  readonly labels: StringMap;
  /** The port the workload listens on, not that of a Service. */
  readonly port: number;
}) => EffectiveMutualTls;

interface Policy {
  readonly object: IstioResource;
  readonly selector: StringMap;
  readonly mode: MutualTlsMode | undefined;
  readonly ports: ReadonlyMap<number, MutualTlsMode | undefined>;
}

/**
 * PeerAuthentications as istiod merges them for a workload: that of the workload before that of its namespace before that of the mesh,
 * the oldest of each; UNSET inherits; ports only count in one with a selector, and one with a selector does not count in the root
 * namespace (pilot/pkg/security/authn/policy_applier.go: ComposePeerAuthentication).
 */
export function peerAuthentications(config: AppliedConfig): PeerAuthentications {
  const byNamespace = new Map<string, { general: Policy | undefined; selecting: Policy[] }>();
  for (const object of config.ofKind('PeerAuthentication')) {
    const policy = policyOf(object);
    const own = byNamespace.get(object.namespace) ?? { general: undefined, selecting: [] };
    byNamespace.set(object.namespace, own);
    if (Object.keys(policy.selector).length > 0) own.selecting.push(policy);
    else own.general ??= policy;
  }
  const mesh = byNamespace.get(config.rootNamespace)?.general;
  return ({ namespace, labels, port }) => {
    const isRoot = namespace === config.rootNamespace;
    const own = isRoot ? undefined : byNamespace.get(namespace);
    const workload = own?.selecting.find(({ selector }) => hasLabels(selector, labels));
    const first = [workload, own?.general, mesh].find((policy) => policy?.mode !== undefined);
    const general = first?.mode === undefined ? { mode: 'PERMISSIVE' as const } : { mode: first.mode, by: first.object };
    if (workload === undefined || !workload.ports.has(port)) return general;
    const ofPort = workload.ports.get(port);
    return ofPort === undefined ? general : { mode: ofPort, by: workload.object };
  };
}

/** Whether some PeerAuthentication turns mutual TLS off for anybody. */
export function disablesMutualTls(config: AppliedConfig): boolean {
  return config.ofKind('PeerAuthentication').some((object) => {
    const { mode, ports } = policyOf(object);
    return mode === 'DISABLE' || [...ports.values()].includes('DISABLE');
  });
}

function policyOf(object: IstioResource): Policy {
  const odd = tally();
  const spec = fields(odd, object.spec);
  const ports = fields(odd, spec['portLevelMtls']);
  return {
    object,
    selector: textMap(odd, fields(odd, spec['selector'])['matchLabels']),
    mode: modeOf(spec['mtls']),
    ports: new Map(Object.keys(ports).map((port) => [Number(port), modeOf(ports[port])])),
  };
}

function modeOf(mtls: unknown): MutualTlsMode | undefined {
  const mode = filled(tally(), fields(tally(), mtls)['mode']);
  return mode === 'DISABLE' || mode === 'PERMISSIVE' || mode === 'STRICT' ? mode : undefined;
}
