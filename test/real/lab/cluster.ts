import { mkdirSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Certificate, mintCertificate } from '../../../src/sandbox/certificates.ts';
import { programPath } from '../programs.ts';
import { type Kube, openKube } from './kube.ts';
import { addOwnAddress } from './network.ts';
import { type Running, launch, until } from './processes.ts';

/** Addresses of one cluster. They never overlap between clusters, so that any pod can be dialled from anywhere unless a fault says otherwise. */
export interface Addresses {
  readonly api: string;
  readonly kubelet: string;
  readonly dns: string;
  readonly services: string;
  pod(index: number): string;
  loadBalancer(index: number): string;
}

export interface Cluster {
  readonly name: string;
  readonly index: number;
  readonly folder: string;
  readonly server: string;
  readonly ca: string;
  readonly addresses: Addresses;
  readonly kube: Kube;
  /** User entries by name, for kubeconfigs. */
  readonly tokens: { readonly admin: string };
  /** File of the API server's audit log: one JSON event per line. */
  readonly audit: string;
  /** The name of its one node. */
  readonly node: string;
  stopApiServer(): Promise<void>;
  startApiServer(): Promise<void>;
}

export interface ClusterRequest {
  readonly name: string;
  /** 1, 2, 3 …: decides the addresses. */
  readonly index: number;
  readonly folder: string;
  readonly etcd: string;
  readonly region?: string;
}

export async function startEtcd(folder: string): Promise<string> {
  const url = 'http://127.0.0.1:2379';
  mkdirSync(folder, { recursive: true });
  launch({
    command: [
      programPath('etcd'),
      `--data-dir=${join(folder, 'data')}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      '--listen-peer-urls=http://127.0.0.1:2380',
      '--unsafe-no-fsync=true',
      '--quota-backend-bytes=4294967296',
      '--log-level=warn',
    ],
    log: join(folder, 'etcd.log'),
  });
  return url;
}

/** A control plane, reachable when this returns. */
export async function startCluster({ name, index, folder, etcd, region }: ClusterRequest): Promise<Cluster> {
  mkdirSync(folder, { recursive: true });
  const addresses = addressesOf(index);
  const file = (base: string): string => join(folder, base);
  const { authority, serving, signing } = await credentials(addresses);
  const admin = randomBytes(16).toString('hex');
  writeFileSync(file('ca.crt'), authority.cert);
  writeFileSync(file('tls.crt'), serving.cert);
  writeFileSync(file('tls.key'), serving.key);
  writeFileSync(file('sa.key'), signing.key);
  writeFileSync(file('sa.crt'), signing.cert);
  writeFileSync(file('tokens.csv'), `${admin},admin,admin,system:masters\n`);
  writeFileSync(file('audit.yaml'), stringify(auditPolicy));
  const server = `https://${addresses.api}:6443`;
  writeFileSync(file('admin.kubeconfig'), kubeconfigOf([{ name, server, ca: authority.cert, token: admin }]));

  await addOwnAddress(addresses.api);
  await addOwnAddress(addresses.kubelet);

  const startApi = (): Running =>
    launch({
      command: [
        programPath('kube-apiserver'),
        `--etcd-servers=${etcd}`,
        `--etcd-prefix=/${name}`,
        `--bind-address=${addresses.api}`,
        `--advertise-address=${addresses.api}`,
        `--tls-cert-file=${file('tls.crt')}`,
        `--tls-private-key-file=${file('tls.key')}`,
        `--token-auth-file=${file('tokens.csv')}`,
        `--service-account-issuer=https://kubernetes.default.svc`,
        `--service-account-signing-key-file=${file('sa.key')}`,

        `--service-account-key-file=${file('sa.crt')}`,
        '--authorization-mode=RBAC',
        `--service-cluster-ip-range=${addresses.services}`,
        // Nothing translates a Service's address here, so webhooks go straight to endpoints.
        '--enable-aggregator-routing=true',
        '--allow-privileged=true',
        '--enable-priority-and-fairness=false',
        '--profiling=false',

        `--audit-policy-file=${file('audit.yaml')}`,
        `--audit-log-path=${file('audit.log')}`,
        '--kubelet-preferred-address-types=InternalIP',
      ],
      log: file('kube-apiserver.log'),
    });
  let api = startApi();
  const kube = openKube(server, authority.cert, admin);
  const ready = async (): Promise<void> =>
    await until(`API server of ${name}`, async () => ((await kube.call('GET', '/readyz')).status === 200 ? true : undefined), 240_000).then(
      () => undefined,
    );
  await ready();

  const startControllers = (): void => {
    launch({
      command: [
        programPath('kube-controller-manager'),

        `--kubeconfig=${file('admin.kubeconfig')}`,
        `--service-account-private-key-file=${file('sa.key')}`,
        `--root-ca-file=${file('ca.crt')}`,
        '--use-service-account-credentials=true',
        '--leader-elect=false',
        '--secure-port=0',
        // A large mesh is filled faster than 20 requests a second.
        '--kube-api-qps=500',
        '--kube-api-burst=1000',
        `--controllers=${controllers.join(',')}`,
      ],
      log: file('kube-controller-manager.log'),
    });
    launch({
      command: [programPath('kube-scheduler'), `--kubeconfig=${file('admin.kubeconfig')}`, '--leader-elect=false', '--secure-port=0'],
      log: file('kube-scheduler.log'),
    });
  };
  startControllers();
  launch({ command: [programPath('kubelet-streams'), name, `${addresses.kubelet}:10250`, file('pods')], log: file('kubelet-streams.log') });
  const node = `${name}-node`;
  await addNode(kube, node, addresses.kubelet, region ?? name);

  return {
    name,
    index,
    folder,
    server,
    addresses,
    kube,
    node,
    ca: authority.cert,
    tokens: { admin },
    audit: file('audit.log'),
    stopApiServer: async () => {
      await api.stop('SIGKILL');
    },
    startApiServer: async () => {
      if (!api.hasEnded()) return;
      api = startApi();
      await ready();
    },
  };
}

export function addressesOf(index: number): Addresses {
  return {
    api: `10.90.1.${index}`,
    kubelet: `10.90.2.${index}`,
    services: `10.${100 + index}.0.0/16`,
    dns: `10.${100 + index}.0.10`,
    pod: (pod) => `10.${10 + index}.${Math.floor(pod / 200)}.${(pod % 200) + 10}`,
    loadBalancer: (service) => `10.${200 + index}.0.${service + 10}`,
  };
}

export interface KubeconfigEntry {
  readonly name: string;
  readonly server: string;
  readonly ca: string;
  readonly token: string;
}

/** One context per entry, named like its cluster. */
export function kubeconfigOf(entries: readonly KubeconfigEntry[]): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': entries[0]?.name,
    clusters: entries.map(({ name, server, ca }) => ({
      name,
      cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') },
    })),
    users: entries.map(({ name, token }) => ({ name, user: { token } })),
    contexts: entries.map(({ name }) => ({ name, context: { cluster: name, user: name } })),
  });
}

/** What a plain user and service accounts outside the system do is written down; what the control plane does is noise. */
const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', userGroups: ['system:serviceaccounts:meshdoctor'] }, { level: 'None' }],
};

/** What a mesh needs of the controller manager; every other controller only costs. */
const controllers = [
  'deployment-controller',
  'replicaset-controller',
  'daemonset-controller',
  'statefulset-controller',
  'job-controller',
  'endpoints-controller',
  'endpointslice-controller',
  'endpointslice-mirroring-controller',
  'namespace-controller',
  'serviceaccount-controller',
  'serviceaccount-token-controller',
  'root-ca-certificate-publisher-controller',
  'garbage-collector-controller',
  'clusterrole-aggregation-controller',
  'disruption-controller',
];

async function credentials(addresses: Addresses): Promise<{ authority: Certificate; serving: Certificate; signing: Certificate }> {
  const notBefore = new Date(Date.now() - 3_600_000);
  const notAfter = new Date(Date.now() + 30 * 86_400_000);
  const authority = await mintCertificate({ subject: [['CN', 'kubernetes']], isAuthority: true, notBefore, notAfter });
  const serving = await mintCertificate({
    subject: [['CN', 'kube-apiserver']],
    issuer: authority,
    dnsNames: ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'localhost'],
    ipAddresses: [addresses.api],
    usages: ['server'],
    notBefore,
    notAfter,
  });
  // Its key signs the tokens of service accounts.
  const signing = await mintCertificate({ subject: [['CN', 'service-accounts']], notBefore, notAfter });
  return { authority, serving, signing };
}

async function addNode(kube: Kube, name: string, address: string, region: string): Promise<void> {
  await kube.call('POST', '/api/v1/nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'topology.kubernetes.io/region': region,
        'topology.kubernetes.io/zone': `${region}-a`,
      },
    },
  });
  const size = { cpu: '1000', memory: '1000Gi', pods: '100000' };
  const status = {
    capacity: size,
    allocatable: size,
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'KubeletReady',
        message: 'simulated',
        lastTransitionTime: new Date().toISOString(),
        lastHeartbeatTime: new Date().toISOString(),
      },
    ],
    nodeInfo: nodeInfo(),
  };
  await kube.call('PATCH', `/api/v1/nodes/${name}/status`, { status }, 'application/merge-patch+json');
  await until(`taints of ${name}`, async () => {
    const answer = await kube.call('PATCH', `/api/v1/nodes/${name}`, { spec: { taints: null } }, 'application/merge-patch+json');
    return answer.status === 200 ? true : undefined;
  });
}

function nodeInfo(): Record<string, string> {
  const none = ['machineID', 'systemUUID', 'bootID', 'kernelVersion', 'osImage', 'containerRuntimeVersion', 'kubeProxyVersion'];
  return {
    ...Object.fromEntries(none.map((field) => [field, ''])),
    kubeletVersion: 'v1.34.4',
    operatingSystem: 'linux',
    architecture: 'amd64',
  };
}
