import {
  type ControlPlane,
  defineCheck,
  effectsOfCutOff,
  exposure,
  gatewayApi,
  labels,
  list,
  objectPath,
  pilotAddress,
  remedy,
  type Remedy,
  type Service,
} from 'meshdoctor/api';
import {
  asksForAnother,
  exposures,
  gaps,
  gatewaysToward,
  istiodGateway,
  istiodRoute,
  needsExposure,
  portList,
  revisionGaps,
  selectorOf,
  unknownUse,
} from '../_area.ts';

const reasons: Readonly<Partial<Record<exposure.ExposureGap, string>>> = {
  gateway: 'no Gateway has a server on that port',
  'gateway-revision': 'the Gateway that has it is labelled for another revision',
  'gateway-namespace': 'the Gateway that has it lies in another namespace than the gateway pods',
  'gateway-selector': 'the Gateway that has it selects none of the gateway pods',
  'gateway-mode': 'the Gateway that has it does not pass TLS through',
  'gateway-hosts': 'the hosts of the Gateway that has it leave istiod out',
  'virtual-service': 'no VirtualService routes it to istiod',
  'virtual-service-revision': 'the VirtualService that routes it is labelled for another revision',
  'virtual-service-gateway': 'the VirtualService that routes it is bound to another Gateway',
  'virtual-service-export': 'the VirtualService that routes it is not exported to the gateway',
};

export default defineCheck({
  id: 'unexposed-istiod',
  title: 'A Gateway and a VirtualService lead remotes to istiod',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: {
    primary: ['controlPlanes', 'gateways', 'kubeGateways', 'virtualServices', 'services', 'pods', 'workloads'],
    member: ['services', 'endpointSlices', 'endpoints', 'injectors'],
  },
  applies: { topology: ['primary-remote', 'multi-primary', 'external'] },
  path: { hops: ['caller'] },
  catalogue: ['CPX-02'],
  explains: [
    { code: 'unreachable-injector', match: 'cluster' },
    { code: 'failing-injection', match: 'cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
    { code: 'inert-configuration/exposure', match: 'cluster' },
    ...effectsOfCutOff,
    { code: 'rejected-istiod-call', match: 'cluster' },
    { code: 'foreign-istiod-certificate', match: 'cluster' },
  ],
  docs: {
    why: 'The east-west gateway only listens on 15012 and 15017 when a Gateway of the primary opens them for its pods, and only knows where to send them when a VirtualService bound to that Gateway routes the name of istiod. Otherwise TCP opens and TLS is reset.',
    confirm: 'kubectl --context PRIMARY get gateways.networking.istio.io,virtualservices -A',
    fix: 'Apply the exposure of istiod (samples/multicluster/expose-istiod.yaml, or the template for a revision) in the system namespace of the primary.',
    notWhen: 'A second istiod that no remote uses yet need not be exposed.',
  },
  messages: {
    unexposed: (a: { controlPlane: ControlPlane; gateway: Service; gaps: readonly exposure.Exposure[] }) => ({
      text: `${a.gaps.length > 1 ? 'Ports' : 'Port'} ${list(portList(a.gaps))} of gateway ${a.gateway.namespace}/${a.gateway.name} in ${a.gateway.ref.cluster} ${a.gaps.length > 1 ? 'do' : 'does'} not lead to istiod ${a.controlPlane.revision}: ${reasons[a.gaps[0]?.missing ?? 'gateway'] ?? 'the way breaks off'}.`,
      expected: 'a Gateway with PASSTHROUGH servers on 15012 and 15017 and a VirtualService that routes them to istiod',
      found: list(
        a.gaps.flatMap((gap) => gap.nearest.map(objectPath)),
        'none',
        3,
      ),
      effect: 'proxies of its remotes cannot connect to istiod, and no pod can be injected there',
      remedy: expose(a.controlPlane, a.gaps, a.gateway),
    }),
  },
  *run({ primary, member, controlPlane, couple, mesh, finding, undecided }) {
    const isNeeded = needsExposure(couple);
    if (isNeeded === undefined) yield undecided(unknownUse);
    // Where the remote asks for a revision that nobody runs, nothing says that it is this istiod it needs.
    if (isNeeded === false && asksForAnother(couple, member.injectors, mesh)) {
      yield undecided('the remote asks for a revision that nobody runs', { blockedBy: 'unserved-injector', clusters: [member.name] });
    }
    if (isNeeded !== true) return;
    const pilots = pilotAddress.remotePilots(controlPlane, member.services, member.endpointSlices, member.endpoints, member.injectors);
    // By URL anything may stand in front of istiod, under a name that only a resolver knows.
    const isByUrl = member.injectors.some((injector) => injector.revision === controlPlane.revision && injector.target.url !== undefined);
    const isAtPrimary = pilots.some(({ addresses }) =>
      [...addresses.keys()].some((address) => pilotAddress.leadsTo(address, primary.services) !== undefined),
    );
    if (isByUrl && !isAtPrimary) return;
    const toward = gatewaysToward(pilots, primary);
    const [best] = exposures(controlPlane, toward.gateways, primary);
    const open = gaps(best?.ways ?? []);
    const [first] = open;
    if (best === undefined && !toward.isReached)
      yield undecided('the primary has no gateway for istiod', { blockedBy: 'missing-east-west-gateway', clusters: [primary.name] });
    if (best === undefined || first === undefined) return;
    if (open.some((gap) => gap.missing === 'gateway-pods')) {
      yield undecided('no pod stands behind the gateway', { blockedBy: 'unready-east-west-gateway', clusters: [primary.name] });
      return;
    }
    const own = open.filter((gap) => !revisionGaps.includes(gap.missing));
    const [worst] = own;
    if (worst === undefined) return;
    const proxies = exposure.gatewayProxies(best.service, primary.pods, primary.workloads);
    const ofApi = { reader: controlPlane, gateways: gatewayApi.translatedGateways(primary.kubeGateways, primary.services), proxies };
    if (own.every(({ port }) => exposure.appliedServers(ofApi, port).length > 0)) {
      yield undecided('routes of the Kubernetes Gateway API are not read', { clusters: [primary.name] });
      return;
    }
    yield finding(
      'unexposed',
      { controlPlane, gateway: best.service, gaps: own },
      {
        at: worst.nearest[0] ?? best.service.ref,
        related: [controlPlane.ref, best.service.ref, ...own.flatMap((gap) => gap.nearest)],
        evidence: own.map((gap) => ({
          ref: gap.nearest[0] ?? best.service.ref,
          observed: `${gap.port}: ${reasons[gap.missing ?? 'gateway'] ?? 'the way breaks off'}`,
        })),
        lacks: [
          { cluster: primary.name, fact: 'gateways' },
          { cluster: primary.name, fact: 'virtualServices' },
          { cluster: primary.name, fact: 'pods' },
        ],
        subject: controlPlane.revision,
      },
    );
  },
});

/** What is wrong with an object that is there is patched; what is missing is applied. */
function expose(controlPlane: ControlPlane, open: readonly exposure.Exposure[], gateway: Service): Remedy[] {
  const { cluster } = controlPlane.ref;
  const [first] = open;
  const [near] = first?.nearest ?? [];
  const opens = remedy.apply(cluster, istiodGateway(gateway.namespace, gateway), 'as samples/multicluster/expose-istiod.yaml');
  const bound = first?.gateway ?? { namespace: gateway.namespace, name: 'istiod-gateway' };
  const routes = remedy.apply(cluster, istiodRoute(controlPlane, bound), 'as samples/multicluster/expose-istiod.yaml');
  switch (first?.missing) {
    case 'gateway-revision':
    case 'virtual-service-revision':
      return near === undefined ? [] : [remedy.label(near, { [labels.revision]: null })];
    case 'gateway-selector':
      return near === undefined ? [] : [remedy.patch(near, { spec: { selector: selectorOf(gateway) } })];
    case 'virtual-service-export':
      return near === undefined ? [] : [remedy.patch(near, { spec: { exportTo: null } })];
    case 'virtual-service':
    case 'virtual-service-gateway':
      return [routes];
    default:
      return [opens, routes];
  }
}
