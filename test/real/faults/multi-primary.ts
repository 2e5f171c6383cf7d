import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mintCertificate } from '../../../src/sandbox/certificates.ts';
import type { Lab } from '../lab/lab.ts';
import { networkOf, primaryOperator } from '../topologies/multi-primary.ts';
import * as parts from '../topologies/parts.ts';
import type { Fault } from './fault.ts';
import { atHand } from './guide.ts';
import { restarted, restartWorkloads } from './restarts.ts';

const topology = 'multi-primary';
const both = ['cluster1', 'cluster2'] as const;
const system = ['-n', 'istio-system'] as const;

export const multiPrimaryFaults: readonly Fault[] = [
  {
    id: 'peer-secret-missing',
    about: 'The remote secret was made in one direction only.',
    topology,
    stage: async (lab) => await deleteSecret(lab, 'cluster1', 'istio-remote-secret-cluster2'),
    undo: async (lab) => await parts.remoteSecret(lab, 'cluster1', 'cluster2'),
    expected: { cause: 'missing-remote-secret/ofPeer', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'peer-secret-of-itself',
    about: 'The remote secret of the other cluster was made from the own context: it opens the cluster that it is in.',
    topology,
    stage: async (lab) => {
      const secret = await lab.istioctl('cluster1', ['create-remote-secret', '--name', 'cluster2']);
      await lab.kubectl('cluster1', ['apply', '-f', '-'], secret);
    },
    undo: async (lab) => await parts.remoteSecret(lab, 'cluster1', 'cluster2'),
    expected: { cause: 'mismatched-secret-key', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'peer-roots-differ',
    about: 'One cluster was given certificates of another root, and all of it was restarted.',
    topology,
    stage: async (lab) => await newRoot(lab, 'cluster2'),
    undo: async (lab) => await sameRoot(lab, 'cluster2'),
    expected: { cause: 'divergent-roots', clusters: both },
    remedy: { kind: 'undone', because: 'only its owner has the key of the common root' },
  },
  {
    id: 'peer-network-label-missing',
    about: 'The step that labels istio-system with its network was left out in one cluster.',
    topology,
    stage: async (lab) => void (await lab.kubectl('cluster2', ['label', 'namespace', 'istio-system', 'topology.istio.io/network-'])),
    undo: async (lab) =>
      void (await lab.kubectl('cluster2', ['label', '--overwrite', 'namespace', 'istio-system', 'topology.istio.io/network=network2'])),
    expected: { cause: 'missing-network-label', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'peer-services-not-exposed',
    about: 'Services were exposed behind the east-west gateway of one cluster only.',
    topology,
    stage: async (lab) =>
      void (await lab.kubectl('cluster1', ['delete', ...system, 'gateways.networking.istio.io', 'cross-network-gateway'])),
    undo: async (lab) => await lab.apply('cluster1', [parts.exposedServices]),
    expected: { cause: 'unexposed-services', clusters: ['cluster1'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'gateway-with-tls-of-its-own',
    about: 'The Gateway that exposes services in one cluster was given a certificate and mode SIMPLE, as for an ingress.',
    topology,
    stage: async (lab) => {
      const [server] = parts.exposedServices.spec.servers;
      await lab.kubectl('cluster2', ['create', 'secret', 'tls', 'east-west', ...system, ...(await ownCertificate(lab))]);
      await lab.apply('cluster2', [
        {
          ...parts.exposedServices,
          spec: { ...parts.exposedServices.spec, servers: [{ ...server, tls: { mode: 'SIMPLE', credentialName: 'east-west' } }] },
        },
      ]);
    },
    undo: async (lab) => {
      await lab.apply('cluster2', [parts.exposedServices]);
      await lab.kubectl('cluster2', ['delete', 'secret', 'east-west', ...system, '--ignore-not-found']);
    },
    expected: { cause: 'unexposed-services/unexposed', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'gateways-overlap',
    about: 'A second Gateway for the same gateways let the same services through the same port by a narrower pattern.',
    topology,
    stage: async (lab) => await lab.apply('cluster2', [narrower]),
    undo: async (lab) =>
      void (await lab.kubectl('cluster2', [
        'delete',
        'gateways.networking.istio.io',
        narrower.metadata.name,
        ...system,
        '--ignore-not-found',
      ])),
    expected: { cause: 'colliding-gateways/doubled', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'peer-on-the-same-network',
    about: 'The second cluster was installed with the network of the first throughout: values, label and gateway.',
    topology,
    stage: async (lab) => await moveToNetwork(lab, 'cluster2', 'network1'),
    undo: async (lab) => await moveToNetwork(lab, 'cluster2', 'network2'),
    expected: { cause: 'shared-network', clusters: both },
    remedy: { kind: 'undone', because: 'which of the two moves to another network is for their owner to choose, who has its file' },
  },
  {
    id: 'peer-with-the-same-name',
    about: 'The second cluster was installed with the name of the first.',
    topology,
    stage: async (lab) => await rename(lab, 'cluster2', 'cluster1'),
    undo: async (lab) => await rename(lab, 'cluster2', 'cluster2'),
    expected: { cause: 'duplicate-cluster-id', clusters: both },
    remedy: { kind: 'undone', because: 'it is an installation with another name, and a restart of everything injected' },
  },
  {
    id: 'peer-gateway-of-another-network',
    about: 'The east-west gateway of the second cluster was made for a network that nobody has.',
    topology,
    stage: async (lab) => await gatewayFor(lab, 'cluster2', 'network-2'),
    undo: async (lab) => await gatewayFor(lab, 'cluster2', 'network2'),
    expected: { cause: 'mismatched-gateway-network', clusters: ['cluster2'] },
    remedy: { kind: 'printed', values: async (lab) => await atHand(lab) },
  },
  {
    id: 'peer-gateway-not-installed',
    about: 'The east-west gateway of one cluster was never installed.',
    topology,
    stage: async (lab) => await deleteGateway(lab, 'cluster2'),
    undo: async (lab) => await parts.install(lab, 'cluster2', parts.eastWestGateway('network2', '')),
    expected: { cause: 'missing-east-west-gateway', clusters: ['cluster2'] },
    remedy: { kind: 'printed', values: async (lab) => await atHand(lab) },
  },
  {
    id: 'peer-reader-renewed',
    about: 'The reader account of one cluster was deleted and made again: the token in the remote secret is void.',
    topology,
    stage: async (lab) => {
      const reader = 'istio-reader-service-account';
      const account = await lab.kubectl('cluster2', ['get', ...system, 'serviceaccount', reader, '-o', 'json']);
      const { metadata } = JSON.parse(account) as { metadata: { name: string; namespace: string; labels: unknown; annotations: unknown } };
      const { name, namespace, labels, annotations } = metadata;
      await lab.kubectl('cluster2', ['delete', ...system, 'serviceaccount', reader]);
      await lab.apply('cluster2', [{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace, labels, annotations } }]);
    },
    undo: async (lab) => await parts.remoteSecret(lab, 'cluster1', 'cluster2'),
    expected: { cause: 'revoked-credential', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'peer-of-another-trust-domain',
    about: 'One cluster was installed with another trust domain, and no alias for it.',
    topology,
    stage: async (lab) => await reinstall(lab, 'cluster2', withTrustDomain('second.example')),
    undo: async (lab) => await reinstall(lab, 'cluster2', primaryOperator('cluster2', 'network2')),
    expected: { cause: 'foreign-gateway-certificate/otherTrustDomain', clusters: both },
    remedy: { kind: 'undone', because: 'which of the two the mesh is to have, or whether they become aliases, is for its owner to say' },
  },
  {
    id: 'peer-without-dns-capture',
    about: 'One cluster was installed without DNS capture: its own DNS knows no name of the other.',
    topology,
    stage: async (lab) => {
      await parts.install(lab, 'cluster2', primaryOperator('cluster2', 'network2', {}));
      await restartWorkloads(lab, 'cluster2');
    },
    undo: async (lab) => {
      await lab.kubectl('cluster2', ['delete', 'service', 'abc', '-n', 'sample', '--ignore-not-found']);
      await parts.install(lab, 'cluster2', primaryOperator('cluster2', 'network2'));
      await restartWorkloads(lab, 'cluster2');
    },
    expected: { cause: 'unresolvable-service/unanswered', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
    // Only its reader knows which names are called from the other cluster.
    flags: ['--service', 'abc.sample'],
  },
];

async function deleteSecret(lab: Lab, cluster: string, name: string): Promise<void> {
  await lab.kubectl(cluster, ['delete', ...system, 'secret', name, '--ignore-not-found']);
}

function withTrustDomain(trustDomain: string): Record<string, unknown> {
  return primaryOperator('cluster2', 'network2', { ...parts.meshConfig, trustDomain });
}

/** A control plane as wanted, with everything injected made anew. */
async function reinstall(lab: Lab, cluster: string, operator: Readonly<Record<string, unknown>>): Promise<void> {
  await parts.install(lab, cluster, operator);
  await restartInjected(lab, cluster);
}

async function deleteGateway(lab: Lab, cluster: string): Promise<void> {
  await lab.kubectl(cluster, ['delete', ...system, 'service,deployment,hpa', 'istio-eastwestgateway', '--ignore-not-found']);
}

/** Made from nothing: the network is in the selector of its Deployment, which cannot be changed. */
async function gatewayFor(lab: Lab, cluster: string, network: string): Promise<void> {
  await deleteGateway(lab, cluster);
  await parts.install(lab, cluster, parts.eastWestGateway(network, ''));
}

async function moveToNetwork(lab: Lab, cluster: string, network: string): Promise<void> {
  await lab.kubectl(cluster, ['label', '--overwrite', 'namespace', 'istio-system', `topology.istio.io/network=${network}`]);
  await parts.install(lab, cluster, primaryOperator(cluster, network));
  await gatewayFor(lab, cluster, network);
  await restartInjected(lab, cluster);
}

async function rename(lab: Lab, cluster: string, name: string): Promise<void> {
  await reinstall(lab, cluster, primaryOperator(name, networkOf(cluster)));
}

/** Certificates of a root of its own, as if they had been plugged in from the start. */
async function newRoot(lab: Lab, cluster: string): Promise<void> {
  const secret = await lab.kubectl(cluster, ['get', ...system, 'secret', 'cacerts', '-o', 'json']);
  // An object of the API server that was just asked for.
  const { data } = JSON.parse(secret) as { data: Record<string, string> };
  await lab.apply(cluster, [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'cacerts-before', namespace: 'istio-system' }, data }]);
  await lab.kubectl(cluster, ['delete', ...system, 'secret', 'cacerts']);
  await parts.plugInCertificates(lab, cluster, await parts.newAuthority('Another Root CA'));
  await restartAll(lab, cluster);
}

async function sameRoot(lab: Lab, cluster: string): Promise<void> {
  const secret = await lab.kubectl(cluster, ['get', ...system, 'secret', 'cacerts-before', '--ignore-not-found', '-o', 'json']);
  if (secret.trim() === '') return;
  const { data } = JSON.parse(secret) as { data: Record<string, string> };
  await lab.kubectl(cluster, ['delete', ...system, 'secret', 'cacerts']);
  await lab.apply(cluster, [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'cacerts', namespace: 'istio-system' }, data }]);
  await restartAll(lab, cluster);
  await deleteSecret(lab, cluster, 'cacerts-before');
}

async function restartAll(lab: Lab, cluster: string): Promise<void> {
  await restarted(lab, cluster, 'istio-system', ['istiod']);
  await restartInjected(lab, cluster);
}

async function restartInjected(lab: Lab, cluster: string): Promise<void> {
  await restarted(lab, cluster, 'istio-system', ['istio-eastwestgateway']);
  await restartWorkloads(lab, cluster);
}

/** What `cross-network-gateway` lets through already, written otherwise. */
const narrower = {
  ...parts.exposedServices,
  metadata: { ...parts.exposedServices.metadata, name: 'team-gateway' },
  spec: {
    ...parts.exposedServices.spec,
    servers: parts.exposedServices.spec.servers.map((server) => ({ ...server, hosts: ['*.svc.cluster.local'] })),
  },
};

/** Flags of kubectl for a certificate that no mesh knows. */
async function ownCertificate(lab: Lab): Promise<readonly string[]> {
  const { cert, key } = await mintCertificate({
    subject: [['CN', 'gateway.example.com']],
    dnsNames: ['gateway.example.com'],
    usages: ['server'],
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 86_400_000),
  });
  const [certFile, keyFile] = ['own.crt', 'own.key'].map((name) => join(lab.folder, name));
  if (certFile === undefined || keyFile === undefined) return [];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key, { mode: 0o600 });
  return [`--cert=${certFile}`, `--key=${keyFile}`];
}
