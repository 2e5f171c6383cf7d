import {
  type ClusterName,
  defineCheck,
  installAgain,
  list,
  pilotAddress,
  type Remedy,
  remedy,
  type Service,
  valueOf,
} from 'meshdoctor/api';
import { needsExposure } from '../_area.ts';

export default defineCheck({
  id: 'stale-pilot-address',
  title: 'The istiod Service of a remote leads to a gateway of its primary',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'services'], member: ['services', 'endpointSlices', 'endpoints', 'injectors'] },
  uses: { primary: ['nodes', 'pods'], member: [] },
  catalogue: ['CPX-03'],
  explains: [
    { code: 'unready-east-west-gateway/notReady', match: 'cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
  ],
  docs: {
    why: 'A remote reaches istiod through a Service without selector whose address was written at installation (remotePilotAddress). When the load balancer of the primary gets another address, or somebody removes the slice, proxies cannot connect and the API server cannot call the injector.',
    confirm:
      'kubectl --context REMOTE -n istio-system get endpointslices -l kubernetes.io/service-name=istiod; kubectl --context PRIMARY -n istio-system get service istio-eastwestgateway',
    fix: 'Install the remote profile again with the present address, better a static one.',
    notWhen: "An address translation or virtual address stands in front of the gateway: then the address is nobody's in the primary.",
  },
  messages: {
    stale: (a: {
      service: Service;
      stale: readonly string[];
      all: readonly string[];
      current: readonly string[];
      primary: ClusterName;
      fix: Remedy | undefined;
    }) => ({
      text: `Service ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} sends proxies and webhooks to ${list(a.stale)}, which is no address of ${a.primary}.`,
      expected: list(a.current, `an address of ${a.primary}`),
      found: list(a.stale),
      effect:
        a.stale.length < a.all.length
          ? 'a share of the connections to istiod fails'
          : `proxies of ${a.service.ref.cluster} cannot connect to istiod, and no pod can be injected there`,
      ...(a.stale.length < a.all.length ? { severity: 'warning' as const } : {}),
      remedy: [...(a.fix === undefined ? [] : [a.fix]), reinstall(a.service, a.current)],
    }),
    none: (a: { service: Service; current: readonly string[]; primary: ClusterName }) => ({
      text: `Service ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} has no address behind it, so nothing there reaches istiod in ${a.primary}.`,
      expected: list(a.current, `an address of ${a.primary}`),
      found: 'no EndpointSlice or Endpoints with an address',
      effect: `proxies of ${a.service.ref.cluster} cannot connect to istiod, and no pod can be injected there`,
      remedy: [reinstall(a.service, a.current)],
    }),
  },
  *run({ primary, member, controlPlane, couple, finding, undecided }) {
    if (!needsExposure(couple)) return;
    const gateways = pilotAddress.pilotGateways(primary.services);
    const nodes = primary.nodes.status === 'collected' ? primary.nodes.value : [];
    const pods = primary.pods.status === 'collected' ? primary.pods.value : [];
    const current = gateways.flatMap((gateway) => pilotAddress.externalAddresses(gateway));
    for (const { service, addresses } of pilotAddress.remotePilots(
      controlPlane,
      member.services,
      member.endpointSlices,
      member.endpoints,
      member.injectors,
    )) {
      if (service.externalName !== undefined) continue; // a name: what it resolves to is not in any object
      const where = { at: service.ref, related: gateways.map((gateway) => gateway.ref), subject: primary.name };
      if (addresses.size === 0) {
        const lacks = [
          { cluster: member.name, fact: 'endpointSlices' as const },
          { cluster: member.name, fact: 'endpoints' as const },
        ];
        yield finding('none', { service, current, primary: primary.name }, { ...where, lacks });
        continue;
      }
      const stale = [...addresses.keys()].filter(
        (address) =>
          pilotAddress.leadsTo(address, primary.services, nodes) === undefined && !pilotAddress.isOwnAddress(address, pods, nodes),
      );
      if (stale.length === 0) continue;
      if (gateways.length > 0 && gateways.every((gateway) => pilotAddress.externalAddresses(gateway).length === 0)) {
        yield undecided('the gateway of the primary has no address to compare with', { blockedBy: 'unaddressed-gateway' });
        continue;
      }
      // Load balancers with a host name have addresses that only a resolver knows.
      if (gateways.some((gateway) => gateway.loadBalancer.some(({ ip, hostname }) => ip === undefined && hostname !== undefined))) {
        yield undecided('the gateway of the primary has a host name: its addresses need a resolver');
        continue;
      }
      const slice = addresses.get(stale[0] ?? '');
      const fix =
        slice?.kind === 'EndpointSlice' && current.length === 1 && stale.length === addresses.size
          ? remedy.patch(
              slice,
              { endpoints: [{ addresses: [...current] }] },
              { note: 'lasts until the next installation: change remotePilotAddress there too' },
            )
          : undefined;
      yield finding(
        'stale',
        { service, stale, all: [...addresses.keys()], current, primary: primary.name, fix },
        {
          ...where,
          related: [...where.related, ...(slice === undefined ? [] : [slice])],
          evidence: stale.flatMap((address) => {
            const ref = addresses.get(address);
            return ref === undefined ? [] : [{ ref, field: '.endpoints[*].addresses', observed: address, expected: list(current) }];
          }),
          lacks: [
            { cluster: primary.name, fact: 'services' },
            ...(['nodes', 'pods'] as const).flatMap((fact) => (primary.isComplete(fact) ? [] : [{ cluster: primary.name, fact }])),
          ],
        },
      );
    }
    if (valueOf(couple.serves) === undefined) yield undecided('it is not known whether this istiod serves that cluster');
  },
});

function reinstall(service: Service, current: readonly string[]): Remedy {
  const cluster = service.ref.cluster;
  return remedy.installer(
    cluster,
    [`istioctl install --context ${cluster} -f REMOTE.yaml --set values.global.remotePilotAddress=${current[0] ?? 'ADDRESS'}`],
    installAgain,
  );
}
