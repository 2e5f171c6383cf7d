import {
  type ControlPlane,
  defineCheck,
  labels,
  list,
  listOf,
  measured,
  networkGateways,
  refKey,
  remedy,
  type Service,
  containers,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'unresolved-gateway-hostname',
  title: 'istiod resolves the host names of network gateways',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes'], member: ['services'] },
  uses: { primary: ['istiods'], member: ['nodes'] },
  applies: { networks: 'multi' },
  path: { hops: ['gateway'] },
  catalogue: ['EW-02', 'CLD-04'],
  docs: {
    why: 'Load balancers of some clouds have a host name and no address. istiod resolves it itself; with RESOLVE_HOSTNAME_GATEWAYS=false it ignores such gateways and sends raw pod addresses.',
    confirm:
      'kubectl -n istio-system get service istio-eastwestgateway; kubectl -n istio-system get deployment istiod -o yaml | grep -A1 RESOLVE_HOSTNAME',
    fix: 'Remove the setting, or give the gateway a static address.',
    notWhen: 'A host name by itself is fine since Istio 1.13.',
    since: '1.13',
  },
  messages: {
    ignored: (a: { controlPlane: ControlPlane; service: Service; hostnames: readonly string[] }) => ({
      text: `Deployment ${a.controlPlane.namespace}/${a.controlPlane.name} in ${a.controlPlane.ref.cluster} does not resolve host names, so gateway ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} (${list(a.hostnames, 'none', 1)}) does not exist for it.`,
      expected: 'RESOLVE_HOSTNAME_GATEWAYS unset or true, or an IP address',
      found: 'RESOLVE_HOSTNAME_GATEWAYS=false',
      effect: `clients of ${a.controlPlane.ref.cluster} are sent to pod addresses of ${a.service.ref.cluster}`,
      remedy: [
        remedy.setEnv(
          a.controlPlane.ref,
          containers.istiod,
          { RESOLVE_HOSTNAME_GATEWAYS: null },
          { note: 'restarts istiod; change the installation values too' },
        ),
      ],
    }),
  },
  *run({ primary, member, controlPlane, couple, mesh, finding, undecided }) {
    // Only clients on other networks are sent to a gateway: an istiod does not need its own cluster's unless it serves others.
    const key = refKey(controlPlane.ref);
    const hasRemotes = mesh.couples.some((other) => other.kind === 'remote' && refKey(other.controlPlane.ref) === key);
    if (couple.kind === 'self' && !hasRemotes) return;
    const replicas = measured.replicasOf(controlPlane, listOf(primary.istiods));
    const isAnswered = replicas.length > 0 && replicas.every(({ gateways }) => 'answer' in gateways);
    for (const service of member.services) {
      if (service.labels[labels.network] === undefined) continue;
      const gateway = networkGateways.gatewayService(service, listOf(member.nodes));
      const hostnames = service.loadBalancer.flatMap(({ ip, hostname }) => (ip === undefined && hostname !== undefined ? [hostname] : []));
      const hasAddress = (gateway?.addresses ?? []).some((address) => !hostnames.includes(address));
      if (hostnames.length === 0 || hasAddress) continue;
      if (!/^(0|f|F|false|FALSE|False)$/.test(controlPlane.env['RESOLVE_HOSTNAME_GATEWAYS'] ?? '')) {
        // Where every replica lists its gateways, with names resolved, the answer is there, and is judged by another check.
        if (!isAnswered) yield undecided('whether istiod can resolve the name of a gateway needs a resolver');
        continue;
      }
      yield finding(
        'ignored',
        { controlPlane, service, hostnames },
        {
          at: service.ref,
          field: '.status.loadBalancer.ingress[*].hostname',
          related: [controlPlane.ref],
          evidence: [
            { ref: controlPlane.ref, field: '.spec.template.spec.containers[*].env', observed: 'RESOLVE_HOSTNAME_GATEWAYS=false' },
            { ref: service.ref, field: '.status.loadBalancer.ingress[*].hostname', observed: list(hostnames) },
          ],
          // Several istiods may ignore the same gateway: each is a Deployment of its own to change.
          subject: `${controlPlane.ref.cluster}/${controlPlane.revision}`,
        },
      );
    }
  },
});
