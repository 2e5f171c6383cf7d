import { type Lab, podsReady } from '../lab/lab.ts';
import { until } from '../lab/processes.ts';
import * as parts from '../topologies/parts.ts';
import type { Fault } from './fault.ts';
import { kept } from './kept.ts';
import { gone, networking, sample } from './objects.ts';
import { restarted } from './restarts.ts';

/*
 * Services and waypoints that ambient clusters do not have alike, what ambient asks of trust, and sidecars beside it.
 */

const topology = 'ambient';
const both = ['cluster1', 'cluster2'] as const;
const system = 'istio-system';
const shared = ['service', 'both', '-n', sample] as const;
const objects = {
  service: kept('cluster2', 'service', 'both', sample),
  meshConfigs: both.map((context) => kept(context, 'configmap', 'istio', system)),
  cacerts: kept('cluster2', 'secret', 'cacerts', system),
};

export const ambientServiceFaults: readonly Fault[] = [
  {
    id: 'ambient-global-label-forgotten',
    about: 'A Service was labelled global in one ambient cluster and not in the other.',
    topology,
    stage: async (lab) => void (await lab.kubectl('cluster2', ['label', ...shared, 'istio.io/global-'])),
    undo: async (lab) => void (await lab.kubectl('cluster2', ['label', '--overwrite', ...shared, 'istio.io/global=true'])),
    expected: { cause: 'inconsistent-service-scope', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'ambient-service-undeclared',
    about: 'A global service was called from an ambient cluster that does not declare it.',
    topology,
    flags: ['--service', 'both.sample'],
    stage: async (lab) => {
      await objects.service.keep(lab);
      await gone(lab, ['cluster2'], 'service', 'both');
    },
    undo: async (lab) => {
      await gone(lab, ['cluster2'], 'service', 'both');
      await objects.service.putBack(lab);
    },
    expected: { cause: 'undeclared-service', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'ambient-waypoint-in-one-cluster',
    about: 'A service was put behind a waypoint in both ambient clusters, and the waypoint was made in one.',
    topology,
    stage: async (lab) => {
      await lab.istioctl('cluster1', ['waypoint', 'apply', '-n', sample, '--for', 'service', '--wait']);
      await lab.kubectl('cluster1', ['label', 'service', 'waypoint', '-n', sample, 'istio.io/global=true']);
      for (const context of both) await lab.kubectl(context, ['label', ...shared, 'istio.io/use-waypoint=waypoint']);
    },
    undo: withoutWaypoint,
    expected: { cause: 'one-sided-waypoint', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'ambient-waypoint-used-in-one-cluster',
    about: 'Both ambient clusters have the waypoint, and a service uses it in one.',
    topology,
    stage: async (lab) => {
      for (const context of both) {
        await lab.istioctl(context, ['waypoint', 'apply', '-n', sample, '--for', 'service', '--wait']);
        await lab.kubectl(context, ['label', 'service', 'waypoint', '-n', sample, 'istio.io/global=true']);
      }
      await lab.kubectl('cluster1', ['label', ...shared, 'istio.io/use-waypoint=waypoint']);
    },
    undo: withoutWaypoint,
    expected: { cause: 'one-sided-waypoint', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'ambient-trust-domains-differ',
    about: 'One ambient cluster was given a trust domain of its own, and each knows the other by an alias.',
    topology,
    stage: async (lab) => {
      await meshConfigsBecome(lab, {
        cluster1: 'trustDomainAliases:\n- second.example\n',
        cluster2: 'trustDomain: second.example\ntrustDomainAliases:\n- cluster.local\n',
      });
      await restarted(lab, 'cluster2', system, ['istiod']);
    },
    undo: async (lab) => {
      for (const config of objects.meshConfigs) await config.putBack(lab);
      await restarted(lab, 'cluster2', system, ['istiod']);
    },
    expected: { cause: 'divergent-ambient-trust-domain', clusters: both },
    remedy: { kind: 'undone', because: 'which of the two the mesh is to have is for its owner to say' },
  },
  {
    id: 'ambient-roots-exchanged',
    about: 'Two ambient clusters have a root each, and were given that of the other by caCertificates.',
    topology,
    stage: async (lab) => {
      await objects.cacerts.keep(lab);
      const before = await rootOf(lab, 'cluster1');
      await lab.kubectl('cluster2', ['delete', 'secret', 'cacerts', '-n', system]);
      await parts.plugInCertificates(lab, 'cluster2', await parts.newAuthority('Another Root CA'));
      await restarted(lab, 'cluster2', system, ['istiod']);
      const own = await until('the new root', async () => {
        const now = await rootOf(lab, 'cluster2');
        return now.trim() === before.trim() ? undefined : now;
      });
      const further = (pem: string): string => `caCertificates:\n- pem: |\n${pem.trim().replaceAll(/^/gmu, '    ')}\n`;
      await meshConfigsBecome(lab, { cluster1: further(own), cluster2: further(before) });
    },
    undo: async (lab) => {
      for (const config of objects.meshConfigs) await config.putBack(lab);
      await lab.kubectl('cluster2', ['delete', 'secret', 'cacerts', '-n', system, '--ignore-not-found']);
      await objects.cacerts.putBack(lab);
      await restarted(lab, 'cluster2', system, ['istiod']);
    },
    expected: { cause: 'bridged-roots', clusters: both },
    remedy: { kind: 'undone', because: 'only its owner has the key of a common root' },
  },
  {
    id: 'ambient-gateway-told-by-hand',
    about: 'The ambient gateway of the other network was described by a Gateway with its address, beside workloads with sidecars.',
    topology,
    stage: async (lab) => {
      await parts.makeNamespace(lab, 'cluster1', 'old', { labels: { 'istio-injection': 'enabled' } });
      const value = await parts.gatewayAddress(lab, 'cluster2');
      await lab.apply('cluster1', [...parts.caller('client', 'old'), remoteGateway(value)]);
      await podsReady(lab, 'cluster1', 'old', 'app');
    },
    undo: async (lab) => {
      await gone(lab, ['cluster1'], 'gateways.gateway.networking.k8s.io', 'cluster2-gateway', system);
      await lab.kubectl('cluster1', ['delete', 'namespace', 'old', '--ignore-not-found', '--wait']);
    },
    expected: { cause: 'hbone-only-gateway', clusters: both },
    remedy: { kind: 'undone', because: 'the release that tells the two apart is not out yet' },
  },
  {
    id: 'ingress-of-sidecars-under-ambient',
    about: 'Ambient over several networks was switched on in a mesh of sidecars that has an ingress gateway.',
    topology: 'multi-primary',
    stage: async (lab) => {
      await parts.install(lab, 'cluster1', ingressGateway);
      await lab.kubectl('cluster1', ['set', 'env', '-n', system, 'deployment/istiod', ...ambientSettings]);
      await lab.kubectl('cluster1', ['rollout', 'status', '-n', system, 'deployment/istiod', '--timeout=110s']);
    },
    undo: async (lab) => {
      await lab.kubectl('cluster1', ['delete', '-n', system, 'service,deployment,hpa,pdb', 'istio-ingressgateway', '--ignore-not-found']);
      await withoutSettings(lab, 'istiod');
    },
    expected: { cause: 'diverted-ingress', clusters: both },
    remedy: { kind: 'undone', because: 'the gateway needs an istiod of its own, which is for its owner to install' },
  },
  {
    id: 'entry-kept-from-remote-sidecars',
    about: 'Ambient over several networks was switched on for an istiod with a remote, whose sidecars call a host outside.',
    topology: 'primary-remote',
    stage: async (lab) => {
      const entry = { hosts: ['api.example.com'], location: 'MESH_EXTERNAL', resolution: 'DNS' };
      await lab.apply('cluster1', [
        networking('ServiceEntry', 'outside', { ...entry, ports: [{ number: 443, name: 'tls', protocol: 'TLS' }] }),
      ]);
      await lab.kubectl('cluster1', ['set', 'env', '-n', system, `deployment/${istiod}`, ...ambientSettings]);
      await lab.kubectl('cluster1', ['rollout', 'status', '-n', system, `deployment/${istiod}`, '--timeout=110s']);
    },
    undo: async (lab) => {
      await gone(lab, ['cluster1'], 'serviceentry', 'outside');
      await withoutSettings(lab, istiod);
    },
    expected: { cause: 'withheld-service-entry', clusters: both },
    remedy: { kind: 'undone', because: 'whether ambient or the remote goes is for their owner to say' },
  },
  {
    id: 'ztunnel-in-a-remote',
    about: 'A remote was given ztunnel, and its primary the settings of ambient.',
    topology: 'primary-remote',
    stage: async (lab) => {
      await parts.install(lab, 'cluster2', ztunnel);
      await lab.kubectl('cluster1', ['set', 'env', '-n', system, `deployment/${istiod}`, 'PILOT_ENABLE_AMBIENT=true']);
      await lab.kubectl('cluster1', ['rollout', 'status', '-n', system, `deployment/${istiod}`, '--timeout=110s']);
    },
    undo: async (lab) => {
      await lab.kubectl('cluster2', ['delete', '-n', system, 'daemonset,serviceaccount', 'ztunnel', '--ignore-not-found']);
      await withoutSettings(lab, istiod);
    },
    expected: { cause: 'unsupported-ambient-topology', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: 'the remote needs an istiod of its own, or its sidecars back' },
  },
];

const istiod = `istiod-${parts.revision}`;
const ambientSettings = ['PILOT_ENABLE_AMBIENT=true', 'AMBIENT_ENABLE_MULTI_NETWORK=true'] as const;

const ingressGateway = parts.operatorOf('ingress', {
  profile: 'empty',
  components: { ingressGateways: [{ name: 'istio-ingressgateway', enabled: true }] },
  values: { ...parts.telemetryOff, gateways: { 'istio-ingressgateway': { injectionTemplate: 'gateway' } } },
});

const ztunnel = parts.operatorOf('ztunnel', {
  profile: 'empty',
  revision: parts.revision,
  components: { ztunnel: { enabled: true } },
  values: { ztunnel: { multiCluster: { clusterName: 'cluster2' }, network: 'network2', revision: parts.revision } },
});

/** The gateway of the other network, as somebody writes it who knows its address. */
function remoteGateway(value: string): Record<string, unknown> {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: 'cluster2-gateway', namespace: system, labels: { 'topology.istio.io/network': 'network2' } },
    spec: {
      gatewayClassName: 'istio-remote',
      addresses: [{ type: 'IPAddress', value }],
      listeners: [
        {
          name: 'mesh',
          port: 15_008,
          protocol: 'HBONE',
          tls: { mode: 'Passthrough', options: { 'gateway.istio.io/tls-terminate-mode': 'ISTIO_MUTUAL' } },
        },
      ],
    },
  };
}

async function withoutSettings(lab: Lab, deployment: string): Promise<void> {
  const entries = ambientSettings.map((entry) => entry.replace(/=.*/u, '-'));
  await lab.kubectl('cluster1', ['set', 'env', '-n', system, `deployment/${deployment}`, ...entries]);
  await lab.kubectl('cluster1', ['rollout', 'status', '-n', system, `deployment/${deployment}`, '--timeout=110s']);
}

async function withoutWaypoint(lab: Lab): Promise<void> {
  for (const context of both) {
    await lab.kubectl(context, ['label', ...shared, 'istio.io/use-waypoint-']);
    await gone(lab, [context], 'gateways.gateway.networking.k8s.io', 'waypoint');
  }
}

/** Adds lines to the mesh configuration of each cluster, in place of those that it has of the same names. */
async function meshConfigsBecome(lab: Lab, added: Readonly<Record<(typeof both)[number], string>>): Promise<void> {
  for (const [position, context] of both.entries()) {
    await objects.meshConfigs[position]?.keep(lab);
    const mesh = await lab.kubectl(context, ['get', 'configmap', 'istio', '-n', system, '-o', 'jsonpath={.data.mesh}']);
    const lines = added[context];
    const kept = lines.includes('trustDomain:') ? mesh.replace(/^trustDomain: .*\n/mu, '') : mesh;
    const patch = JSON.stringify({ data: { mesh: `${lines}${kept}` } });
    await lab.kubectl(context, ['patch', 'configmap', 'istio', '-n', system, '--type', 'merge', '-p', patch]);
  }
}

async function rootOf(lab: Lab, context: string): Promise<string> {
  return await lab.kubectl(context, ['get', 'configmap', 'istio-ca-root-cert', '-n', system, '-o', 'jsonpath={.data.root-cert\\.pem}']);
}
