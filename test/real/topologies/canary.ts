import { type Lab, podsReady } from '../lab/lab.ts';
import { until } from '../lab/processes.ts';
import * as parts from './parts.ts';
import { joinRemote, primaryOperator, remoteOperator } from './primary-remote.ts';
import type { Topology } from './topology.ts';

const { revision } = parts;

/** The second revision, on its way to replace the first. */
export const canaryRevision = 'canary';

/** A primary and a remote on two networks with a second revision beside the first, and half of the namespaces on it. */
export const canary: Topology = {
  name: 'canary',
  about: 'a primary and a remote on two networks, revision canary beside 1-31-0 in both, half of the namespaces migrated',
  clusters: [
    { name: 'cluster1', region: 'north' },
    { name: 'cluster2', region: 'south' },
  ],
  build: async (lab) => {
    const authority = await parts.newAuthority('Root CA');
    await parts.makeNamespace(lab, 'cluster1', 'istio-system', { labels: { 'topology.istio.io/network': 'network1' } });
    await parts.plugInCertificates(lab, 'cluster1', authority);
    await parts.install(lab, 'cluster1', primaryOperator());
    await parts.install(lab, 'cluster1', parts.eastWestGateway('network1', revision));
    await lab.apply('cluster1', [...parts.exposedIstiod(revision), parts.exposedServices]);
    await joinRemote(lab);
    await Promise.all([addWorkloads(lab, 'cluster1', 'abc'), addWorkloads(lab, 'cluster2', 'def')]);
    await addCanary(lab);
    await Promise.all([migrate(lab, 'cluster1', 'shop', canaryRevision), migrate(lab, 'cluster2', 'shop', canaryRevision)]);
  },
};

/** The second revision: in the primary, behind its gateway, then in the remote. */
async function addCanary(lab: Lab): Promise<void> {
  await parts.install(lab, 'cluster1', primaryOperator(canaryRevision));
  await lab.apply('cluster1', parts.exposedIstiod(canaryRevision));
  await parts.install(lab, 'cluster2', await remoteOperator(lab, canaryRevision));
}

/** Both namespaces as they were before the upgrade. */
async function addWorkloads(lab: Lab, context: string, service: string): Promise<void> {
  for (const namespace of ['sample', 'shop']) {
    await parts.makeNamespace(lab, context, namespace, { labels: { 'istio.io/rev': revision } });
    await lab.apply(context, parts.application(service, namespace));
  }
  for (const namespace of ['sample', 'shop']) {
    await podsReady(lab, context, namespace, 'app');
  }
}

/** Gives a namespace to another revision, as the guide for canary upgrades does: its label, then its pods. */
export async function migrate(lab: Lab, context: string, namespace: string, rev: string): Promise<void> {
  await lab.kubectl(context, ['label', '--overwrite', 'namespace', namespace, `istio.io/rev=${rev}`]);
  await lab.kubectl(context, ['rollout', 'restart', 'deployment', '-n', namespace]);
  await until(
    `pods of ${namespace} in ${context} on ${rev}`,
    async () => {
      const pods = await lab.kubectl(context, [
        'get',
        'pods',
        '-n',
        namespace,
        '-o',
        'jsonpath={.items[*].metadata.annotations.istio\\.io/rev}',
      ]);
      const revisions = pods.split(' ').filter(Boolean);
      return revisions.length > 0 && revisions.every((one) => one === rev) ? true : undefined;
    },
    120_000,
  );
  await podsReady(lab, context, namespace, 'app');
}
