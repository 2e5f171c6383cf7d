import { UsageError } from '../../base/errors.ts';
import { distinct } from '../../base/sort.ts';
import { list, nearest } from '../../base/text.ts';
import { ipFamily, isSameAddress } from '../../istio/addresses.ts';
import { resolveHost } from '../../istio/hosts.ts';
import { fields, tally, texts } from '../../model/decode.ts';
import type { Service } from '../../model/facts.ts';
import type { ClusterName } from '../../model/ids.ts';
import { addressesOf } from '../expected-answer.ts';
import { type FactsByCluster, listOf } from '../topology-types.ts';
import type { Caller } from './caller-pod.ts';

/** A call as the user writes it. */
export interface CallText {
  /** `CLUSTER/NAMESPACE/NAME`, or with a kind before the name. */
  readonly from: string;
  /** `NAME[.NAMESPACE[.svc[.DOMAIN]]][:PORT]`, or an address. */
  readonly to: string;
}

/** What is called. */
export interface Target {
  /** Host as it was written, without port. */
  readonly asked: string;
  /** It was written as an address: nobody looks up a name. */
  readonly isAddress: boolean;
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  /** Services of that name, by cluster. */
  readonly instances: ReadonlyMap<ClusterName, Service>;
}

interface Written {
  readonly host: string;
  readonly port: number | undefined;
}

const example = 'For example: abc.sample:5000';

/**
 * Understands the TO of a call from a namespace, among the clusters of its mesh; `others` may have what these do not.
 * @throws UsageError for what names nothing
 */
export function targetOf(
  text: string,
  caller: Pick<Caller, 'namespace'>,
  members: readonly ClusterName[],
  others: readonly ClusterName[],
  facts: FactsByCluster,
): Target {
  const { host, port } = written(text);
  const isAddress = ipFamily(host) !== undefined;
  const { namespace, name } = isAddress ? byAddress(host, members, facts) : byName(host, caller.namespace, members, facts);
  const instances = instancesOf({ namespace, name }, members, facts);
  const isWhole = others.every((cluster) => isRead(facts, cluster));
  if (instances.size === 0 && isWhole) throw unknownName(host, { namespace, name }, members, facts);
  return { asked: host, isAddress, namespace, name, port: portOf(port, { namespace, name }, instances, isWhole), instances };
}

/** Splits `host:port`; brackets around an IPv6 address. */
function written(text: string): Written {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const bare = ipFamily(text) === 6 ? text : undefined;
  const host = (bare ?? match?.[1] ?? match?.[2] ?? '').toLowerCase().replace(/\.$/, '');
  const port = match?.[3] === undefined ? undefined : Number(match[3]);
  if (host === '' || (port !== undefined && (port < 1 || port > 65_535)))
    throw new UsageError('ERR_BAD_VALUE', `TO needs NAME[.NAMESPACE][:PORT] or an address, not ${JSON.stringify(text)}.`, {
      hint: example,
    });
  return { host, port };
}

function byName(
  host: string,
  ownNamespace: string,
  members: readonly ClusterName[],
  facts: FactsByCluster,
): { readonly namespace: string; readonly name: string } {
  const match = /^([a-z0-9-]+)(?:\.([a-z0-9-]+)(?:\.svc(?:\.(.+))?)?)?$/.exec(host);
  const domains = distinct(
    members.flatMap((cluster) => listOf(facts.get(cluster)?.controlPlanes ?? unread).map((one) => one.clusterDomain)),
  );
  const [, name, namespace, domain] = match ?? [];
  const isService = name !== undefined && (domain === undefined || domain === 'cluster.local' || domains.includes(domain));
  if (isService) return { name, namespace: namespace ?? ownNamespace };
  throw new UsageError(
    'ERR_BAD_VALUE',
    `${host} is no name of a Service${entryOf(host, members, facts)}, and path follows calls to Services.`,
    {
      hint: example,
    },
  );
}

/** `; ServiceEntry east:shop/paypal has it`: what is not followed is at least named. */
function entryOf(host: string, members: readonly ClusterName[], facts: FactsByCluster): string {
  for (const cluster of members) {
    const entry = listOf(facts.get(cluster)?.istioResources ?? unread).find(
      ({ kind, namespace, spec }) =>
        kind === 'ServiceEntry' && texts(tally(), fields(tally(), spec)['hosts']).some((one) => resolveHost(one, namespace) === host),
    );
    if (entry !== undefined) return ` (ServiceEntry ${entry.namespace}/${entry.name} in ${cluster} has it)`;
  }
  return '';
}

function byAddress(
  host: string,
  members: readonly ClusterName[],
  facts: FactsByCluster,
): { readonly namespace: string; readonly name: string } {
  for (const cluster of members) {
    const service = listOf(facts.get(cluster)?.services ?? unread).find((one) => addressesOf(one).some((own) => isSameAddress(own, host)));
    if (service !== undefined) return service;
  }
  for (const cluster of members) {
    const pod = listOf(facts.get(cluster)?.pods ?? unread).find(({ ips }) => ips.some((own) => isSameAddress(own, host)));
    if (pod !== undefined)
      throw new UsageError(
        'ERR_BAD_VALUE',
        `${host} is the address of Pod ${pod.namespace}/${pod.name} in ${cluster}, and path follows calls to Services.`,
        { hint: example },
      );
  }
  throw new UsageError('ERR_BAD_VALUE', `${host} is the address of no Service of the mesh.`, { hint: example });
}

function unknownName(
  host: string,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  members: readonly ClusterName[],
  facts: FactsByCluster,
): UsageError {
  const known = new Set(
    members.flatMap((cluster) => listOf(facts.get(cluster)?.services ?? unread).map((one) => `${one.name}.${one.namespace}`)),
  );
  const elsewhere = [...known].filter((one) => one.startsWith(`${name}.`)).sort();
  const meant = elsewhere[0] ?? nearest(`${name}.${namespace}`, known);
  const read = host === name ? ` (${name}.${namespace} from there)` : '';
  return new UsageError('ERR_BAD_VALUE', `No cluster of the mesh has a Service ${host}${read}.`, {
    hint: meant === undefined ? example : `Did you mean ${meant}?`,
  });
}

function portOf(
  given: number | undefined,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  instances: ReadonlyMap<ClusterName, Service>,
  isWhole: boolean,
): number {
  const ports = [
    ...new Set(
      [...instances.values()].flatMap((service) => service.ports.filter(({ protocol }) => protocol === 'TCP').map((one) => one.port)),
    ),
  ];
  const shown = list(ports.map(String));
  if (given !== undefined) {
    if (ports.includes(given) || !isWhole) return given;
    throw new UsageError('ERR_BAD_VALUE', `Service ${namespace}/${name} has no port ${given}; it has ${shown}.`, {
      hint: ports[0] === undefined ? undefined : `For example: ${name}.${namespace}:${ports[0]}`,
    });
  }
  const [only] = ports;
  if (only !== undefined && ports.length === 1) return only;
  throw new UsageError(
    'ERR_BAD_VALUE',
    ports.length === 0
      ? `Which port of ${name}.${namespace} is called is not known.`
      : `Service ${namespace}/${name} has several ports: ${shown}.`,
    { hint: `Name one: ${name}.${namespace}:${only ?? 'PORT'}` },
  );
}

function instancesOf(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  members: readonly ClusterName[],
  facts: FactsByCluster,
): ReadonlyMap<ClusterName, Service> {
  return new Map(
    members.flatMap((cluster) => {
      const service = listOf(facts.get(cluster)?.services ?? unread).find((one) => one.namespace === namespace && one.name === name);
      return service === undefined ? [] : [[cluster, service] as const];
    }),
  );
}

function isRead(facts: FactsByCluster, cluster: ClusterName): boolean {
  const services = facts.get(cluster)?.services;
  return services?.status === 'collected' && services.partial !== true;
}

const unread = { status: 'not-asked', because: 'deselected' } as const;
