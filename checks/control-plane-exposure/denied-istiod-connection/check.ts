import {
  appliedConfigs,
  authorizationPolicies,
  defineCheck,
  effectsOfCutOff,
  exposure,
  hosts,
  type IstioResource,
  type Json,
  json,
  list,
  measured,
  pilotAddress,
  remedy,
  type Remedy,
  type Service,
} from 'meshdoctor/api';
import { exposures, gatewaysToward, needsExposure, unknownUse } from '../_area.ts';

export default defineCheck({
  id: 'denied-istiod-connection',
  title: 'Authorization policies let remotes through the gateway to istiod',
  severity: 'error',
  certainty: 'likely',
  scope: 'managed',
  needs: {
    primary: ['controlPlanes', 'gateways', 'virtualServices', 'services', 'pods', 'workloads', 'istioResources', 'meshConfigs'],
    member: ['services', 'endpointSlices', 'endpoints', 'injectors'],
  },
  applies: { topology: ['primary-remote', 'multi-primary', 'external'] },
  path: { hops: ['caller'] },
  catalogue: ['POL-06'],
  explains: [
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
    ...effectsOfCutOff,
    { code: 'failing-injection', match: 'cluster' },
    { code: 'rejected-istiod-call/ended', match: 'cluster' },
    { code: 'rejected-istiod-call/halfOpen', match: 'cluster' },
  ],
  docs: {
    why: 'A policy of the root namespace, or one without a selector beside the gateway, applies to the gateway pods as well. What remotes say to istiod is passed through without being opened: the gateway sees a port, an address and a server name, and neither an identity nor HTTP. ALLOW policies that ask for either never match, and DENY policies that speak of HTTP deny everything.',
    confirm: 'kubectl --context PRIMARY -n istio-system logs deploy/istio-eastwestgateway --tail=50 | grep rbac',
    fix: 'Give the policy a selector that leaves the gateway out, or allow the ports of istiod at the gateway.',
    notWhen:
      'Policies that go by addresses may well let the remotes through; they are not judged. Since 1.20 no policy applies to services behind port 15443 (AUTO_PASSTHROUGH): the sidecars there apply it.',
    see: ['https://github.com/istio/istio/issues/29119', 'https://github.com/istio/istio/issues/26626'],
  },
  messages: {
    denied: (a: Denied) => ({
      text: `AuthorizationPolicy ${a.policy.namespace}/${a.policy.name} in ${a.policy.ref.cluster} ${a.how === 'denied' ? 'denies' : 'applies to'} gateway ${a.gateway.namespace}/${a.gateway.name}${a.how === 'denied' ? '' : ' and nothing allows'} connections to istiod on ${list(a.ports.map(String))}.`,
      expected: `connections on ${list(a.ports.map(String))} are let through`,
      found: a.how === 'denied' ? 'a DENY rule that matches them' : 'ALLOW policies, none of which matches them',
      effect: 'proxies of its remotes cannot connect to istiod, and no pod can be injected there',
      remedy: fixes(a),
    }),
  },
  *run({ primary, member, controlPlane, couple, finding, undecided }) {
    const isNeeded = needsExposure(couple);
    if (isNeeded === undefined) yield undecided(unknownUse);
    if (isNeeded !== true) return;
    const pilots = pilotAddress.remotePilots(controlPlane, member.services, member.endpointSlices, member.endpoints, member.injectors);
    const [best] = exposures(controlPlane, gatewaysToward(pilots, primary).gateways, primary);
    // A port that nothing leads on from is refused, too, as soon as something does; one that ends TLS itself sees identities.
    const toward = best?.ways.filter(({ missing, mode }) => missing !== undefined || mode === 'passthrough') ?? [];
    if (best === undefined || toward.length === 0) return;
    const meshConfig = measured.meshConfigOf(controlPlane, primary.meshConfigs);
    const config = appliedConfigs.appliedConfig(controlPlane, primary, meshConfig);
    const sni = hosts.istiodHost(controlPlane.revision, controlPlane.namespace);
    const proxies = exposure.gatewayProxies(best.service, primary.pods, primary.workloads);
    const [proxy] = proxies;
    if (proxy === undefined) return;
    const policies = authorizationPolicies.policiesOn(config, proxy);
    const verdicts = toward.map(({ port }) => ({
      port,
      verdict: authorizationPolicies.verdictOn(policies, { port: listeningPort(best.service, port), sni }),
    }));
    const denied = verdicts.flatMap(({ port, verdict }) => (verdict.is === 'denied' ? [{ port, ...verdict }] : []));
    const [first] = denied;
    if (first === undefined) return;
    const ports = denied.filter(({ by }) => by === first.by).map(({ port }) => port);
    yield finding(
      'denied',
      { policy: first.by, how: first.how, ports, gateway: best.service, istio: proxy.labels['istio'] },
      {
        at: first.by.ref,
        field: '.spec',
        related: [best.service.ref, ...policies.filter((object) => object !== first.by).map(({ ref }) => ref)],
        evidence: [{ ref: proxy.ref, observed: `${list(ports.map(String))}: ${first.how === 'denied' ? 'denied' : 'not allowed'}` }],
        lacks: [
          { cluster: primary.name, fact: 'istioResources' },
          { cluster: primary.name, fact: 'pods' },
        ],
        subject: controlPlane.revision,
      },
    );
  },
});

interface Denied {
  readonly policy: IstioResource;
  readonly how: 'denied' | 'not-allowed';
  readonly ports: readonly number[];
  readonly gateway: Service;
  /** Label by which the samples select gateways. */
  readonly istio: string | undefined;
}

/** What the pods listen on for a port of the Service. */
function listeningPort({ ports }: Service, port: number): number {
  const target = ports.find((one) => one.port === port)?.targetPort;
  return typeof target === 'number' && target > 0 ? target : port;
}

function fixes({ policy, how, ports, gateway, istio }: Denied): Remedy[] {
  const listening = ports.map((port) => String(listeningPort(gateway, port)));
  if (how === 'denied') return [remedy.patch(policy.ref, { spec: { rules: sparing(policy.spec, listening) } })];
  const object = {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name: 'allow-istiod', namespace: gateway.namespace },
    spec: {
      selector: { matchLabels: istio === undefined ? { ...gateway.selector } : { istio } },
      action: 'ALLOW',
      rules: [{ to: [{ operation: { ports: listening } }] }],
    },
  };
  return [
    remedy.apply(policy.ref.cluster, object, 'anybody may then connect to these ports of the gateway; istiod asks for credentials itself'),
  ];
}

/** The same rules, for all ports but these. */
function sparing(spec: Json, ports: readonly string[]): Json {
  return json.itemsAt(spec, 'rules').map((rule) => {
    const to = json.fieldAt(rule, 'to') === undefined ? [{}] : json.itemsAt(rule, 'to');
    return {
      ...json.fieldsAt(rule),
      to: to.map((one) => ({ operation: { ...json.fieldsAt(one, 'operation'), notPorts: [...ports] } })),
    };
  });
}
