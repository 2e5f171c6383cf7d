import {
  gatewayAddressPending,
  gatewayClusterIp,
  gatewayHostnameUnresolved,
  gatewayNodePort,
} from '../../../src/builder/edits/east-west.ts';
import { inOrder } from '../../../src/builder/edits/edit.ts';
import {
  gatewayAddressed,
  gatewayAnnotated,
  gatewayAppProtocol,
  gatewayExternalIps,
  gatewayTrafficPolicy,
  istiodNamespaceRenamed,
  nodeAdded,
  nodesAddressed,
  nodesOf,
} from '../../../src/builder/edits/load-balancer.ts';
import { istiodOfRelease } from '../../../src/builder/edits/release.ts';
import { eksToken, kubeconfigRejected } from '../../../src/builder/edits/remote-secret.ts';
import { installedOnNetwork } from '../../../src/builder/edits/topology-networks.ts';
import type { Fault } from '../fault.ts';
import type { MeshName } from '../meshes.ts';
import { injectorServiceNamed } from './exposure-edits.ts';
import { gatewaysOf, clusterStatus, seen } from './measured-edits.ts';

const prefix = 'service.beta.kubernetes.io';
const aws = `${prefix}/aws-load-balancer`;
const nlb = 'k8s-istiosys-istioeas-0f1e2d3c4b.elb.eu-west-1.amazonaws.com';
const west = { cluster: 'west' };
const onAws = (cluster: string) => nodesOf({ cluster, providerId: 'aws:///eu-west-1a/i-0f1e2d3c4b5a69788' });
const onAzure = (cluster: string) =>
  nodesOf({
    cluster,
    providerId: 'azure:///subscriptions/0f/resourceGroups/mesh/providers/Microsoft.Compute/virtualMachineScaleSets/pool/0',
  });
const onGoogle = (cluster: string) => nodesOf({ cluster, providerId: 'gce://project/europe-west1-b/gke-node' });

const oneRemote: readonly MeshName[] = ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24', 'two remotes'];
const everywhere: readonly MeshName[] = [...oneRemote, 'two primaries', 'three primaries'];
const oldMeshes: readonly MeshName[] = ['primary-remote 1.24', 'primary-remote 1.24 with a revision'];

/** Faults by which a gateway is no load balancer any more, or istiod goes by other addresses than its. */
const withoutBalancer = [
  'external-ips-local',
  'gateway-with-cluster-address-only',
  'node-port-local-on-half-of-the-nodes',
  'node-port-local-on-other-node',
  'node-port-on-bare-metal',
  'node-port-without-annotation',
  'nodes-without-external-address',
  'route-instead-of-load-balancer',
  'route-to-node-port',
];

/** A second node, and an address on each that others reach. */
const twoOpenNodes = inOrder(
  nodeAdded({ ...west, name: 'node-west-2', internal: '10.2.0.11', labels: { pool: 'spare' } }),
  nodesAddressed({ ...west, address: '198.51.100.20' }),
);
const local = gatewayTrafficPolicy({ ...west, policy: 'Local' });

/** Load balancers, nodes, and what providers make of them. */
export const faults: readonly Fault[] = [
  {
    id: 'node-port-local-on-half-of-the-nodes',
    mode: 'EW-05',
    says: 'A NodePort gateway with externalTrafficPolicy Local runs on one of the two nodes that are announced for it.',
    meshes: everywhere,
    edits: [twoOpenNodes, gatewayNodePort({ ...west, nodeSelector: '{}' }), local],
  },
  {
    id: 'node-port-local-on-other-node',
    mode: 'EW-05',
    says: 'The nodes selected for a NodePort gateway with externalTrafficPolicy Local are those that it does not run on.',
    meshes: everywhere,
    edits: [twoOpenNodes, gatewayNodePort({ ...west, nodeSelector: '{"pool":"spare"}' }), local],
  },
  {
    id: 'external-ips-local',
    mode: 'EW-05',
    says: 'externalIPs name two nodes, and only one of them runs the gateway, whose traffic stays on its node.',
    meshes: everywhere,
    edits: [twoOpenNodes, gatewayExternalIps({ ...west, addresses: ['198.51.100.20', '198.51.100.21'], policy: 'Local' })],
  },
  {
    id: 'external-ips-before-1-8',
    mode: 'EW-06',
    says: 'A gateway on bare metal was given externalIPs, which istiod 1.7 does not read.',
    meshes: ['primary-remote 1.24', 'two primaries'],
    edits: [gatewayExternalIps({ ...west, addresses: ['198.51.100.9'] }), istiodOfRelease({ cluster: 'east', release: '1.7.8' })],
    also: ['VER-01', 'VER-02', 'VER-03', 'VER-05'],
  },
  {
    id: 'external-ips-of-primary-before-1-8',
    mode: 'EW-06',
    says: 'The gateway of a primary has externalIPs only, and the other primary runs istiod 1.6.',
    meshes: ['two primaries'],
    edits: [gatewayExternalIps({ cluster: 'east', addresses: ['198.51.100.9'] }), istiodOfRelease({ cluster: 'west', release: '1.6.14' })],
    also: ['VER-01', 'VER-02', 'VER-03', 'VER-05'],
  },
  {
    id: 'network-load-balancer-forgets',
    undoneBy: withoutBalancer,
    mode: 'EW-14',
    says: 'A network load balancer of AWS forgets idle connections after 350 s, and nothing keeps them alive.',
    meshes: everywhere,
    edits: [gatewayAddressed({ ...west, ingress: [{ hostname: nlb }] })],
  },
  {
    id: 'azure-load-balancer-forgets',
    undoneBy: withoutBalancer,
    mode: 'EW-14',
    says: 'A load balancer of Azure forgets idle connections after four minutes.',
    meshes: everywhere,
    edits: [onAzure('west')],
  },
  {
    id: 'load-balancer-of-both-families',
    mode: 'EW-19',
    says: 'The load balancer of a remote got an IPv6 address beside its IPv4 address; pods have IPv4.',
    meshes: oldMeshes,
    edits: [gatewayAddressed({ ...west, ingress: [{ ip: '10.200.2.1' }, { ip: '2001:db8::40' }] })],
  },
  {
    id: 'load-balancer-of-primary-of-both-families',
    mode: 'EW-19',
    says: 'The load balancer of the primary has addresses of both families; pods of the remote have IPv4.',
    meshes: oldMeshes,
    edits: [gatewayAddressed({ cluster: 'east', ingress: [{ ip: '2001:db8::41' }, { ip: '10.200.1.1' }] })],
  },
  {
    id: 'gateway-open-to-the-internet',
    undoneBy: withoutBalancer,
    mode: 'EW-21',
    says: 'The annotation for an internal load balancer was forgotten in one cluster.',
    meshes: everywhere,
    edits: [gatewayAddressed({ ...west, ingress: [{ ip: '34.77.12.40' }] })],
  },
  {
    id: 'gateway-faces-the-internet',
    undoneBy: withoutBalancer,
    mode: 'EW-21',
    says: 'The load balancer of one cluster was made with scheme internet-facing.',
    meshes: everywhere,
    edits: [
      gatewayAddressed({ ...west, ingress: [{ hostname: nlb }] }),
      gatewayAnnotated({ ...west, annotations: { [`${aws}-scheme`]: 'internet-facing' } }),
    ],
  },
  {
    id: 'istiod-address-not-admitted-by-gke',
    mode: 'CLD-02',
    says: 'The authorised networks of a GKE cluster do not hold the address that istiod of the primary calls from.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [onGoogle('west')],
    observed: seen([], clusterStatus('east', 'west', 'timeout')),
    also: ['SEC-02'],
  },
  {
    id: 'primary-not-admitted-by-gke',
    mode: 'CLD-02',
    says: 'Of two GKE clusters with a primary each, the authorised networks of the first lack the address that istiod of the second calls from.',
    meshes: ['two primaries', 'three primaries'],
    edits: [onGoogle('east'), onGoogle('west')],
    observed: seen([], clusterStatus('west', 'east', 'timeout')),
    also: ['SEC-02'],
  },
  {
    id: 'load-balancer-has-a-name-only',
    mode: 'CLD-04',
    says: 'EKS gave the gateway a name, and istiod was told not to resolve names.',
    meshes: ['primary-remote', 'primary-remote with a revision'],
    edits: [onAws('west'), gatewayHostnameUnresolved({ ...west, hostname: nlb, readers: ['east'] })],
  },
  {
    id: 'name-of-load-balancer-gives-no-address',
    mode: 'CLD-04',
    says: 'The name that EKS gave the gateway of one cluster resolves in that cluster only.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [onAws('west'), gatewayAddressed({ ...west, ingress: [{ hostname: nlb }] })],
    observed: seen(
      [],
      gatewaysOf('east', (listed) => listed.filter(({ cluster }) => cluster !== 'west')),
    ),
  },
  {
    id: 'remote-pilot-address-is-name-of-load-balancer',
    mode: 'CLD-04',
    says: 'The remote was installed with the name of the load balancer that EKS gave the primary.',
    meshes: ['primary-remote', 'primary-remote with a revision'],
    edits: [onAws('east'), injectorServiceNamed({ ...west, host: nlb })],
  },
  {
    id: 'eks-command-in-kubeconfig',
    mode: 'CLD-05',
    says: 'The remote secret holds the kubeconfig of a person, which runs aws eks get-token.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [onAws('west'), kubeconfigRejected({ cluster: 'east', of: 'west', auth: 'exec', leader: 'keeps' })],
  },
  {
    id: 'eks-token-copied',
    mode: 'CLD-05',
    says: 'The remote secret holds a token that aws eks get-token printed an hour ago.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [onAws('west'), eksToken({ cluster: 'east', of: 'west', minutesAgo: 60 })],
  },
  {
    id: 'proxy-protocol-of-classic-load-balancer',
    undoneBy: withoutBalancer,
    mode: 'CLD-06',
    says: 'The load balancer of the gateway was switched to PROXY protocol, as that of the ingress is.',
    meshes: everywhere,
    edits: [onAws('west'), gatewayAnnotated({ ...west, annotations: { [`${aws}-proxy-protocol`]: '*' } })],
  },
  {
    id: 'proxy-protocol-of-target-group',
    undoneBy: withoutBalancer,
    mode: 'CLD-06',
    says: 'The target groups of a network load balancer have PROXY protocol v2 on.',
    meshes: everywhere,
    edits: [
      onAws('west'),
      gatewayAddressed({ ...west, ingress: [{ hostname: nlb }] }),
      gatewayAnnotated({
        ...west,
        annotations: { [`${aws}-type`]: 'external', [`${aws}-target-group-attributes`]: 'proxy_protocol_v2.enabled=true' },
      }),
    ],
  },
  {
    id: 'certificate-on-load-balancer',
    undoneBy: withoutBalancer,
    mode: 'CLD-06',
    says: 'The Service of the gateway was copied from that of an ingress, certificate included.',
    meshes: [...everywhere, 'primary-remote on one network'],
    edits: [
      onAws('east'),
      gatewayAnnotated({ cluster: 'east', annotations: { [`${aws}-ssl-cert`]: 'arn:aws:acm:eu-west-1:123456789012:certificate/0f' } }),
    ],
  },
  {
    id: 'health-check-of-pod-port-on-instances',
    undoneBy: withoutBalancer,
    mode: 'CLD-06',
    says: 'A network load balancer with nodes as targets checks port 15021, which only pods have.',
    meshes: everywhere,
    edits: [
      onAws('west'),
      gatewayAnnotated({
        ...west,
        annotations: {
          [`${aws}-type`]: 'nlb',
          [`${aws}-healthcheck-protocol`]: 'http',
          [`${aws}-healthcheck-port`]: '15021',
          [`${aws}-healthcheck-path`]: '/healthz/ready',
        },
      }),
    ],
  },
  {
    id: 'azure-probes-http',
    undoneBy: withoutBalancer,
    mode: 'CLD-07',
    says: 'The cross-network port got an appProtocol, by which Azure probes it.',
    meshes: everywhere,
    edits: [onAzure('west'), gatewayAppProtocol({ ...west, port: 15443, appProtocol: 'https' })],
  },
  {
    id: 'azure-probes-http-everywhere',
    undoneBy: withoutBalancer,
    mode: 'CLD-07',
    says: 'Azure was told to probe all ports of the gateway with HTTP.',
    meshes: everywhere,
    edits: [
      onAzure('west'),
      gatewayAnnotated({ ...west, annotations: { [`${prefix}/azure-load-balancer-health-probe-protocol`]: 'http' } }),
    ],
  },
  {
    id: 'kubenet-in-peered-networks',
    mode: 'CLD-08',
    says: 'Two AKS clusters with kubenet, in networks that are peered, share a network name.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [
      nodesOf({ cluster: 'east', providerId: 'azure:///subscriptions/0f/x', podCidr: '10.244.0.0/24' }),
      nodesOf({ cluster: 'west', providerId: 'azure:///subscriptions/0f/y', podCidr: '10.244.0.0/24' }),
      installedOnNetwork({ cluster: 'west', network: 'network1' }),
    ],
  },
  {
    id: 'overlay-in-peered-networks',
    mode: 'CLD-08',
    says: 'Two AKS clusters, with an overlay each, of which only nodes route between each other, are on one network by name and have no gateways.',
    meshes: ['two primaries on one network'],
    edits: [
      nodesOf({ cluster: 'east', providerId: 'azure:///subscriptions/0f/x', podCidr: '10.1.0.0/16' }),
      nodesOf({ cluster: 'west', providerId: 'azure:///subscriptions/0f/y', podCidr: '10.2.0.0/16' }),
    ],
  },
  {
    id: 'add-on-of-aks',
    mode: 'CLD-09',
    says: 'Two clusters with the Istio add-on of AKS were joined by hand.',
    meshes: ['two primaries', 'primary-remote'],
    edits: [onAzure('east'), onAzure('west'), istiodNamespaceRenamed({ namespace: 'aks-istio-system' })],
  },
  {
    id: 'add-on-of-aks-in-a-larger-mesh',
    mode: 'CLD-09',
    says: 'Three primaries run the Istio add-on of AKS.',
    meshes: ['three primaries'],
    edits: [onAzure('east'), onAzure('west'), istiodNamespaceRenamed({ namespace: 'aks-istio-system' })],
  },
  {
    id: 'route-to-node-port',
    mode: 'CLD-10',
    says: 'On OpenShift the gateway of the primary is a NodePort behind a Route, and nothing says at which nodes.',
    meshes: everywhere,
    edits: [gatewayNodePort({ ...west, cluster: 'east' })],
    also: ['EW-01', 'EW-04'],
  },
  {
    id: 'route-instead-of-load-balancer',
    mode: 'CLD-10',
    says: 'On OpenShift the gateway was exposed by a Route, and its Service has a cluster address only.',
    meshes: everywhere,
    edits: [gatewayClusterIp(west)],
    also: ['EW-01'],
  },
  {
    id: 'nothing-gives-addresses',
    undoneBy: ['gateway-faces-the-internet', 'gateway-open-to-the-internet', 'network-load-balancer-forgets'],
    mode: 'CLD-11',
    says: 'A cluster on bare metal has no controller for load balancers.',
    meshes: everywhere,
    edits: [gatewayAddressPending(west)],
    also: ['EW-01'],
  },
  {
    id: 'node-port-on-bare-metal',
    undoneBy: ['external-ips-local'],
    mode: 'CLD-11',
    says: 'On bare metal the gateway is a NodePort, of which istiod was not told the nodes.',
    meshes: everywhere,
    edits: [gatewayNodePort(west)],
    also: ['EW-04'],
  },
  {
    id: 'nodes-without-external-address',
    undoneBy: ['external-ips-local'],
    mode: 'CLD-11',
    says: 'On bare metal the gateway is a NodePort of all nodes, whose addresses are internal by their type.',
    meshes: everywhere,
    edits: [gatewayNodePort({ ...west, nodeSelector: '{}' })],
    also: ['EW-04'],
  },
];
