import {
  type ClusterName,
  type ControlPlane,
  count,
  defineCheck,
  distinct,
  type IstiodReplica,
  labels,
  list,
  type ListedGateway,
  listOf,
  measured,
  type networkGateways,
  type ObjectRef,
  remedy,
  remoteSecrets,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'unlisted-gateway',
  title: 'Every replica of istiod sends proxies to the gateways that its clusters have',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: {
    primary: ['controlPlanes', 'remoteSecrets', 'meshConfigs', 'istiods'],
    member: ['services', 'namespaces', 'kubeGateways'],
  },
  uses: { primary: [], member: ['nodes'] },
  applies: { networks: 'multi', probed: ['istiods'] },
  path: { hops: ['gateway'] },
  catalogue: ['EW-03', 'EW-18', 'CLD-04'],
  explains: [
    { code: 'unexpected-sidecar-endpoints', match: 'cluster', keys: ['unlisted', 'unresolved'] },
    { code: 'divergent-replicas/gateways', match: 'cluster' },
  ],
  docs: {
    why: 'istiod makes its list of gateways from the Services and Gateways of all clusters that it reads. An address that is missing from the list of a replica is used by none of the proxies connected to it: they are sent to pod addresses of the other network, and time out.',
    confirm:
      'kubectl --context PRIMARY -n istio-system exec deploy/istiod -- pilot-discovery request GET /debug/networkz; kubectl --context REMOTE get services -A -l topology.istio.io/network -o wide',
    fix: 'See whether istiod reads the cluster at all (istioctl remote-clusters) and, for a host name, whether its pods can resolve it. Restart a replica that lost the gateway.',
    notWhen:
      'istiod keeps the addresses of a Service that has lost all of them, and takes others at once: a load balancer that is made anew is on its way.',
  },
  messages: {
    unlisted: (a: Listing) => ({
      text: `Gateway ${named(a.gateway)} (${a.address}) is not in the list of ${reader(a)}.`,
      expected: a.address,
      found: list(a.listed),
      effect: `proxies are sent to pod addresses of ${a.of} instead`,
      remedy: [remedy.restart(a.controlPlane.ref, 'only where istiod reads the cluster and lost its gateway')],
    }),
    unresolved: (a: Listing) => ({
      text: `The host name of gateway ${named(a.gateway)} (${a.address}) gives ${reader(a)} no address.`,
      expected: `an address that ${a.address} resolves to`,
      found: list(a.listed),
      effect: `proxies are sent to pod addresses of ${a.of} instead`,
    }),
    unexpected: (a: {
      controlPlane: ControlPlane;
      of: ClusterName;
      addresses: readonly string[];
      pods: readonly string[];
      asked: number;
    }) => ({
      text: `${capital(reader(a))} sends proxies to ${list(a.addresses)} as gateway of ${a.of}, which no object there has.`,
      expected: 'addresses that a Service or Gateway has',
      found: list(a.addresses),
      effect: `calls that are sent there do not reach ${a.of}`,
      severity: 'warning',
      certainty: 'likely',
      remedy: [
        remedy.restart(a.controlPlane.ref, 'istiod keeps those of a Service that has lost all of its addresses until it is started anew'),
      ],
    }),
  },
  *run({ primary, member, controlPlane, couple, finding, undecided }) {
    const unread = couple.kind === 'self' ? undefined : remoteSecrets.unreadBecause(controlPlane, couple);
    if (unread !== undefined) {
      if ('missing' in unread) yield undecided('it is not known which secret opens it', unread);
      return;
    }
    const replicas = measured.replicasOf(controlPlane, primary.istiods);
    const answers = replicas.flatMap(listedBy);
    if (replicas.length === 0)
      yield undecided('no pod of this istiod could be asked', { blockedBy: 'unavailable-istiod', clusters: [primary.name] });
    else if (answers.length < replicas.length)
      yield undecided('not every replica of istiod lists its gateways', { clusters: [primary.name] });
    const istiod = { istiod: controlPlane, meshConfig: measured.meshConfigOf(controlPlane, primary.meshConfigs) };
    const { namespaces, services, kubeGateways } = member;
    const ids = measured.idsRead(controlPlane, couple);
    const lacks = [
      { cluster: primary.name, fact: 'meshConfigs' as const },
      { cluster: member.name, fact: 'namespaces' as const },
    ];
    for (const id of ids) {
      const predicted = measured.gatewaysIn(istiod, id, { namespaces, services, kubeGateways, nodes: listOf(member.nodes) });
      const own = answers.map(({ pod, gateways }) => ({ pod, gateways: gateways.filter(({ cluster }) => cluster === id) }));
      for (const gateway of predicted) {
        const without = own.filter(({ gateways }) =>
          gateway.isUnresolved ? !resolves(gateway, gateways, predicted) : !gateways.some((listed) => measured.isListedAs(listed, gateway)),
        );
        if (without.length === 0 || gateway.ref === undefined) continue;
        yield finding(
          gateway.isUnresolved ? 'unresolved' : 'unlisted',
          {
            controlPlane,
            gateway: gateway.ref,
            of: member.name,
            address: `${gateway.address}:${portOf(gateway)}`,
            listed: distinct(without.flatMap(({ gateways }) => gateways.map(spelled))),
            pods: without.map(({ pod }) => pod.name),
            asked: own.length,
          },
          {
            at: gateway.ref,
            related: [controlPlane.ref, ...without.map(({ pod }) => pod)],
            evidence: without.map(({ pod, gateways }) => ({
              ref: pod,
              observed: `/debug/networkz: ${list(gateways.map(spelled))}`,
              expected: `${gateway.address}:${portOf(gateway)}`,
            })),
            lacks,
            subject: `${primary.name}/${controlPlane.revision} ${id} ${gateway.address}`,
          },
        );
      }
      // What a host name resolves to is in no object, nor are the nodes behind a NodePort where they were not read.
      const isOpen =
        predicted.some(({ isUnresolved }) => isUnresolved) ||
        (member.nodes.status !== 'collected' &&
          services.some((service) => service.type === 'NodePort' && service.labels[labels.network] !== undefined));
      const strange = own.flatMap(({ pod, gateways }) =>
        gateways.flatMap((listed) =>
          predicted.some((one) => measured.isListedAs(listed, one)) ? [] : [{ pod, address: spelled(listed) }],
        ),
      );
      if (isOpen || strange.length === 0) continue;
      const pods = new Map(strange.map(({ pod }) => [pod.name, pod]));
      yield finding(
        'unexpected',
        {
          controlPlane,
          of: member.name,
          addresses: distinct(strange.map(({ address }) => address)),
          pods: [...pods.keys()],
          asked: own.length,
        },
        {
          at: controlPlane.ref,
          related: [...pods.values()],
          evidence: strange.map(({ pod, address }) => ({ ref: pod, observed: `/debug/networkz: ${address}` })),
          lacks: [...lacks, ...(['services', 'kubeGateways'] as const).map((fact) => ({ cluster: member.name, fact }))],
          subject: id,
        },
      );
    }
  },
});

interface Listing {
  readonly controlPlane: ControlPlane;
  readonly gateway: ObjectRef;
  readonly of: ClusterName;
  readonly address: string;
  readonly listed: readonly string[];
  readonly pods: readonly string[];
  readonly asked: number;
}

function listedBy({ pod, gateways }: IstiodReplica): { pod: ObjectRef; gateways: readonly ListedGateway[] }[] {
  return 'answer' in gateways ? [{ pod, gateways: gateways.answer }] : [];
}

/** A host name is resolved when some address is listed that no other gateway of the cluster accounts for. */
function resolves(
  gateway: networkGateways.NetworkGateway,
  listed: readonly ListedGateway[],
  predicted: readonly networkGateways.NetworkGateway[],
): boolean {
  return listed.some(
    (one) =>
      one.network === gateway.network &&
      (one.port === gateway.port || (gateway.hbonePort !== 0 && one.hbonePort === gateway.hbonePort)) &&
      !predicted.some((other) => !other.isUnresolved && measured.isListedAs(one, other)),
  );
}

function portOf({ port, hbonePort }: Pick<ListedGateway, 'port' | 'hbonePort'>): number {
  return port === 0 ? hbonePort : port;
}

function spelled(listed: ListedGateway): string {
  return `${listed.address}:${portOf(listed)}`;
}

function named(ref: ObjectRef): string {
  return `${ref.namespace === undefined ? '' : `${ref.namespace}/`}${ref.name} in ${ref.cluster}`;
}

function reader(a: { readonly controlPlane: ControlPlane; readonly pods: readonly string[]; readonly asked: number }): string {
  const { namespace, name, ref } = a.controlPlane;
  const some = a.pods.length === a.asked ? '' : `${a.pods.length} of ${count(a.asked, 'replica')} of `;
  return `${some}Deployment ${namespace}/${name} in ${ref.cluster}`;
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
