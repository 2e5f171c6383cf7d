import { type ClusterName, defineCheck, distinct, list, type Service, serviceCopies } from 'meshdoctor/api';
import { clustersOf, isKept, needed, readyIn, type World, worldOf } from '../_area.ts';

export default defineCheck({
  id: 'mixed-headless-service',
  title: 'A service is headless in every cluster or in none',
  severity: 'error',
  certainty: 'certain',
  scope: 'mesh',
  partial: true,
  needs: needed,
  applies: { dataPlane: 'sidecar' },
  path: { hops: ['name'] },
  catalogue: ['DNS-05'],
  explains: [
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
    { code: 'unreachable-headless-service', match: 'cluster' },
  ],
  docs: {
    why: 'Whether a service is headless is taken from one copy of it, that of the cluster whose configuration istiod uses, while its address is that of each cluster. Where these contradict each other, proxies get a listener without address for a TCP port, which takes every connection to that port that has no listener of its own; or they go to an address that leads nowhere.',
    confirm:
      'istioctl --context CLUSTER proxy-config listeners POD.NAMESPACE --port PORT; kubectl --context CLUSTER -n NAMESPACE get service NAME -o jsonpath="{.spec.clusterIP}"',
    fix: 'Make the Service alike in all clusters: delete and create the odd one again with clusterIP: None, or without it. clusterIP cannot be changed in place.',
    notWhen: 'A Service with an address and no pods, which stands for a headless one of another primary, is left alone.',
    see: ['https://github.com/istio/istio/issues/43972', 'https://github.com/istio/istio/pull/44123'],
  },
  messages: {
    swallowed: (a: Mix) => ({
      text: `Service ${name(a.odd)} is headless in ${a.odd.ref.cluster} and has an address in ${list(a.others)}: sidecars of ${a.odd.ref.cluster} take every connection to ${ports(a.ports)} that is not another Service's for this one.`,
      expected: 'alike in all clusters',
      found: `clusterIP: None in ${a.odd.ref.cluster} only`,
      effect: `connections from ${a.odd.ref.cluster} to ${ports(a.ports)} of pods and hosts outside the mesh end up at ${name(a.odd)}`,
      ...(a.isOrderKnown ? {} : { certainty: 'likely' as const }),
    }),
    astray: (a: Mix) => ({
      text: `Service ${name(a.odd)} has an address in ${a.odd.ref.cluster} and no pods, and is headless in ${list(a.others)}, which decides: callers in ${a.odd.ref.cluster} are led to an address that nobody answers.`,
      expected: `clusterIP: None in ${a.odd.ref.cluster}, or an address in ${list(a.others)}`,
      found: a.odd.clusterIP,
      effect: `calls from ${a.odd.ref.cluster} are refused`,
    }),
    apart: (a: Mix) => ({
      text: `Service ${name(a.odd)} is headless in ${list(a.others)} and has an address in ${a.odd.ref.cluster}: callers of a cluster reach pods of their own cluster only.`,
      severity: 'warning',
      certainty: 'likely',
      expected: 'alike in all clusters',
      found: `clusterIP: None in ${list(a.others)} only`,
      effect: 'there is neither load balancing nor failover between them',
    }),
  },
  *run({ clusters, mesh, finding }) {
    const world = worldOf(clusters, mesh);
    for (const shared of world.shared) {
      const headless = shared.copies.filter(({ service }) => isHeadless(service));
      const addressed = shared.copies.filter(({ service }) => hasOwnAddress(service));
      if (headless.length === 0 || addressed.length === 0) continue;
      const said = new Set<string>();
      for (const merged of serviceCopies.mergedBy(world.readers, shared)) {
        for (const mix of mixesOf(world, merged)) {
          const { key, copy, others, concerns } = mix;
          const { service } = copy;
          if (said.has(service.ref.cluster)) continue;
          said.add(service.ref.cluster);
          yield finding(
            key,
            { odd: service, others: clustersOf(others), ports: mix.ports, isOrderKnown: merged.first !== undefined },
            {
              at: service.ref,
              field: '.spec.clusterIP',
              related: others.map((other) => other.service.ref),
              evidence: [copy, ...others].map((one) => ({
                ref: one.service.ref,
                field: '.spec.clusterIP',
                observed: one.service.clusterIP,
              })),
              concerns: distinct<ClusterName>(concerns),
            },
          );
        }
      }
    }
  },
});

interface Mix {
  readonly odd: Service;
  readonly others: readonly ClusterName[];
  readonly ports: readonly number[];
  readonly isOrderKnown: boolean;
}

interface Mixed {
  readonly key: 'swallowed' | 'astray' | 'apart';
  readonly copy: serviceCopies.Copy;
  readonly others: readonly serviceCopies.Copy[];
  readonly ports: readonly number[];
  readonly concerns: readonly ClusterName[];
}

/** What goes wrong for the proxies of one istiod. */
function* mixesOf(world: World, merged: serviceCopies.Merged): Iterable<Mixed> {
  const { reader, copies, first } = merged;
  const headless = copies.filter(({ service }) => isHeadless(service));
  const addressed = copies.filter(({ service }) => hasOwnAddress(service));
  const [anyHeadless] = headless;
  const [anyAddressed] = addressed;
  if (anyHeadless === undefined || anyAddressed === undefined) return;
  const isServed = ({ cluster }: serviceCopies.Copy): boolean =>
    reader.serves.includes(cluster) &&
    serviceCopies.isShownTo(first?.service ?? anyAddressed.service, world.callers(cluster), reader.meshConfig);
  if (first === undefined || hasOwnAddress(first.service)) {
    const ports = rawPorts(first?.service ?? anyAddressed.service);
    if (ports.length > 0) {
      for (const copy of headless.filter(isServed)) yield { key: 'swallowed', copy, others: addressed, ports, concerns: [copy.cluster] };
      return;
    }
  }
  const hasPods = ({ cluster, service }: serviceCopies.Copy): boolean => world.backends(cluster, service).length > 0;
  if (first !== undefined && isHeadless(first.service)) {
    for (const copy of addressed.filter(isServed))
      if (!hasPods(copy)) yield { key: 'astray', copy, others: headless, ports: [], concerns: [copy.cluster] };
  }
  const isReady = ({ cluster, service }: serviceCopies.Copy): boolean => readyIn(world, cluster, service).length > 0;
  const isApart = first !== undefined && isHeadless(first.service) && !isKept(reader, first.service);
  if (isApart && headless.some(isReady)) {
    // Both sides have pods, so that calls succeed, and never leave their cluster.
    for (const copy of addressed.filter(isReady))
      yield { key: 'apart', copy, others: headless, ports: [], concerns: [...clustersOf(headless), copy.cluster] };
  }
}

function isHeadless({ type, clusterIP }: Service): boolean {
  return type !== 'ExternalName' && clusterIP === 'None';
}

/** One that was not given an address yet, as in manifests, will be. */
function hasOwnAddress({ type, clusterIP }: Service): boolean {
  return type !== 'ExternalName' && clusterIP !== 'None';
}

const http = new Set(['http', 'http2', 'grpc', 'grpc-web', 'kubernetes.io/h2c', 'kubernetes.io/ws']);

/** TCP ports that Istio does not take for HTTP: by appProtocol, else by the name's first word (pkg/config/kube: ConvertProtocol). */
function rawPorts({ ports: all }: Service): number[] {
  return all
    .filter(({ protocol, appProtocol, name: own }) => protocol === 'TCP' && !http.has((appProtocol ?? prefixOf(own)).toLowerCase()))
    .map(({ port }) => port);
}

function prefixOf(own: string): string {
  return own.startsWith('grpc-web') ? 'grpc-web' : (own.split('-')[0] ?? '');
}

function name({ namespace, name: own }: Service): string {
  return `${namespace}/${own}`;
}

function ports(numbers: readonly number[]): string {
  return `${numbers.length === 1 ? 'port' : 'ports'} ${list(numbers.map(String))}`;
}
