import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '../../../src/report/schema.ts';
import { entryOf, type Lab } from '../lab/lab.ts';
import { kubeconfigOf } from '../lab/cluster.ts';
import { runProgram, until } from '../lab/processes.ts';
import { programPath, root } from '../programs.ts';
import { harmless } from './access.ts';
import type { Case } from './case.ts';
import { account, auditedSince } from './reader.ts';

const chart = join(root, 'deploy/chart');

/*
 * The chart as it is installed: a primary whose CronJob reads its own cluster as its service account and the remote by a kubeconfig in a Secret,
 * and a remote that only lends the account. Its namespace admits nothing but restricted pods.
 */
export const chartCases: readonly Case[] = [
  { name: 'chart-runs-as-its-account', topology: 'primary-remote', run: async (lab) => await installed(lab) },
];

async function installed(lab: Lab): Promise<void> {
  const [own, other] = lab.clusters().map(({ cluster }) => cluster);
  if (own === undefined || other === undefined) throw new Error('Two clusters are needed.');
  try {
    for (const { name } of [own, other]) {
      const enforce = { 'pod-security.kubernetes.io/enforce': 'restricted' };
      await lab.apply(name, [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: account, labels: enforce } }]);
    }
    await helm(lab, other.name, ['install', account, chart, '--set', 'cronJob.enabled=false']);
    const token = (await lab.kubectl(other.name, ['create', 'token', account, '-n', account])).trim();
    const stringData = { config: kubeconfigOf([{ ...entryOf(other), token }]) };
    await lab.apply(own.name, [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'clusters', namespace: account }, stringData }]);
    const values = [
      'image.repository=registry.example/meshdoctor',
      'cronJob.suspend=true',
      'clusters.kubeconfig.secret=clusters',
      'outputs={text,json=/tmp/report.json}',
    ];
    await helm(lab, own.name, ['lint', chart, '--strict', ...values.flatMap((value) => ['--set', value])]);
    await helm(lab, own.name, ['install', account, chart, ...values.flatMap((value) => ['--set', value])]);
    await runsClean(lab, own.name, [own.name, other.name]);
  } finally {
    for (const { name } of [own, other]) {
      await helm(lab, name, ['uninstall', account, '--ignore-not-found']);
      await lab.kubectl(name, ['delete', '--ignore-not-found', 'namespace', account]);
    }
  }
}

/** One run of the CronJob, now: it ends well, sees every cluster, asks nothing that it may not, and writes nothing. */
async function runsClean(lab: Lab, cluster: string, all: readonly string[]): Promise<void> {
  const sizes = new Map(all.map((name) => [name, statSync(lab.cluster(name).cluster.audit).size]));
  await lab.kubectl(cluster, ['create', 'job', 'now', '--from=cronjob/meshdoctor', '-n', account]);
  const ended = await until('end of the job', async () => {
    const text = await lab.kubectl(cluster, [
      'get',
      'job',
      'now',
      '-n',
      account,
      '-o',
      'jsonpath={.status.conditions[?(@.status=="True")].type}',
    ]);
    const condition = ['Complete', 'Failed'].find((type) => text.split(' ').includes(type));
    return await Promise.resolve(condition);
  });
  const pod = (
    await lab.kubectl(cluster, ['get', 'pods', '-n', account, '-l', 'job-name=now', '-o', 'jsonpath={.items[*].metadata.name}'])
  ).trim();
  const folder = join(lab.cluster(cluster).cluster.folder, 'pods', `${account}.${pod}`);
  const log = readFileSync(join(folder, 'meshdoctor.log'), 'utf8');
  if (ended !== 'Complete') throw new Error(`The job ended as ${ended}:\n${log}`);
  // Its own schema; the program under test wrote it.
  const report = JSON.parse(readFileSync(join(folder, 'tmp/report.json'), 'utf8')) as Report;
  const unread = report.clusters.filter(({ unreached, isMember }) => unreached !== undefined || !isMember);
  if (report.clusters.length !== all.length || unread.length > 0 || report.exit.code !== 0)
    throw new Error(`The job did not see all of the mesh:\n${log}`);
  for (const name of all) {
    const events = await until(`audit log of ${name}`, async () => {
      const found = auditedSince(lab, name, sizes.get(name) ?? 0);
      return await Promise.resolve(found.length > 0 ? found : undefined);
    });
    harmless(name, events);
  }
}

async function helm(lab: Lab, context: string, args: readonly string[]): Promise<void> {
  const ran = await runProgram(programPath('helm'), [...args, '--namespace', account, '--kube-context', context], {
    env: { KUBECONFIG: lab.kubeconfig, HOME: lab.folder },
  });
  if (ran.code !== 0) throw new Error(`helm ${args.join(' ')}: ${ran.stderr.trim()} ${ran.stdout.trim()}`);
}
