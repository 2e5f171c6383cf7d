import {
  type ClusterName,
  type ControlPlane,
  defineCheck,
  endpoints,
  exposure,
  type Gateway,
  gatewayApi,
  groupBy,
  hosts,
  labels,
  list,
  listOf,
  networkGateways,
  objectPath,
  type ObjectRef,
  type Pod,
  ports,
  remedy,
  type Remedy,
  selectors,
  type Service,
  type StringMap,
  valueOf,
} from 'meshdoctor/api';

const reasons: Readonly<Record<NonNullable<exposure.CrossNetworkExposure['missing']>, string>> = {
  gateway: 'no Gateway has a server on that port',
  'gateway-pods': 'no pod stands behind it',
  'gateway-revision': 'the Gateway that has it is labelled for another revision',
  'gateway-namespace': 'the Gateway that has it lies in another namespace than the gateway pods',
  'gateway-selector': 'the Gateway that has it selects none of the gateway pods',
  'gateway-mode': 'the Gateway that has it is not AUTO_PASSTHROUGH',
  'gateway-hosts': 'the hosts of the Gateway that has it leave services out',
};

export default defineCheck({
  id: 'unexposed-services',
  title: 'A Gateway opens the cross-network port for services of the mesh',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'gateways', 'kubeGateways'], member: ['services', 'pods', 'workloads', 'gateways', 'kubeGateways'] },
  uses: { primary: [], member: ['nodes'] },
  applies: { networks: 'multi', dataPlane: 'sidecar' },
  path: { hops: ['sni'] },
  catalogue: ['EW-08', 'EW-09'],
  explains: [
    { code: 'inert-configuration/exposure', match: 'cluster', keys: ['onlyInRemote'] },
    { code: 'unexposed-services/unexposed', match: 'object', keys: ['onlyInRemote'] },
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
    { code: 'unreachable-gateway', match: 'cluster' },
    { code: 'failing-pod-call/unreachable', match: 'cluster' },
    { code: 'terminated-cross-network-tls', match: 'cluster' },
  ],
  docs: {
    why: 'An east-west gateway only lets services through when a Gateway with tls.mode AUTO_PASSTHROUGH opens port 15443 for its pods. istiod reads it in the cluster whose configuration it uses: in primary-remote that is the primary alone, for the gateways of all clusters.',
    confirm:
      'kubectl --context PRIMARY get gateways.networking.istio.io -A -o yaml | grep -B8 AUTO_PASSTHROUGH; kubectl --context PRIMARY get gateways.gateway.networking.k8s.io -A -o yaml | grep -B8 auto-passthrough',
    fix: 'kubectl --context PRIMARY apply -n istio-system -f samples/multicluster/expose-services.yaml',
    notWhen: 'Hosts narrower than *.local may be meant that way.',
  },
  messages: {
    unexposed: (a: { controlPlane: ControlPlane; config: ClusterName; selector: StringMap; open: exposure.CrossNetworkExposure }) => ({
      text: `No Gateway in ${a.config} lets services through port ${a.open.port} of the east-west gateways: ${reasons[a.open.missing ?? 'gateway']}.`,
      expected: `a Gateway in ${a.config} with an AUTO_PASSTHROUGH server on ${a.open.port} for these pods`,
      found: list(a.open.nearest.map(objectPath)),
      effect: 'calls from other networks are reset by these gateways',
      remedy: fixes(a.controlPlane, a.config, a.open, a.selector),
    }),
    onlyInRemote: (a: {
      controlPlane: ControlPlane;
      config: ClusterName;
      selector: StringMap;
      inert: Gateway;
      open: exposure.CrossNetworkExposure;
    }) => ({
      text: `Gateway ${a.inert.namespace}/${a.inert.name} lies in ${a.inert.ref.cluster}, where no istiod reads it; in ${a.config} nothing opens port ${a.open.port} for services.`,
      expected: `that Gateway in ${a.config}`,
      found: `only in ${a.inert.ref.cluster}`,
      effect: `calls between networks are reset by the gateways`,
      remedy: fixes(a.controlPlane, a.config, a.open, a.selector),
    }),
    narrow: (a: { config: ClusterName; open: exposure.CrossNetworkExposure; hidden: readonly string[] }) => ({
      text: `Gateway ${list(a.open.nearest.map(objectPath))} in ${a.config} lets only ${list(a.open.hosts)} through port ${a.open.port} of the east-west gateways, which leaves out ${list(a.hidden, 'none', 3)}.`,
      expected: '*.local for all services',
      found: list(a.open.hosts),
      effect: `${list(a.hidden, 'none', 3)} cannot be reached from other networks`,
      severity: 'warning',
      certainty: 'possible',
      remedy: [],
    }),
  },
  *run({ primary, member, controlPlane, couple, mesh, finding, undecided }) {
    if (couple.kind === 'peer' || (couple.kind === 'remote' && valueOf(couple.serves) !== true)) return;
    const isExternal = valueOf(mesh.kind) === 'external';
    if (isExternal && couple.kind !== 'self') return; // its config cluster is not in view
    const config = isExternal ? member : primary;
    for (const service of member.services) {
      const gateway =
        service.labels[labels.network] === undefined ? undefined : networkGateways.gatewayService(service, listOf(member.nodes));
      const served = service.ports.find(({ port }) => port === gateway?.wantedPort);
      if (gateway === undefined || served === undefined) continue; // no port, or a gateway of ambient
      const revisions = exposure.gatewayRevisions(service, member.pods);
      // During an upgrade the gateway is configured by the istiod it came from; the other one is judged by its own gateways.
      if (!revisions.includes(controlPlane.revision) && mesh.controlPlanes.some(({ revision }) => revisions.includes(revision))) continue;
      const proxies = exposure.gatewayProxies(service, member.pods, member.workloads);
      const open = exposure.crossNetworkExposure(
        { reader: controlPlane, gateways: gatewayApi.allGateways(config, member.services, proxies), proxies },
        gateway.wantedPort,
        served.targetPort,
      );
      if (open.missing === undefined) continue;
      if (open.missing === 'gateway-pods') {
        yield undecided('no pod stands behind the gateway', { blockedBy: 'unready-east-west-gateway', clusters: [member.name] });
        continue;
      }
      const inert =
        member.name === config.name
          ? undefined
          : member.gateways.find((one) => one.servers.some((server) => server.tlsMode === 'AUTO_PASSTHROUGH'));
      const namespace: ObjectRef = { cluster: config.name, kind: 'Namespace', name: controlPlane.namespace };
      const at = open.nearest[0] ?? (config.name === primary.name ? namespace : service.ref);
      const where = {
        at,
        related: [controlPlane.ref, ...(inert === undefined ? [] : [inert.ref])],
        evidence: [{ ref: service.ref, observed: `port ${open.port}: ${reasons[open.missing]}` }],
        lacks: [
          { cluster: config.name, fact: 'gateways' as const },
          { cluster: config.name, fact: 'kubeGateways' as const },
          { cluster: member.name, fact: 'pods' as const },
        ],
        subject: open.missing,
      };
      if (open.missing === 'gateway-hosts' && open.isPartial) {
        const hidden = hiddenServices(member, open.hosts, controlPlane);
        if (hidden.length > 0) yield finding('narrow', { config: config.name, open, hidden }, where);
      } else if (inert !== undefined && open.missing === 'gateway')
        yield finding(
          'onlyInRemote',
          { controlPlane, config: config.name, selector: selectorFor(service), inert, open },
          { ...where, concerns: [member.name, config.name] },
        );
      else
        yield finding(
          'unexposed',
          { controlPlane, config: config.name, selector: selectorFor(service), open },
          { ...where, concerns: [member.name] },
        );
    }
  },
});

/** Services of applications that sidecars serve and that these hosts leave out: nobody on another network would be served by the others anyway. */
function hiddenServices(
  { services, pods }: { readonly services: readonly Service[]; readonly pods: readonly Pod[] },
  open: readonly string[],
  { namespace: system, clusterDomain }: ControlPlane,
): string[] {
  const served = groupBy(
    pods.filter((pod) => pod.labels[labels.tlsMode] === endpoints.istioMutual),
    ({ namespace }) => namespace,
  );
  return services.flatMap(({ namespace, name, selector }) => {
    const host = hosts.fqdnOf(namespace, name, clusterDomain);
    const isServed = served.get(namespace)?.some((pod) => selectors.selectsPods(selector, pod.labels)) === true;
    return namespace === system || !isServed || open.some((pattern) => hosts.hostMatches(pattern, host)) ? [] : [`${namespace}/${name}`];
  });
}

/** What is wrong with one Gateway is patched there; what is missing is applied. */
function fixes(controlPlane: ControlPlane, config: ClusterName, open: exposure.CrossNetworkExposure, selector: StringMap): Remedy[] {
  const near = open.nearest[0];
  const object = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: 'cross-network-gateway', namespace: controlPlane.namespace },
    spec: {
      selector: { ...selector },
      servers: [
        {
          port: { number: open.port === 0 ? ports.crossNetwork : open.port, name: 'tls', protocol: 'TLS' },
          tls: { mode: 'AUTO_PASSTHROUGH' },
          hosts: ['*.local'],
        },
      ],
    },
  };
  const apply = remedy.apply(config, object, 'as samples/multicluster/expose-services.yaml');
  if (near !== undefined && open.missing === 'gateway-selector')
    return [remedy.patch(near, { spec: { selector: { ...selector } } }), apply];
  if (near !== undefined && open.missing === 'gateway-revision') return [remedy.label(near, { [labels.revision]: null }), apply];
  return [apply];
}

/** As the samples select: by label `istio`; else by what the Service selects, but for the network, which differs from cluster to cluster. */
function selectorFor({ selector }: { readonly selector: StringMap }): StringMap {
  const { istio, [labels.network]: _network, ...rest } = selector;
  return istio === undefined ? rest : { istio };
}
