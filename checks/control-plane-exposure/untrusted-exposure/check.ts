import {
  type ClusterName,
  type ControlPlane,
  count,
  defineCheck,
  effectsOfCutOff,
  type exposure,
  list,
  pilotAddress,
  refusals,
  remedy,
  type Service,
  valueOf,
} from 'meshdoctor/api';
import { exposures, gatewaysToward, istiodGateway, istiodRoute, portList } from '../_area.ts';

export default defineCheck({
  id: 'untrusted-exposure',
  title: 'A gateway that ends the TLS of istiod has a certificate that remotes trust',
  severity: 'error',
  certainty: 'likely',
  scope: 'managed',
  needs: {
    primary: ['controlPlanes', 'gateways', 'virtualServices', 'services', 'pods', 'workloads'],
    member: ['services', 'endpointSlices', 'endpoints', 'injectors'],
  },
  uses: { primary: [], member: ['workloads'] },
  path: { hops: ['caller'] },
  catalogue: ['CPX-06'],
  explains: [
    { code: 'failing-injection/untrusted', match: 'cluster' },
    ...effectsOfCutOff,
    { code: 'foreign-istiod-certificate', match: 'cluster' },
    { code: 'rejected-istiod-call', match: 'cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
    { code: 'unready-east-west-gateway/notReady', match: 'cluster' },
  ],
  docs: {
    why: "A server of mode SIMPLE on 15012 or 15017 ends TLS at the gateway, which presents the certificate of a Secret instead of istiod's. Proxies trust the root of the mesh, webhooks their caBundle: a certificate of another authority is refused (unknown certificate authority), and neither discovery nor injection works.",
    confirm:
      'kubectl --context PRIMARY get gateways.networking.istio.io -A -o yaml | grep -A6 "number: 1501[27]"; openssl s_client -connect ADDRESS:15012 -servername istiod.istio-system.svc -showcerts',
    fix: 'Pass TLS through (mode PASSTHROUGH), so that istiod presents its own certificate; or take a certificate of a public authority under a public name, and let proxies and webhooks trust the roots of the system.',
    notWhen: 'An external control plane under a public name with a public certificate ends TLS at its gateway on purpose.',
    see: ['https://github.com/istio/istio/issues/52393', 'https://github.com/istio/istio/issues/38541'],
  },
  messages: {
    terminating: (a: Args) => ({
      text: `Gateway ${named(a.way)} in ${a.controlPlane.ref.cluster} ends TLS on port ${list(portList(a.ways))} itself, while ${a.member} ${a.refused.length > 0 ? `does not trust its certificate: ${count(a.refused.length, 'workload')} got no pod` : `asks for ${a.way.host} and trusts what istiod presents`}.`,
      expected: 'mode PASSTHROUGH, or a certificate for that name from a root that remotes hold',
      found: list([`mode ${a.way.server?.tlsMode}`, ...new Set(a.refused.map(({ reason }) => reason.slice(0, 90)))]),
      effect:
        a.refused.length > 0
          ? 'the API server refuses the injector, and proxies refuse discovery'
          : 'unless its certificate is of the root of the mesh, proxies and webhooks refuse it',
      // Without anybody who refused it only the mode is known, not the certificate.
      ...(a.refused.length > 0 ? {} : { severity: 'warning' as const, certainty: 'possible' as const }),
      remedy: passes(a),
    }),
  },
  *run({ primary, member, controlPlane, couple, finding }) {
    if (!pilotAddress.isServedFromOutside(couple) || valueOf(couple.serves) !== true) return;
    const pilots = pilotAddress.remotePilots(controlPlane, member.services, member.endpointSlices, member.endpoints, member.injectors);
    const [best] = exposures(controlPlane, gatewaysToward(pilots, primary).gateways, primary);
    const ways = (best?.ways ?? []).filter(({ mode, missing }) => mode === 'terminating' && missing === undefined);
    const [way] = ways;
    if (best === undefined || way === undefined) return;
    const injectors = member.injectors.filter(({ revision }) => revision === controlPlane.revision);
    const workloads = member.workloads.status === 'collected' ? member.workloads.value : [];
    const refused = refusals.refusalsBy(injectors, workloads).filter(({ kind }) => kind === 'untrusted');
    // A public name may have a public certificate; the name of a Service cannot.
    const isByService = injectors.some(({ target }) => target.service !== undefined);
    if (refused.length === 0 && !isByService) return;
    yield finding(
      'terminating',
      { controlPlane, gateway: best.service, member: member.name, ways, way, refused },
      {
        at: way.gateway?.ref ?? best.service.ref,
        field: '.spec.servers[*].tls.mode',
        related: [best.service.ref, controlPlane.ref, ...refused.slice(0, 3).map(({ workload }) => workload.ref)],
        evidence: [
          {
            ref: way.gateway?.ref ?? best.service.ref,
            field: '.spec.servers[*].tls.mode',
            observed: `${way.server?.tlsMode} on ${list(portList(ways))}`,
            expected: 'PASSTHROUGH',
          },
          ...refused
            .slice(0, 3)
            .map(({ workload, reason }) => ({ ref: workload.ref, field: '.status.conditions', observed: reason.slice(0, 120) })),
        ],
        subject: controlPlane.revision,
        concerns: [primary.name, member.name],
      },
    );
  },
});

interface Args {
  readonly controlPlane: ControlPlane;
  readonly gateway: Service;
  readonly member: ClusterName;
  readonly ways: readonly exposure.Exposure[];
  readonly way: exposure.Exposure;
  /** Calls of its injectors that were refused for the certificate. */
  readonly refused: readonly refusals.Refusal[];
}

function named({ gateway }: exposure.Exposure): string {
  return gateway === undefined ? 'of istiod' : `${gateway.namespace}/${gateway.name}`;
}

/** As Istio's sample for a gateway that istiod's own certificate goes through. */
function passes({ controlPlane, gateway, way }: Args) {
  const { cluster } = controlPlane.ref;
  const own = way.gateway ?? { namespace: gateway.namespace, name: 'istiod-gateway' };
  const opened = istiodGateway(own.namespace, gateway);
  return [
    remedy.apply(cluster, { ...opened, metadata: { ...opened.metadata, name: own.name } }, 'as samples/multicluster/expose-istiod.yaml'),
    remedy.apply(cluster, istiodRoute(controlPlane, own), 'as samples/multicluster/expose-istiod.yaml'),
  ];
}
