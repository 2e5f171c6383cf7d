import {
  appliedConfigs,
  defineCheck,
  exposure,
  type IstioResource,
  type Json,
  json,
  labels,
  list,
  measured,
  networkGateways,
  selectors,
  type StringMap,
  valueOf,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'altered-cross-network-port',
  title: 'No EnvoyFilter changes the cross-network port of east-west gateways',
  severity: 'warning',
  certainty: 'possible',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'istioResources', 'meshConfigs'], member: ['services', 'pods', 'workloads'] },
  applies: { networks: 'multi', dataPlane: 'sidecar' },
  path: { hops: ['cluster'] },
  catalogue: ['POL-11'],
  docs: {
    why: 'Gateways between networks find services by the server name that istiod gives callers. An EnvoyFilter on that port, such as one that rewrites server names for .global domains of old guides, can send these calls astray.',
    confirm: 'kubectl --context PRIMARY get envoyfilters -A -o yaml | grep -B8 15443',
    fix: 'Remove the EnvoyFilter if nothing needs it any more.',
    notWhen:
      'Filters that only log or count do no harm. Those that merge nothing but settings of connections into the listener, such as keep-alive, are passed over.',
    see: ['https://github.com/istio/istio/issues/40624'],
  },
  messages: {
    altered: (a: { filter: IstioResource; port: number; touched: readonly string[] }) => ({
      text: `EnvoyFilter ${a.filter.namespace}/${a.filter.name} in ${a.filter.ref.cluster} changes port ${a.port} of the east-west gateways: ${list(a.touched)}.`,
      expected: 'the port as istiod makes it',
      found: list(a.touched),
      effect: 'calls between networks may be led astray',
    }),
  },
  *run({ primary, member, controlPlane, couple, mesh, finding }) {
    if (couple.kind === 'peer' || (couple.kind === 'remote' && valueOf(couple.serves) !== true)) return;
    if (valueOf(mesh.kind) === 'external') return; // its config cluster is not in view
    const config = appliedConfigs.appliedConfig(controlPlane, primary, measured.meshConfigOf(controlPlane, primary.meshConfigs));
    for (const service of member.services) {
      if (service.labels[labels.network] === undefined) continue;
      const port = networkGateways.gatewayService(service, [])?.wantedPort;
      const target = service.ports.find((one) => one.port === port)?.targetPort;
      if (port === undefined) continue;
      const proxies = exposure.gatewayProxies(service, member.pods, member.workloads);
      for (const filter of config.ofKind('EnvoyFilter')) {
        const isHere = filter.namespace === config.rootNamespace || filter.namespace === service.namespace;
        if (!isHere || !proxies.some((proxy) => selectors.hasLabels(selectorOf(filter), proxy.labels))) continue;
        const touched = json
          .itemsAt(filter.spec, 'configPatches')
          .filter((patch) => isOn(json.fieldAt(patch, 'match', 'listener', 'portNumber'), [port, target]))
          .filter((patch) => ['ANY', 'GATEWAY'].includes(json.textAt(patch, 'match', 'context') ?? 'ANY'))
          .filter((patch) => !keepsRoutes(patch))
          .map((patch) => json.textAt(patch, 'applyTo') ?? 'LISTENER');
        if (touched.length === 0) continue;
        yield finding(
          'altered',
          { filter, port, touched },
          {
            at: filter.ref,
            field: '.spec.configPatches',
            evidence: [{ ref: filter.ref, observed: list(touched) }],
          },
        );
      }
    }
  },
});

/** Fields of a listener that say how connections are taken and written down, not where they go. */
const harmless: ReadonlySet<string> = new Set([
  'access_log',
  'access_log_options',
  'connection_balance_config',
  'enable_reuse_port',
  'per_connection_buffer_limit_bytes',
  'socket_options',
  'stat_prefix',
  'tcp_backlog_size',
]);

/** A patch that merges nothing but such fields into the listener: keep-alive of its connections is set so. */
function keepsRoutes(patch: Json): boolean {
  const fields = json.itemsAt(patch, 'patch', 'fields');
  return (
    json.textAt(patch, 'applyTo') === 'LISTENER' &&
    json.textAt(patch, 'patch', 'operation') === 'MERGE' &&
    fields.length > 0 &&
    fields.every((field) => typeof field === 'string' && harmless.has(field))
  );
}

function isOn(portNumber: unknown, ports: readonly unknown[]): boolean {
  return portNumber !== undefined && ports.includes(portNumber);
}

function selectorOf({ spec }: IstioResource): StringMap {
  return Object.fromEntries(
    Object.entries(json.fieldsAt(spec, 'workloadSelector', 'labels')).flatMap(([key, value]) =>
      typeof value === 'string' ? [[key, value] as const] : [],
    ),
  );
}
