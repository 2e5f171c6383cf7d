import { entries, exceptions, layers, loaders, podMaker, podMakers, slowPackages, writer, writers } from './layers.ts';
import type { Import, Module } from './modules.ts';

const isTest = (path: string): boolean => path.endsWith('.test.ts');

/** Every broken rule, as `file: what is wrong`. */
export function violations(all: readonly Module[]): readonly string[] {
  const production = all.filter(({ path }) => !isTest(path));
  const known = new Set(all.map(({ path }) => path));
  return [
    ...production.flatMap((module) => module.imports.flatMap((one) => wrong(module, one).map((what) => `${module.path}: ${what}`))),
    ...production.flatMap((module) =>
      module.imports
        .filter(({ target }) => target !== undefined && /^(src|checks)\//.test(target) && !known.has(target))
        .map(({ specifier }) => `${module.path}: imports ${specifier}, which does not exist`),
    ),
    ...production.flatMap(impurities),
    ...cycles(production),
    ...unreachable(production),
  ].sort();
}

/** The layer a file belongs to. */
export function layerOf(path: string): string | undefined {
  return Object.keys(layers).find((layer) => path.startsWith(`${layer}/`));
}

function wrong({ path }: Module, { specifier, kind, target }: Import): readonly string[] {
  const own = layerOf(path);
  const layer = own === undefined ? undefined : layers[own];
  if (own === undefined || layer === undefined) return [`belongs to no layer`];
  if (specifier === '?') return loaders.has(path) ? [] : ['imports what is only known when it runs'];
  const name = packageOf(specifier);
  if (slowPackages.has(name) && kind === 'value') return [`imports ${name} at the start; only import() may`];
  if (target === writer && !writers.has(path)) return [`imports ${writer}, which changes clusters`];
  if (target === podMaker && kind !== 'type' && !podMakers.has(path)) return [`imports ${podMaker}, which makes pods`];
  if (target === undefined) {
    const allowed = specifier.startsWith('node:') ? layer.node : layer.npm;
    return allowed?.includes(name) === true || kind === 'type' ? [] : [`${own} may not import ${specifier}`];
  }
  if (isTest(target) || !/^(src|checks)\/|^package\.json$/.test(target)) return [`imports ${target}, which is no part of the program`];
  if (target === 'package.json') return own === 'src/cli' ? [] : [`${own} may not import ${target}`];
  const other = layerOf(target);
  if (other === undefined) return [`imports ${target}, which belongs to no layer`];
  if (own === 'checks') return ofChecks(path, specifier, target, other, kind);
  if (other === own || layer.ours.includes(other) || (kind === 'type' && layer.types?.includes(other) === true)) return [];
  return [`${own} may not import ${kind === 'type' ? 'types of ' : ''}${other} (${specifier})`];
}

/** A check is what a third party would write: the api by its name, what lies beside it and what its area shares. */
function ofChecks(path: string, specifier: string, target: string, other: string, kind: Import['kind']): readonly string[] {
  if (path === 'checks/index.ts')
    return other === 'checks' || (kind === 'type' && exceptions.some(({ file, imports }) => file === path && imports === other))
      ? []
      : [`may not import ${specifier}`];
  const area = path.split('/')[1] ?? '';
  if (specifier === 'meshdoctor/api' || target === `checks/${area}/_area.ts` || target.startsWith(path.slice(0, path.lastIndexOf('/') + 1)))
    return [];
  return [`a check may not import ${specifier}`];
}

const forbidden: readonly (readonly [RegExp, string])[] = [
  [/(?<![.\w$])(console|process|setTimeout|setInterval|setImmediate)\b(?!\s*:)/, ''],
  [/(?<![.\w$])Date\.now\b/, 'Date.now'],
  [/\bnew Date\(\s*\)/, 'new Date()'],
  [/(?<![.\w$])Math\.random\b/, 'Math.random'],
];

function impurities({ path, code }: Module): readonly string[] {
  const layer = layers[layerOf(path) ?? ''];
  if (layer?.isImpure === true) return [];
  return forbidden.flatMap(([pattern, name]) => {
    const found = pattern.exec(code);
    return found === null ? [] : [`${path}: uses ${name === '' ? found[1] : name}`];
  });
}

/** Rings of imports that are there when it runs. */
function cycles(modules: readonly Module[]): readonly string[] {
  const next = new Map(
    modules.map(({ path, imports }) => [
      path,
      imports.flatMap(({ kind, target }) => (kind === 'value' && target !== undefined ? [target] : [])),
    ]),
  );
  const done = new Set<string>();
  const found = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      const ring = trail.slice(start);
      const first = ring.indexOf([...ring].sort()[0] ?? '');
      found.add(`${[...ring.slice(first), ...ring.slice(0, first)].join(' → ')} → …: imports go round in a ring`);
      return;
    }
    if (done.has(path)) return;
    for (const target of next.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of next.keys()) visit(path, []);
  return [...found];
}

function unreachable(modules: readonly Module[]): readonly string[] {
  const byPath = new Map(modules.map((module) => [module.path, module]));
  const reached = new Set<string>();
  const open: string[] = [...entries];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    for (const { target } of byPath.get(path)?.imports ?? []) if (target !== undefined) open.push(target);
  }
  // The project's list of failure modes is data for people and tests.
  return modules.filter(({ path }) => !reached.has(path) && path !== 'checks/modes.ts').map(({ path }) => `${path}: nothing leads to it`);
}

function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
