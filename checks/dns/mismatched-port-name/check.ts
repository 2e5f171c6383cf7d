import { type ClusterName, count, defineCheck, distinct, groupBy, list, remedy, type Service, serviceCopies } from 'meshdoctor/api';
import {
  callersOf,
  clustersOf,
  hasAddress,
  isKept,
  needed,
  portNamed,
  portsWith,
  readyIn,
  routedPorts,
  type World,
  worldOf,
} from '../_area.ts';

export default defineCheck({
  id: 'mismatched-port-name',
  title: 'A port of a service has the same name in every cluster',
  severity: 'error',
  certainty: 'certain',
  scope: 'mesh',
  partial: true,
  needs: needed,
  applies: { dataPlane: 'sidecar' },
  path: { hops: ['endpoints'] },
  catalogue: ['DNS-07'],
  explains: [
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
  ],
  docs: {
    why: 'istiod takes the ports of a service from one copy of it, that of the cluster whose configuration it uses, and finds endpoints for them by the name of the port. Endpoints of a copy that names the port otherwise match nothing: nobody is ever sent to them, not even callers in their own cluster, and nothing reports an error.',
    confirm:
      'kubectl --context CLUSTER -n NAMESPACE get service NAME -o jsonpath="{.spec.ports}"; istioctl proxy-config endpoints CLIENT --cluster "outbound|PORT||NAME.NAMESPACE.svc.cluster.local"',
    fix: 'Give the port the same name in every cluster. Whatever refers to it by name (Ingress, ServiceMonitor, probes) changes with it.',
    notWhen:
      'Copies without endpoints behind a sidecar, headless services, and hosts kept to their cluster are left alone: there nothing is lost.',
    see: ['https://github.com/istio/istio.io/pull/11680'],
  },
  messages: {
    lost: (a: Odd) => ({
      text: `Port ${a.port} of Service ${name(a.service)} is named ${portNamed(a.here)} in ${a.service.ref.cluster} and ${portNamed(a.there)} in ${list(a.others)}: ${list(a.losses)}.`,
      expected: `port ${a.port} named ${portNamed(a.there)}`,
      found: portNamed(a.here),
      ...(a.isTotal ? {} : { severity: 'warning' as const }),
      ...(a.isOrderKnown ? {} : { certainty: 'likely' as const }),
      remedy: [
        remedy.patch(
          a.service.ref,
          {
            spec: {
              ports: portsWith(a.service, (port) => (port.port === a.port && port.protocol === 'TCP' ? { ...port, name: a.there } : port)),
            },
          },
          { note: 'its endpoints follow by themselves; what refers to the port by name has to follow, too' },
        ),
      ],
    }),
  },
  *run({ clusters, mesh, finding }) {
    const world = worldOf(clusters, mesh);
    for (const shared of world.shared) {
      for (const port of unevenPorts(shared)) {
        const merged = mergedWith(world, shared, port);
        const losses = merged.flatMap((one) => lossesOf(world, one, port));
        if (losses.length === 0) continue;
        const copies = shared.copies.filter(({ service }) => nameOf(service, port) !== undefined);
        const there = agreed(world, copies, port);
        for (const { cluster, service } of copies) {
          const here = nameOf(service, port);
          const own = losses.filter((loss) => loss.involves.has(cluster));
          if (here === undefined || here === there || own.length === 0) continue;
          const others = copies.filter((copy) => nameOf(copy.service, port) === there);
          yield finding(
            'lost',
            {
              service,
              port,
              here,
              there,
              others: clustersOf(others),
              losses: sentences(own, cluster),
              isTotal: own.some(({ isTotal }) => isTotal),
              isOrderKnown: own.some(({ isOrderKnown }) => isOrderKnown),
            },
            {
              at: service.ref,
              field: '.spec.ports',
              related: others.map((copy) => copy.service.ref),
              evidence: [
                { ref: service.ref, field: '.spec.ports', observed: `${port} ${portNamed(here)}`, expected: `${port} ${portNamed(there)}` },
              ],
              subject: String(port),
              concerns: distinct<ClusterName>(own.flatMap(({ concerns }) => concerns)),
            },
          );
        }
      }
    }
  },
});

interface Odd {
  readonly service: Service;
  readonly port: number;
  readonly here: string;
  readonly there: string;
  readonly others: readonly ClusterName[];
  readonly losses: readonly string[];
  /** Some caller is left without any endpoint. */
  readonly isTotal: boolean;
  readonly isOrderKnown: boolean;
}

/** Endpoints of one cluster that nobody served by an istiod is sent to. */
interface Loss {
  readonly involves: ReadonlySet<ClusterName>;
  readonly callers: readonly ClusterName[];
  readonly of: ClusterName;
  readonly endpoints: number;
  readonly isTotal: boolean;
  readonly isOrderKnown: boolean;
  readonly concerns: readonly ClusterName[];
}

function name({ namespace, name: own }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${own}`;
}

/** Name of a port where the Service has an address and that port. */
function nameOf(service: Service, port: number): string | undefined {
  return hasAddress(service) ? routedPorts(service).get(port)?.name : undefined;
}

/** Numbers that copies name differently. */
function unevenPorts({ copies }: serviceCopies.SharedService): number[] {
  const names = new Map<number, string>();
  const uneven = new Set<number>();
  for (const { service } of copies) {
    if (!hasAddress(service)) continue;
    for (const { port, name: own, protocol } of service.ports) {
      if (protocol !== 'TCP') continue;
      const known = names.get(port);
      if (known === undefined) names.set(port, own);
      else if (known !== own) uneven.add(port);
    }
  }
  return [...uneven].sort((a, b) => a - b);
}

/** Each istiod's copies that have the port: those without take no part in it. */
function mergedWith({ readers }: World, shared: serviceCopies.SharedService, port: number): serviceCopies.Merged[] {
  return readers
    .flatMap((reader) => serviceCopies.mergedBy([reader], shared))
    .flatMap((one) => {
      const copies = one.copies.filter(({ service }) => nameOf(service, port) !== undefined);
      // Where the copy that decides lacks the port, nobody is told of it at all: another question.
      return one.first !== undefined && !copies.includes(one.first) ? [] : [{ ...one, copies }];
    });
}

function lossesOf(world: World, merged: serviceCopies.Merged, port: number): Loss[] {
  const firsts = merged.first === undefined ? merged.copies : [merged.first];
  return firsts.flatMap((first) =>
    merged.copies.flatMap((copy): Loss[] => {
      const wanted = nameOf(first.service, port);
      const isLost = (other: serviceCopies.Copy): boolean =>
        nameOf(other.service, port) !== wanted && !other.service.ports.some((one) => one.name === wanted);
      if (!isLost(copy)) return [];
      const ready = readyIn(world, copy.cluster, copy.service);
      const callers = callersOf(world, merged, first.service, copy.cluster);
      if (ready.length === 0 || callers.length === 0) return [];
      const isOwnOnly = isKept(merged.reader, first.service);
      const left = merged.copies.filter((other) => !isOwnOnly && !isLost(other) && readyIn(world, other.cluster, other.service).length > 0);
      return [
        {
          involves: new Set([first.cluster, copy.cluster]),
          callers,
          of: copy.cluster,
          endpoints: ready.length,
          isTotal: left.length === 0,
          isOrderKnown: merged.first !== undefined,
          concerns: [...callers, copy.cluster],
        },
      ];
    }),
  );
}

/** What is lost on the side of the odd copy; only where nothing is, what callers lose who go by it. */
function sentences(losses: readonly Loss[], odd: ClusterName): string[] {
  const own = losses.filter(({ of }) => of === odd);
  const told = groupBy(own.length > 0 ? own : losses, ({ of }) => of);
  return [...told].flatMap(([of, same]) => {
    const callers = distinct(same.flatMap((loss) => loss.callers));
    const endpoints = Math.max(...same.map((loss) => loss.endpoints));
    return `callers in ${list(callers)} are never sent to ${count(endpoints, 'endpoint')} in ${of}`;
  });
}

/** The name that the others should have: that of the clusters whose copies decide, else one that does not depend on what clusters are called. */
function agreed({ readers }: World, copies: readonly serviceCopies.Copy[], port: number): string {
  const homes = new Set(readers.map(({ home }) => home));
  const names = (of: readonly serviceCopies.Copy[]): string[] => distinct(of.flatMap(({ service }) => nameOf(service, port) ?? []));
  const deciding = names(copies.filter(({ cluster }) => homes.has(cluster)));
  const [only, ...more] = deciding;
  if (only !== undefined && more.length === 0) return only;
  return names(copies).find((own) => own !== '') ?? '';
}
