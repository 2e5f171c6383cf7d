import {
  type ClusterName,
  defineCheck,
  distinct,
  groupBy,
  kubectl,
  list,
  type ObjectRef,
  remedy,
  type Service,
  serviceCopies,
  shellWord,
} from 'meshdoctor/api';
import { callersOf, clustersOf, hasAddress, needed, readyIn, routedPorts, specOf, type World, worldOf } from '../_area.ts';

export default defineCheck({
  id: 'unmerged-port',
  title: 'A service has the same ports in every cluster',
  severity: 'warning',
  certainty: 'certain',
  scope: 'mesh',
  partial: true,
  needs: needed,
  applies: { dataPlane: 'sidecar' },
  path: { hops: ['route'] },
  catalogue: ['DNS-06'],
  explains: [
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
  ],
  docs: {
    why: 'Ports of a service are not merged: istiod takes them from one copy, that of the cluster whose configuration it uses. A port that only another cluster declares is unknown to the proxies it serves: calls to it pass the sidecar by, without mutual TLS and never into another cluster.',
    confirm: 'kubectl --context CLUSTER -n NAMESPACE get service NAME -o jsonpath="{.spec.ports}"',
    fix: 'Declare the same ports in every cluster.',
    notWhen:
      'nodePort, targetPort and appProtocol may differ. A port without endpoints behind a sidecar is nobody’s loss. While a new port is rolled out cluster by cluster this is expected.',
    see: ['https://github.com/istio/istio/issues/46105', 'https://github.com/istio/istio/issues/58898'],
  },
  messages: {
    unknown: (a: Unmerged) => ({
      text: `${sentence(a)}, which lacks it: callers in ${list(a.callers)} do not reach it through the mesh.`,
      expected: `the same ports in ${list([...a.deciding, a.service.ref.cluster])}`,
      found: `${a.port} only in ${a.service.ref.cluster}`,
      // Its own callers are told wrong; others may never have wanted this port.
      ...(a.isOwn ? {} : { certainty: 'likely' as const }),
      remedy: remedies(a),
    }),
    unordered: (a: Unmerged) => ({
      text: `Service ${a.service.namespace}/${a.service.name} has port ${a.port} in ${a.service.ref.cluster} and not in ${list(a.deciding)}: which copy callers in ${list(a.callers)} go by changes with every start of istiod.`,
      certainty: 'likely',
      expected: `the same ports in ${list([...a.deciding, a.service.ref.cluster])}`,
      found: `${a.port} only in ${a.service.ref.cluster}`,
      remedy: remedies(a),
    }),
  },
  *run({ clusters, mesh, finding }) {
    const world = worldOf(clusters, mesh);
    for (const shared of world.shared) {
      if (!isUneven(shared)) continue;
      const all = serviceCopies.mergedBy(world.readers, shared).flatMap((merged) => unknownOf(world, merged));
      for (const same of groupBy(all, ({ copy, port, isOrdered }) => `${copy.cluster} ${port} ${isOrdered}`).values()) {
        const [one] = same;
        if (one === undefined) continue;
        const without = [...new Map(same.flatMap(({ lacking }) => lacking.map((copy) => [copy.cluster, copy] as const))).values()];
        const callers = distinct<ClusterName>(same.flatMap((each) => each.callers));
        const { service, cluster } = one.copy;
        yield finding(
          one.isOrdered ? 'unknown' : 'unordered',
          {
            service,
            port: one.port,
            deciding: clustersOf(without),
            lacking: without.map((copy) => copy.service),
            callers,
            isOwn: callers.includes(cluster),
          },
          {
            at: service.ref,
            field: '.spec.ports',
            related: without.map((copy): ObjectRef => copy.service.ref),
            evidence: without.map((copy) => ({
              ref: copy.service.ref,
              field: '.spec.ports',
              observed: list([...routedPorts(copy.service).keys()].map(String)),
              expected: `${one.port} too`,
            })),
            subject: String(one.port),
            concerns: distinct<ClusterName>([...callers, cluster]),
          },
        );
      }
    }
  },
});

interface Unmerged {
  readonly service: Service;
  readonly port: number;
  /** Clusters whose copies decide and lack the port. */
  readonly deciding: readonly ClusterName[];
  readonly lacking: readonly Service[];
  readonly callers: readonly ClusterName[];
  /** Callers in the very cluster that has the port. */
  readonly isOwn: boolean;
}

interface Unknown {
  readonly copy: serviceCopies.Copy;
  readonly port: number;
  readonly lacking: readonly serviceCopies.Copy[];
  readonly callers: readonly ClusterName[];
  readonly isOrdered: boolean;
}

function isUneven({ copies }: serviceCopies.SharedService): boolean {
  const [first, ...rest] = copies.filter(({ service }) => hasAddress(service)).map(({ service }) => [...routedPorts(service).keys()]);
  return first !== undefined && rest.some((ports) => ports.length !== first.length || ports.some((port) => !first.includes(port)));
}

/** Ports with endpoints that callers of this istiod are not told of. */
function unknownOf(world: World, merged: serviceCopies.Merged): Unknown[] {
  const copies = merged.copies.filter(({ service }) => hasAddress(service));
  return copies.flatMap((copy) =>
    [...routedPorts(copy.service)].flatMap(([port, { name }]): Unknown[] => {
      const lacking = (merged.first === undefined ? copies : [merged.first]).filter(
        ({ service }) => hasAddress(service) && !routedPorts(service).has(port),
      );
      const [first] = lacking;
      if (
        first === undefined ||
        !readyIn(world, copy.cluster, copy.service).some(({ slice }) => slice.ports.some((one) => one.name === name))
      )
        return [];
      const callers = callersOf(world, merged, first.service, copy.cluster);
      return callers.length === 0 ? [] : [{ copy, port, lacking, callers, isOrdered: merged.first !== undefined }];
    }),
  );
}

function sentence({ service, port, deciding }: Unmerged): string {
  const { namespace, name, ref } = service;
  return `Port ${port} of Service ${namespace}/${name} in ${ref.cluster} is unknown to istiod, which takes the ports from the copy in ${list(deciding)}`;
}

function remedies({ service, port, lacking }: Unmerged) {
  const missing = service.ports.find((one) => one.port === port && one.protocol === 'TCP');
  const [first, ...more] = lacking;
  if (missing === undefined || first === undefined) return [];
  const { nodePort: _nodePort, ...added } = missing;
  if (more.length === 0) return [remedy.patch(first.ref, { spec: { ports: [...first.ports.map(specOf), specOf(added)] } })];
  const operation = JSON.stringify([{ op: 'add', path: '/spec/ports/-', value: specOf(added) }]);
  return [
    remedy.command(
      service.ref.cluster,
      lacking.map(({ ref }) => `${kubectl(ref)} patch service ${shellWord(ref.name)} --type=json -p ${shellWord(operation)}`),
    ),
  ];
}
