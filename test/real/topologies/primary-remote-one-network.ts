import { addWorkloads } from './multi-primary.ts';
import * as parts from './parts.ts';
import type { Topology } from './topology.ts';

/** A primary and a remote whose pods reach each other; the gateway is for istiod alone. */
export const primaryRemoteOneNetwork: Topology = {
  name: 'primary-remote-one-network',
  about: 'a primary and a remote on one network, default revision, a CA of istiod itself, a gateway for istiod only',
  clusters: [
    { name: 'cluster1', region: 'north' },
    { name: 'cluster2', region: 'south' },
  ],
  build: async (lab) => {
    await parts.makeNamespace(lab, 'cluster1', 'istio-system');
    await parts.install(
      lab,
      'cluster1',
      parts.operatorOf('primary', {
        profile: 'minimal',
        meshConfig: parts.meshConfig,
        values: {
          ...parts.telemetryOff,
          global: { meshID: 'mesh1', network: 'network1', externalIstiod: true, multiCluster: { clusterName: 'cluster1' } },
        },
      }),
    );
    await parts.install(lab, 'cluster1', parts.eastWestGateway('network1', ''));
    await lab.apply('cluster1', parts.exposedIstiod(''));
    await parts.makeNamespace(lab, 'cluster2', 'istio-system', { annotations: { 'topology.istio.io/controlPlaneClusters': 'cluster1' } });
    // The guide gives the remote neither a cluster's name nor a network: both come in the injection path.
    await parts.install(
      lab,
      'cluster2',
      parts.operatorOf('remote', {
        profile: 'remote',
        values: {
          istiodRemote: { injectionPath: '/inject/cluster/cluster2/net/network1' },
          global: { remotePilotAddress: await parts.gatewayAddress(lab, 'cluster1') },
        },
      }),
    );
    await parts.remoteSecret(lab, 'cluster1', 'cluster2');
    await Promise.all([addWorkloads(lab, 'cluster1', 'abc'), addWorkloads(lab, 'cluster2', 'def')]);
  },
};
