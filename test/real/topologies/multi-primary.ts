import { type Lab, podsReady } from '../lab/lab.ts';
import * as parts from './parts.ts';
import type { Topology } from './topology.ts';

/** The default revision, as the guides of Istio have it. */
const revision = '';

/** Two primaries on two networks, as Istio's guide has it. */
export const multiPrimary: Topology = {
  name: 'multi-primary',
  about: 'two primaries on two networks, default revision, plugged-in intermediates under one root',
  clusters: [
    { name: 'cluster1', region: 'north' },
    { name: 'cluster2', region: 'south' },
  ],
  build: async (lab) => {
    const authority = await parts.newAuthority('Root CA');
    parts.keepAuthority(lab, authority);
    await Promise.all(
      lab.clusters().map(async ({ cluster: { name } }) => {
        await parts.makeNamespace(lab, name, 'istio-system', { labels: { 'topology.istio.io/network': networkOf(name) } });
        await parts.plugInCertificates(lab, name, authority);
        await parts.install(lab, name, primaryOperator(name, networkOf(name)));
        await parts.install(lab, name, parts.eastWestGateway(networkOf(name), revision));
        await lab.apply(name, [parts.exposedServices]);
      }),
    );
    await Promise.all([parts.remoteSecret(lab, 'cluster1', 'cluster2'), parts.remoteSecret(lab, 'cluster2', 'cluster1')]);
    await Promise.all([addWorkloads(lab, 'cluster1', 'abc'), addWorkloads(lab, 'cluster2', 'def')]);
  },
};

/** network1 for cluster1, and so on. */
export function networkOf(cluster: string): string {
  return cluster.replace('cluster', 'network');
}

export function primaryOperator(
  cluster: string,
  network: string,
  meshConfig: Readonly<Record<string, unknown>> = parts.meshConfig,
): Record<string, unknown> {
  return parts.operatorOf('primary', {
    profile: 'minimal',
    meshConfig,
    values: { ...parts.telemetryOff, global: { meshID: 'mesh1', network, multiCluster: { clusterName: cluster } } },
  });
}

/** Namespace sample with one Service of its own and a caller. */
export async function addWorkloads(lab: Lab, context: string, service: string): Promise<void> {
  await parts.makeNamespace(lab, context, 'sample', { labels: { 'istio-injection': 'enabled' } });
  await lab.apply(context, [...parts.application(service, 'sample'), ...parts.caller('client', 'sample')]);
  await podsReady(lab, context, 'sample', 'app');
}
