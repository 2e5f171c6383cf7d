import type { Edit } from '../../src/builder/edits/edit.ts';
import { dnsCaptureOff, workloadsOptOutOfDnsCapture, workloadsWithoutDnsCapture } from '../../src/builder/edits/dns.ts';
import {
  crossNetworkGatewayDeleted,
  crossNetworkGatewayForRevision,
  crossNetworkGatewayIn,
  crossNetworkGatewayMode,
  crossNetworkGatewayPort,
  crossNetworkGatewayScopedOut,
  crossNetworkGatewaySelects,
  gatewayAddressPending,
  gatewayClusterIp,
  gatewayHostnameUnresolved,
  gatewayNodePort,
  gatewayPortLabel,
  gatewayRemoved,
  gatewayScaledToZero,
  gatewayServiceSelects,
  gatewayUnlabelled,
  gatewayUnready,
  gatewayWithoutCrossNetworkPort,
} from '../../src/builder/edits/east-west.ts';
import {
  appliedInRemote,
  exposedForRevision,
  exposedUnrevisioned,
  exposureDeleted,
  exposureForRevision,
  exposureIn,
  exposureMode,
  exposureMoved,
  exposureSelects,
  exposureWithoutPort,
  gatewayReaddressed,
  gatewayServiceWithoutPorts,
  pilotAddress,
  pilotBackend,
  routeBoundTo,
} from '../../src/builder/edits/exposure.ts';
import {
  caBundleReset,
  gatewayRevision,
  injectorsCall,
  injectorServiceDeleted,
  injectorsRemoved,
  namespaceWants,
  remoteInstalledWithRevision,
  remoteRevisionBeside,
  tagRemoved,
} from '../../src/builder/edits/injection.ts';
import {
  kubeconfigRejected,
  readerTokenRevoked,
  readerUnbound,
  readerWithout,
  remoteSecretDeleted,
  remoteSecretDoubled,
  remoteSecretLabelled,
  remoteSecretMoved,
  secretRekeyed,
  secretUnnamed,
  serverAddress,
  tokenExpires,
} from '../../src/builder/edits/remote-secret.ts';
import {
  bothInstalledAs,
  injectionPath,
  primaryReinstalledAs,
  primaryRenamedWithoutRestart,
  remoteReinstalledAs,
  workloadsClaim,
} from '../../src/builder/edits/topology-identity.ts';
import {
  annotatedTooLate,
  controlPlaneClusters,
  externalIstiodUnset,
  namespaceCreatedSince,
  neverExternal,
} from '../../src/builder/edits/topology-leadership.ts';
import {
  gatewayInstalledOnNetwork,
  gatewayServiceOnNetwork,
  installedOnNetwork,
  installedWithoutNetwork,
  networkLabelled,
  networkLabelRemoved,
  networkRenamedWithoutRestart,
  workloadsWithoutNetwork,
} from '../../src/builder/edits/topology-networks.ts';
import { anotherRoot, foreignRoot, withForeignRoot } from '../../src/builder/edits/trust.ts';

/** One scripted fault of a healthy mesh, and what has to be said about it. */
export interface Fault {
  /** A sentence; the key by which pairs name it. */
  readonly name: string;
  /** Id of the failure catalogue. */
  readonly catalogue: string;
  readonly mesh: 'primary-remote-1.31' | 'multi-primary-1.31';
  /** Applied one after the other. */
  readonly edits: readonly Edit[];
  /** Beyond `--complete --taken-at`. */
  readonly flags?: readonly string[];
  readonly expect: Expectation;
  /** Fields that are edited, or that the expectation stands on, as `cluster:Kind[/namespace]/name[:field]`. Two faults that share one are never paired. */
  readonly touches: readonly string[];
  /** Checks that may also speak, folded under the first cause. Anything else at warning or above is unrelated and wrong. */
  readonly alsoFolded?: readonly string[];
}

export interface Expectation {
  readonly first: string;
  readonly severity: 'error' | 'warning';
  readonly certainty: 'certain' | 'likely' | 'possible';
  readonly exit: 0 | 1;
}

/** When each mesh was read: what `--taken-at` is given. */
export const takenAt: Readonly<Record<Fault['mesh'], string>> = {
  'primary-remote-1.31': '2026-11-22T21:27:43Z',
  'multi-primary-1.31': '2026-11-22T21:55:19Z',
};

const P = 'cluster1';
const R = 'cluster2';
const own = '1-31-0';
/** A revision installed in the remote, and one that nothing anywhere is called. */
const other = '1-30-0';
const unknown = '1-29-2';

const broken = (first: string): Expectation => ({ first, severity: 'error', certainty: 'certain', exit: 1 });
const probablyBroken = (first: string): Expectation => ({ first, severity: 'error', certainty: 'likely', exit: 1 });
const possiblyBroken = (first: string): Expectation => ({ first, severity: 'error', certainty: 'possible', exit: 0 });
const latent = (first: string): Expectation => ({ first, severity: 'warning', certainty: 'certain', exit: 0 });
const probablyLatent = (first: string): Expectation => ({ first, severity: 'warning', certainty: 'likely', exit: 0 });

// Fields, as `touches` names them.
const network = (cluster: string): string => `${cluster}:Namespace/istio-system:labels/topology.istio.io/network`;
const annotation = `${R}:Namespace/istio-system:annotations/topology.istio.io/controlPlaneClusters`;
const election = `${R}:ConfigMap/istio-system/istio-namespace-controller-election`;
const istiod = (variable: string): string => `${P}:Deployment/istio-system/istiod-${own}:env/${variable}`;
const injector = (cluster: string, field: string): string =>
  `${cluster}:MutatingWebhookConfiguration/istio-sidecar-injector-${own}${field}`;
const pods = (cluster: string): string => `${cluster}:Deployment/sample/client:pods`;
const wish = (cluster: string): string => `${cluster}:Namespace/sample:labels/istio.io/rev`;
const secret = `${P}:Secret/istio-system/istio-remote-secret-cluster2`;
const gatewayService = (cluster: string, field: string): string => `${cluster}:Service/istio-system/istio-eastwestgateway${field}`;
const gateway = (cluster: string): string => `${cluster}:Deployment/istio-system/istio-eastwestgateway`;
const route = `${P}:VirtualService/istio-system/istiod-vs-${own}`;
const istiodGateway = `${P}:Gateway/istio-system/istiod-gateway`;
const crossNetwork = `${P}:Gateway/istio-system/cross-network-gateway`;
const pilotService = `${R}:Service/istio-system/istiod-${own}`;
const pilotSlice = `${R}:EndpointSlice/istio-system/istiod-${own}`;
const readerRole = `${R}:ClusterRole/istio-reader-clusterrole-${own}-istio-system`;
const readerBinding = `${R}:ClusterRoleBinding/istio-reader-clusterrole-${own}-istio-system`;
const readerToken = `${R}:Secret/istio-system/istio-reader-service-account-istio-remote-secret-token`;
const root = (cluster: string, namespace: string): string => `${cluster}:ConfigMap/${namespace}/istio-ca-root-cert`;
const dnsCapture = `${P}:ConfigMap/istio-system/istio-${own}:data/mesh`;
const gatewayParts = (cluster: string): readonly string[] => [gatewayService(cluster, ''), gateway(cluster)];
/** A remote that was broken from its installation on lacks whatever a leader or the injector brings. */
const neverCameUp = (cluster: string): readonly string[] => [
  election,
  injector(cluster, ':caBundle'),
  pods(cluster),
  gateway(cluster),
  root(cluster, 'sample'),
];

// What follows when nobody leads a remote, in the words of the checks.
const unled = ['topology/unled-remote'];
const neverStarted = ['injection/stale-ca-bundle', 'east-west/unready-east-west-gateway', 'trust/foreign-root'];

type Row = Omit<Fault, 'mesh' | 'catalogue'>;
const onPrimaryRemote = (catalogue: string, rows: readonly Row[]): readonly Fault[] =>
  rows.map((row) => ({ ...row, catalogue, mesh: 'primary-remote-1.31' }));
const onMultiPrimary = (catalogue: string, rows: readonly Row[]): readonly Fault[] =>
  rows.map((row) => ({ ...row, catalogue, mesh: 'multi-primary-1.31' }));

const topology: readonly Fault[] = [
  ...onPrimaryRemote('ID-01', [
    {
      name: 'the network label of the remote was taken off live',
      edits: [networkLabelRemoved({ cluster: R })],
      expect: broken('topology/missing-network-label'),
      touches: [network(R)],
      alsoFolded: ['topology/stale-proxy-network', 'topology/mismatched-gateway-network', 'topology/mismatched-injection-path'],
    },
    {
      name: 'the network label of the primary was taken off live',
      edits: [networkLabelRemoved({ cluster: P })],
      expect: broken('topology/missing-network-label'),
      touches: [network(P)],
      alsoFolded: ['topology/stale-proxy-network', 'topology/mismatched-gateway-network'],
    },
    {
      name: 'the primary was installed without a network',
      edits: [installedWithoutNetwork({ cluster: P })],
      expect: broken('topology/missing-network-label'),
      touches: [network(P), pods(P)],
      alsoFolded: ['topology/stale-proxy-network', 'topology/mismatched-gateway-network'],
    },
  ]),
  ...onMultiPrimary('ID-01', [
    {
      name: 'the network label of the second primary was taken off live',
      edits: [networkLabelRemoved({ cluster: 'cluster4' })],
      expect: broken('topology/missing-network-label'),
      touches: ['cluster4:Namespace/istio-system:labels/topology.istio.io/network'],
      alsoFolded: ['topology/stale-proxy-network', 'topology/mismatched-gateway-network'],
    },
    {
      name: 'the second primary was installed without a network',
      edits: [installedWithoutNetwork({ cluster: 'cluster4' })],
      expect: broken('topology/missing-network-label'),
      touches: ['cluster4:Namespace/istio-system:labels/topology.istio.io/network'],
      alsoFolded: ['topology/stale-proxy-network', 'topology/mismatched-gateway-network'],
    },
  ]),
  ...onPrimaryRemote('ID-04', [
    // Since 1.30 istiod sends a proxy without network to the gateway all the same: a warning.
    {
      name: 'the workloads of the remote were injected before it had a network',
      edits: [workloadsWithoutNetwork({ cluster: R })],
      expect: latent('topology/stale-proxy-network'),
      touches: [pods(R), network(R)],
    },
    {
      name: 'the workloads of the primary were injected before it had a network',
      edits: [workloadsWithoutNetwork({ cluster: P })],
      expect: latent('topology/stale-proxy-network'),
      touches: [pods(P), network(P)],
    },
    // Another name than its cluster's: nobody has a gateway for it, its endpoints are sent as pod addresses.
    {
      name: 'the network of the remote was renamed and its workloads never restarted',
      edits: [networkRenamedWithoutRestart({ cluster: R, network: 'network-west' })],
      expect: broken('topology/stale-proxy-network'),
      touches: [network(R), pods(R), injector(R, ':path'), gatewayService(R, ''), gateway(R)],
      alsoFolded: ['east-west/missing-east-west-gateway'],
    },
  ]),
  ...onPrimaryRemote('ID-02', [
    {
      name: 'the remote was installed on the network of the primary',
      edits: [installedOnNetwork({ cluster: R, network: 'network1' })],
      expect: probablyBroken('topology/shared-network'),
      touches: [network(R), network(P), pods(R), injector(R, ':path'), gatewayService(R, ''), gateway(R)],
    },
    {
      name: 'the remote was installed on the network of the primary and a pod address is live in both',
      edits: [installedOnNetwork({ cluster: R, network: 'network1', samePodIp: { with: P } })],
      expect: broken('topology/shared-network'),
      touches: [network(R), network(P), pods(R), injector(R, ':path'), gatewayService(R, ''), gateway(R)],
    },
    {
      name: 'the remote was installed on the network of the primary and its gateway stands for no network',
      edits: [installedOnNetwork({ cluster: R, network: 'network1' }), gatewayUnlabelled({ cluster: R })],
      expect: possiblyBroken('topology/shared-network'),
      touches: [network(R), network(P), pods(R), injector(R, ':path'), gatewayService(R, ''), gateway(R)],
    },
    // Gateway, injection path and pods of the remote all contradict its label, and another cluster has that name: the label is the odd one out.
    {
      name: 'the network label of the primary was copied to the remote',
      edits: [networkLabelled({ cluster: R, network: 'network1' })],
      expect: probablyBroken('topology/shared-network'),
      touches: [network(R), network(P), pods(R), injector(R, ':path'), gatewayService(R, ':labels/topology.istio.io/network')],
      alsoFolded: [
        'topology/mismatched-gateway-network',
        'topology/mismatched-injection-path',
        'topology/stale-proxy-network',
        'east-west/missing-east-west-gateway',
      ],
    },
  ]),
  ...onPrimaryRemote('ID-05', [
    {
      name: "the Service of the remote's gateway is labelled for another network",
      edits: [gatewayServiceOnNetwork({ cluster: R, network: 'network-2' })],
      expect: probablyBroken('topology/mismatched-gateway-network'),
      touches: [gatewayService(R, ':labels/topology.istio.io/network'), network(R)],
      alsoFolded: ['east-west/missing-east-west-gateway'],
    },
    {
      name: "the remote's gateway was generated for another network",
      edits: [gatewayInstalledOnNetwork({ cluster: R, network: 'network-2' })],
      expect: probablyBroken('topology/mismatched-gateway-network'),
      touches: [gatewayService(R, ''), gateway(R), network(R)],
      alsoFolded: ['east-west/missing-east-west-gateway', 'topology/stale-proxy-network'],
    },
    {
      name: "the primary's gateway was generated for the network of the remote",
      edits: [gatewayInstalledOnNetwork({ cluster: P, network: 'network2' })],
      expect: probablyBroken('topology/mismatched-gateway-network'),
      touches: [gatewayService(P, ''), gateway(P), network(P)],
      alsoFolded: ['east-west/missing-east-west-gateway', 'topology/stale-proxy-network'],
    },
  ]),
  ...onPrimaryRemote('ID-07', [
    {
      name: 'the primary was reinstalled under the ID of the remote',
      edits: [primaryReinstalledAs({ cluster: P, id: R })],
      expect: broken('topology/duplicate-cluster-id'),
      touches: [istiod('CLUSTER_ID'), pods(P), secret, annotation, election],
      alsoFolded: [
        ...unled,
        'topology/unmatched-control-plane-clusters',
        'topology/mismatched-injection-path',
        'remote-secret/missing-remote-secret',
        'remote-secret/mismatched-secret-key',
        'topology/mismatched-cluster-id',
      ],
    },
    {
      name: 'both clusters were installed without an ID',
      edits: [bothInstalledAs({ primary: P, remote: R, id: 'Kubernetes' })],
      expect: broken('topology/duplicate-cluster-id'),
      touches: [istiod('CLUSTER_ID'), pods(P), pods(R), injector(R, ':path'), secret, annotation, election],
      alsoFolded: [
        ...unled,
        'remote-secret/missing-remote-secret',
        'remote-secret/mismatched-secret-key',
        'topology/mismatched-injection-path',
      ],
    },
  ]),
  ...onMultiPrimary('ID-07', [
    {
      name: 'the second primary was reinstalled under the ID of the first',
      edits: [primaryReinstalledAs({ cluster: 'cluster4', id: 'cluster3' })],
      expect: broken('topology/duplicate-cluster-id'),
      touches: ['cluster4:Deployment/istio-system/istiod:env/CLUSTER_ID'],
      alsoFolded: ['remote-secret/missing-remote-secret', 'remote-secret/mismatched-secret-key', 'topology/mismatched-cluster-id'],
    },
  ]),
  ...onPrimaryRemote('ID-08', [
    {
      name: 'the workloads of the remote were injected under a former ID',
      edits: [workloadsClaim({ cluster: R, id: 'cluster-two' })],
      expect: broken('topology/mismatched-cluster-id'),
      touches: [pods(R), injector(R, ':path'), secret],
    },
    {
      name: 'the primary was renamed and its workloads never restarted',
      edits: [primaryRenamedWithoutRestart({ cluster: P, id: 'east' })],
      expect: broken('topology/mismatched-cluster-id'),
      touches: [istiod('CLUSTER_ID'), pods(P), annotation, election],
    },
    {
      name: 'the injection path names a cluster that nobody knows',
      edits: [injectionPath({ cluster: R, primary: P, path: { cluster: 'cluster-2', network: 'network2' }, since: 'edited' })],
      expect: broken('topology/mismatched-cluster-id'),
      touches: [injector(R, ':path'), pods(R), secret],
      alsoFolded: ['topology/mismatched-injection-path'],
    },
    {
      name: 'the remote secret was made under another name',
      edits: [secretRekeyed({ cluster: P, of: R, key: 'west' })],
      expect: broken('remote-secret/mismatched-secret-key'),
      touches: [secret, injector(R, ':path'), pods(R)],
      alsoFolded: ['topology/mismatched-cluster-id', 'topology/mismatched-injection-path'],
    },
    {
      name: 'the remote secret was made without a name',
      edits: [secretUnnamed({ cluster: P, of: R })],
      expect: broken('remote-secret/mismatched-secret-key'),
      touches: [secret, injector(R, ':path'), pods(R)],
      alsoFolded: ['topology/mismatched-cluster-id', 'topology/mismatched-injection-path'],
    },
    // The same disagreement seen from the other side; the objects do not say which side is right, the secret is the cheaper one to mend.
    {
      name: 'the remote was reinstalled under another ID',
      edits: [remoteReinstalledAs({ cluster: R, id: 'west' })],
      expect: broken('remote-secret/mismatched-secret-key'),
      touches: [secret, injector(R, ':path'), pods(R), gateway(R)],
      alsoFolded: ['topology/mismatched-cluster-id', 'topology/mismatched-injection-path', 'east-west/unready-east-west-gateway'],
    },
  ]),
  ...onPrimaryRemote('ID-09', [
    ...(
      [
        ['is missing', undefined],
        ['names another primary', 'cluster3'],
        ['is Kubernetes', 'Kubernetes'],
        ['has a space in its list', 'cluster0, cluster1'],
      ] as const
    ).flatMap(([what, value]): readonly Row[] => [
      {
        name: `the annotation ${what} while the old leader lives`,
        edits: [controlPlaneClusters({ cluster: R, primary: P, value, leader: 'lives' })],
        expect: latent('topology/unmatched-control-plane-clusters'),
        touches: [annotation, election],
      },
      {
        name: `the annotation ${what} and istiod restarted since`,
        edits: [controlPlaneClusters({ cluster: R, primary: P, value, leader: 'restarted' })],
        expect: broken('topology/unmatched-control-plane-clusters'),
        touches: [annotation, election],
        alsoFolded: unled,
      },
    ]),
    {
      name: 'the annotation is missing and istiod gave up the election when it restarted',
      edits: [controlPlaneClusters({ cluster: R, primary: P, value: undefined, leader: 'restarted', left: 'released' })],
      expect: broken('topology/unmatched-control-plane-clusters'),
      touches: [annotation, election],
      alsoFolded: unled,
    },
    {
      name: 'the annotation was missing from the installation on',
      edits: [controlPlaneClusters({ cluster: R, primary: P, value: undefined, leader: 'never' })],
      expect: broken('topology/unmatched-control-plane-clusters'),
      touches: [annotation, ...neverCameUp(R)],
      alsoFolded: [...unled, ...neverStarted],
    },
    {
      name: 'the annotation is missing, istiod restarted, and a namespace was made since',
      edits: [
        controlPlaneClusters({ cluster: R, primary: P, value: undefined, leader: 'restarted' }),
        namespaceCreatedSince({ cluster: R, name: 'shop', like: 'sample' }),
      ],
      expect: broken('topology/unmatched-control-plane-clusters'),
      touches: [annotation, election],
      alsoFolded: [...unled, 'trust/foreign-root'],
    },
  ]),
  ...onPrimaryRemote('ID-10', [
    {
      name: 'EXTERNAL_ISTIOD was taken from the primary',
      edits: [externalIstiodUnset({ cluster: P })],
      expect: broken('topology/unset-external-istiod'),
      touches: [istiod('EXTERNAL_ISTIOD'), election],
      alsoFolded: unled,
    },
    {
      name: 'EXTERNAL_ISTIOD of the primary is false',
      edits: [externalIstiodUnset({ cluster: P, value: 'false', left: 'released' })],
      expect: broken('topology/unset-external-istiod'),
      touches: [istiod('EXTERNAL_ISTIOD'), election],
      alsoFolded: unled,
    },
    {
      name: 'the primary never was external',
      edits: [neverExternal({ cluster: P, remote: R })],
      expect: broken('topology/unset-external-istiod'),
      touches: [istiod('EXTERNAL_ISTIOD'), ...neverCameUp(R)],
      alsoFolded: [...unled, ...neverStarted],
    },
  ]),
  ...onPrimaryRemote('ID-09', [
    {
      name: 'the annotation came after the first decision of istiod',
      edits: [annotatedTooLate({ cluster: R, primary: P, leader: 'never' })],
      expect: broken('topology/unled-remote'),
      touches: [annotation, ...neverCameUp(R)],
      alsoFolded: neverStarted,
    },
    {
      name: 'the annotation was put back after istiod restarted',
      edits: [annotatedTooLate({ cluster: R, primary: P, leader: 'lost' })],
      expect: broken('topology/unled-remote'),
      touches: [annotation, election],
    },
    {
      name: 'the annotation was put back after istiod restarted and gave up the election',
      edits: [annotatedTooLate({ cluster: R, primary: P, leader: 'lost', left: 'released' })],
      expect: broken('topology/unled-remote'),
      touches: [annotation, election],
    },
    {
      name: 'the annotation was put back too late and a namespace was made since',
      edits: [
        annotatedTooLate({ cluster: R, primary: P, leader: 'lost' }),
        namespaceCreatedSince({ cluster: R, name: 'shop', like: 'sample' }),
      ],
      expect: broken('topology/unled-remote'),
      touches: [annotation, election],
      alsoFolded: ['trust/foreign-root'],
    },
    {
      name: 'nobody leads the remote and a tool emptied its caBundle',
      edits: [annotatedTooLate({ cluster: R, primary: P, leader: 'lost' }), caBundleReset({ cluster: R, bundle: 'empty' })],
      expect: broken('topology/unled-remote'),
      touches: [annotation, election, injector(R, ':caBundle')],
      alsoFolded: ['injection/stale-ca-bundle'],
    },
  ]),
  ...onPrimaryRemote(
    'ID-11',
    (
      [
        ['names the cluster of the primary', { cluster: P, network: 'network2' }],
        ['names the network of the primary', { cluster: R, network: 'network1' }],
        ['names a network that nobody has', { cluster: R, network: 'network9' }],
        ['was left out', {}],
      ] as const
    ).flatMap(([what, path]): readonly Row[] => [
      {
        name: `the injection path ${what} and the pods are older`,
        edits: [injectionPath({ cluster: R, primary: P, path, since: 'edited' })],
        expect: broken('topology/mismatched-injection-path'),
        touches: [injector(R, ':path'), network(R)],
      },
      {
        name: `the injection path ${what} and the workloads were restarted`,
        edits: [injectionPath({ cluster: R, primary: P, path, since: 'restarted' })],
        expect: broken('topology/mismatched-injection-path'),
        touches: [injector(R, ':path'), network(R), pods(R), secret],
        alsoFolded: ['topology/mismatched-cluster-id', 'topology/stale-proxy-network', 'remote-secret/mismatched-secret-key'],
      },
    ]),
  ),
];

const injection: readonly Fault[] = [
  ...onPrimaryRemote('INJ-06', [
    {
      name: 'a namespace of the remote asks for a revision that nobody serves',
      edits: [namespaceWants({ cluster: R, namespace: 'sample', wish: { revision: unknown } })],
      expect: broken('injection/unserved-revision'),
      touches: [wish(R)],
    },
    {
      name: 'a namespace of the remote asks for a revision that nobody serves and its pods lost their sidecar',
      edits: [namespaceWants({ cluster: R, namespace: 'sample', wish: { revision: unknown }, restarted: true })],
      expect: broken('injection/unserved-revision'),
      touches: [wish(R), pods(R)],
    },
    {
      name: 'a namespace of the primary asks for a revision that nobody serves',
      edits: [namespaceWants({ cluster: P, namespace: 'sample', wish: { revision: unknown } })],
      expect: broken('injection/unserved-revision'),
      touches: [wish(P)],
    },
    {
      name: 'a namespace of the remote asks for a tag that nobody made',
      edits: [namespaceWants({ cluster: R, namespace: 'sample', wish: { revision: 'prod' } })],
      expect: broken('injection/unserved-revision'),
      touches: [wish(R)],
    },
    {
      name: 'a namespace of the remote asks for injection and the default tag is gone',
      edits: [
        tagRemoved({ cluster: R, tag: 'default' }),
        namespaceWants({ cluster: R, namespace: 'sample', wish: { injection: 'enabled' } }),
      ],
      expect: broken('injection/unserved-revision'),
      touches: [wish(R), `${R}:MutatingWebhookConfiguration/istio-revision-tag-default`],
    },
    {
      name: 'the webhook of the revision is gone from the remote',
      edits: [injectorsRemoved({ cluster: R, tags: false })],
      expect: broken('injection/unserved-revision'),
      touches: [injector(R, ''), wish(R)],
      alsoFolded: ['injection/unserved-gateway-revision'],
    },
    {
      name: 'every injector is gone from the remote',
      edits: [injectorsRemoved({ cluster: R, tags: true })],
      expect: broken('injection/unserved-revision'),
      touches: [injector(R, ''), `${R}:MutatingWebhookConfiguration/istio-revision-tag-default`, wish(R)],
      alsoFolded: ['injection/unserved-gateway-revision'],
    },
  ]),
  ...onMultiPrimary('INJ-06', [
    {
      name: 'the default tag is gone from the second primary, whose own injector is deactivated',
      edits: [tagRemoved({ cluster: 'cluster4', tag: 'default' })],
      expect: broken('injection/unserved-revision'),
      touches: ['cluster4:MutatingWebhookConfiguration/istio-revision-tag-default'],
      alsoFolded: ['injection/unserved-gateway-revision'],
    },
  ]),
  ...onPrimaryRemote('INJ-01', [
    {
      name: 'the remote was installed with a revision that its primary does not run',
      edits: [remoteInstalledWithRevision({ cluster: R, revision: other })],
      expect: broken('injection/unserved-injector'),
      touches: [
        injector(R, ''),
        pilotService,
        pilotSlice,
        readerRole,
        readerBinding,
        wish(R),
        pods(R),
        gateway(R),
        gatewayService(R, ':labels/istio.io/rev'),
      ],
      alsoFolded: [
        'injection/stale-ca-bundle',
        'injection/unserved-gateway-revision',
        'east-west/unready-east-west-gateway',
        'control-plane-exposure/mismatched-exposed-revision',
      ],
    },
    {
      name: 'a second revision was installed in the remote and no namespace asks for it',
      edits: [remoteRevisionBeside({ cluster: R, revision: other })],
      expect: latent('injection/unserved-injector'),
      touches: [`${R}:MutatingWebhookConfiguration/istio-sidecar-injector-${other}`, injector(R, ':selectors'), pilotService],
      alsoFolded: ['injection/stale-ca-bundle', 'control-plane-exposure/mismatched-exposed-revision'],
    },
    {
      name: 'a second revision was installed in the remote and a namespace asks for it',
      edits: [remoteRevisionBeside({ cluster: R, revision: other, namespace: 'sample' })],
      expect: broken('injection/unserved-injector'),
      touches: [`${R}:MutatingWebhookConfiguration/istio-sidecar-injector-${other}`, injector(R, ':selectors'), pilotService, wish(R)],
      alsoFolded: ['injection/stale-ca-bundle', 'control-plane-exposure/mismatched-exposed-revision', 'injection/unserved-revision'],
    },
  ]),
  ...onPrimaryRemote('INJ-02', [
    {
      name: 'the Service for istiod was deleted from the remote',
      edits: [injectorServiceDeleted({ cluster: R })],
      expect: broken('injection/dangling-injector-service'),
      touches: [pilotService],
      alsoFolded: ['control-plane-exposure/stale-pilot-address', 'injection/missing-discovery-service'],
    },
    {
      name: 'the injectors of the remote call a Service without revision',
      edits: [injectorsCall({ cluster: R, service: 'istiod' })],
      expect: broken('injection/dangling-injector-service'),
      touches: [injector(R, ':webhooks/clientConfig/service/name')],
      alsoFolded: ['control-plane-exposure/stale-pilot-address', 'control-plane-exposure/mismatched-exposed-revision'],
    },
  ]),
  ...onPrimaryRemote('INJ-03', [
    {
      name: "the remote's gateway was installed with a revision that nobody serves",
      edits: [gatewayRevision({ cluster: R, revision: unknown, since: 'installed' })],
      expect: probablyBroken('injection/unserved-gateway-revision'),
      touches: [gateway(R), gatewayService(R, ':labels/istio.io/rev')],
      alsoFolded: ['east-west/unready-east-west-gateway'],
    },
    {
      name: "the remote's gateway was moved to a revision that nobody serves and the old pod holds on",
      edits: [gatewayRevision({ cluster: R, revision: unknown, since: 'changed' })],
      expect: probablyBroken('injection/unserved-gateway-revision'),
      touches: [gateway(R), gatewayService(R, ':labels/istio.io/rev')],
    },
    {
      name: "the primary's gateway was installed with a revision that nobody serves",
      edits: [gatewayRevision({ cluster: P, revision: unknown, since: 'installed' })],
      expect: probablyBroken('injection/unserved-gateway-revision'),
      touches: [gateway(P), gatewayService(P, ':labels/istio.io/rev')],
      alsoFolded: ['east-west/unready-east-west-gateway', 'control-plane-exposure/unexposed-istiod', 'east-west/unexposed-services'],
    },
  ]),
  ...onPrimaryRemote('INJ-07', [
    {
      name: 'the caBundle of the remote is empty although istiod leads',
      edits: [caBundleReset({ cluster: R, bundle: 'empty' })],
      expect: probablyBroken('injection/stale-ca-bundle'),
      touches: [injector(R, ':caBundle'), election],
    },
    {
      name: 'the caBundle of the remote is of another CA although istiod leads',
      edits: [withForeignRoot(R, (pem) => caBundleReset({ cluster: R, bundle: { pem } }))],
      expect: probablyBroken('injection/stale-ca-bundle'),
      touches: [injector(R, ':caBundle'), election],
    },
    {
      name: 'the caBundle of the primary is empty',
      edits: [caBundleReset({ cluster: P, bundle: 'empty' })],
      expect: probablyBroken('injection/stale-ca-bundle'),
      touches: [injector(P, ':caBundle')],
    },
  ]),
  ...onPrimaryRemote('INJ-09', [
    {
      name: 'a GitOps controller owns the caBundle of the remote and empties it',
      edits: [caBundleReset({ cluster: R, bundle: 'empty', manager: 'argocd-controller' })],
      expect: probablyBroken('injection/stale-ca-bundle'),
      touches: [injector(R, ':caBundle'), election],
    },
  ]),
];

const exposure: readonly Fault[] = [
  ...onPrimaryRemote('CPX-01', [
    {
      name: "the primary's gateway has neither port of istiod",
      edits: [gatewayServiceWithoutPorts({ cluster: P, ports: [15012, 15017] })],
      expect: broken('control-plane-exposure/missing-istiod-port'),
      touches: [gatewayService(P, ':spec/ports')],
    },
    {
      name: "the primary's gateway lacks the port of the injector",
      edits: [gatewayServiceWithoutPorts({ cluster: P, ports: [15017] })],
      expect: broken('control-plane-exposure/missing-istiod-port'),
      touches: [gatewayService(P, ':spec/ports')],
    },
    {
      name: "the primary's gateway lacks the port of discovery",
      edits: [gatewayServiceWithoutPorts({ cluster: P, ports: [15012] })],
      expect: broken('control-plane-exposure/missing-istiod-port'),
      touches: [gatewayService(P, ':spec/ports')],
    },
  ]),
  ...onPrimaryRemote(
    'CPX-02',
    (
      [
        ['the Gateway for istiod is missing', exposureDeleted({ cluster: P, what: 'gateway' }), istiodGateway],
        ['the VirtualService for istiod is missing', exposureDeleted({ cluster: P, what: 'route' }), route],
        [
          'the Gateway for istiod lies in another namespace than its VirtualService',
          exposureMoved({ cluster: P, what: 'gateway', namespace: 'default' }),
          istiodGateway,
        ],
        [
          'the VirtualService for istiod lies in another namespace than its Gateway',
          exposureMoved({ cluster: P, what: 'route', namespace: 'default' }),
          route,
        ],
        [
          'the Gateway for istiod selects no pod',
          exposureSelects({ cluster: P, selector: { istio: 'east-west-gateway' } }),
          `${istiodGateway}:spec/selector`,
        ],
        [
          'the Gateway for istiod lacks the port of the injector',
          exposureWithoutPort({ cluster: P, port: 15017 }),
          `${istiodGateway}:spec/servers`,
        ],
        ['the Gateway for istiod ends TLS itself', exposureMode({ cluster: P, mode: 'SIMPLE' }), `${istiodGateway}:spec/servers`],
        [
          'the VirtualService for istiod is bound to a Gateway that does not exist',
          routeBoundTo({ cluster: P, gateway: 'eastwest' }),
          `${route}:spec/gateways`,
        ],
        [
          'the Gateway for istiod belongs to another revision',
          exposureForRevision({ cluster: P, what: 'gateway', revision: unknown }),
          `${istiodGateway}:labels/istio.io/rev`,
        ],
        [
          'the VirtualService for istiod belongs to another revision',
          exposureForRevision({ cluster: P, what: 'route', revision: unknown }),
          `${route}:labels/istio.io/rev`,
        ],
      ] as const
    ).map(
      ([name, edit, touched]): Row => ({
        name,
        edits: [edit],
        expect: broken('control-plane-exposure/unexposed-istiod'),
        touches: [touched],
      }),
    ),
  ),
  ...onPrimaryRemote('CPX-02', [
    {
      name: 'istiod was exposed in the remote instead of the primary',
      edits: [exposureIn({ cluster: P, instead: R })],
      expect: broken('control-plane-exposure/unexposed-istiod'),
      touches: [istiodGateway, route],
      alsoFolded: ['policy/inert-configuration'],
    },
  ]),
  ...onPrimaryRemote('INJ-01', [
    {
      name: 'the unrevisioned sample exposes a revisioned istiod',
      edits: [exposedUnrevisioned({ cluster: P })],
      expect: broken('control-plane-exposure/mismatched-exposed-revision'),
      touches: [route],
    },
    {
      name: 'istiod is exposed under another revision',
      edits: [exposedForRevision({ cluster: P, revision: unknown })],
      expect: broken('control-plane-exposure/mismatched-exposed-revision'),
      touches: [route],
    },
    {
      name: 'the SNI hosts of the exposure are those of another revision',
      edits: [exposedForRevision({ cluster: P, revision: unknown, only: 'sni' })],
      expect: broken('control-plane-exposure/mismatched-exposed-revision'),
      touches: [`${route}:spec/tls`],
    },
    {
      name: 'the exposure routes to the Service of another revision',
      edits: [exposedForRevision({ cluster: P, revision: unknown, only: 'destination' })],
      expect: broken('control-plane-exposure/mismatched-exposed-revision'),
      touches: [`${route}:spec/tls`],
    },
  ]),
  ...onPrimaryRemote('CPX-03', [
    {
      name: 'the remote has an old address of istiod',
      edits: [pilotAddress({ cluster: R, address: '198.51.100.7' })],
      expect: broken('control-plane-exposure/stale-pilot-address'),
      touches: [pilotSlice, pilotService],
    },
    {
      name: "the primary's load balancer got another address",
      edits: [gatewayReaddressed({ cluster: P, address: '198.51.100.8' })],
      expect: broken('control-plane-exposure/stale-pilot-address'),
      touches: [gatewayService(P, ':status/loadBalancer'), pilotSlice, pilotService],
    },
    {
      name: 'the slice for istiod was deleted from the remote',
      edits: [pilotBackend({ cluster: R, what: 'deleted' })],
      expect: broken('control-plane-exposure/stale-pilot-address'),
      touches: [pilotSlice, pilotService],
    },
    {
      name: 'the slice for istiod in the remote holds no address',
      edits: [pilotBackend({ cluster: R, what: 'empty' })],
      expect: broken('control-plane-exposure/stale-pilot-address'),
      touches: [pilotSlice, pilotService],
    },
    {
      name: 'the slice for istiod in the remote no longer names its Service',
      edits: [pilotBackend({ cluster: R, what: 'detached' })],
      expect: broken('control-plane-exposure/stale-pilot-address'),
      touches: [pilotSlice, pilotService],
    },
  ]),
];

const unexposed = ['control-plane-exposure/unexposed-istiod', 'east-west/unexposed-services'];

const eastWest: readonly Fault[] = [
  // G01 has no entry of its own in the catalogue; EW-01 is the nearest.
  ...onPrimaryRemote('EW-01', [
    {
      name: 'the remote has no east-west gateway',
      edits: [gatewayRemoved({ cluster: R })],
      expect: broken('east-west/missing-east-west-gateway'),
      touches: gatewayParts(R),
    },
    {
      name: 'the primary has no east-west gateway',
      edits: [gatewayRemoved({ cluster: P })],
      expect: broken('east-west/missing-east-west-gateway'),
      touches: [...gatewayParts(P), pilotSlice],
      alsoFolded: [...unexposed, 'control-plane-exposure/stale-pilot-address', 'control-plane-exposure/missing-istiod-port'],
    },
    {
      name: "the Service of the remote's gateway lost its network label",
      edits: [gatewayUnlabelled({ cluster: R })],
      expect: broken('east-west/missing-east-west-gateway'),
      touches: [gatewayService(R, ':labels/topology.istio.io/network')],
    },
    {
      name: "the remote's load balancer has no address",
      edits: [gatewayAddressPending({ cluster: R })],
      expect: broken('east-west/unaddressed-gateway'),
      touches: [gatewayService(R, ':status/loadBalancer')],
    },
    {
      name: "the primary's load balancer has no address",
      edits: [gatewayAddressPending({ cluster: P })],
      expect: broken('east-west/unaddressed-gateway'),
      touches: [gatewayService(P, ':status/loadBalancer'), pilotSlice],
      alsoFolded: ['control-plane-exposure/stale-pilot-address'],
    },
    {
      name: "the Service of the remote's gateway is of type ClusterIP",
      edits: [gatewayClusterIp({ cluster: R })],
      expect: broken('east-west/unaddressed-gateway'),
      touches: [gatewayService(R, ':spec/type'), gatewayService(R, ':status/loadBalancer')],
    },
  ]),
  ...onPrimaryRemote('EW-04', [
    {
      name: "the remote's gateway is a NodePort without node selector",
      edits: [gatewayNodePort({ cluster: R })],
      expect: broken('east-west/unaddressed-gateway'),
      touches: [gatewayService(R, ':spec/type'), gatewayService(R, ':status/loadBalancer')],
    },
    {
      name: "the remote's gateway is a NodePort on nodes without external address",
      edits: [gatewayNodePort({ cluster: R, nodeSelector: '{}' })],
      expect: broken('east-west/unaddressed-gateway'),
      touches: [gatewayService(R, ':spec/type'), gatewayService(R, ':status/loadBalancer')],
    },
  ]),
  ...onPrimaryRemote('EW-02', [
    {
      name: "the remote's gateway has a host name that istiod is told not to resolve",
      edits: [gatewayHostnameUnresolved({ cluster: R, hostname: 'gw-west.elb.example.com', readers: [P] })],
      expect: broken('east-west/unresolved-gateway-hostname'),
      touches: [gatewayService(R, ':status/loadBalancer'), istiod('RESOLVE_HOSTNAME_GATEWAYS'), election],
    },
  ]),
  ...onMultiPrimary('EW-02', [
    {
      name: "the second primary's gateway has a host name that the first one's istiod is told not to resolve",
      edits: [gatewayHostnameUnresolved({ cluster: 'cluster4', hostname: 'gw-west.elb.example.com', readers: ['cluster3'] })],
      expect: broken('east-west/unresolved-gateway-hostname'),
      touches: [
        'cluster4:Service/istio-system/istio-eastwestgateway:status/loadBalancer',
        'cluster3:Deployment/istio-system/istiod:env/RESOLVE_HOSTNAME_GATEWAYS',
      ],
    },
  ]),
  ...onPrimaryRemote('EW-07', [
    {
      name: "the remote's gateway lacks the cross-network port",
      edits: [gatewayWithoutCrossNetworkPort({ cluster: R })],
      expect: broken('east-west/missing-cross-network-port'),
      touches: [gatewayService(R, ':spec/ports')],
      alsoFolded: ['east-west/missing-east-west-gateway'],
    },
    {
      name: "the primary's gateway lacks the cross-network port",
      edits: [gatewayWithoutCrossNetworkPort({ cluster: P })],
      expect: broken('east-west/missing-cross-network-port'),
      touches: [gatewayService(P, ':spec/ports')],
      alsoFolded: ['east-west/missing-east-west-gateway'],
    },
    {
      name: "the label of the remote's gateway names a port that it does not have",
      edits: [gatewayPortLabel({ cluster: R, port: '15444' })],
      expect: broken('east-west/missing-cross-network-port'),
      touches: [gatewayService(R, ':labels/networking.istio.io/gatewayPort')],
      alsoFolded: ['east-west/missing-east-west-gateway'],
    },
  ]),
  ...onPrimaryRemote('EW-20', [
    {
      name: "the remote's gateway was scaled to nothing",
      edits: [gatewayScaledToZero({ cluster: R })],
      expect: broken('east-west/unready-east-west-gateway'),
      touches: [gateway(R)],
    },
    {
      name: "the primary's gateway was scaled to nothing",
      edits: [gatewayScaledToZero({ cluster: P })],
      expect: broken('east-west/unready-east-west-gateway'),
      touches: [gateway(P)],
      alsoFolded: unexposed,
    },
    {
      name: "the pods of the remote's gateway are not ready",
      edits: [gatewayUnready({ cluster: R })],
      expect: broken('east-west/unready-east-west-gateway'),
      touches: [gateway(R)],
    },
    {
      name: "the pods of the primary's gateway are not ready",
      edits: [gatewayUnready({ cluster: P })],
      expect: broken('east-west/unready-east-west-gateway'),
      touches: [gateway(P)],
      alsoFolded: unexposed,
    },
    {
      name: "the Service of the remote's gateway selects no pod",
      edits: [gatewayServiceSelects({ cluster: R, selector: { app: 'istio-east-west' } })],
      expect: broken('east-west/unready-east-west-gateway'),
      touches: [gatewayService(R, ':spec/selector')],
    },
  ]),
  ...onPrimaryRemote(
    'EW-08',
    (
      [
        ['the cross-network Gateway is missing', crossNetworkGatewayDeleted({ cluster: P }), crossNetwork],
        [
          'the cross-network Gateway selects no pod',
          crossNetworkGatewaySelects({ cluster: P, selector: { istio: 'ingress-gateway' } }),
          `${crossNetwork}:spec/selector`,
        ],
        [
          'the cross-network Gateway passes TLS through by hand',
          crossNetworkGatewayMode({ cluster: P, mode: 'PASSTHROUGH' }),
          `${crossNetwork}:spec/servers`,
        ],
        [
          'the cross-network Gateway ends mTLS itself',
          crossNetworkGatewayMode({ cluster: P, mode: 'ISTIO_MUTUAL' }),
          `${crossNetwork}:spec/servers`,
        ],
        [
          'the cross-network Gateway opens another port',
          crossNetworkGatewayPort({ cluster: P, port: 15444 }),
          `${crossNetwork}:spec/servers`,
        ],
        [
          'the cross-network Gateway belongs to another revision',
          crossNetworkGatewayForRevision({ cluster: P, revision: unknown }),
          `${crossNetwork}:labels/istio.io/rev`,
        ],
      ] as const
    ).map(([name, edit, touched]): Row => ({ name, edits: [edit], expect: broken('east-west/unexposed-services'), touches: [touched] })),
  ),
  ...onPrimaryRemote('EW-08', [
    {
      name: 'the cross-network Gateway lies in the remote only',
      edits: [crossNetworkGatewayIn({ cluster: P, instead: R })],
      expect: broken('east-west/unexposed-services'),
      touches: [crossNetwork],
      alsoFolded: ['policy/inert-configuration'],
    },
    {
      name: 'the cross-network Gateway lies where istiod is told not to look',
      edits: [crossNetworkGatewayScopedOut({ cluster: P, namespace: 'default' })],
      expect: broken('east-west/unexposed-services'),
      touches: [crossNetwork, istiod('PILOT_SCOPE_GATEWAY_TO_NAMESPACE'), election],
    },
  ]),
  ...onMultiPrimary('EW-08', [
    {
      name: 'the second primary has no cross-network Gateway of its own',
      edits: [crossNetworkGatewayDeleted({ cluster: 'cluster4' })],
      expect: broken('east-west/unexposed-services'),
      touches: ['cluster4:Gateway/istio-system/cross-network-gateway'],
    },
  ]),
  ...onPrimaryRemote('POL-04', [
    {
      name: 'a DestinationRule was applied in the remote',
      edits: [
        appliedInRemote({
          cluster: R,
          object: {
            apiVersion: 'networking.istio.io/v1',
            kind: 'DestinationRule',
            metadata: { name: 'abc', namespace: 'sample', generation: 1 },
            spec: { host: 'abc.sample.svc.cluster.local', trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } } },
          },
        }),
      ],
      expect: latent('policy/inert-configuration'),
      touches: [`${R}:DestinationRule/sample/abc`],
    },
    {
      name: 'a PeerAuthentication was applied in the remote',
      edits: [
        appliedInRemote({
          cluster: R,
          object: {
            apiVersion: 'security.istio.io/v1',
            kind: 'PeerAuthentication',
            metadata: { name: 'default', namespace: 'sample', generation: 1 },
            spec: { mtls: { mode: 'STRICT' } },
          },
        }),
      ],
      expect: latent('policy/inert-configuration'),
      touches: [`${R}:PeerAuthentication/sample/default`],
    },
  ]),
];

const secretOf = { cluster: P, of: R };

const remoteSecret: readonly Fault[] = [
  ...onPrimaryRemote('SEC-01', [
    // Nobody declared the topology: that the primary should read the remote is inferred.
    {
      name: 'the remote secret was deleted',
      edits: [remoteSecretDeleted({ ...secretOf, left: 'released' })],
      expect: probablyBroken('remote-secret/missing-remote-secret'),
      touches: [secret, election],
      alsoFolded: unled,
    },
    {
      name: 'the remote secret was deleted and its lease ran out',
      edits: [remoteSecretDeleted(secretOf)],
      expect: probablyBroken('remote-secret/missing-remote-secret'),
      touches: [secret, election],
      alsoFolded: unled,
    },
    {
      name: 'the remote secret was never made',
      edits: [remoteSecretDeleted(secretOf), annotatedTooLate({ cluster: R, primary: P, leader: 'never' })],
      expect: probablyBroken('remote-secret/missing-remote-secret'),
      touches: [secret, ...neverCameUp(R)],
      alsoFolded: [...unled, ...neverStarted],
    },
  ]),
  ...onMultiPrimary('SEC-01', [
    {
      name: 'the first primary has no secret of the second',
      edits: [remoteSecretDeleted({ cluster: 'cluster3', of: 'cluster4' })],
      expect: probablyBroken('remote-secret/missing-remote-secret'),
      touches: ['cluster3:Secret/istio-system/istio-remote-secret-cluster4'],
    },
  ]),
  ...onPrimaryRemote(
    'SEC-11',
    (
      [
        ['the remote secret has lost its label', remoteSecretLabelled({ ...secretOf, value: undefined, left: 'released' })],
        ['the label of the remote secret is not true', remoteSecretLabelled({ ...secretOf, value: 'yes' })],
        ['the remote secret lies in another namespace', remoteSecretMoved({ ...secretOf, namespace: 'default', left: 'released' })],
      ] as const
    ).map(
      ([name, edit]): Row => ({
        name,
        edits: [edit],
        expect: broken('remote-secret/unread-remote-secret'),
        touches: [secret, election],
        alsoFolded: [...unled, 'remote-secret/missing-remote-secret'],
      }),
    ),
  ),
  ...onPrimaryRemote(
    'SEC-05',
    (
      [
        ['the kubeconfig runs a program and istiod holds on to the old one', 'exec', 'keeps'],
        ['the kubeconfig runs a program and istiod restarted since', 'exec', 'loses'],
        ['the kubeconfig uses an auth provider', 'auth-provider', 'loses'],
        ['the kubeconfig names files of a client certificate', 'client-key', 'loses'],
        ['the kubeconfig names a token file', 'token-file', 'keeps'],
        ['the kubeconfig is not YAML', 'unreadable', 'loses'],
        ['the kubeconfig is empty', 'empty', 'loses'],
      ] as const
    ).map(
      ([name, auth, leader]): Row => ({
        name,
        edits: [kubeconfigRejected({ ...secretOf, auth, leader })],
        expect: broken('remote-secret/rejected-kubeconfig'),
        touches: [secret, election, readerToken],
        alsoFolded: unled,
      }),
    ),
  ),
  ...onPrimaryRemote('SEC-04', [
    {
      name: 'the token of the remote secret expired',
      edits: [tokenExpires({ ...secretOf, minutes: -5 })],
      expect: broken('remote-secret/expired-credential'),
      touches: [secret, election, readerToken],
      alsoFolded: [...unled, 'remote-secret/revoked-credential'],
    },
    {
      name: 'the token of the remote secret expired a day ago',
      edits: [tokenExpires({ ...secretOf, minutes: -1_440 })],
      expect: broken('remote-secret/expired-credential'),
      touches: [secret, election, readerToken],
      alsoFolded: [...unled, 'remote-secret/revoked-credential'],
    },
    {
      name: 'the token of the remote secret expires in three days',
      edits: [tokenExpires({ ...secretOf, minutes: 4_320 })],
      expect: probablyLatent('remote-secret/expired-credential'),
      touches: [secret, election, readerToken],
    },
    ...(
      [
        ["the reader's service account was made again", 'rotated'],
        ["the reader's token was deleted", 'secret'],
        ["the reader's service account was deleted", 'account'],
      ] as const
    ).map(
      ([name, by]): Row => ({
        name,
        edits: [readerTokenRevoked({ ...secretOf, by })],
        expect: broken('remote-secret/revoked-credential'),
        touches: [secret, election, readerToken],
        alsoFolded: [...unled, 'remote-secret/insufficient-reader-role'],
      }),
    ),
  ]),
  ...onPrimaryRemote(
    'SEC-02',
    (
      [
        ['the server of the remote secret is 127.0.0.1 and istiod restarted since', 'https://127.0.0.1:6443', 'loses'],
        ['the server of the remote secret is localhost and istiod restarted since', 'https://localhost:40443', 'loses'],
        ['the server of the remote secret is the IPv6 loopback and istiod restarted since', 'https://[::1]:6443', 'loses'],
        ['the server of the remote secret is 127.0.0.1 and istiod holds on to the old one', 'https://127.0.0.1:6443', 'keeps'],
      ] as const
    ).map(
      ([name, server, leader]): Row => ({
        name,
        edits: [serverAddress({ ...secretOf, server, leader })],
        expect: broken('remote-secret/loopback-server'),
        touches: [secret, election],
        alsoFolded: unled,
      }),
    ),
  ),
  ...onPrimaryRemote('SEC-09', [
    {
      name: 'two remote secrets claim one cluster',
      edits: [remoteSecretDoubled({ ...secretOf, name: 'istio-remote-secret-west', server: 'https://198.51.100.20:6443' })],
      expect: broken('remote-secret/duplicate-remote-secret'),
      touches: [secret, `${P}:Secret/istio-system/istio-remote-secret-west`],
    },
  ]),
  ...onPrimaryRemote('SEC-06', [
    {
      name: 'the reader may not read ConfigMaps',
      edits: [readerWithout({ cluster: R, resource: 'configmaps' })],
      expect: broken('remote-secret/insufficient-reader-role'),
      touches: [readerRole, election],
      alsoFolded: unled,
    },
    {
      name: 'the reader may read ConfigMaps and not write them',
      edits: [readerWithout({ cluster: R, resource: 'configmaps', verbs: ['create', 'update'] })],
      expect: broken('remote-secret/insufficient-reader-role'),
      touches: [readerRole, election],
      alsoFolded: unled,
    },
    {
      name: 'the reader may not have tokens reviewed',
      edits: [readerWithout({ cluster: R, resource: 'tokenreviews' })],
      expect: broken('remote-secret/insufficient-reader-role'),
      touches: [readerRole],
    },
    {
      name: 'the reader may not watch slices',
      edits: [readerWithout({ cluster: R, resource: 'endpointslices', verbs: ['watch'] })],
      expect: broken('remote-secret/insufficient-reader-role'),
      touches: [readerRole],
    },
    {
      name: 'the reader may not patch injectors',
      edits: [readerWithout({ cluster: R, resource: 'mutatingwebhookconfigurations', verbs: ['update', 'patch'] })],
      expect: broken('remote-secret/insufficient-reader-role'),
      touches: [readerRole],
    },
    {
      name: "the binding of the reader's role was deleted",
      edits: [readerUnbound({ cluster: R })],
      expect: broken('remote-secret/insufficient-reader-role'),
      touches: [readerRole, readerBinding, election],
      alsoFolded: unled,
    },
    {
      name: "the reader's role is bound to another account",
      edits: [readerUnbound({ cluster: R, subject: 'istio-reader' })],
      expect: broken('remote-secret/insufficient-reader-role'),
      touches: [readerRole, readerBinding, election],
      alsoFolded: unled,
    },
  ]),
  ...onMultiPrimary('SEC-06', [
    {
      name: 'the reader of the second primary may not read ConfigMaps',
      edits: [readerWithout({ cluster: 'cluster4', resource: 'configmaps' })],
      expect: broken('remote-secret/insufficient-reader-role'),
      touches: ['cluster4:ClusterRole/istio-reader-clusterrole-istio-system'],
    },
  ]),
];

const trust: readonly Fault[] = [
  ...onMultiPrimary('TRU-01', [
    {
      name: 'the second primary signs with a root of its own making',
      edits: [withForeignRoot('cluster4', (pem) => anotherRoot({ cluster: 'cluster4', root: pem, ca: 'self-signed' }))],
      expect: broken('trust/divergent-roots'),
      touches: ['cluster4:Secret/istio-system/cacerts'],
      alsoFolded: ['trust/foreign-root'],
    },
    {
      name: 'the second primary was given the CA of another root',
      edits: [withForeignRoot('cluster4', (pem) => anotherRoot({ cluster: 'cluster4', root: pem, ca: 'plugged-in' }))],
      expect: broken('trust/divergent-roots'),
      touches: ['cluster4:Secret/istio-system/cacerts'],
      alsoFolded: ['trust/foreign-root'],
    },
  ]),
  ...onPrimaryRemote('TRU-07', [
    {
      name: 'a namespace of the remote has another root',
      edits: [withForeignRoot(R, (pem) => foreignRoot({ cluster: R, root: pem, namespaces: ['sample'] }))],
      expect: broken('trust/foreign-root'),
      touches: [root(R, 'sample'), election],
    },
    {
      name: 'a namespace of the primary has another root',
      edits: [withForeignRoot(P, (pem) => foreignRoot({ cluster: P, root: pem, namespaces: ['sample'] }))],
      expect: broken('trust/foreign-root'),
      touches: [root(P, 'sample')],
    },
    // A leader would have written its own root within seconds: that nobody leads is the cause.
    {
      name: 'nobody leads the remote and every namespace of it has a former root',
      edits: [
        annotatedTooLate({ cluster: R, primary: P, leader: 'lost' }),
        withForeignRoot(R, (pem) => foreignRoot({ cluster: R, root: pem })),
      ],
      expect: broken('topology/unled-remote'),
      touches: [annotation, election, root(R, 'sample')],
      alsoFolded: ['trust/foreign-root'],
    },
    {
      name: 'the annotation is missing and every namespace of the remote has a former root',
      edits: [
        controlPlaneClusters({ cluster: R, primary: P, value: undefined, leader: 'restarted' }),
        withForeignRoot(R, (pem) => foreignRoot({ cluster: R, root: pem })),
      ],
      expect: broken('topology/unmatched-control-plane-clusters'),
      touches: [annotation, election, root(R, 'sample')],
      alsoFolded: [...unled, 'trust/foreign-root'],
    },
    {
      name: 'the CA of the primary was replaced while nobody led the remote',
      edits: [
        controlPlaneClusters({ cluster: R, primary: P, value: undefined, leader: 'lives' }),
        withForeignRoot(P, (pem) => anotherRoot({ cluster: P, root: pem, ca: 'plugged-in' })),
        controlPlaneClusters({ cluster: R, primary: P, value: P, leader: 'lives' }),
      ],
      expect: broken('topology/unled-remote'),
      touches: [annotation, election, root(R, 'sample'), root(P, 'sample'), injector(P, ':caBundle'), `${P}:Secret/istio-system/cacerts`],
      alsoFolded: ['trust/foreign-root', 'injection/stale-ca-bundle'],
    },
  ]),
];

const forService = ['--service', 'abc.sample:5000'];

const dns: readonly Fault[] = [
  ...onPrimaryRemote('DNS-01', [
    {
      name: 'DNS capture is off and only the primary has the service',
      edits: [dnsCaptureOff({ primary: P, clusters: [P, R] })],
      flags: forService,
      expect: broken('dns/unresolvable-service'),
      touches: [dnsCapture, pods(P), pods(R)],
    },
    {
      name: 'the callers in the remote opt out of DNS capture and only the primary has the service',
      edits: [workloadsOptOutOfDnsCapture({ cluster: R })],
      flags: forService,
      expect: broken('dns/unresolvable-service'),
      touches: [dnsCapture, pods(R)],
      alsoFolded: ['dns/stale-dns-capture'],
    },
  ]),
  ...onMultiPrimary('DNS-01', [
    {
      name: 'DNS capture is on in one primary only and the other one has no such service',
      edits: [dnsCaptureOff({ primary: 'cluster4', clusters: ['cluster4'] })],
      flags: forService,
      expect: broken('dns/unresolvable-service'),
      touches: ['cluster4:ConfigMap/istio-system/istio:data/mesh'],
    },
  ]),
  ...onPrimaryRemote('DNS-02', [
    {
      name: 'the workloads of the remote are older than DNS capture',
      edits: [workloadsWithoutDnsCapture({ cluster: R })],
      expect: latent('dns/stale-dns-capture'),
      touches: [dnsCapture, pods(R)],
    },
    {
      name: 'the workloads of the primary are older than DNS capture',
      edits: [workloadsWithoutDnsCapture({ cluster: P })],
      expect: latent('dns/stale-dns-capture'),
      touches: [dnsCapture, pods(P)],
    },
  ]),
];

/** Every scripted fault. Names are unique. */
export const faults: readonly Fault[] = [...topology, ...injection, ...exposure, ...eastWest, ...remoteSecret, ...trust, ...dns];
