import { join, resolve } from 'node:path';
import { builtin } from '../../checks/index.ts';
import { runOptions } from '../../src/config/options.ts';
import type { Report } from '../../src/report/schema.ts';
import { check } from '../../src/run/check.ts';

const root = resolve(import.meta.dirname, '../..');

/** The report about the mesh that comes with meshdoctor. */
export async function demoReport(mesh: 'broken' | 'healthy'): Promise<Report> {
  const folder = join(root, 'fixtures/demo', mesh);
  const manifests = ['east', 'west'].map((name) => `${name}=${join(folder, name)}`);
  const options = runOptions({ manifests, complete: true, service: ['abc.default:5000'] }, undefined, {
    cwd: root,
    now: '2026-11-24T12:00:00Z',
  });
  return await check(options, { version: '0.0.0', nodeVersion: '20.19.0', builtIn: builtin });
}
