import {
  type ClusterName,
  count,
  defineCheck,
  distinct,
  endpoints,
  exposure,
  gatewayCollisions,
  type Gateway,
  hosts,
  labels,
  list,
  listOf,
  networkGateways,
  refKey,
  remedy,
  type Remedy,
  valueOf,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'colliding-gateways',
  title: 'Gateways that share the cross-network port do not get in each other\u2019s way',
  severity: 'error',
  certainty: 'likely',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'gateways', 'services'], member: ['services', 'pods', 'workloads'] },
  uses: { primary: [], member: ['nodes'] },
  applies: { networks: 'multi', dataPlane: 'sidecar' },
  // A gateway that runs keeps the listener it has: calls through it go on until it starts again.
  path: { hops: ['sni'], isOn: ({ code }) => code !== 'colliding-gateways/doubled' },
  catalogue: ['EW-10'],
  explains: [
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
    { code: 'unreachable-gateway', match: 'cluster' },
    { code: 'failing-pod-call/unreachable', match: 'cluster' },
    { code: 'unexposed-services/narrow', match: 'cluster' },
    { code: 'rejected-push', match: 'cluster', keys: ['doubled'] },
  ],
  docs: {
    why: 'istiod merges all Gateways that select the same pods. A host that two of them write the same way goes to the older one, and the whole server of the younger is passed over. Hosts that merely overlap (*.local and *.svc.cluster.local) are both built, and Envoy refuses a listener that has two ways for one server name: running gateways stay as they were, new ones do not listen at all.',
    confirm:
      'istioctl proxy-status --context PRIMARY | grep eastwest; kubectl --context PRIMARY get gateways.networking.istio.io -A -o yaml | grep -B12 AUTO_PASSTHROUGH',
    fix: 'Merge the Gateways into one server, or give them hosts that have no service in common.',
    notWhen: 'Two Gateways with the very same AUTO_PASSTHROUGH server do no harm: the younger is passed over.',
    see: ['https://github.com/istio/istio/issues/42050', 'https://github.com/istio/istio/issues/33405'],
  },
  messages: {
    doubled: (a: Collided) => ({
      text: `Gateways ${named(a.first)} and ${named(a.second)} in ${a.config} both let ${services(a)} through port ${a.port} of the same gateways, and Envoy refuses a listener that is told so.`,
      expected: 'one server for each service',
      found: `${list(hostsOf(a.first))} and ${list(hostsOf(a.second))}`,
      effect: 'gateways that start do not listen on the port, and those that run know no new service',
      remedy: merge(a),
    }),
    skipped: (a: Collided) => ({
      ...(a.closes ? {} : { severity: 'warning' as const }),
      text: `Gateway ${named(a.second)} in ${a.config} is passed over on port ${a.port} of the east-west gateways, which the older ${named(a.first)} claims: ${services(a)} cannot be reached.`,
      expected: 'one server on the port with all hosts',
      found: `${named(a.first)} with ${list(hostsOf(a.first))}`,
      effect: `other networks do not reach ${services(a)}`,
    }),
  },
  *run({ primary, member, controlPlane, couple, mesh, finding, undecided }) {
    if (couple.kind === 'peer' || (couple.kind === 'remote' && valueOf(couple.serves) !== true)) return;
    if (valueOf(mesh.kind) === 'external') return; // its config cluster is not in view
    for (const service of member.services) {
      if (service.labels[labels.network] === undefined) continue;
      const gateway = networkGateways.gatewayService(service, listOf(member.nodes), controlPlane.version);
      const served = service.ports.find(({ port }) => port === gateway?.wantedPort);
      if (gateway === undefined || served === undefined) continue;
      const revisions = exposure.gatewayRevisions(service, member.pods);
      if (!revisions.includes(controlPlane.revision) && mesh.controlPlanes.some(({ revision }) => revisions.includes(revision))) continue;
      const proxies = exposure.gatewayProxies(service, member.pods, member.workloads);
      const known = distinct(
        [...primary.services, ...member.services]
          .filter((one) => endpoints.isExportedTo(one, service.namespace))
          .map(({ namespace, name }) => hosts.fqdnOf(namespace, name, controlPlane.clusterDomain)),
      );
      const objects = { reader: controlPlane, gateways: primary.gateways, proxies };
      for (const collision of gatewayCollisions.crossNetworkCollisions(objects, gateway.wantedPort, served.targetPort, known)) {
        const { is, first, second } = collision;
        if (is === 'skipped' && collision.isUndated) {
          yield undecided('it is not known which of two Gateways is older', { clusters: [member.name] });
          continue;
        }
        yield finding(
          is,
          {
            first,
            second,
            hosts: collision.hosts,
            closes: is === 'skipped' && collision.closes,
            port: gateway.wantedPort,
            config: primary.name,
          },
          {
            at: second.ref,
            field: '.spec.servers',
            related: [first.ref],
            evidence: [first, second].map((one) => ({
              ref: one.ref,
              observed: list(hostsOf(one)),
            })),
            concerns: [member.name],
            lacks: [{ cluster: member.name, fact: 'pods' }],
            subject: refKey(first.ref),
          },
        );
      }
    }
  },
});

interface Collided {
  readonly first: Gateway;
  readonly second: Gateway;
  /** Of services. */
  readonly hosts: readonly string[];
  readonly closes: boolean;
  readonly port: number;
  readonly config: ClusterName;
}

function named({ namespace, name }: Gateway): string {
  return `${namespace}/${name}`;
}

function services({ hosts: found }: Collided): string {
  return found.length > 2 ? count(found.length, 'service') : list(found);
}

function hostsOf({ servers }: Gateway): string[] {
  return distinct(servers.flatMap((server) => server.hosts));
}

/** One that adds nothing to the other can go. */
function merge({ first, second }: Collided): Remedy[] {
  const covers = (one: Gateway, other: Gateway): boolean =>
    other.servers.length === 1 &&
    hostsOf(other).every((host) =>
      hostsOf(one).some((pattern) =>
        hosts.hostMatches(hosts.gatewayHost(pattern).host, hosts.gatewayHost(host).host.replace(/^\*/, 'any')),
      ),
    );
  if (covers(first, second)) return [remedy.delete(second.ref, { note: `${named(first)} lets all of it through` })];
  return covers(second, first) ? [remedy.delete(first.ref, { note: `${named(second)} lets all of it through` })] : [];
}
