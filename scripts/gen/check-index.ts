// checks/index.ts: every check that there is.
import { checkFolders } from '../check-folders.ts';
import { writeGenerated } from '../generated.ts';

const { areas, checks } = checkFolders();
const camel = (id: string): string => id.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

const lines = [
  '// Written by `npm run gen`. Do not edit.',
  "import type { RegisteredCheck } from '../src/engine/types.ts';",
  ...areas.map((area) => `import * as ${camel(`${area}-area`)} from './${area}/_area.ts';`),
  ...checks.map(({ area, id }) => `import ${camel(id)} from './${area}/${id}/check.ts';`),
  '',
  '/** Areas in the order in which people read about them. */',
  'export const areas: readonly { readonly id: string; readonly title: string; readonly order: number }[] = [',
  ...areas.map((area) => `  { id: '${area}', title: ${camel(`${area}-area`)}.title, order: ${camel(`${area}-area`)}.order },`),
  '].sort((a, b) => a.order - b.order);',
  '',
  '/** Every built-in check, sorted by area and id. */',
  'export const builtin: readonly RegisteredCheck[] = [',
  ...checks.map(({ area, id }) => `  { check: ${camel(id)}, area: '${area}', origin: 'built-in' },`),
  '];',
  '',
];
writeGenerated(new Map([['checks/index.ts', lines.join('\n')]]));
