import type { Lab } from '../lab/lab.ts';
import { until } from '../lab/processes.ts';
import { canaryRevision, migrate } from '../topologies/canary.ts';
import * as parts from '../topologies/parts.ts';
import { remoteOperator } from '../topologies/primary-remote.ts';
import type { Fault } from './fault.ts';
import { atHand } from './guide.ts';

/*
 * What goes wrong while a second revision takes over: a step done in one cluster and not in the other, or in the wrong order.
 */

const topology = 'canary';
const system = 'istio-system';

export const canaryFaults: readonly Fault[] = [
  {
    id: 'canary-not-exposed',
    about: 'The second revision was not exposed, though namespaces of the remote were migrated to it.',
    topology,
    stage: async (lab) => {
      await lab.kubectl('cluster1', ['delete', 'virtualservice', `istiod-vs-${canaryRevision}`, '-n', system, '--ignore-not-found']);
    },
    undo: async (lab) => await lab.apply('cluster1', parts.exposedIstiod(canaryRevision)),
    expected: { cause: 'mismatched-exposed-revision', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'canary-of-next-release',
    about: 'A namespace of the remote was migrated to a revision that nobody has installed.',
    topology,
    stage: async (lab) => {
      await lab.kubectl('cluster2', ['label', '--overwrite', 'namespace', 'shop', 'istio.io/rev=1-32-0']);
      await restart(lab, 'cluster2', 'shop');
      await withoutSidecar(lab, 'cluster2', 'shop');
    },
    undo: async (lab) => await migrate(lab, 'cluster2', 'shop', canaryRevision),
    expected: { cause: 'unserved-revision', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'canary-only-in-primary',
    about: 'The second revision was removed from the remote while a namespace there uses it.',
    topology,
    stage: async (lab) => await uninstall(lab, 'cluster2'),
    undo: async (lab) => {
      await parts.install(lab, 'cluster2', await remoteOperator(lab, canaryRevision));
      await migrate(lab, 'cluster2', 'shop', canaryRevision);
    },
    expected: { cause: 'unserved-revision', clusters: ['cluster2'] },
    remedy: { kind: 'printed', values: async (lab) => await atHand(lab, { 'REMOTE.yaml': await remoteOperator(lab, canaryRevision) }) },
  },
  {
    id: 'tag-of-removed-revision',
    about: 'A revision tag of the remote was left behind on a revision that was removed there.',
    topology,
    stage: async (lab) => {
      await lab.istioctl('cluster2', ['tag', 'set', 'prod', '--revision', canaryRevision, '--overwrite']);
      await lab.kubectl('cluster2', ['label', '--overwrite', 'namespace', 'shop', 'istio.io/rev=prod']);
      await uninstall(lab, 'cluster2');
    },
    undo: async (lab) => {
      await parts.install(lab, 'cluster2', await remoteOperator(lab, canaryRevision));
      await lab.kubectl('cluster2', ['delete', 'mutatingwebhookconfiguration', 'istio-revision-tag-prod', '--ignore-not-found']);
      await lab.kubectl('cluster2', ['delete', 'service', 'istiod-revision-tag-prod', '-n', system, '--ignore-not-found']);
      await migrate(lab, 'cluster2', 'shop', canaryRevision);
    },
    expected: { cause: 'dangling-injector-service', clusters: ['cluster2'] },
    remedy: { kind: 'printed', values: async (lab) => await atHand(lab, { 'REMOTE.yaml': await remoteOperator(lab, canaryRevision) }) },
  },
];

async function uninstall(lab: Lab, context: string): Promise<void> {
  await lab.istioctl(context, ['uninstall', '-y', '--revision', canaryRevision]);
}

async function restart(lab: Lab, context: string, namespace: string): Promise<void> {
  await lab.kubectl(context, ['rollout', 'restart', 'deployment', '-n', namespace]);
}

/** The pods of a namespace have been replaced by such that nobody injected. */
async function withoutSidecar(lab: Lab, context: string, namespace: string): Promise<void> {
  await until(`pods of ${namespace} in ${context} without sidecar`, async () => {
    const states = await lab.kubectl(context, [
      'get',
      'pods',
      '-n',
      namespace,
      '-o',
      'jsonpath={.items[*].metadata.annotations.sidecar\\.istio\\.io/status}',
    ]);
    return states.trim() === '' ? true : undefined;
  });
}
