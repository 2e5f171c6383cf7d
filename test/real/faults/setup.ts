import type { Lab } from '../lab/lab.ts';
import * as parts from '../topologies/parts.ts';
import { primaryOperator, remoteOperator } from '../topologies/primary-remote.ts';
import type { Fault } from './fault.ts';
import { atHand } from './guide.ts';
import { kept } from './kept.ts';
import { restarted, restartWorkloads } from './restarts.ts';

/*
 * Every step of the guide for a primary and a remote on two networks left out, done late, or done with the other name.
 */

const topology = 'primary-remote';
const { revision } = parts;
const system = 'istio-system';
const network = 'topology.istio.io/network';
const controlPlaneClusters = 'topology.istio.io/controlPlaneClusters';
const secretName = 'istio-remote-secret-cluster2';
const gatewayName = 'istio-eastwestgateway';
const injectors = [`istio-sidecar-injector-${revision}`, 'istio-revision-tag-default'];
const rightPath = '/inject/cluster/cluster2/net/network2';

const meshConfig = kept('cluster1', 'configmap', `istio-${revision}`, system);

/** istiod first: what is injected is given the trust domain that it knows. */
async function restartAll(lab: Lab): Promise<void> {
  await restarted(lab, 'cluster1', system, [`istiod-${revision}`]);
  await Promise.all(
    ['cluster1', 'cluster2'].map(async (context) => {
      await restarted(lab, context, system, [gatewayName]);
      await restartWorkloads(lab, context);
    }),
  );
}

export const setupFaults: readonly Fault[] = [
  {
    id: 'network-label-removed',
    about: 'The network label was removed from istio-system of the remote.',
    topology,
    stage: async (lab) => await label(lab, 'cluster2', 'namespace', system, `${network}-`),
    undo: async (lab) => await label(lab, 'cluster2', 'namespace', system, `${network}=network2`),
    expected: { cause: 'missing-network-label', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'network-label-of-primary-removed',
    about: 'The network label was left out on istio-system of the primary.',
    topology,
    stage: async (lab) => await label(lab, 'cluster1', 'namespace', system, `${network}-`),
    undo: async (lab) => await label(lab, 'cluster1', 'namespace', system, `${network}=network1`),
    expected: { cause: 'missing-network-label', clusters: ['cluster1'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'network-label-otherwise',
    about: 'istio-system of the remote was labelled with another network than everything else there.',
    topology,
    stage: async (lab) => await label(lab, 'cluster2', 'namespace', system, `${network}=network-2`),
    undo: async (lab) => await label(lab, 'cluster2', 'namespace', system, `${network}=network2`),
    expected: { cause: 'mismatched-gateway-network', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'network-label-copied',
    about: 'istio-system of the remote was labelled with the network of the primary.',
    topology,
    stage: async (lab) => await label(lab, 'cluster2', 'namespace', system, `${network}=network1`),
    undo: async (lab) => await label(lab, 'cluster2', 'namespace', system, `${network}=network2`),
    expected: { cause: 'shared-network', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'trust-domain-of-the-primary-only',
    about: 'The mesh was given a trust domain of its own in the mesh config of the primary, and everything restarted.',
    topology,
    stage: async (lab) => {
      await meshConfig.keep(lab);
      const config = await lab.kubectl('cluster1', ['get', 'configmap', `istio-${revision}`, '-n', system, '-o', 'jsonpath={.data.mesh}']);
      const mesh = config.replace(/^trustDomain: .*$/mu, 'trustDomain: mesh.example.com');
      await lab.kubectl('cluster1', ['patch', 'configmap', `istio-${revision}`, '-n', system, '-p', JSON.stringify({ data: { mesh } })]);
      await restartAll(lab);
    },
    undo: async (lab) => {
      await lab.kubectl('cluster2', ['delete', 'configmap', `istio-${revision}`, '-n', system, '--ignore-not-found']);
      await meshConfig.putBack(lab);
      await restartAll(lab);
    },
    expected: { cause: 'mistaken-trust-domain', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'annotation-left-out',
    about: 'The annotation controlPlaneClusters was left out on the remote, and istiod restarted.',
    topology,
    stage: async (lab) => {
      await annotate(lab, `${controlPlaneClusters}-`);
      await restartIstiod(lab);
    },
    undo: undoAnnotation,
    expected: { cause: 'unmatched-control-plane-clusters', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'annotation-names-another',
    about: 'The annotation controlPlaneClusters of the remote named another cluster than the primary.',
    topology,
    stage: async (lab) => {
      await annotate(lab, `${controlPlaneClusters}=primary`);
      await restartIstiod(lab);
    },
    undo: undoAnnotation,
    expected: { cause: 'unmatched-control-plane-clusters', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'annotation-late',
    about: 'The annotation controlPlaneClusters was set only after istiod had looked for it.',
    topology,
    stage: async (lab) => {
      await annotate(lab, `${controlPlaneClusters}-`);
      await restartIstiod(lab);
      await annotate(lab, `${controlPlaneClusters}=cluster1`);
    },
    undo: undoAnnotation,
    expected: { cause: 'unled-remote', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'external-istiod-left-out',
    about: 'The primary was installed without global.externalIstiod.',
    topology,
    stage: async (lab) => {
      await lab.kubectl('cluster1', ['set', 'env', `deployment/istiod-${revision}`, '-n', system, 'EXTERNAL_ISTIOD=false']);
      await rolledOut(lab, 'cluster1', system, `istiod-${revision}`);
    },
    undo: async (lab) => {
      await parts.install(lab, 'cluster1', primaryOperator());
      await rolledOut(lab, 'cluster1', system, `istiod-${revision}`);
    },
    expected: { cause: 'unset-external-istiod', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed', values: async (lab) => await atHand(lab, { 'PRIMARY.yaml': primaryOperator() }) },
  },
  {
    id: 'secret-left-out',
    about: 'The remote secret was never made.',
    topology,
    stage: async (lab) => await removeSecret(lab),
    undo: undoSecret,
    expected: { cause: 'missing-remote-secret', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'secret-unlabelled',
    about: 'The remote secret lost its label.',
    topology,
    stage: async (lab) => await label(lab, 'cluster1', 'secret', secretName, 'istio/multiCluster-'),
    undo: undoSecret,
    expected: { cause: 'unread-remote-secret/unlabelled', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'secret-misplaced',
    about: 'The remote secret was applied in namespace default.',
    topology,
    stage: async (lab) => {
      const secret = await lab.istioctl('cluster2', ['create-remote-secret', '--name', 'cluster2']);
      await removeSecret(lab);
      await lab.kubectl('cluster1', ['apply', '-f', '-'], secret.replaceAll('namespace: istio-system', 'namespace: default'));
    },
    undo: undoSecret,
    expected: { cause: 'unread-remote-secret/misplaced', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'secret-under-another-name',
    about: 'The remote secret was made with another --name than the remote was installed with.',
    topology,
    stage: async (lab) => {
      await removeSecret(lab);
      await addSecret(lab, ['--name', 'south']);
    },
    undo: undoSecret,
    expected: { cause: 'mismatched-secret-key', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'secret-under-name-of-primary',
    about: 'The remote secret was made with the --name of the primary.',
    topology,
    stage: async (lab) => {
      await removeSecret(lab);
      await addSecret(lab, ['--name', 'cluster1']);
    },
    undo: undoSecret,
    expected: { cause: 'duplicate-cluster-id', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'secret-with-loopback',
    about: 'The remote secret was made from a kubeconfig that names 127.0.0.1.',
    topology,
    stage: async (lab) => await addSecret(lab, ['--name', 'cluster2', '--server', 'https://127.0.0.1:6443']),
    undo: undoSecret,
    expected: { cause: 'loopback-server', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'secret-with-another-port',
    about: 'The remote secret named a port on which no API server listens, and istiod restarted.',
    topology,
    stage: async (lab) => {
      const { server } = lab.cluster('cluster2').cluster;
      await addSecret(lab, ['--name', 'cluster2', '--server', server.replace(/:\d+$/u, ':6444')]);
      await restartIstiod(lab);
    },
    undo: undoSecret,
    expected: { cause: 'unsynced-cluster/timeout', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: 'only its reader knows at which address the API server is reached' },
  },
  {
    id: 'secret-twice',
    about: 'A second remote secret for the same cluster was applied under another name.',
    topology,
    stage: async (lab) => {
      const secret = await lab.istioctl('cluster2', ['create-remote-secret', '--name', 'cluster2']);
      await lab.kubectl('cluster1', ['apply', '-f', '-'], secret.replaceAll(`name: ${secretName}`, 'name: remote-south'));
    },
    undo: undoSecret,
    expected: { cause: 'duplicate-remote-secret', clusters: ['cluster1'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'token-revoked',
    about: 'The token Secret of the reader was deleted in the remote.',
    topology,
    stage: async (lab) => {
      await lab.kubectl('cluster2', ['delete', 'secret', '-n', system, readerToken, '--ignore-not-found']);
    },
    undo: undoSecret,
    expected: { cause: 'revoked-credential', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'secret-with-foreign-ca',
    about: "The remote secret held the certificate authority of the primary's API server.",
    topology,
    stage: async (lab) => {
      const secret = await lab.istioctl('cluster2', ['create-remote-secret', '--name', 'cluster2']);
      const [right = '', foreign = ''] = ['cluster2', 'cluster1'].map((name) =>
        Buffer.from(lab.cluster(name).cluster.ca).toString('base64'),
      );
      if (!secret.includes(right)) throw new Error('The kubeconfig of the remote secret holds not the authority of its API server.');
      await lab.kubectl('cluster1', ['apply', '-f', '-'], secret.replaceAll(right, foreign));
      await restartIstiod(lab);
    },
    undo: undoSecret,
    expected: { cause: 'mismatched-api-server-ca', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'gateway-of-primary-left-out',
    about: 'The east-west gateway of the primary was never installed.',
    topology,
    stage: async (lab) => await removeGateway(lab, 'cluster1'),
    undo: async (lab) => await undoGateway(lab, 'cluster1', 'network1'),
    expected: { cause: 'missing-east-west-gateway', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed', values: atHand },
  },
  {
    id: 'gateway-of-remote-left-out',
    about: 'The east-west gateway of the remote was never installed.',
    topology,
    stage: async (lab) => await removeGateway(lab, 'cluster2'),
    undo: async (lab) => await undoGateway(lab, 'cluster2', 'network2'),
    expected: { cause: 'missing-east-west-gateway', clusters: ['cluster2'] },
    remedy: { kind: 'printed', values: atHand },
  },
  {
    id: 'gateway-without-network',
    about: 'The east-west gateway of the remote was installed without its network label.',
    topology,
    stage: async (lab) => await label(lab, 'cluster2', 'service', gatewayName, `${network}-`),
    undo: async (lab) => await label(lab, 'cluster2', 'service', gatewayName, `${network}=network2`),
    expected: { cause: 'missing-east-west-gateway/unlabelled', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'gateway-of-another-network',
    about: 'The east-west gateway of the remote was labelled with the network of the primary.',
    topology,
    stage: async (lab) => await label(lab, 'cluster2', 'service', gatewayName, `${network}=network1`),
    undo: async (lab) => await label(lab, 'cluster2', 'service', gatewayName, `${network}=network2`),
    expected: { cause: 'mismatched-gateway-network', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'gateway-without-cross-network-port',
    about: 'The Service of the east-west gateway of the remote was made without port 15443.',
    topology,
    stage: async (lab) => await removePort(lab, 'cluster2', 15_443),
    undo: async (lab) => await undoGateway(lab, 'cluster2', 'network2'),
    expected: { cause: 'missing-cross-network-port', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'gateway-of-remote-scaled-to-zero',
    about: 'The east-west gateway of the remote was scaled to 0.',
    topology,
    stage: async (lab) => {
      await lab.kubectl('cluster2', ['scale', 'deployment', gatewayName, '-n', system, '--replicas=0']);
    },
    undo: async (lab) => {
      await lab.kubectl('cluster2', ['scale', 'deployment', gatewayName, '-n', system, '--replicas=1']);
    },
    expected: { cause: 'unready-east-west-gateway/scaledToZero', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'services-not-exposed',
    about: 'The Gateway that exposes services was never applied.',
    topology,
    stage: async (lab) => await deleteIstio(lab, 'cluster1', 'gateway', 'cross-network-gateway'),
    undo: undoExposure,
    expected: { cause: 'unexposed-services/unexposed', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'services-exposed-in-remote-only',
    about: 'The Gateway that exposes services was applied in the remote instead of the primary.',
    topology,
    stage: async (lab) => {
      await deleteIstio(lab, 'cluster1', 'gateway', 'cross-network-gateway');
      await lab.apply('cluster2', [parts.exposedServices]);
    },
    undo: undoExposure,
    expected: { cause: 'unexposed-services/onlyInRemote', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'services-exposed-by-another-gateway',
    about: 'The Gateway that exposes services selected the pods of another gateway.',
    topology,
    stage: async (lab) => await patchGateway(lab, 'cross-network-gateway', { selector: { istio: 'ingressgateway' } }),
    undo: undoExposure,
    expected: { cause: 'unexposed-services/unexposed', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'services-exposed-narrowly',
    about: 'The Gateway that exposes services had hosts of another domain.',
    topology,
    stage: async (lab) => {
      const [server] = parts.exposedServices.spec.servers;
      await patchGateway(lab, 'cross-network-gateway', { servers: [{ ...server, hosts: ['*.global'] }] });
    },
    undo: undoExposure,
    expected: { cause: 'unexposed-services', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'istiod-not-exposed',
    about: 'Neither Gateway nor VirtualService for istiod were applied.',
    topology,
    stage: async (lab) => {
      await deleteIstio(lab, 'cluster1', 'gateway', 'istiod-gateway');
      await deleteIstio(lab, 'cluster1', 'virtualservice', `istiod-vs-${revision}`);
    },
    undo: undoExposure,
    expected: { cause: 'unexposed-istiod', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'istiod-not-routed',
    about: 'The VirtualService for istiod was not applied.',
    topology,
    stage: async (lab) => await deleteIstio(lab, 'cluster1', 'virtualservice', `istiod-vs-${revision}`),
    undo: undoExposure,
    expected: { cause: 'unexposed-istiod', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'istiod-routed-by-half',
    about: 'The VirtualService for istiod was applied with its route to injection only.',
    topology,
    stage: async (lab) => {
      const routes = [{ op: 'remove', path: '/spec/tls/0' }];
      await lab.kubectl('cluster1', [
        'patch',
        'virtualservice',
        `istiod-vs-${revision}`,
        '-n',
        system,
        '--type=json',
        '-p',
        JSON.stringify(routes),
      ]);
    },
    undo: undoExposure,
    expected: { cause: 'unexposed-istiod', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'another-revision-exposed',
    about: 'istiod was exposed under the revision of the release before.',
    topology,
    stage: async (lab) => {
      await deleteIstio(lab, 'cluster1', 'virtualservice', `istiod-vs-${revision}`);
      await lab.apply('cluster1', parts.exposedIstiod('1-30-2'));
    },
    undo: undoExposure,
    expected: { cause: 'mismatched-exposed-revision', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'webhook-port-left-out',
    about: 'The Service of the east-west gateway of the primary was made without port 15017.',
    topology,
    stage: async (lab) => await removePort(lab, 'cluster1', 15_017),
    undo: async (lab) => await undoGateway(lab, 'cluster1', 'network1'),
    expected: { cause: 'missing-istiod-port', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'pilot-address-stale',
    about: 'The remote was installed with an address that the gateway of the primary does not have.',
    topology,
    stage: async (lab) => {
      const slice = { endpoints: [{ addresses: ['10.201.0.99'], conditions: { ready: true } }] };
      await lab.kubectl('cluster2', [
        'patch',
        'endpointslice',
        `istiod-${revision}`,
        '-n',
        system,
        '--type=merge',
        '-p',
        JSON.stringify(slice),
      ]);
    },
    undo: async (lab) => await parts.install(lab, 'cluster2', await remoteOperator(lab)),
    expected: { cause: 'stale-pilot-address', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'istiod-service-left-out',
    about: 'The Service of istiod was cleaned up in the remote.',
    topology,
    stage: async (lab) => {
      await lab.kubectl('cluster2', ['delete', 'service', `istiod-${revision}`, '-n', system, '--ignore-not-found']);
    },
    undo: async (lab) => await parts.install(lab, 'cluster2', await remoteOperator(lab)),
    expected: { cause: 'dangling-injector-service', clusters: ['cluster2'] },
    remedy: { kind: 'printed', values: async (lab) => await atHand(lab, { 'REMOTE.yaml': await remoteOperator(lab) }) },
  },
  {
    id: 'injection-path-left-out',
    about: 'The remote was installed without an injection path, and its workloads restarted.',
    topology,
    stage: async (lab) => {
      await injectionPath(lab, '/inject');
      await lab.kubectl('cluster2', ['rollout', 'restart', 'deployment', 'client', '-n', 'sample']);
    },
    undo: async (lab) => {
      await injectionPath(lab, rightPath);
      await lab.kubectl('cluster2', ['rollout', 'restart', 'deployment', '-n', 'sample']);
      await workloadsReady(lab);
    },
    expected: { cause: 'mismatched-injection-path/identity', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'injection-path-of-another-network',
    about: 'The injection path of the remote named the network of the primary, and its workloads restarted.',
    topology,
    stage: async (lab) => {
      await injectionPath(lab, '/inject/cluster/cluster2/net/network1');
      await lab.kubectl('cluster2', ['rollout', 'restart', 'deployment', '-n', 'sample']);
      await workloadsReady(lab);
    },
    undo: async (lab) => {
      await injectionPath(lab, rightPath);
      await lab.kubectl('cluster2', ['rollout', 'restart', 'deployment', '-n', 'sample']);
      await workloadsReady(lab);
    },
    expected: { cause: 'mismatched-injection-path/network', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'injection-path-of-another-cluster',
    about: 'The injection path of the remote named an ID that no remote secret has.',
    topology,
    stage: async (lab) => await injectionPath(lab, '/inject/cluster/south/net/network2'),
    undo: async (lab) => await injectionPath(lab, rightPath),
    expected: { cause: 'mismatched-cluster-id/injector', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'namespace-on-unserved-revision',
    about: 'Namespace sample of the remote was labelled with a revision that nobody serves.',
    topology,
    stage: async (lab) => await label(lab, 'cluster2', 'namespace', 'sample', 'istio.io/rev=1-31'),
    undo: async (lab) => await label(lab, 'cluster2', 'namespace', 'sample', `istio.io/rev=${revision}`),
    expected: { cause: 'unserved-revision', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'ca-bundle-wrong-and-unled',
    about: 'The remote was left without the annotation, and its injector with the certificate authority of another mesh.',
    topology,
    stage: async (lab) => {
      await annotate(lab, `${controlPlaneClusters}-`);
      await restartIstiod(lab);
      const { root } = await parts.newAuthority('Root CA of another mesh');
      await patchInjectors(lab, (index) => ({
        op: 'replace',
        path: `/webhooks/${index}/clientConfig/caBundle`,
        value: Buffer.from(root.cert).toString('base64'),
      }));
    },
    undo: undoAnnotation,
    expected: { cause: 'unmatched-control-plane-clusters', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'dns-capture-left-out',
    about: 'The mesh was installed without DNS capture, and a Service of the remote has no twin in the primary.',
    topology,
    stage: async (lab) => await dnsCapture(lab, false),
    undo: async (lab) => {
      await lab.kubectl('cluster1', ['delete', 'service', 'def', '-n', 'sample', '--ignore-not-found']);
      await dnsCapture(lab, true);
    },
    flags: ['--service', 'def.sample'],
    expected: { cause: 'unresolvable-service/unanswered', clusters: ['cluster1'] },
    remedy: { kind: 'printed' },
  },
];

const readerToken = 'istio-reader-service-account-istio-remote-secret-token';

async function label(lab: Lab, context: string, kind: string, name: string, change: string): Promise<void> {
  const where = kind === 'namespace' ? [] : ['-n', system];
  await lab.kubectl(context, ['label', '--overwrite', kind, name, ...where, change]);
}

async function annotate(lab: Lab, change: string): Promise<void> {
  await lab.kubectl('cluster2', ['annotate', '--overwrite', 'namespace', system, change]);
}

async function rolledOut(lab: Lab, context: string, namespace: string, deployment: string): Promise<void> {
  await lab.kubectl(context, ['rollout', 'status', `deployment/${deployment}`, '-n', namespace, '--timeout=110s']);
}

async function restartIstiod(lab: Lab): Promise<void> {
  await lab.kubectl('cluster1', ['rollout', 'restart', `deployment/istiod-${revision}`, '-n', system]);
  await rolledOut(lab, 'cluster1', system, `istiod-${revision}`);
}

/** istiod reads it once: it is restarted unless the one that runs leads the remote already. */
async function undoAnnotation(lab: Lab): Promise<void> {
  await annotate(lab, `${controlPlaneClusters}=cluster1`);
  const where = ['get', 'configmap', 'istio-namespace-controller-election', '-n', system, '--ignore-not-found'];
  const election = await lab.kubectl('cluster2', [
    ...where,
    '-o',
    String.raw`jsonpath={.metadata.annotations.control-plane\.alpha\.kubernetes\.io/leader}`,
  ]);
  const pods = await lab.kubectl('cluster1', ['get', 'pods', '-n', system, '-l', 'app=istiod', '-o', 'jsonpath={.items[*].metadata.name}']);
  const isLed = pods
    .trim()
    .split(' ')
    .some((pod) => pod !== '' && election.includes(pod));
  if (!isLed) await restartIstiod(lab);
}

async function removeSecret(lab: Lab): Promise<void> {
  await lab.kubectl('cluster1', ['delete', 'secret', '-n', system, secretName, '--ignore-not-found']);
}

async function addSecret(lab: Lab, flags: readonly string[]): Promise<void> {
  await lab.kubectl('cluster1', ['apply', '-f', '-'], await lab.istioctl('cluster2', ['create-remote-secret', ...flags]));
}

/** Only the right secret: istiod reads it anew when it changes. */
async function undoSecret(lab: Lab): Promise<void> {
  const strays = ['istio-remote-secret-south', 'istio-remote-secret-cluster1', 'remote-south'];
  await lab.kubectl('cluster1', ['delete', 'secret', '-n', system, ...strays, '--ignore-not-found']);
  await lab.kubectl('cluster1', ['delete', 'secret', '-n', 'default', secretName, '--ignore-not-found']);
  await parts.remoteSecret(lab, 'cluster1', 'cluster2');
}

async function removeGateway(lab: Lab, context: string): Promise<void> {
  const objects = ['deployment', 'service', 'serviceaccount', 'horizontalpodautoscaler', 'role', 'rolebinding'];
  await lab.kubectl(context, ['delete', objects.join(','), '-n', system, '-l', 'app=istio-eastwestgateway', '--ignore-not-found']);
}

async function undoGateway(lab: Lab, context: string, own: string): Promise<void> {
  await parts.install(lab, context, parts.eastWestGateway(own, revision));
}

async function removePort(lab: Lab, context: string, port: number): Promise<void> {
  const list = await lab.kubectl(context, ['get', 'service', gatewayName, '-n', system, '-o', 'jsonpath={.spec.ports[*].port}']);
  const index = list.trim().split(' ').indexOf(String(port));
  const patch = JSON.stringify([{ op: 'remove', path: `/spec/ports/${index}` }]);
  await lab.kubectl(context, ['patch', 'service', gatewayName, '-n', system, '--type=json', '-p', patch]);
}

async function deleteIstio(lab: Lab, context: string, kind: 'gateway' | 'virtualservice', name: string): Promise<void> {
  await lab.kubectl(context, ['delete', `${kind}s.networking.istio.io`, name, '-n', system, '--ignore-not-found']);
}

async function patchGateway(lab: Lab, name: string, spec: Readonly<Record<string, unknown>>): Promise<void> {
  const patch = JSON.stringify({ spec });
  await lab.kubectl('cluster1', ['patch', 'gateways.networking.istio.io', name, '-n', system, '--type=merge', '-p', patch]);
}

async function undoExposure(lab: Lab): Promise<void> {
  await deleteIstio(lab, 'cluster1', 'virtualservice', 'istiod-vs-1-30-2');
  await deleteIstio(lab, 'cluster2', 'gateway', 'cross-network-gateway');
  await lab.apply('cluster1', [...parts.exposedIstiod(revision), parts.exposedServices]);
}

async function patchInjectors(lab: Lab, change: (index: number) => unknown): Promise<void> {
  for (const name of injectors) {
    const webhooks = await lab.kubectl('cluster2', ['get', 'mutatingwebhookconfiguration', name, '-o', 'jsonpath={.webhooks[*].name}']);
    const operations = webhooks
      .trim()
      .split(' ')
      .map((_, index) => change(index));
    await lab.kubectl('cluster2', ['patch', 'mutatingwebhookconfiguration', name, '--type=json', '-p', JSON.stringify(operations)]);
  }
}

async function injectionPath(lab: Lab, path: string): Promise<void> {
  await patchInjectors(lab, (index) => ({ op: 'replace', path: `/webhooks/${index}/clientConfig/service/path`, value: path }));
}

async function workloadsReady(lab: Lab): Promise<void> {
  await rolledOut(lab, 'cluster2', 'sample', 'def');
  await rolledOut(lab, 'cluster2', 'sample', 'client');
}

/** Proxies take it when they are injected. */
async function dnsCapture(lab: Lab, isOn: boolean): Promise<void> {
  const meshConfig = isOn ? parts.meshConfig : {};
  const operator = primaryOperator();
  await parts.install(lab, 'cluster1', { ...operator, spec: { ...Object(operator['spec']), meshConfig } });
  for (const [context, service] of [
    ['cluster1', 'abc'],
    ['cluster2', 'def'],
  ] as const) {
    await lab.kubectl(context, ['rollout', 'restart', 'deployment', '-n', 'sample']);
    await rolledOut(lab, context, 'sample', service);
    await rolledOut(lab, context, 'sample', 'client');
  }
}
