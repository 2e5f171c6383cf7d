import { secondRoot, apiServerCaFour } from '../../src/builder/certificates.ts';
import {
  caBundleReset,
  gatewayRevision,
  injectorServiceDeleted,
  namespaceWants,
  remoteInstalledWithRevision,
} from '../../src/builder/edits/injection.ts';
import {
  crossNetworkGatewayDeleted,
  gatewayAddressPending,
  gatewayClusterIp,
  gatewayRemoved,
  gatewayScaledToZero,
  gatewayUnlabelled,
} from '../../src/builder/edits/east-west.ts';
import { type Edit, inCluster, inOrder, isNamed, put, labelsOf, label } from '../../src/builder/edits/edit.ts';
import {
  exposedUnrevisioned,
  exposureDeleted,
  exposureIn,
  exposureMoved,
  gatewayReaddressed,
  gatewayServiceWithoutPorts,
  pilotAddress,
} from '../../src/builder/edits/exposure.ts';
import { neverLed, webhookRefusal } from '../../src/builder/edits/control-plane.ts';
import {
  kubeconfigRejected,
  readerTokenRevoked,
  readerUnbound,
  readerWithout,
  remoteSecretDeleted,
  remoteSecretLabelled,
  remoteSecretMoved,
  secretRekeyed,
  secretUnnamed,
  serverAddress,
  tokenExpires,
} from '../../src/builder/edits/remote-secret.ts';
import { injectionPath, remoteReinstalledAs, primaryReinstalledAs } from '../../src/builder/edits/topology-identity.ts';
import { annotatedTooLate, controlPlaneClusters, externalIstiodUnset, neverExternal } from '../../src/builder/edits/topology-leadership.ts';
import {
  gatewayServiceOnNetwork,
  gatewayInstalledOnNetwork,
  installedOnNetwork,
  networkLabelRemoved,
  workloadsWithoutNetwork,
} from '../../src/builder/edits/topology-networks.ts';
import { anotherRoot, foreignRoot } from '../../src/builder/edits/trust.ts';
import { neverStarted, ownedBy } from '../../src/builder/edits/workload.ts';
import { isSidecarPod } from '../../src/builder/edits/find.ts';
import { annotationsOf } from '../../src/builder/edits/edit.ts';
import type { MeshName } from '../breakage/meshes.ts';
import * as own from './edits.ts';

export interface Staged {
  readonly name: string;
  readonly mesh: MeshName;
  readonly edits: readonly Edit[];
  /** `area/check` of every cause, in the order in which they are reported. Anything else may only be said as a consequence of them. */
  readonly causes: readonly string[];
  /** Of the first cause; an error that is certain unless given. */
  readonly severity?: 'error' | 'warning' | 'info';
  readonly certainty?: 'certain' | 'likely' | 'possible';
  /** 1 unless given. */
  readonly exit?: 0 | 1;
}

const secret = (of: string, cluster = 'east') => ({ cluster, of });

/** Nothing that asks for injection was ever created in a remote, for this reason. */
const neverInjected = (cluster: string, reason: string): Edit =>
  inCluster(cluster, (objects) => {
    const injected = objects.filter(
      (object) =>
        object.kind === 'Deployment' &&
        ownedBy(objects, object).pods.some((pod) => isSidecarPod(pod) || annotationsOf(pod)['inject.istio.io/templates'] !== undefined),
    );
    return injected.reduce<readonly (typeof objects)[number][]>(
      (rest, deployment) => neverStarted(rest, deployment, webhookRefusal(objects, reason)),
      objects,
    );
  });
const never = (cluster: string): Edit => inCluster(cluster, neverLed);

/** Faults that the list for the real meshes does not have, or has on one mesh only. */
export const rows: readonly Staged[] = [
  // Steps never taken.
  {
    name: 'the secret was not made yet',
    mesh: 'primary-remote',
    edits: [remoteSecretDeleted(secret('west')), never('west')],
    causes: ['remote-secret/missing-remote-secret'],
    certainty: 'likely',
  },
  {
    name: 'the secret was not made yet',
    mesh: 'primary-remote with a revision',
    edits: [remoteSecretDeleted(secret('west')), never('west')],
    causes: ['remote-secret/missing-remote-secret'],
    certainty: 'likely',
  },
  {
    name: 'the secret was not made yet',
    mesh: 'primary-remote on one network',
    edits: [remoteSecretDeleted(secret('west')), never('west')],
    causes: ['remote-secret/missing-remote-secret'],
    certainty: 'likely',
  },
  {
    name: 'the secret was not made yet',
    mesh: 'primary-remote 1.24 with a revision',
    edits: [remoteSecretDeleted(secret('west')), never('west')],
    causes: ['remote-secret/missing-remote-secret'],
    certainty: 'likely',
  },
  {
    name: 'neither secret nor gateway of the remote were made yet',
    mesh: 'primary-remote',
    edits: [remoteSecretDeleted(secret('west')), never('west'), gatewayRemoved({ cluster: 'west' })],
    causes: ['remote-secret/missing-remote-secret', 'east-west/missing-east-west-gateway'],
    certainty: 'likely',
  },
  {
    name: 'the annotation was never set',
    mesh: 'primary-remote',
    edits: [controlPlaneClusters({ cluster: 'west', primary: 'east', value: undefined, leader: 'never' })],
    causes: ['topology/unmatched-control-plane-clusters'],
  },
  {
    name: 'the annotation was never set',
    mesh: 'primary-remote on one network',
    edits: [controlPlaneClusters({ cluster: 'west', primary: 'east', value: undefined, leader: 'never' })],
    causes: ['topology/unmatched-control-plane-clusters'],
  },
  {
    name: 'the annotation was never set',
    mesh: 'primary-remote 1.24',
    edits: [controlPlaneClusters({ cluster: 'west', primary: 'east', value: undefined, leader: 'never' })],
    causes: ['topology/unmatched-control-plane-clusters'],
  },
  {
    name: 'the annotation of the second remote was never set',
    mesh: 'two remotes',
    edits: [controlPlaneClusters({ cluster: 'south', primary: 'east', value: undefined, leader: 'never' })],
    causes: ['topology/unmatched-control-plane-clusters'],
  },
  {
    name: 'the annotation came after the secret',
    mesh: 'primary-remote',
    edits: [annotatedTooLate({ cluster: 'west', primary: 'east', leader: 'never' })],
    causes: ['topology/unled-remote'],
  },
  {
    name: 'the annotation came after the secret',
    mesh: 'primary-remote 1.24 with a revision',
    edits: [annotatedTooLate({ cluster: 'west', primary: 'east', leader: 'never' })],
    causes: ['topology/unled-remote'],
  },
  {
    name: 'the annotation has the word of the guide',
    mesh: 'primary-remote with a revision',
    edits: [controlPlaneClusters({ cluster: 'west', primary: 'east', value: 'Kubernetes', leader: 'never' })],
    causes: ['topology/unmatched-control-plane-clusters'],
  },
  {
    name: 'the annotation names the context',
    mesh: 'primary-remote',
    edits: [controlPlaneClusters({ cluster: 'west', primary: 'east', value: 'kind-east', leader: 'never' })],
    causes: ['topology/unmatched-control-plane-clusters'],
  },
  {
    name: 'the annotation is spelled with a capital',
    mesh: 'primary-remote',
    edits: [controlPlaneClusters({ cluster: 'west', primary: 'east', value: 'East', leader: 'never' })],
    causes: ['topology/unmatched-control-plane-clusters'],
  },
  {
    name: 'the annotation has a space after its comma',
    mesh: 'primary-remote',
    edits: [controlPlaneClusters({ cluster: 'west', primary: 'east', value: 'north, east', leader: 'never' })],
    causes: ['topology/unmatched-control-plane-clusters'],
  },
  {
    name: 'the annotation is empty',
    mesh: 'primary-remote',
    edits: [controlPlaneClusters({ cluster: 'west', primary: 'east', value: '', leader: 'never' })],
    causes: ['topology/unmatched-control-plane-clusters'],
  },
  {
    name: 'the annotation names the remote itself',
    mesh: 'primary-remote',
    edits: [controlPlaneClusters({ cluster: 'west', primary: 'east', value: 'west', leader: 'never' })],
    causes: ['topology/unmatched-control-plane-clusters'],
  },
  {
    name: 'the primary was annotated instead of the remote',
    mesh: 'primary-remote',
    edits: [
      controlPlaneClusters({ cluster: 'west', primary: 'east', value: undefined, leader: 'never' }),
      own.annotationOn({ cluster: 'east', value: 'east' }),
    ],
    causes: ['topology/unmatched-control-plane-clusters'],
  },
  {
    name: 'istiod was never made external',
    mesh: 'primary-remote',
    edits: [neverExternal({ cluster: 'east', remote: 'west' })],
    causes: ['topology/unset-external-istiod'],
  },
  {
    name: 'istiod was never made external',
    mesh: 'primary-remote 1.24 with a revision',
    edits: [neverExternal({ cluster: 'east', remote: 'west' })],
    causes: ['topology/unset-external-istiod'],
  },
  {
    name: 'istiod was never made external',
    mesh: 'primary-remote on one network',
    edits: [neverExternal({ cluster: 'east', remote: 'west' })],
    causes: ['topology/unset-external-istiod'],
  },
  {
    name: 'istiod was never made external for either remote',
    mesh: 'two remotes',
    edits: [neverExternal({ cluster: 'east', remote: 'west' }), never('south')],
    causes: ['topology/unset-external-istiod'],
  },
  {
    name: 'remotePilotAddress was left out',
    mesh: 'primary-remote',
    edits: [
      injectorServiceDeleted({ cluster: 'west' }),
      inCluster('west', (o) => o.filter((x) => !(x.kind === 'EndpointSlice' && x.metadata.name === 'istiod'))),
      neverInjected('west', 'service "istiod" not found'),
    ],
    causes: ['injection/dangling-injector-service'],
  },
  {
    name: 'remotePilotAddress was left out',
    mesh: 'primary-remote 1.24 with a revision',
    edits: [
      injectorServiceDeleted({ cluster: 'west' }),
      inCluster('west', (o) =>
        o.filter((x) => !((x.kind === 'EndpointSlice' || x.kind === 'Endpoints') && x.metadata.name.startsWith('istiod-1-24-6'))),
      ),
      neverInjected('west', 'service "istiod" not found'),
    ],
    causes: ['injection/dangling-injector-service'],
  },
  {
    name: 'istiod was never exposed',
    mesh: 'primary-remote',
    edits: [
      exposureDeleted({ cluster: 'east', what: 'gateway' }),
      exposureDeleted({ cluster: 'east', what: 'route' }),
      neverInjected('west', 'EOF'),
    ],
    causes: ['control-plane-exposure/unexposed-istiod'],
  },
  {
    name: 'istiod was never exposed',
    mesh: 'primary-remote on one network',
    edits: [
      exposureDeleted({ cluster: 'east', what: 'gateway' }),
      exposureDeleted({ cluster: 'east', what: 'route' }),
      neverInjected('west', 'EOF'),
    ],
    causes: ['control-plane-exposure/unexposed-istiod'],
  },
  {
    name: 'istiod was exposed without its revision',
    mesh: 'primary-remote with a revision',
    edits: [exposedUnrevisioned({ cluster: 'east' }), neverInjected('west', 'EOF')],
    causes: ['control-plane-exposure/mismatched-exposed-revision'],
  },
  {
    name: 'istiod was exposed without its revision',
    mesh: 'primary-remote 1.24 with a revision',
    edits: [exposedUnrevisioned({ cluster: 'east' }), neverInjected('west', 'EOF')],
    causes: ['control-plane-exposure/mismatched-exposed-revision'],
  },
  {
    name: 'the remote has no gateway',
    mesh: 'primary-remote',
    edits: [gatewayRemoved({ cluster: 'west' })],
    causes: ['east-west/missing-east-west-gateway'],
  },
  {
    name: 'the remote has no gateway',
    mesh: 'primary-remote 1.24 with a revision',
    edits: [gatewayRemoved({ cluster: 'west' })],
    causes: ['east-west/missing-east-west-gateway'],
  },
  {
    name: 'the second remote has no gateway',
    mesh: 'two remotes',
    edits: [gatewayRemoved({ cluster: 'south' })],
    causes: ['east-west/missing-east-west-gateway'],
  },
  {
    name: 'the primary has no gateway',
    mesh: 'primary-remote',
    edits: [gatewayRemoved({ cluster: 'east' }), neverInjected('west', 'connection refused')],
    causes: ['east-west/missing-east-west-gateway'],
  },
  {
    name: 'the primary has no gateway',
    mesh: 'primary-remote on one network',
    edits: [gatewayRemoved({ cluster: 'east' }), neverInjected('west', 'connection refused')],
    causes: ['control-plane-exposure/stale-pilot-address'],
    certainty: 'likely',
  },
  {
    name: 'neither istiod nor services were exposed',
    mesh: 'primary-remote',
    edits: [
      exposureDeleted({ cluster: 'east', what: 'gateway' }),
      exposureDeleted({ cluster: 'east', what: 'route' }),
      crossNetworkGatewayDeleted({ cluster: 'east' }),
      neverInjected('west', 'EOF'),
    ],
    causes: ['control-plane-exposure/unexposed-istiod', 'east-west/unexposed-services'],
  },
  {
    name: 'every step after the installation was left out',
    mesh: 'primary-remote',
    edits: [
      remoteSecretDeleted(secret('west')),
      controlPlaneClusters({ cluster: 'west', primary: 'east', value: undefined, leader: 'never' }),
      exposureDeleted({ cluster: 'east', what: 'gateway' }),
      exposureDeleted({ cluster: 'east', what: 'route' }),
      crossNetworkGatewayDeleted({ cluster: 'east' }),
      gatewayRemoved({ cluster: 'west' }),
    ],
    causes: [
      'topology/unmatched-control-plane-clusters',
      'control-plane-exposure/unexposed-istiod',
      'east-west/unexposed-services',
      'remote-secret/missing-remote-secret',
      'east-west/missing-east-west-gateway',
    ],
  },
  {
    name: 'neither secret nor annotation',
    mesh: 'primary-remote',
    edits: [
      remoteSecretDeleted(secret('west')),
      controlPlaneClusters({ cluster: 'west', primary: 'east', value: undefined, leader: 'never' }),
    ],
    causes: ['topology/unmatched-control-plane-clusters', 'remote-secret/missing-remote-secret'],
  },
  // Other names.
  {
    name: 'the secret was made under the name of the context',
    mesh: 'primary-remote',
    edits: [secretRekeyed({ ...secret('west'), key: 'kind-west' })],
    causes: ['remote-secret/mismatched-secret-key'],
  },
  {
    name: 'the secret was made without a name',
    mesh: 'primary-remote with a revision',
    edits: [secretUnnamed(secret('west'))],
    causes: ['remote-secret/mismatched-secret-key'],
  },
  {
    name: 'the secret of the second remote was made under the name of the context',
    mesh: 'two remotes',
    edits: [secretRekeyed({ ...secret('south'), key: 'kind-south' })],
    causes: ['remote-secret/mismatched-secret-key'],
  },
  {
    name: 'one secret was made under the name of the context',
    mesh: 'three primaries',
    edits: [secretRekeyed({ ...secret('south', 'west'), key: 'kind-south' })],
    causes: ['remote-secret/mismatched-secret-key'],
    severity: 'info',
    exit: 0,
  },
  {
    name: 'a secret was made under the name of the context',
    mesh: 'two primaries',
    edits: [secretRekeyed({ ...secret('west'), key: 'kind-west' })],
    causes: ['remote-secret/mismatched-secret-key'],
    severity: 'info',
    exit: 0,
  },
  {
    name: 'the injection path spells the ID with a capital',
    mesh: 'primary-remote',
    edits: [injectionPath({ cluster: 'west', primary: 'east', path: { cluster: 'West', network: 'network2' }, since: 'restarted' })],
    causes: ['topology/mismatched-cluster-id'],
  },
  {
    name: 'the injection path misspells the network',
    mesh: 'primary-remote',
    edits: [injectionPath({ cluster: 'west', primary: 'east', path: { cluster: 'west', network: 'network-2' }, since: 'restarted' })],
    causes: ['topology/mismatched-injection-path'],
  },
  {
    name: 'the injection path names nothing',
    mesh: 'primary-remote 1.24',
    edits: [injectionPath({ cluster: 'west', primary: 'east', path: {}, since: 'restarted' })],
    causes: ['topology/mismatched-injection-path'],
  },
  {
    name: 'the injection path of one remote was copied to the other',
    mesh: 'two remotes',
    edits: [injectionPath({ cluster: 'south', primary: 'east', path: { cluster: 'west', network: 'network2' }, since: 'restarted' })],
    causes: ['topology/mismatched-injection-path'],
  },
  {
    name: "the label of the gateway's Service is misspelled",
    mesh: 'primary-remote',
    edits: [gatewayServiceOnNetwork({ cluster: 'west', network: 'network-2' })],
    causes: ['topology/mismatched-gateway-network'],
    certainty: 'likely',
  },
  {
    name: "the label of a gateway's Service is spelled with a capital",
    mesh: 'two primaries',
    edits: [gatewayServiceOnNetwork({ cluster: 'west', network: 'Network2' })],
    causes: ['topology/mismatched-gateway-network'],
    certainty: 'likely',
  },
  {
    name: 'the gateway of one remote was generated for the network of the other',
    mesh: 'two remotes',
    edits: [gatewayInstalledOnNetwork({ cluster: 'south', network: 'network2' })],
    causes: ['topology/mismatched-gateway-network'],
    certainty: 'likely',
  },
  {
    name: 'one remote was installed on the network of the other',
    mesh: 'two remotes',
    edits: [installedOnNetwork({ cluster: 'south', network: 'network2' })],
    causes: ['topology/shared-network'],
    severity: 'info',
    certainty: 'possible',
    exit: 0,
  },
  {
    name: 'a namespace asks for a revision with dots',
    mesh: 'primary-remote with a revision',
    edits: [namespaceWants({ cluster: 'west', namespace: 'shop', wish: { revision: '1.31.0' } })],
    causes: ['injection/unserved-revision'],
  },
  {
    name: 'the remote was installed with a revision, its primary without',
    mesh: 'primary-remote',
    edits: [remoteInstalledWithRevision({ cluster: 'west', revision: '1-31-0' })],
    causes: ['injection/unserved-injector'],
  },
  {
    name: 'the remote was installed without the revision of its primary',
    mesh: 'primary-remote with a revision',
    edits: [remoteInstalledWithRevision({ cluster: 'west', revision: 'default' })],
    causes: ['injection/unserved-injector'],
  },
  {
    name: 'the second remote was installed with a revision that nobody runs',
    mesh: 'two remotes',
    edits: [remoteInstalledWithRevision({ cluster: 'south', revision: '1-31-0' })],
    causes: ['injection/unserved-injector'],
  },
  {
    name: 'the gateway of the remote asks for a revision that nobody runs',
    mesh: 'primary-remote',
    edits: [gatewayRevision({ cluster: 'west', revision: '1-31-0', since: 'installed' })],
    causes: ['injection/unserved-gateway-revision'],
    certainty: 'likely',
  },
  {
    name: 'the remote was installed again under the name of its context',
    mesh: 'primary-remote',
    edits: [remoteReinstalledAs({ cluster: 'west', id: 'kind-west' })],
    causes: ['remote-secret/mismatched-secret-key'],
  },
  {
    name: 'the primary was installed again under another ID',
    mesh: 'two remotes',
    edits: [primaryReinstalledAs({ cluster: 'east', id: 'kind-east' })],
    causes: ['topology/unmatched-control-plane-clusters', 'topology/unmatched-control-plane-clusters'],
  },
  // Swapped.
  {
    name: 'the secret was applied in the remote',
    mesh: 'primary-remote',
    edits: [own.secretAppliedIn({ cluster: 'east', key: 'west', instead: 'west' })],
    causes: ['remote-secret/missing-remote-secret'],
    certainty: 'likely',
  },
  {
    name: 'each secret opens the other remote',
    mesh: 'two remotes',
    edits: [own.secretsSwapped({ cluster: 'east', keys: ['west', 'south'] })],
    causes: ['remote-secret/mismatched-secret-key', 'remote-secret/mismatched-secret-key'],
  },
  {
    name: 'two secrets open the cluster of the other',
    mesh: 'three primaries',
    edits: [own.secretsSwapped({ cluster: 'east', keys: ['west', 'south'] })],
    causes: ['remote-secret/mismatched-secret-key', 'remote-secret/mismatched-secret-key'],
    severity: 'info',
    exit: 0,
  },
  {
    name: 'the secret of the second remote opens the first',
    mesh: 'two remotes',
    edits: [own.secretOpens({ cluster: 'east', key: 'south', instead: 'west', secretOf: 'east' })],
    causes: ['remote-secret/mismatched-secret-key'],
  },
  {
    name: 'a secret opens the cluster it lies in',
    mesh: 'two primaries',
    edits: [own.secretOpens({ cluster: 'east', key: 'west', instead: 'east', secretOf: 'west' })],
    causes: ['remote-secret/mismatched-secret-key'],
  },
  {
    name: 'istiod was exposed in the remote',
    mesh: 'primary-remote',
    edits: [exposureIn({ cluster: 'east', instead: 'west' })],
    causes: ['control-plane-exposure/unexposed-istiod'],
  },
  {
    name: "istiod's route lies in another namespace",
    mesh: 'primary-remote',
    edits: [exposureMoved({ cluster: 'east', what: 'route', namespace: 'default' })],
    causes: ['control-plane-exposure/unexposed-istiod'],
  },
  {
    name: 'one primary never exposed its services',
    mesh: 'three primaries',
    edits: [crossNetworkGatewayDeleted({ cluster: 'south' })],
    causes: ['east-west/unexposed-services'],
  },
  // Down.
  {
    name: 'istiod was scaled to nothing',
    mesh: 'primary-remote',
    edits: [own.istiodDown({ cluster: 'east', remotes: ['west'], how: 'scaled' })],
    causes: ['control-plane-exposure/unavailable-istiod'],
  },
  {
    name: 'istiod never gets ready',
    mesh: 'primary-remote with a revision',
    edits: [own.istiodDown({ cluster: 'east', remotes: ['west'], how: 'crashing' })],
    causes: ['control-plane-exposure/unavailable-istiod'],
  },
  {
    name: 'istiod of one primary was scaled to nothing',
    mesh: 'two primaries',
    edits: [own.istiodDown({ cluster: 'west', remotes: [], how: 'scaled' })],
    causes: ['control-plane-exposure/unavailable-istiod'],
  },
  {
    name: 'the external istiod was scaled to nothing',
    mesh: 'an external control plane',
    edits: [own.istiodDown({ cluster: 'outside', remotes: [], how: 'scaled' })],
    causes: ['control-plane-exposure/unavailable-istiod'],
  },
  {
    name: 'the Service of istiod was deleted',
    mesh: 'primary-remote',
    edits: [own.istiodServiceDeleted({ cluster: 'east', name: 'istiod' })],
    causes: ['injection/dangling-injector-service'],
  },
  {
    name: 'the Service of istiod was deleted',
    mesh: 'primary-remote with a revision',
    edits: [own.istiodServiceDeleted({ cluster: 'east', name: 'istiod-1-31-0' })],
    causes: ['injection/dangling-injector-service'],
  },
  {
    name: "the Deployment of the remote's gateway was deleted",
    mesh: 'primary-remote',
    edits: [own.gatewayDeploymentDeleted({ cluster: 'west' })],
    causes: ['east-west/unready-east-west-gateway'],
  },
  {
    name: "the Deployment of the primary's gateway was deleted",
    mesh: 'primary-remote',
    edits: [own.gatewayDeploymentDeleted({ cluster: 'east' })],
    causes: ['east-west/unready-east-west-gateway'],
  },
  {
    name: 'the Deployment of the gateway was deleted',
    mesh: 'primary-remote on one network',
    edits: [own.gatewayDeploymentDeleted({ cluster: 'east' })],
    causes: ['east-west/unready-east-west-gateway'],
  },
  {
    name: 'the gateway was scaled to nothing',
    mesh: 'primary-remote on one network',
    edits: [gatewayScaledToZero({ cluster: 'east' })],
    causes: ['east-west/unready-east-west-gateway'],
  },
  {
    name: 'a gateway was scaled to nothing',
    mesh: 'two primaries',
    edits: [gatewayScaledToZero({ cluster: 'west' })],
    causes: ['east-west/unready-east-west-gateway'],
  },
  {
    name: "the primary's gateway has a cluster address only",
    mesh: 'primary-remote',
    edits: [gatewayClusterIp({ cluster: 'east' })],
    causes: ['east-west/unaddressed-gateway'],
  },
  {
    name: 'the gateway has a cluster address only',
    mesh: 'primary-remote on one network',
    edits: [gatewayClusterIp({ cluster: 'east' })],
    causes: ['east-west/unaddressed-gateway'],
  },
  {
    name: 'the load balancer never got an address',
    mesh: 'primary-remote on one network',
    edits: [gatewayAddressPending({ cluster: 'east' })],
    causes: ['east-west/unaddressed-gateway'],
  },
  {
    name: 'the load balancer of the second remote never got an address',
    mesh: 'two remotes',
    edits: [gatewayAddressPending({ cluster: 'south' })],
    causes: ['east-west/unaddressed-gateway'],
  },
  {
    name: 'the gateway of one primary lost its label',
    mesh: 'three primaries',
    edits: [gatewayUnlabelled({ cluster: 'south' })],
    causes: ['east-west/missing-east-west-gateway'],
  },
  {
    name: 'the load balancer of the primary got another address',
    mesh: 'two remotes',
    edits: [gatewayReaddressed({ cluster: 'east', address: '203.0.113.77' })],
    causes: ['control-plane-exposure/stale-pilot-address', 'control-plane-exposure/stale-pilot-address'],
  },
  {
    name: 'the load balancer got another address',
    mesh: 'primary-remote on one network',
    edits: [gatewayReaddressed({ cluster: 'east', address: '203.0.113.77' })],
    causes: ['control-plane-exposure/stale-pilot-address'],
  },
  {
    name: 'the second remote has a wrong address of istiod',
    mesh: 'two remotes',
    edits: [pilotAddress({ cluster: 'south', address: '203.0.113.99' })],
    causes: ['control-plane-exposure/stale-pilot-address'],
  },
  {
    name: 'the gateway does not open the port of the webhook',
    mesh: 'primary-remote on one network',
    edits: [gatewayServiceWithoutPorts({ cluster: 'east', ports: [15017] })],
    causes: ['control-plane-exposure/missing-istiod-port'],
  },
  {
    name: 'the second remote lost its network label',
    mesh: 'two remotes',
    edits: [networkLabelRemoved({ cluster: 'south' })],
    causes: ['topology/missing-network-label'],
  },
  {
    name: 'the remote lost its network label',
    mesh: 'primary-remote 1.24',
    edits: [networkLabelRemoved({ cluster: 'west' })],
    causes: ['topology/missing-network-label'],
  },
  {
    name: 'one primary lost its network label',
    mesh: 'three primaries',
    edits: [networkLabelRemoved({ cluster: 'west' })],
    causes: ['topology/missing-network-label'],
  },
  {
    name: 'workloads were injected before the remote had a network',
    mesh: 'primary-remote 1.24',
    edits: [workloadsWithoutNetwork({ cluster: 'west' })],
    causes: ['topology/stale-proxy-network'],
  },
  // Trust.
  {
    name: 'the root was replaced while nobody led the remote',
    mesh: 'primary-remote',
    edits: [
      controlPlaneClusters({ cluster: 'west', primary: 'east', value: undefined, leader: 'lives' }),
      anotherRoot({ cluster: 'east', root: secondRoot, ca: 'plugged-in' }),
    ],
    causes: ['topology/unmatched-control-plane-clusters'],
  },
  {
    name: 'the root was replaced while the secret of one remote was gone',
    mesh: 'two remotes',
    edits: [
      remoteSecretDeleted(secret('south')),
      anotherRoot({ cluster: 'east', root: secondRoot, ca: 'plugged-in' }),
      foreignRoot({ cluster: 'west', root: secondRoot }),
      caBundleReset({ cluster: 'west', bundle: { pem: secondRoot } }),
    ],
    causes: ['remote-secret/missing-remote-secret'],
    certainty: 'likely',
  },
  {
    name: 'the root was replaced in one of them',
    mesh: 'two primaries',
    edits: [anotherRoot({ cluster: 'west', root: secondRoot, ca: 'plugged-in' })],
    causes: ['trust/divergent-roots'],
  },
  {
    name: 'the root was replaced in one of them',
    mesh: 'three primaries',
    edits: [anotherRoot({ cluster: 'south', root: secondRoot, ca: 'plugged-in' })],
    causes: ['trust/divergent-roots', 'trust/divergent-roots'],
  },
  {
    name: 'one of them makes a root of its own',
    mesh: 'two primaries on one network',
    edits: [anotherRoot({ cluster: 'west', root: secondRoot, ca: 'self-signed' })],
    causes: ['trust/divergent-roots'],
  },
  {
    name: 'cacerts was replaced and istiod not restarted',
    mesh: 'two primaries',
    edits: [own.cacertsReplaced({ cluster: 'west', root: secondRoot, restarted: false })],
    causes: ['trust/unused-cacerts'],
    severity: 'warning',
    exit: 0,
  },
  {
    name: 'cacerts was replaced and istiod not restarted',
    mesh: 'primary-remote',
    edits: [own.cacertsReplaced({ cluster: 'east', root: secondRoot, restarted: false })],
    causes: ['trust/unused-cacerts'],
    severity: 'warning',
    exit: 0,
  },
  {
    name: 'a namespace of the remote has another root',
    mesh: 'primary-remote 1.24',
    edits: [foreignRoot({ cluster: 'west', root: secondRoot, namespaces: ['shop'] })],
    causes: ['trust/foreign-root'],
  },
  {
    name: 'neither the roots nor the webhooks of the remote followed a change of the root',
    mesh: 'primary-remote',
    edits: [foreignRoot({ cluster: 'west', root: secondRoot }), caBundleReset({ cluster: 'west', bundle: { pem: secondRoot } })],
    causes: ['trust/foreign-root'],
  },
  {
    name: 'a namespace with proxies has no root',
    mesh: 'primary-remote',
    edits: [own.rootsMissing({ cluster: 'west', namespaces: ['shop'] })],
    causes: ['trust/missing-root'],
    severity: 'warning',
    exit: 0,
  },
  {
    name: 'a namespace with proxies has no root, for nobody leads the remote',
    mesh: 'primary-remote',
    edits: [
      controlPlaneClusters({ cluster: 'west', primary: 'east', value: undefined, leader: 'restarted' }),
      own.rootsMissing({ cluster: 'west', namespaces: ['shop'] }),
    ],
    causes: ['topology/unmatched-control-plane-clusters'],
  },
  {
    name: 'a tool empties the caBundle of the remote',
    mesh: 'primary-remote on one network',
    edits: [caBundleReset({ cluster: 'west', bundle: 'empty', manager: 'argocd-controller' })],
    causes: ['injection/stale-ca-bundle'],
    certainty: 'likely',
  },
  {
    name: 'a tool empties the caBundle of one of them',
    mesh: 'two primaries',
    edits: [caBundleReset({ cluster: 'west', bundle: 'empty', manager: 'argocd-controller' })],
    causes: ['injection/stale-ca-bundle'],
    certainty: 'likely',
  },
  // Secrets.
  {
    name: 'the secret of the second remote was deleted',
    mesh: 'two remotes',
    edits: [remoteSecretDeleted(secret('south'))],
    causes: ['remote-secret/missing-remote-secret'],
    certainty: 'likely',
  },
  {
    name: 'one secret was deleted',
    mesh: 'three primaries',
    edits: [remoteSecretDeleted(secret('south', 'west'))],
    causes: ['remote-secret/missing-remote-secret'],
    certainty: 'likely',
  },
  {
    name: 'a secret was deleted',
    mesh: 'two primaries on one network',
    edits: [remoteSecretDeleted(secret('west'))],
    causes: ['remote-secret/missing-remote-secret'],
    certainty: 'likely',
  },
  {
    name: 'both secrets were deleted',
    mesh: 'two primaries',
    edits: [remoteSecretDeleted(secret('west')), remoteSecretDeleted(secret('east', 'west'))],
    causes: ['remote-secret/missing-remote-secret', 'remote-secret/missing-remote-secret'],
    certainty: 'likely',
  },
  {
    name: 'nothing links one of them to the others any more',
    mesh: 'three primaries',
    edits: [
      remoteSecretDeleted(secret('south', 'west')),
      remoteSecretDeleted(secret('south', 'east')),
      remoteSecretDeleted(secret('west', 'south')),
      remoteSecretDeleted(secret('east', 'south')),
    ],
    causes: [
      'remote-secret/missing-remote-secret',
      'remote-secret/missing-remote-secret',
      'remote-secret/missing-remote-secret',
      'remote-secret/missing-remote-secret',
    ],
    certainty: 'likely',
  },
  {
    name: 'one secret lost its label',
    mesh: 'three primaries',
    edits: [remoteSecretLabelled({ ...secret('south', 'west'), value: undefined })],
    causes: ['remote-secret/unread-remote-secret'],
  },
  {
    name: 'the secret lies in another namespace',
    mesh: 'primary-remote 1.24 with a revision',
    edits: [remoteSecretMoved({ ...secret('west'), namespace: 'default' })],
    causes: ['remote-secret/unread-remote-secret'],
  },
  {
    name: 'the kubeconfig of the second remote runs a program',
    mesh: 'two remotes',
    edits: [kubeconfigRejected({ ...secret('south'), auth: 'exec', leader: 'loses' })],
    causes: ['remote-secret/rejected-kubeconfig'],
  },
  {
    name: 'the account of the reader was made again',
    mesh: 'two primaries',
    edits: [readerTokenRevoked({ ...secret('west'), by: 'rotated' })],
    causes: ['remote-secret/revoked-credential'],
  },
  {
    name: 'the account of the reader was deleted',
    mesh: 'three primaries',
    edits: [readerTokenRevoked({ ...secret('south'), by: 'account' })],
    causes: ['remote-secret/revoked-credential', 'remote-secret/revoked-credential'],
  },
  {
    name: 'the account of the reader was made again',
    mesh: 'primary-remote 1.24 with a revision',
    edits: [readerTokenRevoked({ ...secret('west'), by: 'rotated' })],
    causes: ['remote-secret/revoked-credential'],
  },
  {
    name: 'the role of the reader is not bound',
    mesh: 'primary-remote 1.24 with a revision',
    edits: [readerUnbound({ cluster: 'west' })],
    causes: ['remote-secret/insufficient-reader-role'],
  },
  {
    name: 'the reader may not read pods',
    mesh: 'primary-remote 1.24',
    edits: [readerWithout({ cluster: 'west', resource: 'pods' })],
    causes: ['remote-secret/insufficient-reader-role'],
  },
  {
    name: 'the role of the reader is bound to an account of another namespace',
    mesh: 'primary-remote',
    edits: [own.readerBoundTo({ cluster: 'west', namespace: 'default' })],
    causes: ['remote-secret/insufficient-reader-role'],
  },
  {
    name: 'the reader of one of them may not read services',
    mesh: 'three primaries',
    edits: [readerWithout({ cluster: 'south', resource: 'services' })],
    causes: ['remote-secret/insufficient-reader-role'],
  },
  {
    name: 'a secret names the loopback',
    mesh: 'two primaries on one network',
    edits: [serverAddress({ ...secret('west'), server: 'https://127.0.0.1:6443', leader: 'loses' })],
    causes: ['remote-secret/loopback-server'],
  },
  {
    name: 'the token of the secret expired',
    mesh: 'primary-remote 1.24 with a revision',
    edits: [tokenExpires({ ...secret('west'), minutes: -60 })],
    causes: ['remote-secret/expired-credential'],
  },
  {
    name: "the secret has another CA than the API server's",
    mesh: 'primary-remote',
    edits: [own.kubeconfigAuthority({ cluster: 'east', key: 'west', pem: apiServerCaFour, remote: 'west' })],
    causes: ['remote-secret/mismatched-api-server-ca'],
  },
  {
    name: "a secret has another CA than the API server's",
    mesh: 'two primaries',
    edits: [own.kubeconfigAuthority({ cluster: 'east', key: 'west', pem: apiServerCaFour, remote: 'west', keeps: true })],
    causes: ['remote-secret/mismatched-api-server-ca'],
  },
  // External.
  {
    name: 'the annotation of a further remote names the cluster istiod runs in',
    mesh: 'an external control plane',
    edits: [controlPlaneClustersOf('south', 'outside')],
    causes: ['topology/unmatched-control-plane-clusters'],
  },
  {
    name: 'a further remote is not annotated',
    mesh: 'an external control plane',
    edits: [controlPlaneClustersOf('south', undefined)],
    causes: ['topology/unmatched-control-plane-clusters'],
  },
  {
    name: 'the annotation of a further remote has the word of the guide',
    mesh: 'an external control plane',
    edits: [controlPlaneClustersOf('south', 'Kubernetes')],
    causes: ['topology/unmatched-control-plane-clusters'],
  },
  {
    name: 'the secret of a further remote is missing',
    mesh: 'an external control plane',
    edits: [own.without('outside', 'Secret', 'external-istiod', 'istio-remote-secret-south'), inCluster('south', neverLed)],
    causes: ['remote-secret/missing-remote-secret'],
    certainty: 'likely',
  },
  {
    name: 'the kubeconfig of the config cluster is missing',
    mesh: 'an external control plane',
    edits: [own.without('outside', 'Secret', 'external-istiod', 'istio-kubeconfig')],
    causes: ['remote-secret/missing-remote-secret'],
    severity: 'warning',
    exit: 0,
  },
  {
    name: 'EXTERNAL_ISTIOD is not set',
    mesh: 'an external control plane',
    edits: [externalUnset('outside'), inCluster('south', neverLed)],
    causes: ['topology/unset-external-istiod'],
  },
  {
    name: 'the secret of a further remote lies beside the other istiod',
    mesh: 'an external control plane',
    edits: [
      own.patched('outside', 'Secret', 'external-istiod', 'istio-remote-secret-south', (o) =>
        put(o, ['metadata', 'namespace'], 'istio-system'),
      ),
      inCluster('south', neverLed),
    ],
    causes: ['remote-secret/missing-remote-secret'],
    certainty: 'likely',
  },
  {
    name: 'the secret of a further remote was made under the name of its context',
    mesh: 'an external control plane',
    edits: [secretRekeyed({ cluster: 'outside', of: 'south', key: 'kind-south' })],
    causes: ['remote-secret/mismatched-secret-key'],
  },
  {
    name: 'the injection url of the config cluster was copied to a further remote',
    mesh: 'an external control plane',
    edits: [
      inCluster('south', (os) =>
        os.map((o) =>
          o.kind === 'MutatingWebhookConfiguration'
            ? put(o, ['webhooks', '*', 'clientConfig', 'url'], 'https://istiod.mesh.example.com:15017/inject/cluster/inside/net/network1')
            : o,
        ),
      ),
    ],
    causes: ['topology/mismatched-injection-path'],
  },
  {
    name: 'the reader of a further remote may not read pods',
    mesh: 'an external control plane',
    edits: [readerWithout({ cluster: 'south', resource: 'pods' })],
    causes: ['remote-secret/insufficient-reader-role'],
  },
  {
    name: 'the account of the reader of a further remote was made again',
    mesh: 'an external control plane',
    edits: [readerTokenRevoked({ cluster: 'outside', of: 'south', by: 'rotated' })],
    causes: ['remote-secret/revoked-credential'],
  },
  // Ambient.
  {
    name: 'the load balancer of a gateway never got an address',
    mesh: 'ambient',
    edits: [own.ambientGatewayPending({ cluster: 'west' })],
    causes: ['east-west/unaddressed-gateway'],
  },
  {
    name: 'one cluster has no gateway',
    mesh: 'ambient',
    edits: [
      inCluster('west', (os) =>
        os.filter(
          (o) =>
            o.metadata.name !== 'istio-eastwestgateway' &&
            labelsOf(o)['gateway.networking.k8s.io/gateway-name'] !== 'istio-eastwestgateway',
        ),
      ),
    ],
    causes: ['east-west/missing-east-west-gateway'],
  },
  {
    name: 'a Gateway lost its label, which its Service keeps',
    mesh: 'ambient',
    edits: [
      inCluster('west', (os) =>
        os.map((o) =>
          isNamed('Gateway', 'istio-eastwestgateway', 'istio-system')(o) ? label(o, 'topology.istio.io/network', undefined) : o,
        ),
      ),
    ],
    causes: ['east-west/missing-east-west-gateway'],
  },
  {
    name: 'one cluster lost its network label',
    mesh: 'ambient',
    edits: [networkLabelRemoved({ cluster: 'west' })],
    causes: ['topology/missing-network-label'],
  },
  {
    name: 'a secret was deleted',
    mesh: 'ambient',
    edits: [remoteSecretDeleted(secret('west'))],
    causes: ['remote-secret/missing-remote-secret'],
    certainty: 'likely',
  },
  {
    name: 'the root was replaced in one of them',
    mesh: 'ambient',
    edits: [anotherRoot({ cluster: 'west', root: secondRoot, ca: 'plugged-in' })],
    causes: ['trust/divergent-roots'],
  },
  {
    name: 'a secret was made under the name of the context',
    mesh: 'ambient',
    edits: [secretRekeyed({ ...secret('west'), key: 'kind-west' })],
    causes: ['remote-secret/mismatched-secret-key'],
    severity: 'info',
    exit: 0,
  },
  // Two at once, canary.
  {
    name: 'one remote lost its secret, the other its gateway',
    mesh: 'two remotes',
    edits: [remoteSecretDeleted(secret('south')), gatewayRemoved({ cluster: 'west' })],
    causes: ['east-west/missing-east-west-gateway', 'remote-secret/missing-remote-secret'],
  },
  {
    name: 'the secret was deleted',
    mesh: 'an upgrade in flight',
    edits: [remoteSecretDeleted(secret('west'))],
    causes: ['remote-secret/missing-remote-secret'],
    certainty: 'likely',
  },
  {
    name: 'the annotation never named the primary',
    mesh: 'an upgrade in flight',
    edits: [controlPlaneClusters({ cluster: 'west', primary: 'east', value: 'nobody', leader: 'never' })],
    causes: ['topology/unmatched-control-plane-clusters'],
  },
  {
    name: 'EXTERNAL_ISTIOD was taken away',
    mesh: 'two remotes',
    edits: [externalIstiodUnset({ cluster: 'east' })],
    causes: ['topology/unset-external-istiod'],
  },
];

function controlPlaneClustersOf(cluster: string, value: string | undefined): Edit {
  return inOrder(
    own.patched(cluster, 'Namespace', undefined, 'external-istiod', (object) =>
      put(object, ['metadata', 'annotations', 'topology.istio.io/controlPlaneClusters'], value),
    ),
    inCluster(cluster, neverLed),
  );
}

function externalUnset(cluster: string): Edit {
  return inCluster(cluster, (objects) =>
    objects.map((object) =>
      object.kind === 'Deployment' && object.metadata.namespace === 'external-istiod'
        ? put(object, ['spec', 'template', 'spec', 'containers', '*', 'env'], withoutVariable(object))
        : object,
    ),
  );
}

function withoutVariable(object: unknown): unknown {
  const text = JSON.stringify(object);
  const parsed = JSON.parse(text) as { spec: { template: { spec: { containers: { env?: { name: string }[] }[] } } } };
  return parsed.spec.template.spec.containers[0]?.env?.filter((entry) => entry.name !== 'EXTERNAL_ISTIOD');
}
