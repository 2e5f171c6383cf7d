import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './generated.ts';

export interface CheckFolder {
  readonly area: string;
  readonly id: string;
}

/** Areas with their checks, sorted by name: every checks/<area>/_area.ts and checks/<area>/<id>/check.ts. */
export function checkFolders(): { readonly areas: readonly string[]; readonly checks: readonly CheckFolder[] } {
  const areas = folders('checks').filter((area) => existsSync(join(root, 'checks', area, '_area.ts')));
  return {
    areas,
    checks: areas.flatMap((area) =>
      folders(`checks/${area}`)
        .filter((id) => existsSync(join(root, 'checks', area, id, 'check.ts')))
        .map((id) => ({ area, id })),
    ),
  };
}

function folders(path: string): string[] {
  return readdirSync(join(root, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort((a, b) => (a < b ? -1 : 1));
}
