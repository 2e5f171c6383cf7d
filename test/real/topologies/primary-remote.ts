import { type Lab, podsReady } from '../lab/lab.ts';
import * as parts from './parts.ts';
import type { Topology } from './topology.ts';

const { revision } = parts;

/** A primary and a remote on two networks, one revision: the set-up that this tool grew from. */
export const primaryRemote: Topology = {
  name: 'primary-remote',
  about: 'a primary and a remote on two networks, revision 1-31-0, plugged-in intermediates under one root',
  clusters: [
    { name: 'cluster1', region: 'north' },
    { name: 'cluster2', region: 'south' },
  ],
  build: async (lab) => {
    const authority = await parts.newAuthority('Root CA');
    parts.keepAuthority(lab, authority);
    await parts.makeNamespace(lab, 'cluster1', 'istio-system', { labels: { 'topology.istio.io/network': 'network1' } });
    await parts.plugInCertificates(lab, 'cluster1', authority);
    await parts.install(lab, 'cluster1', primaryOperator());
    await parts.install(lab, 'cluster1', parts.eastWestGateway('network1', revision));
    await lab.apply('cluster1', [...parts.exposedIstiod(revision), parts.exposedServices]);
    await joinRemote(lab);
    await Promise.all([addWorkloads(lab, 'cluster1', 'abc'), addWorkloads(lab, 'cluster2', 'def')]);
  },
};

export function primaryOperator(rev = revision): Record<string, unknown> {
  return parts.operatorOf(rev === revision ? 'primary' : `primary-${rev}`, {
    profile: 'minimal',
    revision: rev,
    meshConfig: parts.meshConfig,
    values: {
      ...parts.telemetryOff,
      global: { meshID: 'mesh1', network: 'network1', externalIstiod: true, multiCluster: { clusterName: 'cluster1' } },
    },
  });
}

export async function remoteOperator(lab: Lab, rev = revision): Promise<Record<string, unknown>> {
  return parts.operatorOf(rev === revision ? 'remote' : `remote-${rev}`, {
    profile: 'remote',
    revision: rev,
    values: {
      istiodRemote: { injectionPath: '/inject/cluster/cluster2/net/network2' },
      global: {
        remotePilotAddress: await parts.gatewayAddress(lab, 'cluster1'),
        meshID: 'mesh1',
        network: 'network2',
        multiCluster: { clusterName: 'cluster2' },
      },
    },
  });
}

/** What makes cluster2 a remote, in the order of the guide. */
export async function joinRemote(lab: Lab): Promise<void> {
  await parts.makeNamespace(lab, 'cluster2', 'istio-system', {
    labels: { 'topology.istio.io/network': 'network2' },
    annotations: { 'topology.istio.io/controlPlaneClusters': 'cluster1' },
  });
  await parts.install(lab, 'cluster2', await remoteOperator(lab));
  await parts.remoteSecret(lab, 'cluster1', 'cluster2');
  await parts.install(lab, 'cluster2', parts.eastWestGateway('network2', revision));
}

/** Namespace sample with one Service of its own and a caller. */
export async function addWorkloads(lab: Lab, context: string, service: string): Promise<void> {
  await parts.makeNamespace(lab, context, 'sample', { labels: { 'istio.io/rev': revision } });
  await lab.apply(context, [...parts.application(service, 'sample'), ...parts.caller('client', 'sample')]);
  await podsReady(lab, context, 'sample', 'app');
}
