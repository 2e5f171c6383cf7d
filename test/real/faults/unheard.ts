import type { Lab } from '../lab/lab.ts';
import { until } from '../lab/processes.ts';
import type { Fault } from './fault.ts';
import { gone, sample, service } from './objects.ts';
import { istiodPorts, noObject, opened, podsOf, toIstiod } from './ways.ts';

/*
 * What istiod has for proxies, and they do not hear of: names are answered from what they heard last.
 */

const topology = 'primary-remote';

/** Nothing gets from pods of the remote to istiod any more, whatever else it may reach. */
const unheard = async (lab: Lab): Promise<Awaited<ReturnType<typeof toIstiod>>> =>
  await toIstiod(lab, istiodPorts.discovery, podsOf(lab, 'cluster2'));

export const unheardFaults: readonly Fault[] = [
  {
    id: 'service-made-while-cut-off',
    about: 'A Service was made while a firewall kept proxies of the remote, whose connections stood, from port 15012 of the primary.',
    topology,
    stage: async (lab) => {
      await lab.services.bar(await unheard(lab));
      await lab.apply('cluster1', [service('late', { selector: { app: 'abc' } })]);
    },
    undo: async (lab) => {
      await opened(lab);
      await gone(lab, ['cluster1'], 'service', 'late');
    },
    expected: { cause: 'unconnected-proxy', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: noObject },
  },
  {
    id: 'service-made-while-cut-off-without-dns',
    about: 'The same, and the firewall keeps pods of the remote from the DNS of their cluster, too.',
    topology,
    stage: async (lab) => {
      await lab.services.bar([
        ...(await unheard(lab)),
        { from: podsOf(lab, 'cluster2'), to: lab.cluster('cluster2').cluster.addresses.dns },
      ]);
      await lab.apply('cluster1', [service('late', { selector: { app: 'abc' } })]);
    },
    undo: async (lab) => {
      await opened(lab);
      await gone(lab, ['cluster1'], 'service', 'late');
    },
    expected: { cause: 'unconnected-proxy', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: noObject },
  },
  {
    id: 'service-made-anew-while-cut-off',
    about: 'A Service of the primary was deleted and made anew, with another address, while proxies of the remote were kept from istiod.',
    topology,
    stage: async (lab) => {
      await lab.apply('cluster1', [service('late', { selector: { app: 'abc' } })]);
      await named(lab, 'late');
      await lab.services.bar(await unheard(lab));
      await gone(lab, ['cluster1'], 'service', 'late');
      await lab.apply('cluster1', [service('late', { selector: { app: 'abc' } })]);
    },
    undo: async (lab) => {
      await opened(lab);
      await gone(lab, ['cluster1'], 'service', 'late');
    },
    expected: { cause: 'unconnected-proxy', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: noObject },
  },
  {
    id: 'client-started-while-cut-off',
    about: 'The caller in the remote was started anew while a firewall kept pods there from port 15012 of the primary.',
    topology,
    stage: async (lab) => {
      await lab.services.bar(await unheard(lab));
      for (const count of [0, 1]) {
        await lab.kubectl('cluster2', ['scale', 'deployment', 'client', '-n', sample, `--replicas=${count}`]);
        await until('pods of the caller', async () => {
          const pods = await lab.kubectl('cluster2', ['get', 'pods', '-n', sample, '-l', 'app=client', '-o', 'name']);
          return pods.split('\n').filter((name) => name !== '').length === count ? true : undefined;
        });
      }
    },
    undo: async (lab) => {
      await opened(lab);
      await lab.kubectl('cluster2', ['rollout', 'status', 'deployment', 'client', '-n', sample, '--timeout=110s']);
    },
    expected: { cause: 'unconnected-proxy', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: noObject },
  },
];

/** Until the sidecar of the caller in the remote answers a name of the mesh. */
async function named(lab: Lab, name: string): Promise<void> {
  await until(`${name} at the sidecars of the remote`, async () => {
    const ran = await lab.meshdoctor(['path', 'cluster2/sample/client', `${name}.sample:5000`, '--all-contexts', '-o', 'json']);
    return ran.code === 0 ? true : undefined;
  });
}
