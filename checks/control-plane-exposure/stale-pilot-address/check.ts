import {
  type ClusterName,
  defineCheck,
  distinct,
  effectsOfCutOff,
  list,
  listOf,
  pilotAddress,
  refKey,
  releases,
  type Remedy,
  type Service,
} from 'meshdoctor/api';
import { needsExposure, unknownUse } from '../_area.ts';
import { fixes } from './fixes.ts';

export default defineCheck({
  id: 'stale-pilot-address',
  title: 'The istiod Service of a remote leads to a gateway of its primary',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'services'], member: ['services', 'endpointSlices', 'endpoints', 'injectors'] },
  uses: { primary: ['nodes', 'pods'], member: [] },
  path: { hops: ['caller'] },
  catalogue: ['CPX-03'],
  explains: [
    { code: 'unreachable-injector', match: 'cluster' },
    { code: 'failing-injection', match: 'cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
    ...effectsOfCutOff,
    { code: 'rejected-istiod-call', match: 'cluster' },
    { code: 'foreign-istiod-certificate', match: 'cluster' },
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
      fix: readonly Remedy[];
      isComparable: boolean;
    }) => ({
      text: `Service ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} sends proxies and webhooks to ${list(a.stale)}, which is no address of ${a.primary}.`,
      expected: list(a.current, `an address of ${a.primary}`),
      found: list(a.stale),
      effect: a.stale.length < a.all.length ? 'a share of the connections to istiod fails' : effectOf(a.service),
      ...(a.stale.length < a.all.length ? { severity: 'warning' as const } : {}),
      ...(a.isComparable ? {} : { certainty: 'likely' as const }),
      remedy: a.fix,
    }),
    none: (a: { service: Service; current: readonly string[]; primary: ClusterName; fix: readonly Remedy[] }) => ({
      text: `Service ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} has no address behind it, so nothing there reaches istiod in ${a.primary}.`,
      expected: list(a.current, `an address of ${a.primary}`),
      found: 'no EndpointSlice or Endpoints with an address',
      effect: effectOf(a.service),
      remedy: a.fix,
    }),
  },
  *run({ primary, member, controlPlane, couple, finding, undecided }) {
    const isNeeded = needsExposure(couple);
    if (isNeeded === undefined) yield undecided(unknownUse);
    if (isNeeded !== true) return;
    const gateways = pilotAddress.pilotGateways(primary.services);
    const current = distinct(gateways.flatMap((gateway) => pilotAddress.externalAddresses(gateway, listOf(primary.nodes))));
    for (const { service, addresses: behind } of pilotAddress.remotePilots(
      controlPlane,
      member.services,
      member.endpointSlices,
      member.endpoints,
      member.injectors,
    )) {
      if (service.externalName !== undefined) continue; // a name: what it resolves to is not in any object
      const where = { at: service.ref, related: gateways.map((gateway) => gateway.ref), subject: primary.name };
      const writtenBefore = member.endpoints.some(({ namespace, name }) => namespace === service.namespace && name === service.name);
      const isSliced = !writtenBefore && releases.presumedToBehave(controlPlane.version, 'backsRemoteServiceBySliceOnly');
      if (behind.size === 0) {
        const lacks = (['endpointSlices', 'endpoints'] as const).map((fact) => ({ cluster: member.name, fact }));
        const fix = fixes(service, current, isSliced ? 'EndpointSlice' : 'Endpoints');
        yield finding('none', { service, current, primary: primary.name, fix }, { ...where, lacks });
        continue;
      }
      const stale = [...behind.keys()].filter(
        (address) =>
          pilotAddress.leadsTo(address, primary.services, listOf(primary.nodes)) === undefined &&
          !pilotAddress.isOwnAddress(address, listOf(primary.pods), listOf(primary.nodes)),
      );
      if (stale.length === 0) continue;
      const unread = (['nodes', 'pods'] as const).filter((fact) => primary[fact].status !== 'collected');
      if (unread.length > 0) {
        const missing = unread.map((fact) => ({ cluster: primary.name, fact }));
        yield undecided(`the address may be that of a node or pod of ${primary.name}`, { missing });
        continue;
      }
      if (gateways.length > 0 && current.length === 0) {
        yield undecided('the gateway of the primary has no address to compare with', { blockedBy: 'unaddressed-gateway' });
        continue;
      }
      // Load balancers with a host name have addresses that only a resolver knows.
      if (gateways.some((gateway) => gateway.loadBalancer.some(({ ip, hostname }) => ip === undefined && hostname !== undefined))) {
        yield undecided('the gateway of the primary has a host name: its addresses need a resolver');
        continue;
      }
      const holders = new Map(stale.flatMap((address) => behind.get(address) ?? []).map((ref) => [refKey(ref), ref]));
      const [holder, ...more] = holders.values();
      const isWhole = stale.length === behind.size && more.length === 0;
      yield finding(
        'stale',
        {
          service,
          stale,
          all: [...behind.keys()],
          current,
          primary: primary.name,
          fix: fixes(service, current, isWhole ? holder : undefined),
          isComparable: gateways.length > 0,
        },
        {
          ...where,
          related: [...where.related, ...holders.values()],
          evidence: stale.flatMap((address) => {
            const ref = behind.get(address);
            const field = ref?.kind === 'Endpoints' ? '.subsets[*].addresses' : '.endpoints[*].addresses';
            return ref === undefined ? [] : [{ ref, field, observed: address, expected: list(current) }];
          }),
          lacks: (['services', 'nodes', 'pods'] as const).map((fact) => ({ cluster: primary.name, fact })),
        },
      );
    }
  },
});

function effectOf({ ref }: Service): string {
  return `proxies of ${ref.cluster} cannot connect to istiod, and no pod can be injected there`;
}
