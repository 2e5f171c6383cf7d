// deploy/manifests: the chart as plain objects, for whoever applies without Helm. Needs the helm of the real tier (npm run real:build).
import { spawnSync } from 'node:child_process';
import { programPath } from '../../test/real/programs.ts';
import { root, writeGenerated } from '../generated.ts';

/** A registry that nobody has: what is applied as it is pulls nothing. */
const image = 'image.repository=registry.example.com/meshdoctor';
const namespace = 'meshdoctor';

const variants = {
  'cronjob.yaml': { about: 'A CronJob that reads its own cluster, and those that the remote secrets of that cluster open.', set: [image] },
  'fleet.yaml': {
    about:
      'For many clusters: a Job records one context of Secret fleet per index, a second one judges all recordings. Put your contexts in.',
    set: [
      image,
      'fleet.enabled=true',
      'clusters.own=false',
      'clusters.kubeconfig.secret=fleet',
      'clusters.kubeconfig.contexts={east,west}',
      'persistence.enabled=true',
      'persistence.accessModes={ReadWriteMany}',
    ],
  },
  'reader.yaml': { about: 'Only the account and its rights, for a cluster that another one reads.', set: ['cronJob.enabled=false'] },
} as const;

const admission = { 'pod-security.kubernetes.io/enforce': 'restricted' };
const home = `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ${namespace}\n  labels:\n    ${Object.entries(admission)
  .map(([name, value]) => `${name}: ${value}`)
  .join('\n    ')}\n`;

writeGenerated(
  new Map(
    Object.entries(variants).map(([file, { about, set }]) => {
      const args = ['template', namespace, 'deploy/chart', '--namespace', namespace, ...set.flatMap((value) => ['--set', value])];
      const { stdout, stderr, status } = spawnSync(programPath('helm'), args, { cwd: root, encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
      return [
        `deploy/manifests/${file}`,
        `# ${about}\n# Made from deploy/chart by npm run gen -- manifests; the image is yours to put in.\n${home}${stdout}`,
      ];
    }),
  ),
);
