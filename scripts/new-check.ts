// npm run new-check -- east-west/unexposed-services: a folder with a check and its test to start from.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { checkFolders } from './check-folders.ts';
import { root } from './generated.ts';

const [path = ''] = process.argv.slice(2);
const [area = '', id = ''] = path.split('/');
const { areas, checks } = checkFolders();
const problem = !areas.includes(area)
  ? `usage: npm run new-check -- AREA/ID, where AREA is one of ${areas.join(', ')}`
  : !/^[a-z]+(-[a-z]+)+$/.test(id)
    ? `an id is words joined by hyphens, the failing adjective first, as unserved-revision: not ${id}`
    : checks.some((check) => check.id === id) || existsSync(join(root, 'checks', area, id))
      ? `there is a check ${id} already`
      : undefined;

if (problem !== undefined) {
  console.error(problem);
  process.exitCode = 2;
} else {
  const folder = join(root, 'checks', area, id);
  mkdirSync(folder);
  writeFileSync(join(folder, 'check.ts'), checkText(id));
  writeFileSync(join(folder, 'check.test.ts'), testText(id));
  console.error(`written: checks/${area}/${id}/check.ts and check.test.ts`);
  process.exitCode =
    spawnSync(process.execPath, [join(root, 'scripts/run-ts.mjs'), join(root, 'scripts/gen.ts')], { cwd: root, stdio: 'inherit' }).status ??
    1;
}

function checkText(name: string): string {
  return `import { defineCheck, type Namespace } from 'meshdoctor/api';

export default defineCheck({
  id: '${name}',
  title: 'What holds when all is well, as a sentence without full stop',
  severity: 'warning',
  certainty: 'likely',
  scope: 'cluster',
  needs: ['namespaces'],
  docs: {
    why: 'What breaks, for whom, and how it shows.',
    confirm: 'kubectl get namespaces',
    fix: 'What to do about it.',
    notWhen: 'When it looks wrong but is meant.',
  },
  messages: {
    wrong: (a: { namespace: Namespace }) => ({
      text: \`Namespace \${a.namespace.name} of \${a.namespace.ref.cluster} is wrong, so something does not work.\`,
    }),
  },
  *run({ cluster, finding }) {
    for (const namespace of cluster.namespaces) {
      if (namespace.labels['example'] !== 'wrong') continue;
      yield finding('wrong', { namespace }, { at: namespace.ref, field: '.metadata.labels["example"]' });
    }
  },
});
`;
}

function testText(name: string): string {
  return `import { checkTester, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const healthy = mesh().primaryRemote('east', 'west', { networks: 2 }).namespace('shop', { injected: true });

checkTester(check, {
  healthy: {
    'nothing is wrong': healthy,
  },
  broken: {
    'a namespace is wrong': {
      mesh: healthy.break((m) => m.cluster('west').relabel('shop', { example: 'wrong' })),
      findings: ['${name} @ west:Namespace/shop'],
    },
  },
});
`;
}
