import { hostMatches, resolveHost } from '../istio/hosts.ts';
import { fields, type Fields, filled, objects, optionalFields, port, tally, text, textMap, texts } from '../model/decode.ts';
import type { IstioResource } from '../model/facts.ts';
import type { StringMap } from '../model/kube.ts';
import type { AppliedConfig } from './applied-config.ts';

/** What says something about connections: a rule's or subset's trafficPolicy, or settings of one port of it. */
export interface TrafficPolicy {
  /** A tls block without mode turns TLS off: DISABLE is the zero of its enum. */
  readonly tlsMode?: string;
  readonly outlierDetection?: Fields;
  readonly localityLbSetting?: Fields;
  readonly ports: readonly (Omit<TrafficPolicy, 'ports'> & { readonly port: number })[];
}

export interface Subset {
  readonly name: string;
  readonly labels: StringMap;
  readonly policy?: TrafficPolicy;
  readonly object: IstioResource;
}

/** One DestinationRule, or several of one namespace for one host as istiod merges them. */
export interface AppliedRule {
  /** With the short name resolved. */
  readonly host: string;
  readonly policy?: TrafficPolicy;
  /** The object whose trafficPolicy counts; the first when none has one. */
  readonly object: IstioResource;
  readonly subsets: readonly Subset[];
  readonly objects: readonly IstioResource[];
}

/** The rule that applies to a host for a client of a namespace; nothing when no rule does. */
export type DestinationRules = (service: { readonly host: string; readonly namespace: string }, client: string) => AppliedRule | undefined;

interface Parsed {
  readonly object: IstioResource;
  readonly host: string;
  readonly exportTo: readonly string[];
  readonly policy: TrafficPolicy | undefined;
  readonly subsets: readonly Subset[];
}

interface Index {
  readonly specific: Map<string, Parsed[]>;
  readonly wildcards: Map<string, Parsed[]>;
}

/**
 * DestinationRules as istiod looks them up: first those of the client's namespace (unless it is the root namespace), then those that the
 * service's namespace exports to it, then those of the root namespace; the most specific host of the first that has any
 * (pilot/pkg/model/push_context.go: destinationRule). Not considered: rules with a workloadSelector, which are of some pods only, and the
 * mesh's `defaultDestinationRuleExportTo`.
 */
export function destinationRules(config: AppliedConfig): DestinationRules {
  const local = new Map<string, Index>();
  const exported = new Map<string, Index>();
  const rootPrivate = emptyIndex();
  for (const parsed of rulesOf(config)) {
    const {
      exportTo,
      object: { namespace },
    } = parsed;
    const isPrivate = exportTo.length === 1 && (exportTo[0] === '.' || exportTo[0] === namespace);
    if (exportTo.length === 0 || exportTo.some((to) => to === '*' || to === '.' || to === namespace))
      add(indexAt(local, namespace), parsed);
    if (!isPrivate) add(indexAt(exported, namespace), parsed);
    else if (namespace === config.rootNamespace) add(rootPrivate, parsed);
  }
  return ({ host, namespace }, client) => {
    const own = client === config.rootNamespace ? rootPrivate : local.get(client);
    const found = own === undefined ? undefined : mostSpecific(own, host);
    if (found !== undefined) return merged(found);
    for (const owner of [namespace, config.rootNamespace]) {
      const index = exported.get(owner);
      const visible = (index === undefined ? undefined : mostSpecific(index, host))?.filter(({ exportTo }) => isVisible(exportTo, client));
      if (visible !== undefined && visible.length > 0) return merged(visible);
    }
    return undefined;
  };
}

/** Hosts of the rules that a namespace has for its own clients, as they stand. */
export function ownHosts(config: AppliedConfig): ReadonlyMap<string, ReadonlySet<string>> {
  const hosts = new Map<string, Set<string>>();
  for (const { object, host } of rulesOf(config)) {
    const own = hosts.get(object.namespace);
    if (own === undefined) hosts.set(object.namespace, new Set([host]));
    else own.add(host);
  }
  return hosts;
}

/** Every rule without workloadSelector as it stands, whoever may see it. */
export function allRules(config: AppliedConfig): readonly AppliedRule[] {
  return rulesOf(config).flatMap((parsed) => merged([parsed]) ?? []);
}

/** TLS mode that a rule sets for a port and subset of its host; nothing when it says none (pilot/pkg/xds/endpoints/mtls_checker.go). */
export function tlsModeOf(rule: AppliedRule | undefined, portNumber: number, subset = ''): string | undefined {
  if (rule === undefined) return undefined;
  const own = subset === '' ? undefined : rule.subsets.find(({ name }) => name === subset);
  if (subset !== '' && own === undefined) return undefined;
  return modeForPort(own?.policy, portNumber) ?? modeForPort(rule.policy, portNumber);
}

function modeForPort(policy: TrafficPolicy | undefined, portNumber: number): string | undefined {
  const ofPort = policy?.ports.find((one) => one.port === portNumber && one.tlsMode !== undefined);
  return ofPort?.tlsMode ?? policy?.tlsMode;
}

function rulesOf(config: AppliedConfig): Parsed[] {
  return config.ofKind('DestinationRule').flatMap((object) => {
    const odd = tally();
    const spec = fields(odd, object.spec);
    if (optionalFields(odd, spec['workloadSelector']) !== undefined) return [];
    const host = resolveHost(text(odd, spec['host']) ?? '', object.namespace, config.clusterDomain);
    const subsets = objects(odd, spec['subsets']).map((subset): Subset => {
      const policy = policyOf(optionalFields(odd, subset['trafficPolicy']));
      return {
        name: text(odd, subset['name']) ?? '',
        labels: textMap(odd, subset['labels']),
        object,
        ...(policy === undefined ? undefined : { policy }),
      };
    });
    return [
      { object, host, exportTo: texts(odd, spec['exportTo']), policy: policyOf(optionalFields(odd, spec['trafficPolicy'])), subsets },
    ];
  });
}

function policyOf(given: Fields | undefined): TrafficPolicy | undefined {
  if (given === undefined) return undefined;
  const odd = tally();
  return {
    ...settingsOf(given),
    ports: objects(odd, given['portLevelSettings']).flatMap((settings) => {
      const number = port(odd, fields(odd, settings['port'])['number']);
      return number === undefined ? [] : [{ port: number, ...settingsOf(settings) }];
    }),
  };
}

function settingsOf(given: Fields): Omit<TrafficPolicy, 'ports'> {
  const odd = tally();
  const tls = optionalFields(odd, given['tls']);
  const outlierDetection = optionalFields(odd, given['outlierDetection']);
  const localityLbSetting = optionalFields(odd, fields(odd, given['loadBalancer'])['localityLbSetting']);
  return {
    ...(tls === undefined ? undefined : { tlsMode: filled(odd, tls['mode']) ?? 'DISABLE' }),
    ...(outlierDetection === undefined ? undefined : { outlierDetection }),
    ...(localityLbSetting === undefined ? undefined : { localityLbSetting }),
  };
}

function isVisible(exportTo: readonly string[], client: string): boolean {
  return exportTo.length === 0 || exportTo.includes('*') || exportTo.includes(client);
}

/** Several rules for one host: the oldest trafficPolicy, every subset once. */
function merged(rules: readonly Parsed[]): AppliedRule | undefined {
  const [first] = rules;
  if (first === undefined) return undefined;
  const deciding = rules.find(({ policy }) => policy !== undefined) ?? first;
  const subsets = new Map<string, Subset>();
  for (const subset of rules.flatMap((rule) => rule.subsets)) if (!subsets.has(subset.name)) subsets.set(subset.name, subset);
  return {
    host: first.host,
    object: deciding.object,
    subsets: [...subsets.values()],
    objects: rules.map(({ object }) => object),
    ...(deciding.policy === undefined ? undefined : { policy: deciding.policy }),
  };
}

function emptyIndex(): Index {
  return { specific: new Map(), wildcards: new Map() };
}

function indexAt(indexes: Map<string, Index>, namespace: string): Index {
  const known = indexes.get(namespace);
  if (known !== undefined) return known;
  const made = emptyIndex();
  indexes.set(namespace, made);
  return made;
}

function add(index: Index, parsed: Parsed): void {
  const hosts = parsed.host.startsWith('*') ? index.wildcards : index.specific;
  const known = hosts.get(parsed.host);
  if (known === undefined) hosts.set(parsed.host, [parsed]);
  else known.push(parsed);
}

function mostSpecific({ specific, wildcards }: Index, host: string): readonly Parsed[] | undefined {
  const exact = specific.get(host);
  if (exact !== undefined) return exact;
  let best: string | undefined;
  for (const pattern of wildcards.keys()) {
    if (hostMatches(pattern, host) && (best === undefined || pattern.length > best.length)) best = pattern;
  }
  return best === undefined ? undefined : wildcards.get(best);
}
