import { stringify } from 'yaml';
import { type Lab, podsReady } from '../lab/lab.ts';
import { until } from '../lab/processes.ts';
import * as parts from './parts.ts';
import type { Topology } from './topology.ts';

/** Namespace of the external istiod, in its own cluster and in the config cluster. */
export const namespace = 'external-istiod';

/** istiod in one cluster, its workloads and its configuration in another: the guide's form for an address without a public certificate. */
export const external: Topology = {
  name: 'external',
  about: 'an external control plane in cluster1 beside a mesh of its own, config cluster cluster2, reached by IP address',
  clusters: [
    { name: 'cluster1', region: 'north' },
    { name: 'cluster2', region: 'south' },
  ],
  build: async (lab) => {
    await parts.install(lab, 'cluster1', ingressOperator());
    const address = await parts.gatewayAddress(lab, 'cluster1', 'istio-ingressgateway');
    await parts.makeNamespace(lab, 'cluster2', namespace);
    await applyConfigCluster(lab, address);
    await parts.makeNamespace(lab, 'cluster1', namespace);
    await lab.apply('cluster1', [{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'istiod-service-account', namespace } }]);
    await giveKubeconfig(lab);
    await parts.install(lab, 'cluster1', externalOperator(address));
    await lab.apply('cluster1', exposure);
    await injects(lab);
    await addWorkloads(lab);
  },
};

/** A mesh of cluster1's own, with a gateway for the ports of the external istiod. */
function ingressOperator(): Record<string, unknown> {
  const port = (name: string, number: number): Record<string, unknown> => ({ name, port: number, targetPort: number });
  const ports = [port('status-port', 15_021), port('tls-xds', 15_012), port('tls-webhook', 15_017)];
  return parts.operatorOf('gateway', {
    components: { ingressGateways: [{ name: 'istio-ingressgateway', enabled: true, k8s: { service: { ports } } }] },
    values: parts.telemetryOff,
  });
}

/** What the config cluster has of Istio: definitions, mesh configuration, rights, and an injector behind the address. */
export async function applyConfigCluster(lab: Lab, address: string): Promise<void> {
  const operator = parts.operatorOf('config-cluster', {
    profile: 'remote',
    values: {
      global: { istioNamespace: namespace, configCluster: true, remotePilotAddress: address },
      pilot: { configMap: true },
      istiodRemote: { injectionPath: '/inject/cluster/cluster2/net/network1' },
    },
  });
  const manifest = await lab.istioctl(
    'cluster2',
    ['manifest', 'generate', '-f', '-', '--set', 'values.defaultRevision=default'],
    stringify({ ...operator, metadata: { name: 'config-cluster', namespace } }),
  );
  await lab.kubectl('cluster2', ['apply', '--validate=false', '-f', '-'], manifest);
}

/** Secret istio-kubeconfig, by which the external istiod reads the config cluster. */
export async function giveKubeconfig(lab: Lab): Promise<void> {
  const more = ['--type=config', `--namespace=${namespace}`, '--service-account=istiod', '--create-service-account=false'];
  const secret = await lab.istioctl('cluster2', ['create-remote-secret', ...more]);
  await lab.kubectl('cluster1', ['apply', '-f', '-'], secret);
}

/** The external istiod; an address without a public certificate needs it in istiod's own. */
export function externalOperator(address: string): Record<string, unknown> {
  const volume = (name: string, configMap: string): Record<string, unknown> => ({
    path: 'spec.template.spec.volumes[100]',
    value: stringify({ name, configMap: { name: configMap } }),
  });
  const mount = (name: string, mountPath: string): Record<string, unknown> => ({
    path: 'spec.template.spec.containers[0].volumeMounts[100]',
    value: stringify({ name, mountPath }),
  });
  const env = {
    INJECTION_WEBHOOK_CONFIG_NAME: `istio-sidecar-injector-${namespace}`,
    VALIDATION_WEBHOOK_CONFIG_NAME: `istio-validator-${namespace}`,
    EXTERNAL_ISTIOD: 'true',
    LOCAL_CLUSTER_SECRET_WATCHER: 'true',
    CLUSTER_ID: 'cluster2',
    SHARED_MESH_CONFIG: 'istio',
    ISTIOD_CUSTOM_HOST: address,
  };
  const patches = [
    volume('config-volume', 'istio'),
    volume('inject-volume', 'istio-sidecar-injector'),
    mount('config-volume', '/etc/istio/config'),
    mount('inject-volume', '/var/lib/istio/inject'),
  ];
  return parts.operatorOf('external', {
    profile: 'empty',
    meshConfig: {
      rootNamespace: namespace,
      defaultConfig: { ...parts.meshConfig.defaultConfig, discoveryAddress: `${address}:15012` },
    },
    components: {
      pilot: {
        enabled: true,
        k8s: {
          overlays: [{ kind: 'Deployment', name: 'istiod', patches }],
          env: Object.entries(env).map(([name, value]) => ({ name, value })),
        },
      },
    },
    values: {
      ...parts.telemetryOff,
      global: {
        externalIstiod: true,
        caAddress: `${address}:15012`,
        istioNamespace: namespace,
        operatorManageWebhooks: true,
        configValidation: false,
        meshID: 'mesh1',
        multiCluster: { clusterName: 'cluster2' },
        network: 'network1',
      },
    },
  });
}

const host = `istiod.${namespace}.svc.cluster.local`;

/** The external istiod behind the ports of the ingress gateway, TLS untouched. */
export const exposure: readonly Record<string, unknown>[] = [
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: 'external-istiod-gw', namespace },
    spec: {
      selector: { istio: 'ingressgateway' },
      servers: [server(15_012, 'tls-xds'), server(15_017, 'tls-webhook')],
    },
  },
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'external-istiod-vs', namespace },
    spec: { hosts: ['*'], gateways: ['external-istiod-gw'], tls: [route(15_012, 15_012), route(15_017, 443)] },
  },
];

function server(number: number, name: string): Record<string, unknown> {
  return { port: { number, name, protocol: 'TLS' }, tls: { mode: 'PASSTHROUGH' }, hosts: ['*'] };
}

function route(port: number, to: number): Record<string, unknown> {
  return { match: [{ port, sniHosts: ['*'] }], route: [{ destination: { host, port: { number: to } } }] };
}

/** Waits until pods of the config cluster can be injected: the gateway has its routes and the webhook its authority. */
async function injects(lab: Lab): Promise<void> {
  await parts.makeNamespace(lab, 'cluster2', 'sample', { labels: { 'istio-injection': 'enabled' } });
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'trial', namespace: 'sample' },
    spec: { containers: [{ name: 'app', image: 'app' }] },
  };
  await until(
    'injection in cluster2',
    async () => {
      const made = await lab.kubectl(
        'cluster2',
        ['create', '--validate=false', '--dry-run=server', '-o', 'json', '-f', '-'],
        JSON.stringify(pod),
      );
      return made.includes('istio-proxy') ? true : undefined;
    },
    120_000,
  );
}

async function addWorkloads(lab: Lab): Promise<void> {
  await lab.apply('cluster2', [
    ...parts.application('abc', 'sample'),
    ...parts.application('def', 'sample'),
    ...parts.caller('client', 'sample'),
  ]);
  await podsReady(lab, 'cluster2', 'sample', 'app');
}
