import { readFileSync } from 'node:fs';
import { type Lab, podsReady } from '../lab/lab.ts';
import { until } from '../lab/processes.ts';
import { programPath } from '../programs.ts';
import * as parts from './parts.ts';
import type { Topology } from './topology.ts';
import { upstreamHbone } from './upstream-hbone.ts';

const gatewayName = 'istio-eastwestgateway';

/** Two ambient primaries on two networks. istiods and gateways are real; ztunnel is an object without a process. */
export const ambient: Topology = {
  name: 'ambient',
  about: 'two primaries of ambient on two networks, default revision, plugged-in intermediates under one root',
  clusters: [
    { name: 'cluster1', region: 'north' },
    { name: 'cluster2', region: 'south' },
  ],
  build: async (lab) => {
    const authority = await parts.newAuthority('Root CA');
    await Promise.all(
      lab.clusters().map(async ({ cluster: { name } }) => {
        await lab.kubectl(name, ['apply', '--server-side', '-f', '-'], readFileSync(programPath('gateway-api.yaml'), 'utf8'));
        await parts.makeNamespace(lab, name, 'istio-system', { labels: { 'topology.istio.io/network': networkOf(name) } });
        await parts.plugInCertificates(lab, name, authority);
        await parts.install(lab, name, ambientOperator(name));
        await lab.apply(name, [upstreamHbone(gatewayName), eastWestGateway(networkOf(name))]);
      }),
    );
    await Promise.all([parts.remoteSecret(lab, 'cluster1', 'cluster2'), parts.remoteSecret(lab, 'cluster2', 'cluster1')]);
    await Promise.all(lab.clusters().map(async ({ cluster: { name } }) => await programmed(lab, name)));
    await Promise.all([addWorkloads(lab, 'cluster1', ['abc', 'both']), addWorkloads(lab, 'cluster2', ['def', 'both'])]);
  },
};

/** network1 for cluster1, and so on. */
export function networkOf(cluster: string): string {
  return cluster.replace('cluster', 'network');
}

function ambientOperator(cluster: string): Record<string, unknown> {
  return parts.operatorOf('ambient', {
    profile: 'ambient',
    components: { pilot: { k8s: { env: [{ name: 'AMBIENT_ENABLE_MULTI_NETWORK', value: 'true' }] } } },
    values: {
      ...parts.telemetryOff,
      global: { meshID: 'mesh1', network: networkOf(cluster), multiCluster: { clusterName: cluster } },
    },
  });
}

/** What the guide's script prints with `--ambient`. */
export function eastWestGateway(network: string, gatewayClassName = 'istio-east-west'): Record<string, unknown> {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: gatewayName, namespace: 'istio-system', labels: { 'topology.istio.io/network': network } },
    spec: {
      gatewayClassName,
      listeners: [
        {
          name: 'mesh',
          port: 15_008,
          protocol: 'HBONE',
          tls: { mode: 'Terminate', options: { 'gateway.istio.io/tls-terminate-mode': 'ISTIO_MUTUAL' } },
        },
      ],
    },
  };
}

/** Waits until istiod has made what the Gateway says and the platform gave it an address. */
export async function programmed(lab: Lab, context: string): Promise<void> {
  await until(
    `Gateway of ${context}`,
    async () => {
      const path = 'jsonpath={.status.conditions[?(@.type=="Programmed")].status} {.status.addresses[0].value}';
      const said = await lab.kubectl(context, ['get', 'gateway', gatewayName, '-n', 'istio-system', '-o', path]);
      return said === `True ${await parts.gatewayAddress(lab, context)}` ? true : undefined;
    },
    180_000,
  );
}

/** Services of the whole mesh, and a caller. */
async function addWorkloads(lab: Lab, context: string, services: readonly string[]): Promise<void> {
  await parts.makeNamespace(lab, context, 'sample', { labels: { 'istio.io/dataplane-mode': 'ambient' } });
  const objects = services.flatMap((name) => parts.application(name, 'sample'));
  await lab.apply(context, [...objects, ...parts.caller('client', 'sample')]);
  for (const name of services) {
    await lab.kubectl(context, ['label', 'service', name, '-n', 'sample', 'istio.io/global=true']);
  }
  await podsReady(lab, context, 'sample', 'app');
}
