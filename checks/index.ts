// Written by `npm run gen`. Do not edit.
import type { RegisteredCheck } from '../src/engine/types.ts';
import * as ambientArea from './ambient/_area.ts';
import * as cloudArea from './cloud/_area.ts';
import * as controlPlaneExposureArea from './control-plane-exposure/_area.ts';
import * as dnsArea from './dns/_area.ts';
import * as eastWestArea from './east-west/_area.ts';
import * as injectionArea from './injection/_area.ts';
import * as policyArea from './policy/_area.ts';
import * as remoteSecretArea from './remote-secret/_area.ts';
import * as scaleArea from './scale/_area.ts';
import * as topologyArea from './topology/_area.ts';
import * as trustArea from './trust/_area.ts';
import * as versionArea from './version/_area.ts';
import bridgedRoots from './ambient/bridged-roots/check.ts';
import bypassedWaypointPolicy from './ambient/bypassed-waypoint-policy/check.ts';
import disabledMultiNetwork from './ambient/disabled-multi-network/check.ts';
import divergentAmbientTrustDomain from './ambient/divergent-ambient-trust-domain/check.ts';
import divertedIngress from './ambient/diverted-ingress/check.ts';
import faultyAmbientRelease from './ambient/faulty-ambient-release/check.ts';
import hboneOnlyGateway from './ambient/hbone-only-gateway/check.ts';
import inconsistentServiceScope from './ambient/inconsistent-service-scope/check.ts';
import ineffectiveRegionFailover from './ambient/ineffective-region-failover/check.ts';
import leakingWaypoint from './ambient/leaking-waypoint/check.ts';
import oneSidedWaypoint from './ambient/one-sided-waypoint/check.ts';
import rejectedAmbientGateway from './ambient/rejected-ambient-gateway/check.ts';
import singleNetworkWaypoint from './ambient/single-network-waypoint/check.ts';
import undeclaredService from './ambient/undeclared-service/check.ts';
import unsupportedAmbientTopology from './ambient/unsupported-ambient-topology/check.ts';
import withheldServiceEntry from './ambient/withheld-service-entry/check.ts';
import failingHealthCheck from './cloud/failing-health-check/check.ts';
import limitedAddOn from './cloud/limited-add-on/check.ts';
import narrowSourceRanges from './cloud/narrow-source-ranges/check.ts';
import terminatingLoadBalancer from './cloud/terminating-load-balancer/check.ts';
import unreachableInjector from './cloud/unreachable-injector/check.ts';
import unreadProxyHeader from './cloud/unread-proxy-header/check.ts';
import deniedIstiodConnection from './control-plane-exposure/denied-istiod-connection/check.ts';
import foreignIstiodCertificate from './control-plane-exposure/foreign-istiod-certificate/check.ts';
import misdirectedProxy from './control-plane-exposure/misdirected-proxy/check.ts';
import mismatchedExposedRevision from './control-plane-exposure/mismatched-exposed-revision/check.ts';
import mismatchedIstiodCertificate from './control-plane-exposure/mismatched-istiod-certificate/check.ts';
import missingIstiodPort from './control-plane-exposure/missing-istiod-port/check.ts';
import rejectedIstiodCall from './control-plane-exposure/rejected-istiod-call/check.ts';
import shadowedIstiodRoute from './control-plane-exposure/shadowed-istiod-route/check.ts';
import stalePilotAddress from './control-plane-exposure/stale-pilot-address/check.ts';
import unavailableIstiod from './control-plane-exposure/unavailable-istiod/check.ts';
import unconnectedProxy from './control-plane-exposure/unconnected-proxy/check.ts';
import unexposedIstiod from './control-plane-exposure/unexposed-istiod/check.ts';
import untrustedExposure from './control-plane-exposure/untrusted-exposure/check.ts';
import ambiguousService from './dns/ambiguous-service/check.ts';
import bypassedSidecar from './dns/bypassed-sidecar/check.ts';
import clusterLocalService from './dns/cluster-local-service/check.ts';
import leftoverGlobalName from './dns/leftover-global-name/check.ts';
import mismatchedPortName from './dns/mismatched-port-name/check.ts';
import mixedHeadlessService from './dns/mixed-headless-service/check.ts';
import nodeLocalService from './dns/node-local-service/check.ts';
import staleDnsCapture from './dns/stale-dns-capture/check.ts';
import unansweredName from './dns/unanswered-name/check.ts';
import undiscoveredNamespace from './dns/undiscovered-namespace/check.ts';
import unexportedService from './dns/unexported-service/check.ts';
import unmergedPort from './dns/unmerged-port/check.ts';
import unmeshedNamespace from './dns/unmeshed-namespace/check.ts';
import unnamedStatefulPod from './dns/unnamed-stateful-pod/check.ts';
import unreachableHeadlessService from './dns/unreachable-headless-service/check.ts';
import unresolvableService from './dns/unresolvable-service/check.ts';
import unroutedStubService from './dns/unrouted-stub-service/check.ts';
import collidingGateways from './east-west/colliding-gateways/check.ts';
import deniedNetworkPath from './east-west/denied-network-path/check.ts';
import failingPodCall from './east-west/failing-pod-call/check.ts';
import foreignGatewayCertificate from './east-west/foreign-gateway-certificate/check.ts';
import missingCrossNetworkPort from './east-west/missing-cross-network-port/check.ts';
import missingEastWestGateway from './east-west/missing-east-west-gateway/check.ts';
import missingEndpointShard from './east-west/missing-endpoint-shard/check.ts';
import publicGateway from './east-west/public-gateway/check.ts';
import rejectedCrossNetworkCall from './east-west/rejected-cross-network-call/check.ts';
import terminatedCrossNetworkTls from './east-west/terminated-cross-network-tls/check.ts';
import unaddressedGateway from './east-west/unaddressed-gateway/check.ts';
import unbackedGatewayNode from './east-west/unbacked-gateway-node/check.ts';
import unconfiguredGateway from './east-west/unconfigured-gateway/check.ts';
import unexpectedSidecarEndpoints from './east-west/unexpected-sidecar-endpoints/check.ts';
import unexposedServices from './east-west/unexposed-services/check.ts';
import unkeptConnection from './east-west/unkept-connection/check.ts';
import unlistedGateway from './east-west/unlisted-gateway/check.ts';
import unreachableGateway from './east-west/unreachable-gateway/check.ts';
import unreadExternalIps from './east-west/unread-external-ips/check.ts';
import unreadyEastWestGateway from './east-west/unready-east-west-gateway/check.ts';
import unresolvedGatewayHostname from './east-west/unresolved-gateway-hostname/check.ts';
import unusableGatewayFamily from './east-west/unusable-gateway-family/check.ts';
import contradictingInjectionLabels from './injection/contradicting-injection-labels/check.ts';
import danglingInjectorService from './injection/dangling-injector-service/check.ts';
import externalNameInjectorService from './injection/external-name-injector-service/check.ts';
import failingInjection from './injection/failing-injection/check.ts';
import missingDiscoveryService from './injection/missing-discovery-service/check.ts';
import overwrittenPodNetworks from './injection/overwritten-pod-networks/check.ts';
import prematureCanaryGateway from './injection/premature-canary-gateway/check.ts';
import prematureIstiod from './injection/premature-istiod/check.ts';
import sharedIstiodService from './injection/shared-istiod-service/check.ts';
import staleCaBundle from './injection/stale-ca-bundle/check.ts';
import staleValidatorCaBundle from './injection/stale-validator-ca-bundle/check.ts';
import strayIstiod from './injection/stray-istiod/check.ts';
import unservedGatewayRevision from './injection/unserved-gateway-revision/check.ts';
import unservedInjector from './injection/unserved-injector/check.ts';
import unservedRevision from './injection/unserved-revision/check.ts';
import alteredCrossNetworkPort from './policy/altered-cross-network-port/check.ts';
import disabledMutualTls from './policy/disabled-mutual-tls/check.ts';
import foreignPrincipal from './policy/foreign-principal/check.ts';
import inertConfiguration from './policy/inert-configuration/check.ts';
import mismatchedClientTls from './policy/mismatched-client-tls/check.ts';
import missingCallerRules from './policy/missing-caller-rules/check.ts';
import missingOutlierDetection from './policy/missing-outlier-detection/check.ts';
import missingSubset from './policy/missing-subset/check.ts';
import overridingServiceEntry from './policy/overriding-service-entry/check.ts';
import staleMeshConfig from './policy/stale-mesh-config/check.ts';
import unevenAuthorization from './policy/uneven-authorization/check.ts';
import uninjectedEndpoints from './policy/uninjected-endpoints/check.ts';
import unknownDestination from './policy/unknown-destination/check.ts';
import unreadConfiguration from './policy/unread-configuration/check.ts';
import unseenSourceAddress from './policy/unseen-source-address/check.ts';
import unservedLocality from './policy/unserved-locality/check.ts';
import divergentReplicas from './remote-secret/divergent-replicas/check.ts';
import duplicateRemoteSecret from './remote-secret/duplicate-remote-secret/check.ts';
import expiredCredential from './remote-secret/expired-credential/check.ts';
import expiringApiServerCa from './remote-secret/expiring-api-server-ca/check.ts';
import insufficientReaderRole from './remote-secret/insufficient-reader-role/check.ts';
import loopbackServer from './remote-secret/loopback-server/check.ts';
import mismatchedApiServerCa from './remote-secret/mismatched-api-server-ca/check.ts';
import mismatchedSecretKey from './remote-secret/mismatched-secret-key/check.ts';
import missingRemoteSecret from './remote-secret/missing-remote-secret/check.ts';
import orphanedRemoteSecret from './remote-secret/orphaned-remote-secret/check.ts';
import rejectedKubeconfig from './remote-secret/rejected-kubeconfig/check.ts';
import revokedCredential from './remote-secret/revoked-credential/check.ts';
import selfRemoteSecret from './remote-secret/self-remote-secret/check.ts';
import severedCluster from './remote-secret/severed-cluster/check.ts';
import uncreatableRemoteSecret from './remote-secret/uncreatable-remote-secret/check.ts';
import unreadRemoteSecret from './remote-secret/unread-remote-secret/check.ts';
import unsyncedCluster from './remote-secret/unsynced-cluster/check.ts';
import crowdedGateway from './scale/crowded-gateway/check.ts';
import killedIstiod from './scale/killed-istiod/check.ts';
import limitedIstiodCpu from './scale/limited-istiod-cpu/check.ts';
import needlessPushes from './scale/needless-pushes/check.ts';
import rejectedPush from './scale/rejected-push/check.ts';
import wastefulRelease from './scale/wasteful-release/check.ts';
import divergentClusterDomain from './topology/divergent-cluster-domain/check.ts';
import divergentMeshNetworks from './topology/divergent-mesh-networks/check.ts';
import duplicateClusterId from './topology/duplicate-cluster-id/check.ts';
import mismatchedClusterId from './topology/mismatched-cluster-id/check.ts';
import mismatchedGatewayNetwork from './topology/mismatched-gateway-network/check.ts';
import mismatchedInjectionPath from './topology/mismatched-injection-path/check.ts';
import mismatchedNetworkView from './topology/mismatched-network-view/check.ts';
import missingNetworkLabel from './topology/missing-network-label/check.ts';
import sharedNetwork from './topology/shared-network/check.ts';
import staleProxyNetwork from './topology/stale-proxy-network/check.ts';
import terminatingNamespace from './topology/terminating-namespace/check.ts';
import unledRemote from './topology/unled-remote/check.ts';
import unmatchedControlPlaneClusters from './topology/unmatched-control-plane-clusters/check.ts';
import unsetExternalIstiod from './topology/unset-external-istiod/check.ts';
import divergentRoots from './trust/divergent-roots/check.ts';
import expiringCaBundle from './trust/expiring-ca-bundle/check.ts';
import expiringRoot from './trust/expiring-root/check.ts';
import expiringSigningCa from './trust/expiring-signing-ca/check.ts';
import foreignRoot from './trust/foreign-root/check.ts';
import ineffectiveExtraRoots from './trust/ineffective-extra-roots/check.ts';
import missingRoot from './trust/missing-root/check.ts';
import mistakenTrustDomain from './trust/mistaken-trust-domain/check.ts';
import publishedCa from './trust/published-ca/check.ts';
import unfinishedRootRotation from './trust/unfinished-root-rotation/check.ts';
import unrenewedSidecarCertificate from './trust/unrenewed-sidecar-certificate/check.ts';
import unusedCacerts from './trust/unused-cacerts/check.ts';
import distantControlPlanes from './version/distant-control-planes/check.ts';
import interruptedUpgrade from './version/interrupted-upgrade/check.ts';
import knownBadRelease from './version/known-bad-release/check.ts';
import mismatchedProxyVersion from './version/mismatched-proxy-version/check.ts';
import outdatedCrds from './version/outdated-crds/check.ts';
import unsupportedKubernetes from './version/unsupported-kubernetes/check.ts';

/** Areas in the order in which people read about them. */
export const areas: readonly { readonly id: string; readonly title: string; readonly order: number }[] = [
  { id: 'ambient', title: ambientArea.title, order: ambientArea.order },
  { id: 'cloud', title: cloudArea.title, order: cloudArea.order },
  { id: 'control-plane-exposure', title: controlPlaneExposureArea.title, order: controlPlaneExposureArea.order },
  { id: 'dns', title: dnsArea.title, order: dnsArea.order },
  { id: 'east-west', title: eastWestArea.title, order: eastWestArea.order },
  { id: 'injection', title: injectionArea.title, order: injectionArea.order },
  { id: 'policy', title: policyArea.title, order: policyArea.order },
  { id: 'remote-secret', title: remoteSecretArea.title, order: remoteSecretArea.order },
  { id: 'scale', title: scaleArea.title, order: scaleArea.order },
  { id: 'topology', title: topologyArea.title, order: topologyArea.order },
  { id: 'trust', title: trustArea.title, order: trustArea.order },
  { id: 'version', title: versionArea.title, order: versionArea.order },
].sort((a, b) => a.order - b.order);

/** Every built-in check, sorted by area and id. */
export const builtin: readonly RegisteredCheck[] = [
  { check: bridgedRoots, area: 'ambient', origin: 'built-in' },
  { check: bypassedWaypointPolicy, area: 'ambient', origin: 'built-in' },
  { check: disabledMultiNetwork, area: 'ambient', origin: 'built-in' },
  { check: divergentAmbientTrustDomain, area: 'ambient', origin: 'built-in' },
  { check: divertedIngress, area: 'ambient', origin: 'built-in' },
  { check: faultyAmbientRelease, area: 'ambient', origin: 'built-in' },
  { check: hboneOnlyGateway, area: 'ambient', origin: 'built-in' },
  { check: inconsistentServiceScope, area: 'ambient', origin: 'built-in' },
  { check: ineffectiveRegionFailover, area: 'ambient', origin: 'built-in' },
  { check: leakingWaypoint, area: 'ambient', origin: 'built-in' },
  { check: oneSidedWaypoint, area: 'ambient', origin: 'built-in' },
  { check: rejectedAmbientGateway, area: 'ambient', origin: 'built-in' },
  { check: singleNetworkWaypoint, area: 'ambient', origin: 'built-in' },
  { check: undeclaredService, area: 'ambient', origin: 'built-in' },
  { check: unsupportedAmbientTopology, area: 'ambient', origin: 'built-in' },
  { check: withheldServiceEntry, area: 'ambient', origin: 'built-in' },
  { check: failingHealthCheck, area: 'cloud', origin: 'built-in' },
  { check: limitedAddOn, area: 'cloud', origin: 'built-in' },
  { check: narrowSourceRanges, area: 'cloud', origin: 'built-in' },
  { check: terminatingLoadBalancer, area: 'cloud', origin: 'built-in' },
  { check: unreachableInjector, area: 'cloud', origin: 'built-in' },
  { check: unreadProxyHeader, area: 'cloud', origin: 'built-in' },
  { check: deniedIstiodConnection, area: 'control-plane-exposure', origin: 'built-in' },
  { check: foreignIstiodCertificate, area: 'control-plane-exposure', origin: 'built-in' },
  { check: misdirectedProxy, area: 'control-plane-exposure', origin: 'built-in' },
  { check: mismatchedExposedRevision, area: 'control-plane-exposure', origin: 'built-in' },
  { check: mismatchedIstiodCertificate, area: 'control-plane-exposure', origin: 'built-in' },
  { check: missingIstiodPort, area: 'control-plane-exposure', origin: 'built-in' },
  { check: rejectedIstiodCall, area: 'control-plane-exposure', origin: 'built-in' },
  { check: shadowedIstiodRoute, area: 'control-plane-exposure', origin: 'built-in' },
  { check: stalePilotAddress, area: 'control-plane-exposure', origin: 'built-in' },
  { check: unavailableIstiod, area: 'control-plane-exposure', origin: 'built-in' },
  { check: unconnectedProxy, area: 'control-plane-exposure', origin: 'built-in' },
  { check: unexposedIstiod, area: 'control-plane-exposure', origin: 'built-in' },
  { check: untrustedExposure, area: 'control-plane-exposure', origin: 'built-in' },
  { check: ambiguousService, area: 'dns', origin: 'built-in' },
  { check: bypassedSidecar, area: 'dns', origin: 'built-in' },
  { check: clusterLocalService, area: 'dns', origin: 'built-in' },
  { check: leftoverGlobalName, area: 'dns', origin: 'built-in' },
  { check: mismatchedPortName, area: 'dns', origin: 'built-in' },
  { check: mixedHeadlessService, area: 'dns', origin: 'built-in' },
  { check: nodeLocalService, area: 'dns', origin: 'built-in' },
  { check: staleDnsCapture, area: 'dns', origin: 'built-in' },
  { check: unansweredName, area: 'dns', origin: 'built-in' },
  { check: undiscoveredNamespace, area: 'dns', origin: 'built-in' },
  { check: unexportedService, area: 'dns', origin: 'built-in' },
  { check: unmergedPort, area: 'dns', origin: 'built-in' },
  { check: unmeshedNamespace, area: 'dns', origin: 'built-in' },
  { check: unnamedStatefulPod, area: 'dns', origin: 'built-in' },
  { check: unreachableHeadlessService, area: 'dns', origin: 'built-in' },
  { check: unresolvableService, area: 'dns', origin: 'built-in' },
  { check: unroutedStubService, area: 'dns', origin: 'built-in' },
  { check: collidingGateways, area: 'east-west', origin: 'built-in' },
  { check: deniedNetworkPath, area: 'east-west', origin: 'built-in' },
  { check: failingPodCall, area: 'east-west', origin: 'built-in' },
  { check: foreignGatewayCertificate, area: 'east-west', origin: 'built-in' },
  { check: missingCrossNetworkPort, area: 'east-west', origin: 'built-in' },
  { check: missingEastWestGateway, area: 'east-west', origin: 'built-in' },
  { check: missingEndpointShard, area: 'east-west', origin: 'built-in' },
  { check: publicGateway, area: 'east-west', origin: 'built-in' },
  { check: rejectedCrossNetworkCall, area: 'east-west', origin: 'built-in' },
  { check: terminatedCrossNetworkTls, area: 'east-west', origin: 'built-in' },
  { check: unaddressedGateway, area: 'east-west', origin: 'built-in' },
  { check: unbackedGatewayNode, area: 'east-west', origin: 'built-in' },
  { check: unconfiguredGateway, area: 'east-west', origin: 'built-in' },
  { check: unexpectedSidecarEndpoints, area: 'east-west', origin: 'built-in' },
  { check: unexposedServices, area: 'east-west', origin: 'built-in' },
  { check: unkeptConnection, area: 'east-west', origin: 'built-in' },
  { check: unlistedGateway, area: 'east-west', origin: 'built-in' },
  { check: unreachableGateway, area: 'east-west', origin: 'built-in' },
  { check: unreadExternalIps, area: 'east-west', origin: 'built-in' },
  { check: unreadyEastWestGateway, area: 'east-west', origin: 'built-in' },
  { check: unresolvedGatewayHostname, area: 'east-west', origin: 'built-in' },
  { check: unusableGatewayFamily, area: 'east-west', origin: 'built-in' },
  { check: contradictingInjectionLabels, area: 'injection', origin: 'built-in' },
  { check: danglingInjectorService, area: 'injection', origin: 'built-in' },
  { check: externalNameInjectorService, area: 'injection', origin: 'built-in' },
  { check: failingInjection, area: 'injection', origin: 'built-in' },
  { check: missingDiscoveryService, area: 'injection', origin: 'built-in' },
  { check: overwrittenPodNetworks, area: 'injection', origin: 'built-in' },
  { check: prematureCanaryGateway, area: 'injection', origin: 'built-in' },
  { check: prematureIstiod, area: 'injection', origin: 'built-in' },
  { check: sharedIstiodService, area: 'injection', origin: 'built-in' },
  { check: staleCaBundle, area: 'injection', origin: 'built-in' },
  { check: staleValidatorCaBundle, area: 'injection', origin: 'built-in' },
  { check: strayIstiod, area: 'injection', origin: 'built-in' },
  { check: unservedGatewayRevision, area: 'injection', origin: 'built-in' },
  { check: unservedInjector, area: 'injection', origin: 'built-in' },
  { check: unservedRevision, area: 'injection', origin: 'built-in' },
  { check: alteredCrossNetworkPort, area: 'policy', origin: 'built-in' },
  { check: disabledMutualTls, area: 'policy', origin: 'built-in' },
  { check: foreignPrincipal, area: 'policy', origin: 'built-in' },
  { check: inertConfiguration, area: 'policy', origin: 'built-in' },
  { check: mismatchedClientTls, area: 'policy', origin: 'built-in' },
  { check: missingCallerRules, area: 'policy', origin: 'built-in' },
  { check: missingOutlierDetection, area: 'policy', origin: 'built-in' },
  { check: missingSubset, area: 'policy', origin: 'built-in' },
  { check: overridingServiceEntry, area: 'policy', origin: 'built-in' },
  { check: staleMeshConfig, area: 'policy', origin: 'built-in' },
  { check: unevenAuthorization, area: 'policy', origin: 'built-in' },
  { check: uninjectedEndpoints, area: 'policy', origin: 'built-in' },
  { check: unknownDestination, area: 'policy', origin: 'built-in' },
  { check: unreadConfiguration, area: 'policy', origin: 'built-in' },
  { check: unseenSourceAddress, area: 'policy', origin: 'built-in' },
  { check: unservedLocality, area: 'policy', origin: 'built-in' },
  { check: divergentReplicas, area: 'remote-secret', origin: 'built-in' },
  { check: duplicateRemoteSecret, area: 'remote-secret', origin: 'built-in' },
  { check: expiredCredential, area: 'remote-secret', origin: 'built-in' },
  { check: expiringApiServerCa, area: 'remote-secret', origin: 'built-in' },
  { check: insufficientReaderRole, area: 'remote-secret', origin: 'built-in' },
  { check: loopbackServer, area: 'remote-secret', origin: 'built-in' },
  { check: mismatchedApiServerCa, area: 'remote-secret', origin: 'built-in' },
  { check: mismatchedSecretKey, area: 'remote-secret', origin: 'built-in' },
  { check: missingRemoteSecret, area: 'remote-secret', origin: 'built-in' },
  { check: orphanedRemoteSecret, area: 'remote-secret', origin: 'built-in' },
  { check: rejectedKubeconfig, area: 'remote-secret', origin: 'built-in' },
  { check: revokedCredential, area: 'remote-secret', origin: 'built-in' },
  { check: selfRemoteSecret, area: 'remote-secret', origin: 'built-in' },
  { check: severedCluster, area: 'remote-secret', origin: 'built-in' },
  { check: uncreatableRemoteSecret, area: 'remote-secret', origin: 'built-in' },
  { check: unreadRemoteSecret, area: 'remote-secret', origin: 'built-in' },
  { check: unsyncedCluster, area: 'remote-secret', origin: 'built-in' },
  { check: crowdedGateway, area: 'scale', origin: 'built-in' },
  { check: killedIstiod, area: 'scale', origin: 'built-in' },
  { check: limitedIstiodCpu, area: 'scale', origin: 'built-in' },
  { check: needlessPushes, area: 'scale', origin: 'built-in' },
  { check: rejectedPush, area: 'scale', origin: 'built-in' },
  { check: wastefulRelease, area: 'scale', origin: 'built-in' },
  { check: divergentClusterDomain, area: 'topology', origin: 'built-in' },
  { check: divergentMeshNetworks, area: 'topology', origin: 'built-in' },
  { check: duplicateClusterId, area: 'topology', origin: 'built-in' },
  { check: mismatchedClusterId, area: 'topology', origin: 'built-in' },
  { check: mismatchedGatewayNetwork, area: 'topology', origin: 'built-in' },
  { check: mismatchedInjectionPath, area: 'topology', origin: 'built-in' },
  { check: mismatchedNetworkView, area: 'topology', origin: 'built-in' },
  { check: missingNetworkLabel, area: 'topology', origin: 'built-in' },
  { check: sharedNetwork, area: 'topology', origin: 'built-in' },
  { check: staleProxyNetwork, area: 'topology', origin: 'built-in' },
  { check: terminatingNamespace, area: 'topology', origin: 'built-in' },
  { check: unledRemote, area: 'topology', origin: 'built-in' },
  { check: unmatchedControlPlaneClusters, area: 'topology', origin: 'built-in' },
  { check: unsetExternalIstiod, area: 'topology', origin: 'built-in' },
  { check: divergentRoots, area: 'trust', origin: 'built-in' },
  { check: expiringCaBundle, area: 'trust', origin: 'built-in' },
  { check: expiringRoot, area: 'trust', origin: 'built-in' },
  { check: expiringSigningCa, area: 'trust', origin: 'built-in' },
  { check: foreignRoot, area: 'trust', origin: 'built-in' },
  { check: ineffectiveExtraRoots, area: 'trust', origin: 'built-in' },
  { check: missingRoot, area: 'trust', origin: 'built-in' },
  { check: mistakenTrustDomain, area: 'trust', origin: 'built-in' },
  { check: publishedCa, area: 'trust', origin: 'built-in' },
  { check: unfinishedRootRotation, area: 'trust', origin: 'built-in' },
  { check: unrenewedSidecarCertificate, area: 'trust', origin: 'built-in' },
  { check: unusedCacerts, area: 'trust', origin: 'built-in' },
  { check: distantControlPlanes, area: 'version', origin: 'built-in' },
  { check: interruptedUpgrade, area: 'version', origin: 'built-in' },
  { check: knownBadRelease, area: 'version', origin: 'built-in' },
  { check: mismatchedProxyVersion, area: 'version', origin: 'built-in' },
  { check: outdatedCrds, area: 'version', origin: 'built-in' },
  { check: unsupportedKubernetes, area: 'version', origin: 'built-in' },
];
