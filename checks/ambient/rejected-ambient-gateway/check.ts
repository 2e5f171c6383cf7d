import {
  ambient,
  classes,
  type ClusterName,
  clusterRef,
  defineCheck,
  installAmbientGateway,
  type KubeGateway,
  labels,
  list,
  listOf,
  type NetworkId,
  ports,
  remedy,
  shellWord,
} from 'meshdoctor/api';
import { istiodsOf, isZtunnel, spanningIstiod } from '../_area.ts';

const group = 'gateway.networking.k8s.io';

export default defineCheck({
  id: 'rejected-ambient-gateway',
  title: 'East-west gateways of ambient are such as istiod programs',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['kubeGateways', 'controlPlanes'],
  uses: ['customResources', 'pods'],
  applies: { dataPlane: 'ambient', networks: 'multi' },
  path: { hops: ['gateway'] },
  catalogue: ['AMB-12'],
  explains: [
    { code: 'missing-east-west-gateway', match: 'cluster' },
    { code: 'unready-east-west-gateway', match: 'cluster' },
    { code: 'unaddressed-gateway', match: 'cluster', keys: ['noApi', 'rejected'] },
    // The Service has the ports of the listeners, and whichever these are, the pods listen on 15008.
    { code: 'rejected-cross-network-call/closed', match: 'cluster', keys: ['noListener'] },
    { code: 'unreachable-gateway', match: 'cluster', keys: ['noListener'] },
  ],
  docs: {
    why: 'An istiod of another cluster takes a Gateway for the way into this network only if it is of class istio-east-west, carries the label topology.istio.io/network, and has a listener of protocol HBONE that terminates TLS. Callers are sent to port 15008 of it, whatever port that listener has. Status says little about that: a Gateway of class istio, or without that listener, can be Programmed with an address and lead nowhere.',
    confirm:
      'kubectl --context CLUSTER get gateways.gateway.networking.k8s.io -A -L topology.istio.io/network -o wide; kubectl get crd gateways.gateway.networking.k8s.io',
    fix: 'Install the custom resources of the Gateway API, and make the Gateway with samples/multicluster/gen-eastwest-gateway.sh --ambient --network NETWORK.',
    notWhen: 'A listener beside the HBONE one, for TLS passthrough, is fine since 1.30. Gateways of other classes serve other purposes.',
    since: '1.27',
    see: ['https://istio.io/latest/docs/ambient/install/multicluster/'],
  },
  messages: {
    noApi: (a: { cluster: ClusterName; network: NetworkId | undefined }) => ({
      text: `Cluster ${a.cluster} does not have the custom resources of the Gateway API, so it can have no east-west gateway and no waypoint of ambient.`,
      expected: `CustomResourceDefinition gateways.${group}`,
      found: 'none',
      effect: `nothing leads from other networks to ambient workloads of ${a.cluster}`,
      remedy: [
        remedy.installer(
          a.cluster,
          [
            `kubectl --context ${shellWord(a.cluster)} apply --server-side -f https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.4.0/standard-install.yaml`,
            ...(a.network === undefined ? [] : installAmbientGateway(a.cluster, a.network).command),
          ],
          'restart istiod afterwards if it logs that it waits for CRDs; the script is part of the release',
        ),
      ],
    }),
    wrongClass: (a: Flaw) => ({
      ...flawOf(a, `is of class ${a.gateway.className}`),
      expected: `class ${classes.eastWest}`,
      found: a.gateway.className,
      remedy: [
        remedy.patch(
          a.gateway.ref,
          { spec: { gatewayClassName: classes.eastWest } },
          { note: 'istiod deploys another gateway for it; remove what it made for the former class' },
        ),
      ].map(ofKubernetes),
    }),
    noListener: (a: Flaw) => ({
      ...flawOf(a, `has no listener that ends HBONE on ${ports.hbone}`),
      expected: `a listener on port ${ports.hbone} of protocol HBONE with tls mode Terminate`,
      found: list(
        a.gateway.listeners.map(
          ({ port, protocol, tlsMode }) => `${protocol} on ${port}${tlsMode === undefined ? '' : `, tls ${tlsMode}`}`,
        ),
      ),
      remedy: a.network === undefined ? [] : [installAmbientGateway(a.cluster, a.network)],
    }),
    rejected: (a: Flaw & { condition: string }) => ({
      ...flawOf(a, `is not taken by istiod (${a.condition})`),
      expected: 'Accepted=True and Programmed=True',
      found: a.condition,
      confirm: [
        `kubectl --context ${shellWord(a.cluster)} -n ${shellWord(a.gateway.namespace)} get gateways.${group} ${shellWord(a.gateway.name)} -o jsonpath='{.status.conditions}{"\\n"}{.status.listeners}'`,
      ],
      remedy: a.network === undefined ? [] : [installAmbientGateway(a.cluster, a.network)],
    }),
  },
  *run({ cluster, mesh, finding }) {
    // One that does not span networks is a fault of its own; what is written wrong stays wrong when it does.
    const isSpanning = spanningIstiod(cluster, mesh) !== undefined;
    if (!isSpanning && !istiodsOf(cluster, mesh).some(ambient.isAmbient)) return;
    const own = cluster.member.network;
    const network = 'known' in own ? own.known : undefined;
    const base = { cluster: cluster.name, network };
    const crds = cluster.customResources;
    if (
      isSpanning &&
      listOf(cluster.pods).some(isZtunnel) &&
      crds.status === 'collected' &&
      cluster.kubeGateways.length === 0 &&
      !listOf(crds).some((crd) => crd.group === group && crd.kind === 'Gateway')
    ) {
      yield finding('noApi', base, {
        at: clusterRef(cluster.name),
        lacks: [{ cluster: cluster.name, fact: 'customResources' }],
        evidence: [{ ref: clusterRef(cluster.name), observed: `no CustomResourceDefinition gateways.${group}` }],
      });
      return;
    }
    const good = new Set(
      cluster.kubeGateways
        .filter((gateway) => ambient.isEastWestGateway(gateway) && ambient.takesTunnels(gateway))
        .map((gateway) => gateway.labels[labels.network]),
    );
    for (const gateway of cluster.kubeGateways) {
      const carried = gateway.labels[labels.network];
      const where = (field: string) => ({ at: gateway.ref, field, evidence: [{ ref: gateway.ref, field, observed: observedOf(gateway) }] });
      const args = { ...base, gateway };
      const speaksHbone = gateway.listeners.some(({ protocol }) => protocol === 'HBONE');
      // What another controller is to make of a Gateway is its own affair.
      if (gateway.className === 'istio' && speaksHbone && carried !== undefined && !good.has(carried)) {
        yield finding('wrongClass', args, where('.spec.gatewayClassName'));
        continue;
      }
      if (gateway.className !== classes.eastWest) continue;
      if (!ambient.takesTunnels(gateway) && (carried === undefined || !good.has(carried))) {
        yield finding('noListener', args, where('.spec.listeners'));
        continue;
      }
      // Nobody takes them while networks are not spanned. A load balancer that is pending is looked at with the Service behind the Gateway.
      if (!isSpanning) continue;
      const refused = gateway.conditions.find(
        ({ type, status, reason }) =>
          (type === 'Accepted' || type === 'Programmed') && status === 'False' && reason !== 'AddressNotAssigned',
      );
      if (refused !== undefined)
        yield finding('rejected', { ...args, condition: `${refused.type}=False, ${refused.reason}` }, where('.status.conditions'));
    }
  },
});

interface Flaw {
  readonly cluster: ClusterName;
  readonly network: NetworkId | undefined;
  readonly gateway: KubeGateway;
}

function flawOf({ cluster, gateway }: Flaw, what: string) {
  return {
    text: `Gateway ${gateway.namespace}/${gateway.name} in ${cluster} ${what}, so other networks find no ambient gateway of ${cluster} in it.`,
    effect: `ambient callers of other networks do not reach ${cluster}`,
  };
}

function observedOf({ className, listeners }: KubeGateway): string {
  return `class ${className}; ${list(listeners.map(({ protocol, port }) => `${protocol} on ${port}`))}`;
}

/** A reference says no more of a Gateway of Kubernetes than of one of Istio: kubectl has to be told. */
function ofKubernetes<R extends { readonly command: readonly string[] }>(one: R): R {
  return { ...one, command: one.command.map((line) => line.replace('gateways.networking.istio.io', `gateways.${group}`)) };
}
