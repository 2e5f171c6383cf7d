import {
  annotations,
  type ClusterName,
  clusterRef,
  count,
  defineCheck,
  distinct,
  endpoints,
  type IstioResource,
  type Json,
  json,
  list,
  listOf,
  type Member,
  type Pod,
  refKey,
  remedy,
  type Service,
  sidecarScopes,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'unresolvable-service',
  title: 'Named services resolve in every cluster that has callers',
  severity: 'error',
  certainty: 'certain',
  scope: 'service',
  needs: ['services', 'pods', 'namespaces'],
  uses: ['istioResources', 'meshConfigs'],
  path: { hops: ['name'] },
  catalogue: ['DNS-01', 'DNS-11'],
  docs: {
    why: "An application looks a name up before Envoy sees anything, and the DNS of a cluster only knows that cluster's Services. A Service of another cluster resolves only where a Service of the same name exists too, or where the sidecars answer DNS (ISTIO_META_DNS_CAPTURE).",
    confirm: 'kubectl --context CLUSTER -n NAMESPACE exec deploy/CLIENT -- getent hosts NAME.NAMESPACE',
    fix: "Create a Service of the same name, namespace and ports in the caller's cluster (no selector needed), or turn on DNS capture in meshConfig.defaultConfig.proxyMetadata and restart the callers.",
  },
  messages: {
    nowhere: (a: { namespace: string; name: string; clusters: readonly ClusterName[] }) => ({
      text: `No cluster of the mesh has a Service ${a.namespace}/${a.name}.`,
      expected: `Service ${a.namespace}/${a.name} in one of ${list(a.clusters)}`,
      found: 'none',
    }),
    noPort: (a: { service: Service; port: number }) => ({
      text: `Service ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} has no port ${a.port}.`,
      expected: `port ${a.port}`,
      found: list(a.service.ports.map(({ port }) => String(port))),
    }),
    unanswered: (a: Caller) => ({
      ...unresolved(a, `no sidecar of ${a.caller} answers DNS`),
      expected: `Service ${a.service.namespace}/${a.service.name} in ${a.caller}, or DNS capture on its sidecars`,
      found: `neither; ${count(a.callers, 'pod')} with a sidecar`,
    }),
    headless: (a: Caller) => ({
      ...unresolved(a, 'it is headless, and its pods are on another network'),
      // A stub would resolve, and lead nowhere: the copy istiod meets first decides that the name is headless.
      remedy: [],
      expected: 'a Service with a cluster IP',
      found: 'clusterIP: None',
    }),
    hidden: (a: Caller) => ({
      ...unresolved(a, `its annotation networking.istio.io/exportTo leaves out every namespace of ${a.caller} that has sidecars`),
      expected: 'an annotation that names the namespace of the callers, or none',
      found: a.service.annotations[annotations.exportTo] ?? '',
    }),
    narrowed: (a: Caller & { sidecar: IstioResource }) => ({
      ...unresolved(a, `Sidecar ${a.sidecar.namespace}/${a.sidecar.name} in ${a.sidecar.ref.cluster} keeps it from the callers`),
      expected: `${a.service.namespace}/* among its egress hosts`,
      found: list(
        json.itemsAt(a.sidecar.spec, 'egress').flatMap((egress) => json.itemsAt(egress, 'hosts').map(String)),
        'none',
        4,
      ),
      remedy: [remedy.patch(a.sidecar.ref, { spec: { egress: withHost(a.sidecar.spec, `${a.service.namespace}/*`) } })],
    }),
    partly: (a: { service: Service; caller: ClusterName; without: readonly Pod[]; callers: number }) => ({
      text: `Name ${a.service.name}.${a.service.namespace} resolves only for some pods of ${a.caller}: ${a.without.length} of ${a.callers} sidecars do not answer DNS.`,
      expected: 'DNS capture on all sidecars, or the Service in both clusters',
      found: `${a.without.length} of ${a.callers} without`,
      effect: 'those pods get "could not resolve host"',
      severity: 'warning',
    }),
  },
  *run({ service, named, clusters, mesh, finding, undecided }) {
    if (named === undefined) return;
    const lacks = clusters.map(({ name }) => ({ cluster: name, fact: 'services' as const }));
    const subject = `${service.namespace}/${service.name}`;
    const instances = [...service.instances.values()];
    const [first] = instances;
    // It is asked of the mesh: its control plane stands for it.
    const [home] = mesh.controlPlanes;
    if (first === undefined) {
      const args = { namespace: service.namespace, name: service.name, clusters: clusters.map(({ name }) => name) };
      if (home !== undefined) yield finding('nowhere', args, { at: home.ref, lacks, subject });
      return;
    }
    const { port } = named;
    const scoping = clusters.map(({ name, istioResources, meshConfigs }) => ({
      name,
      istioResources: listOf(istioResources),
      meshConfigs: listOf(meshConfigs),
    }));
    for (const instance of instances) {
      if (port === undefined || instance.ports.some((candidate) => candidate.port === port)) continue;
      yield finding('noPort', { service: instance, port }, { at: instance.ref, field: '.spec.ports', concerns: [instance.ref.cluster] });
    }
    for (const cluster of clusters) {
      if (service.instances.has(cluster.name)) continue;
      if (mesh.dataPlanes.includes('ambient')) {
        yield undecided('whether ztunnel answers DNS there is in no object that is read', { clusters: [cluster.name] });
        continue;
      }
      const sidecars = cluster.pods.filter(
        (pod) => pod.proxy?.kind === 'sidecar' && (pod.phase === 'Running' || pod.phase === 'Pending' || pod.phase === ''),
      );
      if (sidecars.length === 0) {
        yield undecided('no pod with a sidecar could call it from there', { clusters: [cluster.name] });
        continue;
      }
      const without = sidecars.filter((pod) => pod.proxy?.dnsCapture === false);
      const namespace = cluster.namespaces.find((candidate) => candidate.name === service.namespace);
      const where = {
        at: namespace?.ref ?? clusterRef(cluster.name),
        related: [first.ref, ...without.slice(0, 5).map((pod) => pod.ref)],
        evidence: [
          { ref: first.ref, observed: `only in ${list(instances.map(({ ref }) => ref.cluster))}` },
          ...without
            .slice(0, 3)
            .map((pod) => ({ ref: pod.ref, field: '.spec.containers[*].env', observed: 'no ISTIO_META_DNS_CAPTURE', expected: 'true' })),
        ],
        lacks,
        subject,
        concerns: [cluster.name],
      };
      const args = { service: first, caller: cluster.name, callers: sidecars.length, hasNamespace: namespace !== undefined };
      if (without.length === sidecars.length) {
        yield finding('unanswered', args, where);
        continue;
      }
      if (without.length > 0) yield finding('partly', { service: first, caller: cluster.name, without, callers: sidecars.length }, where);
      // istiod answers from the Services it reads: those of clusters that no secret of its opens are not among them.
      const istiods = mesh.couples
        .filter((couple) => couple.member === cluster.name && couple.kind !== 'peer')
        .map(({ controlPlane }) => refKey(controlPlane.ref));
      const isRead = instances.some(({ ref }) =>
        mesh.couples.some(
          (couple) =>
            couple.member === ref.cluster &&
            istiods.includes(refKey(couple.controlPlane.ref)) &&
            (couple.kind === 'self' || couple.credentials.length > 0),
        ),
      );
      if (!isRead) {
        yield undecided('istiod does not read the cluster that has it', { blockedBy: 'missing-remote-secret', clusters: [cluster.name] });
        continue;
      }
      const isNear = instances.some(({ ref }) => sameNetwork(cluster.member, mesh.members.get(ref.cluster)));
      if (first.clusterIP === 'None' && !isNear) yield finding('headless', args, { ...where, at: first.ref, field: '.spec.clusterIP' });
      else if (sidecars.every((pod) => !endpoints.isExportedTo(first, pod.namespace))) {
        yield finding('hidden', args, { ...where, at: first.ref, field: '.metadata.annotations["networking.istio.io/exportTo"]' });
      } else {
        const ports = first.ports.map((one) => one.port);
        const hiding = distinct(sidecars.map((pod) => pod.namespace)).map((from) =>
          sidecarScopes.hidingSidecar({ ...service, ports }, { cluster: cluster.name, namespace: from }, mesh, scoping),
        );
        const [sidecar] = hiding;
        if (sidecar !== undefined && hiding.every((one) => one !== undefined))
          yield finding('narrowed', { ...args, sidecar }, { ...where, at: sidecar.ref, field: '.spec.egress' });
      }
    }
  },
});

/** The same egress, with one more host for all ports. */
function withHost(spec: Json, host: string): Json {
  const egress = json.itemsAt(spec, 'egress');
  const general = egress.findIndex((one) => json.fieldAt(one, 'port') === undefined);
  if (general < 0) return [...egress, { hosts: [host] }];
  return egress.map((one, index) => (index === general ? { ...json.fieldsAt(one), hosts: [...json.itemsAt(one, 'hosts'), host] } : one));
}

interface Caller {
  readonly service: Service;
  readonly caller: ClusterName;
  readonly callers: number;
  readonly hasNamespace: boolean;
}

function unresolved({ service, caller, hasNamespace }: Caller, why: string) {
  return {
    text: `Name ${service.name}.${service.namespace} does not resolve in ${caller}: the Service is only in ${service.ref.cluster}, and ${why}.`,
    effect: `callers in ${caller} get "could not resolve host"`,
    remedy: hasNamespace
      ? [remedy.apply(caller, stub(service), 'a Service without selector: sidecars replace its address by the endpoints of all clusters')]
      : [],
  };
}

/** Headless names have records for pods on the client's own network only; unknown networks are taken for one. */
function sameNetwork(a: Member, b: Member | undefined): boolean {
  return b === undefined || !('known' in a.network) || !('known' in b.network) || a.network.known === b.network.known;
}

/** The same name and ports without selector. */
function stub(service: Service) {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: service.name, namespace: service.namespace },
    spec: {
      ports: service.ports.map(({ name, port, protocol, appProtocol }) => ({
        ...(name === '' ? {} : { name }),
        port,
        protocol,
        ...(appProtocol === undefined ? {} : { appProtocol }),
      })),
    },
  };
}
