import type { Lab } from '../lab/lab.ts';
import { at, listAt, textAt } from '../lab/kube.ts';
import { until } from '../lab/processes.ts';
import * as parts from '../topologies/parts.ts';
import { primaryOperator, remoteOperator } from '../topologies/primary-remote.ts';
import type { Fault } from './fault.ts';
import { atHand } from './guide.ts';
import { kept, readyReplicas } from './kept.ts';

/*
 * What happens to a mesh of a primary and a remote that worked yesterday: processes that die, addresses that move, rights that are cut, roots that are
 * replaced.
 */

const topology = 'primary-remote';
const { revision } = parts;
const system = 'istio-system';
const istiod = `istiod-${revision}`;
const gateway = 'istio-eastwestgateway';
const reader = `istio-reader-clusterrole-${revision}-${system}`;
const injector = `istio-sidecar-injector-${revision}`;
const meshConfig = `istio-${revision}`;

const objects = {
  istiod: kept('cluster1', 'deployment', istiod, system),
  cacerts: kept('cluster1', 'secret', 'cacerts', system),
  meshConfig: kept('cluster1', 'configmap', meshConfig, system),
  gatewayOfPrimary: kept('cluster1', 'deployment', gateway, system),
  serviceOfGatewayOfRemote: kept('cluster2', 'service', gateway, system),
  readerRole: kept('cluster2', 'clusterrole', reader),
  readerBinding: kept('cluster2', 'clusterrolebinding', reader),
  secret: kept('cluster1', 'secret', 'istio-remote-secret-cluster2', system),
  slice: kept('cluster2', 'endpointslice', istiod, system),
  injector: kept('cluster2', 'mutatingwebhookconfiguration', injector),
  injectorOfTag: kept('cluster2', 'mutatingwebhookconfiguration', 'istio-revision-tag-default'),
  namespaceOfRemote: kept('cluster2', 'namespace', system),
};

/** A container whose program ends at once, whenever it is started; no pod from before stays. */
const crashing = (container: string): string =>
  JSON.stringify({
    spec: {
      strategy: { type: 'Recreate', rollingUpdate: null },
      template: { spec: { containers: [{ name: container, args: ['no-such-command'] }] } },
    },
  });

export const runningFaults: readonly Fault[] = [
  {
    id: 'istiod-scaled-to-zero',
    about: 'istiod of the primary was scaled to 0.',
    topology,
    stage: async (lab) => {
      await objects.istiod.keep(lab);
      await lab.kubectl('cluster1', ['scale', 'deployment', istiod, '-n', system, '--replicas=0']);
    },
    undo: async (lab) => await putBackDeployment(lab, 'cluster1', istiod, objects.istiod),
    expected: { cause: 'unavailable-istiod', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'istiod-crashes',
    about: 'istiod of the primary was given an argument that it does not know, and crashes whenever it is started.',
    topology,
    stage: async (lab) => {
      await objects.istiod.keep(lab);
      await lab.kubectl('cluster1', ['patch', 'deployment', istiod, '-n', system, '--patch', crashing('discovery')]);
    },
    undo: async (lab) => await putBackDeployment(lab, 'cluster1', istiod, objects.istiod),
    expected: { cause: 'unavailable-istiod', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: 'only the log of its pods says what is wrong with the arguments' },
  },
  {
    id: 'gateway-of-primary-crashes',
    about: 'The east-west gateway of the primary crashes whenever it is started.',
    topology,
    stage: async (lab) => {
      await objects.gatewayOfPrimary.keep(lab);
      await lab.kubectl('cluster1', ['patch', 'deployment', gateway, '-n', system, '--patch', crashing('istio-proxy')]);
    },
    undo: async (lab) => await putBackDeployment(lab, 'cluster1', gateway, objects.gatewayOfPrimary),
    expected: { cause: 'unready-east-west-gateway', clusters: ['cluster1'] },
    remedy: { kind: 'undone', because: 'only the log of its pods says what is wrong with the arguments' },
  },
  {
    id: 'gateway-selector-changed',
    about: 'The selector of the Service of the east-west gateway of the remote was changed to labels that no pod has.',
    topology,
    stage: async (lab) => {
      await objects.serviceOfGatewayOfRemote.keep(lab);
      await lab.kubectl('cluster2', ['patch', 'service', gateway, '-n', system, '-p', '{"spec":{"selector":{"istio":"east-west"}}}']);
    },
    undo: async (lab) => await objects.serviceOfGatewayOfRemote.putBack(lab),
    expected: { cause: 'unready-east-west-gateway/noPods', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'address-of-primary-moved',
    about: 'The load balancer of the primary got another address, and the one that the remote knows went away.',
    topology,
    stage: async (lab) => {
      await objects.slice.keep(lab);
      const before = await parts.gatewayAddress(lab, 'cluster1');
      await giveAddress(lab, 'cluster1', lab.cluster('cluster1').cluster.addresses.loadBalancer(40));
      await lab.services.block([before]);
    },
    undo: async (lab) => {
      await lab.services.block([]);
      await giveAddress(lab, 'cluster1', lab.cluster('cluster1').cluster.addresses.loadBalancer(0));
      await objects.slice.putBack(lab);
    },
    expected: { cause: 'stale-pilot-address', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'address-of-istiod-removed',
    about: 'Somebody removed the EndpointSlice through which the remote finds istiod.',
    topology,
    stage: async (lab) => {
      await objects.slice.keep(lab);
      await lab.kubectl('cluster2', ['delete', 'endpointslice', istiod, '-n', system]);
    },
    undo: async (lab) => await objects.slice.putBack(lab),
    expected: { cause: 'stale-pilot-address/none', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'gateway-of-remote-behind-firewall',
    about: 'A firewall drops everything to the load balancer of the remote.',
    topology,
    stage: async (lab) => await lab.services.block([await parts.gatewayAddress(lab, 'cluster2')]),
    undo: async (lab) => await lab.services.block([]),
    expected: { cause: 'unreachable-gateway', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: 'a firewall is in no object' },
  },
  {
    id: 'gateway-of-primary-behind-firewall',
    about: 'A firewall drops everything to the load balancer of the primary.',
    topology,
    stage: async (lab) => await lab.services.block([await parts.gatewayAddress(lab, 'cluster1')]),
    undo: async (lab) => await lab.services.block([]),
    expected: { cause: 'unreachable-gateway', clusters: ['cluster1'] },
    remedy: { kind: 'undone', because: 'a firewall is in no object' },
  },
  {
    id: 'api-server-of-remote-stopped',
    about: 'The API server of the remote does not answer.',
    topology,
    stage: async (lab) => await lab.cluster('cluster2').cluster.stopApiServer(),
    undo: async (lab) => await lab.cluster('cluster2').cluster.startApiServer(),
    expected: { unreached: ['cluster2'] },
    remedy: { kind: 'undone', because: 'a cluster that does not answer cannot be looked into' },
  },
  {
    id: 'api-server-of-primary-stopped',
    about: 'The API server of the primary does not answer.',
    topology,
    stage: async (lab) => await lab.cluster('cluster1').cluster.stopApiServer(),
    undo: async (lab) => await lab.cluster('cluster1').cluster.startApiServer(),
    expected: { unreached: ['cluster1'] },
    remedy: { kind: 'undone', because: 'a cluster that does not answer cannot be looked into' },
  },
  {
    id: 'replica-restarted-while-remote-away',
    about: 'One of two replicas of istiod was restarted while the API server of the remote did not answer.',
    topology,
    stage: async (lab) => {
      await lab.kubectl('cluster1', ['scale', 'deployment', istiod, '-n', system, '--replicas=2']);
      await replicasReady(lab, 2);
      await lab.cluster('cluster2').cluster.stopApiServer();
      const pods = (await lab.kubectl('cluster1', ['get', 'pods', '-n', system, '-l', 'app=istiod', '-o', 'name'])).trim().split('\n');
      await lab.kubectl('cluster1', ['delete', '-n', system, '--wait', pods[0] ?? '']);
      await replicasReady(lab, 2);
    },
    undo: async (lab) => {
      await lab.cluster('cluster2').cluster.startApiServer();
      await lab.kubectl('cluster1', ['scale', 'deployment', istiod, '-n', system, '--replicas=1']);
    },
    expected: {
      unreached: ['cluster2'],
      also: {
        'divergent-replicas/clusters':
          'one replica read the cluster while it could be read, and the other never did; that nobody reaches it from here is a gap and no finding that could explain it',
      },
    },
    remedy: { kind: 'undone', because: 'a cluster that does not answer cannot be looked into' },
  },
  {
    id: 'reader-without-configmaps',
    about: 'The role of the reader in the remote lost configmaps.',
    topology,
    stage: async (lab) => {
      await objects.readerRole.keep(lab);
      await withoutRights(lab, ['configmaps']);
    },
    undo: async (lab) => await objects.readerRole.putBack(lab),
    expected: { cause: 'insufficient-reader-role', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'reader-without-services',
    about: 'The role of the reader in the remote lost services and endpoints, and istiod was restarted.',
    topology,
    stage: async (lab) => {
      await objects.readerRole.keep(lab);
      await withoutRights(lab, ['services', 'endpoints', 'endpointslices']);
      await restarted(lab, 'cluster1', istiod, system);
    },
    undo: async (lab) => await objects.readerRole.putBack(lab),
    expected: { cause: 'insufficient-reader-role', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'tokens-not-reviewed',
    about: 'The role of the reader in the remote lost tokenreviews.',
    topology,
    stage: async (lab) => {
      await objects.readerRole.keep(lab);
      await withoutRights(lab, ['tokenreviews']);
    },
    undo: async (lab) => await objects.readerRole.putBack(lab),
    expected: { cause: 'insufficient-reader-role', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'reader-unbound',
    about: 'The ClusterRoleBinding of the reader in the remote was deleted.',
    topology,
    stage: async (lab) => {
      await objects.readerBinding.keep(lab);
      await lab.kubectl('cluster2', ['delete', 'clusterrolebinding', reader]);
    },
    undo: async (lab) => await objects.readerBinding.putBack(lab),
    expected: { cause: 'insufficient-reader-role', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'reader-account-made-anew',
    about: 'The service account of the reader in the remote was deleted and made anew.',
    topology,
    stage: async (lab) => {
      await objects.secret.keep(lab);
      const account = kept('cluster2', 'serviceaccount', 'istio-reader-service-account', system);
      await account.keep(lab);
      await lab.kubectl('cluster2', ['delete', 'serviceaccount', 'istio-reader-service-account', '-n', system]);
      await account.putBack(lab);
    },
    undo: async (lab) => await parts.remoteSecret(lab, 'cluster1', 'cluster2'),
    expected: { cause: 'revoked-credential', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'injectors-deleted',
    about: 'The injectors of the remote were deleted.',
    topology,
    stage: async (lab) => {
      await objects.injector.keep(lab);
      await objects.injectorOfTag.keep(lab);
      await lab.kubectl('cluster2', ['delete', 'mutatingwebhookconfiguration', injector, 'istio-revision-tag-default']);
    },
    undo: async (lab) => {
      await objects.injector.putBack(lab);
      await objects.injectorOfTag.putBack(lab);
    },
    expected: { cause: 'unserved-revision', clusters: ['cluster2'] },
    remedy: {
      kind: 'printed',
      values: async (lab) => await atHand(lab, { 'REMOTE.yaml': await remoteOperator(lab), 'PRIMARY.yaml': primaryOperator() }),
    },
  },
  {
    id: 'root-replaced',
    about: 'The primary was given an intermediate under another root and restarted; nothing else was.',
    topology,
    stage: async (lab) => {
      await objects.cacerts.keep(lab);
      await parts.plugInCertificates(lab, 'cluster1', await parts.newAuthority('Another Root CA'));
      await restarted(lab, 'cluster1', istiod, system);
      await rootsEverywhere(lab);
    },
    undo: async (lab) => {
      await objects.cacerts.putBack(lab);
      await restarted(lab, 'cluster1', istiod, system);
      await rootsEverywhere(lab);
      await restartWorkloads(lab);
    },
    expected: { cause: 'foreign-gateway-certificate', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'root-tampered-while-unled',
    about:
      'Nobody leads the remote since istiod was restarted without the annotation, and the root of namespace sample was overwritten there.',
    topology,
    stage: async (lab) => {
      await objects.namespaceOfRemote.keep(lab);
      await lab.kubectl('cluster2', ['annotate', 'namespace', system, 'topology.istio.io/controlPlaneClusters-']);
      await restarted(lab, 'cluster1', istiod, system);
      const { root } = await parts.newAuthority('Another Root CA');
      const patch = JSON.stringify({ data: { 'root-cert.pem': root.cert } });
      await lab.kubectl('cluster2', ['patch', 'configmap', 'istio-ca-root-cert', '-n', 'sample', '-p', patch]);
    },
    undo: async (lab) => {
      await objects.namespaceOfRemote.putBack(lab);
      await restarted(lab, 'cluster1', istiod, system);
    },
    expected: { cause: 'unmatched-control-plane-clusters', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'dns-capture-after-the-pods',
    about: 'DNS capture was turned on after the pods of the remote were started, and they were not restarted.',
    topology,
    stage: async (lab) => {
      await objects.meshConfig.keep(lab);
      const text = await lab.kubectl('cluster1', ['get', 'configmap', meshConfig, '-n', system, '-o', 'jsonpath={.data.mesh}']);
      const mesh = text.replace(/^ *proxyMetadata:\n.*DNS_CAPTURE.*\n/mu, '');
      await lab.kubectl('cluster1', ['patch', 'configmap', meshConfig, '-n', system, '-p', JSON.stringify({ data: { mesh } })]);
      await injectedWith(lab, 'cluster2', (env) => !env.includes('ISTIO_META_DNS_CAPTURE'));
      await restarted(lab, 'cluster2', 'client', 'sample');
      await restarted(lab, 'cluster2', 'def', 'sample');
      await objects.meshConfig.putBack(lab);
      await injectedWith(lab, 'cluster2', (env) => env.includes('ISTIO_META_DNS_CAPTURE'));
    },
    undo: async (lab) => {
      await objects.meshConfig.putBack(lab);
      await injectedWith(lab, 'cluster2', (env) => env.includes('ISTIO_META_DNS_CAPTURE'));
      await restarted(lab, 'cluster2', 'client', 'sample');
      await restarted(lab, 'cluster2', 'def', 'sample');
    },
    expected: { cause: 'stale-dns-capture', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'pods-of-a-former-network',
    about: 'The network of the remote was corrected, and pods that were injected with the former name were not restarted.',
    topology,
    stage: async (lab) => {
      await objects.injector.keep(lab);
      const former = '/inject/cluster/cluster2/net/former';
      const paths = [0, 1].map((position) => ({ op: 'replace', path: `/webhooks/${position}/clientConfig/service/path`, value: former }));
      await lab.kubectl('cluster2', ['patch', 'mutatingwebhookconfiguration', injector, '--type=json', '-p', JSON.stringify(paths)]);
      await injectedWith(lab, 'cluster2', (_env, labels) => labels['topology.istio.io/network'] === 'former');
      await restarted(lab, 'cluster2', 'def', 'sample');
      await objects.injector.putBack(lab);
      await injectedWith(lab, 'cluster2', (_env, labels) => labels['topology.istio.io/network'] === 'network2');
    },
    undo: async (lab) => {
      await objects.injector.putBack(lab);
      await injectedWith(lab, 'cluster2', (_env, labels) => labels['topology.istio.io/network'] === 'network2');
      await restarted(lab, 'cluster2', 'def', 'sample');
    },
    expected: { cause: 'stale-proxy-network', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'policy-in-remote',
    about: 'A PeerAuthentication was applied in the remote, where no istiod reads it.',
    topology,
    stage: async (lab) =>
      await lab.apply('cluster2', [
        {
          apiVersion: 'security.istio.io/v1',
          kind: 'PeerAuthentication',
          metadata: { name: 'default', namespace: 'sample' },
          spec: { mtls: { mode: 'STRICT' } },
        },
      ]),
    undo: async (lab) => {
      for (const context of ['cluster1', 'cluster2'])
        await lab.kubectl(context, ['delete', 'peerauthentication', 'default', '-n', 'sample', '--ignore-not-found']);
    },
    expected: { cause: 'inert-configuration', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
];

async function putBackDeployment(lab: Lab, context: string, name: string, object: { putBack(lab: Lab): Promise<void> }): Promise<void> {
  await object.putBack(lab);
  await lab.kubectl(context, ['rollout', 'status', 'deployment', name, '-n', system, '--timeout=120s']);
}

/** Every pod of it started anew. */
async function restarted(lab: Lab, context: string, deployment: string, namespace: string): Promise<void> {
  await lab.kubectl(context, ['rollout', 'restart', 'deployment', deployment, '-n', namespace]);
  await lab.kubectl(context, ['rollout', 'status', 'deployment', deployment, '-n', namespace, '--timeout=180s']);
}

async function restartWorkloads(lab: Lab): Promise<void> {
  for (const context of ['cluster1', 'cluster2']) {
    await restarted(lab, context, gateway, system);
    for (const name of [context === 'cluster1' ? 'abc' : 'def', 'client']) await restarted(lab, context, name, 'sample');
  }
}

async function replicasReady(lab: Lab, count: number): Promise<void> {
  await until(
    `${count} replicas of istiod`,
    async () => ((await readyReplicas(lab, 'cluster1', istiod, system)) === count ? true : undefined),
    120_000,
  );
}

/** An address of its own choice for the load balancer of a gateway. */
async function giveAddress(lab: Lab, cluster: string, ip: string): Promise<void> {
  const patch = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip }] } } });
  await lab.kubectl(cluster, ['patch', 'service', gateway, '-n', system, '--subresource=status', '--type=merge', '-p', patch]);
}

/** Takes resources out of the rules of the reader's role. */
async function withoutRights(lab: Lab, resources: readonly string[]): Promise<void> {
  const role: unknown = JSON.parse(await lab.kubectl('cluster2', ['get', 'clusterrole', reader, '-o', 'json']));
  const rules = listAt(role, 'rules').flatMap((rule) => {
    const left = listAt(rule, 'resources').filter((resource) => !resources.includes(String(resource)));
    return left.length === 0 ? [] : [{ apiGroups: at(rule, 'apiGroups'), resources: left, verbs: at(rule, 'verbs') }];
  });
  await lab.kubectl('cluster2', ['patch', 'clusterrole', reader, '--type=merge', '-p', JSON.stringify({ rules })]);
}

/** Until the root of both clusters is the one that the primary signs under. */
async function rootsEverywhere(lab: Lab): Promise<void> {
  const encoded = await lab.kubectl('cluster1', ['get', 'secret', 'cacerts', '-n', system, '-o', 'jsonpath={.data.root-cert\\.pem}']);
  const root = Buffer.from(encoded, 'base64').toString();
  const path = 'jsonpath={.data.root-cert\\.pem}';
  await until(
    'root certificate in all namespaces',
    async () => {
      const found = await Promise.all(
        ['cluster1', 'cluster2'].map(
          async (context) => await lab.kubectl(context, ['get', 'configmap', 'istio-ca-root-cert', '-n', 'sample', '-o', path]),
        ),
      );
      return found.every((text) => text.trim() === root.trim()) ? true : undefined;
    },
    90_000,
  );
}

/** Until a pod that were made now would be injected as wanted. */
async function injectedWith(
  lab: Lab,
  context: string,
  isWanted: (env: readonly string[], labels: Readonly<Record<string, string>>) => boolean,
): Promise<void> {
  await until(
    `injection in ${context}`,
    async () => {
      const args = ['run', 'asked', '-n', 'sample', '--image=registry.example/app:1', '--dry-run=server', '-o', 'json'];
      const pod: unknown = JSON.parse(await lab.kubectl(context, args));
      const proxies = [...listAt(pod, 'spec', 'initContainers'), ...listAt(pod, 'spec', 'containers')];
      const proxy = proxies.find((container) => textAt(container, 'name') === 'istio-proxy');
      if (proxy === undefined) return undefined;
      const env = listAt(proxy, 'env').map((entry) => textAt(entry, 'name') ?? '');
      const label = textAt(pod, 'metadata', 'labels', 'topology.istio.io/network');
      return isWanted(env, label === undefined ? {} : { 'topology.istio.io/network': label }) ? true : undefined;
    },
    90_000,
  );
}
