import {
  type ControlPlane,
  defineCheck,
  effectsOfCutOff,
  type exposure,
  hosts,
  list,
  objectPath,
  pilotAddress,
  remedy,
} from 'meshdoctor/api';
import {
  asksForAnother,
  exposures,
  gaps,
  gatewaysToward,
  istiodRoute,
  needsExposure,
  portList,
  presumedGateways,
  revisionGaps,
  unknownUse,
} from '../_area.ts';

export default defineCheck({
  id: 'mismatched-exposed-revision',
  title: 'The exposure of istiod routes the revision that remotes ask for',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: {
    primary: ['controlPlanes', 'gateways', 'virtualServices', 'services', 'pods', 'workloads'],
    member: ['services', 'endpointSlices', 'endpoints', 'injectors'],
  },
  applies: { topology: ['primary-remote', 'multi-primary'] },
  path: { hops: ['caller'] },
  catalogue: ['INJ-01'],
  explains: [
    { code: 'unreachable-injector', match: 'cluster' },
    { code: 'failing-injection', match: 'cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
    ...effectsOfCutOff,
    { code: 'rejected-istiod-call', match: 'cluster' },
    { code: 'foreign-istiod-certificate', match: 'cluster' },
  ],
  docs: {
    why: 'A control plane with a revision is Service istiod-REVISION, and its remotes ask the gateway for that very name. A VirtualService for plain istiod, or rendered for another revision, does not take that name or sends it to a Service that does not exist; the gateway closes the connection (filter_chain_not_found).',
    confirm:
      'kubectl --context PRIMARY get virtualservices -A -o yaml | grep -A4 sniHosts; kubectl --context PRIMARY -n istio-system get services -l app=istiod',
    fix: "Apply the template for the revision: sed 's/{{.Revision}}/REVISION/g' samples/multicluster/expose-istiod-rev.yaml.tmpl | kubectl apply -n istio-system -f -",
  },
  messages: {
    mismatched: (a: {
      controlPlane: ControlPlane;
      way: exposure.Exposure;
      ways: readonly exposure.Exposure[];
      routes: string;
      wanted: string;
    }) => ({
      text: `Remotes of ${a.controlPlane.ref.cluster} ask for ${a.way.host}, but ${a.way.virtualService === undefined ? 'no VirtualService' : `VirtualService ${a.way.virtualService.namespace}/${a.way.virtualService.name} there`} routes ${a.routes}.`,
      expected: a.wanted,
      found: a.routes,
      effect: `port ${list(portList(a.ways))}: their proxies cannot connect to istiod or cannot be injected`,
      remedy: [
        remedy.apply(
          a.controlPlane.ref.cluster,
          istiodRoute(a.controlPlane, a.way.gateway ?? { namespace: a.controlPlane.namespace, name: 'istiod-gateway' }),
          'as samples/multicluster/expose-istiod-rev.yaml.tmpl; what routed the name before can be deleted when no other revision needs it',
        ),
      ],
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
    const toward = gatewaysToward(pilots, primary).gateways;
    const [real] = exposures(controlPlane, toward, primary);
    // What the route says is judged even where a Gateway is what fails first: mending that one would only reveal this.
    const isOpen = gaps(real?.ways ?? []).every((gap) => revisionGaps.includes(gap.missing));
    const gateways = presumedGateways(controlPlane, primary.virtualServices);
    const [best] = isOpen ? [real] : exposures(controlPlane, toward, { ...primary, gateways });
    const ways = gaps(best?.ways ?? []).filter((gap) => revisionGaps.includes(gap.missing));
    const [way] = ways;
    if (best === undefined || way === undefined) return;
    const to = way.destination?.host ?? 'nothing';
    const routes =
      way.missing === 'virtual-service-hosts'
        ? list(way.routedHosts, 'no name')
        : `it to ${to}${way.missing === 'destination' ? ', which does not exist' : ''}`;
    const wanted = `${way.host} to Service ${controlPlane.namespace}/${hosts.istiodServiceName(controlPlane.revision)}`;
    yield finding(
      'mismatched',
      { controlPlane, way, ways, routes, wanted },
      {
        at: way.virtualService?.ref ?? way.nearest[0] ?? best.service.ref,
        field: way.missing === 'virtual-service-hosts' ? '.spec.tls[*].match[*].sniHosts' : '.spec.tls[*].route[*].destination.host',
        related: [controlPlane.ref, best.service.ref],
        evidence: way.nearest.map((ref) => ({ ref, observed: `${objectPath(ref)} routes ${routes}`, expected: wanted })),
        lacks: [
          { cluster: primary.name, fact: 'virtualServices' },
          { cluster: primary.name, fact: 'services' },
        ],
        subject: controlPlane.revision,
      },
    );
  },
});
