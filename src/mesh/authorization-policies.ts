import { fields, type Fields, filled, list, objects, optionalFields, tally, textMap, texts } from '../model/decode.ts';
import { distinct } from '../base/sort.ts';
import { isInCidr, isSameAddress } from '../istio/addresses.ts';
import type { IstioResource, MeshConfig } from '../model/facts.ts';
import type { StringMap } from '../model/kube.ts';
import type { AppliedConfig } from './applied-config.ts';
import { hasLabels } from './selectors.ts';

/** What a rule says of a connection; `maybe` where it depends on who connects. */
type Match = 'yes' | 'no' | 'maybe';

/**
 * A connection as the proxy sees it that filters it. One that a gateway passes on without opening it has no caller and no HTTP: neither
 * can be seen of it.
 */
export interface PassedConnection {
  /** The port on which the pod listens. */
  readonly port: number;
  /** The server name that is asked for, where it is known. */
  readonly sni?: string;
  /** Who connects, where mutual TLS tells. */
  readonly caller?: KnownCaller;
  /** Addresses that it may come from, as the pod sees them: one of them; absent where they are not known. */
  readonly from?: readonly string[];
  /** Requests are seen: what rules say of them depends on the request. */
  readonly isHttp?: boolean;
}

/** Who connects, by its certificate. */
export interface KnownCaller {
  /** `cluster.local/ns/shop/sa/client`; one for each trust domain that is an alias of its own. */
  readonly principals: readonly string[];
  readonly namespace: string;
  readonly serviceAccount: string;
}

/**
 * Who a pod is to a proxy of this configuration. The trust domain of the mesh and its aliases are one to policies, and `cluster.local` stands for all
 * of them (pilot/pkg/security/trustdomain: ReplaceTrustDomainAliases).
 */
export function callerOf(
  pod: { readonly namespace: string; readonly serviceAccount: string },
  trustDomain: string,
  own: Pick<MeshConfig, 'trustDomain' | 'trustDomainAliases'> | undefined,
): KnownCaller {
  const same = own === undefined ? [] : [own.trustDomain, ...own.trustDomainAliases];
  const domains = same.includes(trustDomain) ? distinct([trustDomain, ...same, 'cluster.local']) : [trustDomain];
  return {
    principals: domains.map((domain) => `${domain}/ns/${pod.namespace}/sa/${pod.serviceAccount}`),
    namespace: pod.namespace,
    serviceAccount: pod.serviceAccount,
  };
}

/** What becomes of such a connection. */
export type Verdict =
  | { readonly is: 'allowed' | 'unknown' }
  /** By a DENY rule, or because ALLOW policies apply and none of them matches. */
  | { readonly is: 'denied'; readonly by: IstioResource; readonly how: 'denied' | 'not-allowed' };

/** Gateway API Gateways are named by this label of their pods. */
const gatewayName = 'gateway.networking.k8s.io/gateway-name';

/** AuthorizationPolicies that apply to a workload: of the root namespace and its own, by selector or targetRef (pilot/pkg/model/policyattachment.go). */
export function policiesOn(config: AppliedConfig, workload: { readonly namespace: string; readonly labels: StringMap }): IstioResource[] {
  return config.ofKind('AuthorizationPolicy').filter((object) => {
    if (object.namespace !== workload.namespace && object.namespace !== config.rootNamespace) return false;
    const odd = tally();
    const spec = fields(odd, object.spec);
    const targets = [...objects(odd, spec['targetRefs']), ...[optionalFields(odd, spec['targetRef']) ?? []].flat()];
    if (targets.length > 0)
      return (
        object.namespace === workload.namespace &&
        targets.some(({ kind, name }) => kind === 'Gateway' && name !== undefined && name === workload.labels[gatewayName])
      );
    return hasLabels(textMap(odd, fields(odd, spec['selector'])['matchLabels']), workload.labels);
  });
}

/**
 * What the RBAC filter that istiod puts before a passed-on connection makes of it (pilot/pkg/security/authz: builder.go, model.go, forTCP):
 * DENY before ALLOW; of an ALLOW rule that speaks of HTTP nothing is left, of such a DENY rule all but that, so that it denies more.
 */
export function verdictOn(policies: readonly IstioResource[], connection: PassedConnection): Verdict {
  const enforced = policies.filter((object) => object.annotations['istio.io/dry-run'] !== 'true');
  const of = (action: string) => enforced.filter((object) => actionOf(object) === action);
  let isOpen = of('CUSTOM').length > 0;
  for (const object of of('DENY')) {
    const match = worst(rulesOf(object).map((rule) => matches(rule, connection, 'DENY')));
    if (match === 'yes') return { is: 'denied', by: object, how: 'denied' };
    if (match === 'maybe') isOpen = true;
  }
  const [allow, ...more] = of('ALLOW');
  if (allow !== undefined) {
    const match = worst([allow, ...more].flatMap((object) => rulesOf(object).map((rule) => matches(rule, connection, 'ALLOW'))));
    if (match === 'no') return { is: 'denied', by: allow, how: 'not-allowed' };
    if (match === 'maybe') isOpen = true;
  }
  return { is: isOpen ? 'unknown' : 'allowed' };
}

export function actionOf(object: IstioResource): string {
  const odd = tally();
  return filled(odd, fields(odd, object.spec)['action']) ?? 'ALLOW';
}

/** Values of `source.principals`, in `from` or as a condition, with those that are excepted left out. */
export function principalsOf(object: IstioResource): readonly string[] {
  const odd = tally();
  return rulesOf(object).flatMap((rule) => [
    ...objects(odd, rule['from']).flatMap((from) => texts(odd, fields(odd, from['source'])['principals'])),
    ...objects(odd, rule['when']).flatMap(({ key, values }) => (key === 'source.principal' ? texts(odd, values) : [])),
  ]);
}

/**
 * Values of `source.ipBlocks` and `source.remoteIpBlocks`, in `from` or as conditions: addresses of whoever opened the connection. The second go by a
 * header, which sidecars do not write: where the caller itself has none, they are the same.
 */
export function ipBlocksOf(object: IstioResource): readonly string[] {
  const odd = tally();
  return distinct(
    rulesOf(object).flatMap((rule) => [
      ...objects(odd, rule['from']).flatMap((from) => {
        const source = fields(odd, from['source']);
        return [...texts(odd, source['ipBlocks']), ...texts(odd, source['remoteIpBlocks'])];
      }),
      ...objects(odd, rule['when']).flatMap(({ key, values }) => (key === 'source.ip' || key === 'remote.ip' ? texts(odd, values) : [])),
    ]),
  );
}

/** Whether it tells callers apart by where they are: by trust domain, or by an address. */
export function tellsPlacesApart(object: IstioResource): boolean {
  const odd = tally();
  const keys = ['principals', 'notPrincipals', 'trustDomains', 'notTrustDomains', 'ipBlocks', 'notIpBlocks'];
  return rulesOf(object).some(
    (rule) =>
      objects(odd, rule['from']).some((from) => keys.some((key) => texts(odd, fields(odd, from['source'])[key]).length > 0)) ||
      objects(odd, rule['when']).some(({ key }) => key === 'source.ip' || key === 'source.principal' || key === 'source.trustDomain'),
  );
}

function rulesOf(object: IstioResource): readonly Fields[] {
  const odd = tally();
  return objects(odd, fields(odd, object.spec)['rules']);
}

/** Fields and attributes that a connection has no part in. */
const ofHttp: ReadonlySet<string> = new Set([
  'hosts',
  'notHosts',
  'methods',
  'notMethods',
  'paths',
  'notPaths',
  'requestPrincipals',
  'notRequestPrincipals',
]);

function matches(rule: Fields, connection: PassedConnection, action: 'ALLOW' | 'DENY'): Match {
  const odd = tally();
  const from = objects(odd, rule['from']).map((one) => fields(odd, one['source']));
  const to = objects(odd, rule['to']).map((one) => fields(odd, one['operation']));
  const when = objects(odd, rule['when']);
  const isHttp =
    [...from, ...to].some((part) => Object.keys(part).some((key) => ofHttp.has(key))) ||
    when.some(({ key }) => typeof key === 'string' && key.startsWith('request.'));
  if (isHttp && action === 'ALLOW' && connection.isHttp !== true) return 'no';
  const conditions = when.map((condition) => conditionMatch(condition, connection));
  const ofRequest = isHttp && connection.isHttp === true ? (['maybe'] as const) : [];
  return all([
    any(from.map((source) => sourceMatch(source, connection))),
    any(to.map((operation) => operationMatch(operation, connection))),
    ...conditions,
    ...ofRequest,
  ]);
}

/** Where nobody is known to connect, as at a gateway that passes TLS through, nobody is anybody by name, and everybody is not. */
function sourceMatch(source: Fields, { caller, from }: PassedConnection): Match {
  const odd = tally();
  const named = ['principals', 'namespaces', 'trustDomains', 'serviceAccounts'];
  if (caller === undefined && named.some((key) => list(odd, source[key]).length > 0)) return 'no';
  if (caller !== undefined && callerMatch(source, caller) === 'no') return 'no';
  const byAddress = addressMatch(texts(odd, source['ipBlocks']), texts(odd, source['notIpBlocks']), from);
  // Of an address that a header names, nothing is known.
  const isByHeader = ['remoteIpBlocks', 'notRemoteIpBlocks'].some((key) => list(odd, source[key]).length > 0);
  return all([byAddress, ...(isByHeader ? (['maybe'] as const) : [])]);
}

/** One of several addresses is the one: what all of them are is sure, what some are may be. */
function addressMatch(values: readonly string[], notValues: readonly string[], from: readonly string[] | undefined): Match {
  if (values.length === 0 && notValues.length === 0) return 'yes';
  if (from === undefined || from.length === 0) return 'maybe';
  const isIn = (address: string, blocks: readonly string[]): boolean =>
    blocks.some((block) => (block.includes('/') ? isInCidr(address, block) : isSameAddress(address, block)));
  const fitting = from.filter((address) => !isIn(address, notValues) && (values.length === 0 || isIn(address, values)));
  if (fitting.length === from.length) return 'yes';
  return fitting.length === 0 ? 'no' : 'maybe';
}

function callerMatch(source: Fields, { principals, namespace, serviceAccount }: KnownCaller): Match {
  const values = (key: string): readonly string[] => texts(tally(), source[key]);
  const found: Readonly<Record<string, readonly string[]>> = {
    principals,
    namespaces: [namespace],
    trustDomains: principals.map((principal) => principal.split('/')[0] ?? ''),
    serviceAccounts: [serviceAccount, `${namespace}/${serviceAccount}`],
  };
  return all(
    ['principals', 'namespaces', 'trustDomains', 'serviceAccounts'].map((key) =>
      oneMatches(values(key), values(`not${key[0]?.toUpperCase() ?? ''}${key.slice(1)}`), found[key] ?? []),
    ),
  );
}

function oneMatches(values: readonly string[], notValues: readonly string[], found: readonly string[]): Match {
  if (found.some((one) => notValues.some((pattern) => isLike(pattern, one)))) return 'no';
  return values.length === 0 || found.some((one) => values.some((pattern) => isLike(pattern, one))) ? 'yes' : 'no';
}

function operationMatch(operation: Fields, { port }: PassedConnection): Match {
  const odd = tally();
  return valuesMatch(texts(odd, operation['ports']), texts(odd, operation['notPorts']), String(port));
}

function conditionMatch(condition: Fields, { port, sni, caller, from }: PassedConnection): Match {
  const odd = tally();
  const [values, notValues] = [texts(odd, condition['values']), texts(odd, condition['notValues'])];
  switch (condition['key']) {
    case 'destination.port':
      return valuesMatch(values, notValues, String(port));
    case 'connection.sni':
      return sni === undefined ? 'maybe' : valuesMatch(values, notValues, sni);
    case 'source.principal':
      return caller === undefined ? nobody(values) : oneMatches(values, notValues, caller.principals);
    case 'source.namespace':
      return caller === undefined ? nobody(values) : oneMatches(values, notValues, [caller.namespace]);
    case 'source.ip':
      return addressMatch(values, notValues, from);
    case 'source.trustDomain':
      return caller === undefined
        ? nobody(values)
        : oneMatches(
            values,
            notValues,
            caller.principals.map((principal) => principal.split('/')[0] ?? ''),
          );
    case 'source.serviceAccount':
      return caller === undefined ? nobody(values) : 'maybe';
    default:
      // An attribute of HTTP in a DENY rule is passed over.
      return typeof condition['key'] === 'string' && condition['key'].startsWith('request.') ? 'yes' : 'maybe';
  }
}

function nobody(values: readonly string[]): Match {
  return values.length > 0 ? 'no' : 'yes';
}

function valuesMatch(values: readonly string[], notValues: readonly string[], found: string): Match {
  if (notValues.some((pattern) => isLike(pattern, found))) return 'no';
  return values.length === 0 || values.some((pattern) => isLike(pattern, found)) ? 'yes' : 'no';
}

/** Exact, by prefix, by suffix, or `*` for anything. */
function isLike(pattern: string, found: string): boolean {
  if (pattern === '*') return found !== '';
  if (pattern.endsWith('*')) return found.startsWith(pattern.slice(0, -1));
  return pattern.startsWith('*') ? found.endsWith(pattern.slice(1)) : pattern === found;
}

/** Nothing said = everything. */
function any(found: readonly Match[]): Match {
  return found.length === 0 ? 'yes' : worst(found);
}

function worst(found: readonly Match[]): Match {
  if (found.includes('yes')) return 'yes';
  return found.includes('maybe') ? 'maybe' : 'no';
}

function all(found: readonly Match[]): Match {
  if (found.includes('no')) return 'no';
  return found.includes('maybe') ? 'maybe' : 'yes';
}
