import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as api from '../api/index.ts';
import type { AnyCheck } from '../api/check.ts';
import type { PluginDefinition } from '../api/plugin.ts';
import type { ReporterDefinition } from '../api/reporter.ts';
import { PluginError } from '../base/errors.ts';

/** A plug-in that keeps the contract, its ids prefixed with its name. */
export interface LoadedPlugin {
  readonly name: string;
  readonly version?: string;
  /** As the user wrote it. */
  readonly origin: string;
  readonly checks: readonly AnyCheck[];
  readonly reporters: readonly ReporterDefinition[];
}

export interface LoadOptions {
  readonly knownFacts: ReadonlySet<string>;
  /** `22.18.0`: from 22.18 on Node runs TypeScript files. */
  readonly nodeVersion: string;
}

/** Loads the plug-ins named, in the order in which they are written. An invalid one is an error, not a warning. */
export async function loadPlugins(
  specs: readonly { readonly spec: string; readonly from: string }[],
  options: LoadOptions,
): Promise<readonly LoadedPlugin[]> {
  const plugins: LoadedPlugin[] = [];
  for (const { spec, from } of specs) {
    const plugin = await loadPlugin(spec, from, options);
    const same = plugins.find(({ name }) => name === plugin.name);
    if (same !== undefined)
      throw new PluginError('ERR_PLUGIN_INVALID', `Plug-ins ${same.origin} and ${spec} are both called ${plugin.name}.`);
    plugins.push(plugin);
  }
  return plugins;
}

async function loadPlugin(spec: string, from: string, options: LoadOptions): Promise<LoadedPlugin> {
  const { file, version } = await resolvePlugin(spec, from);
  if (/\.[cm]?ts$/.test(file) && !runsTypeScript(options.nodeVersion)) {
    throw new PluginError('ERR_PLUGIN_UNREADABLE', `Plug-in ${spec} is TypeScript, which Node ${options.nodeVersion} does not run.`, {
      hint: 'Use Node 22.18 or newer, or name the compiled JavaScript file.',
    });
  }
  const [definition, { isPlugin }] = await Promise.all([definitionOf(spec, file), import('./validate.ts')]);
  if (!isPlugin(definition, spec, options.knownFacts))
    throw new PluginError('ERR_PLUGIN_INVALID', `Plug-in ${spec} does not keep the contract.`);
  return { ...namespaced(definition), origin: spec, ...(version === undefined ? {} : { version }) };
}

async function definitionOf(spec: string, file: string): Promise<unknown> {
  try {
    const module: unknown = await import(/* @vite-ignore */ pathToFileURL(file).href);
    const exported: unknown = typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined;
    return isFactory(exported) ? await exported(api) : exported;
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new PluginError('ERR_PLUGIN_UNREADABLE', `Plug-in ${spec} cannot be loaded: ${reason}.`, { cause: error });
  }
}

function isFactory(value: unknown): value is (given: typeof api) => unknown {
  return typeof value === 'function';
}

/** Ids become `name/id`; what it explains among its own checks follows, built-in codes stay as they are. */
function namespaced(plugin: PluginDefinition): Omit<LoadedPlugin, 'origin'> {
  const own = new Set((plugin.checks ?? []).map((check) => check.id));
  const full = (code: string): string => (own.has(code.split('/')[0] ?? '') ? `${plugin.name}/${code}` : code);
  return {
    name: plugin.name,
    checks: (plugin.checks ?? []).map((check) => ({
      ...check,
      id: `${plugin.name}/${check.id}`,
      ...(check.explains === undefined ? {} : { explains: check.explains.map((rule) => ({ ...rule, code: full(rule.code) })) }),
      run: (ctx) => check.run(ctx),
    })),
    reporters: (plugin.reporters ?? []).map((reporter) => ({ ...reporter, format: `${plugin.name}/${reporter.format}` })),
  };
}

/** A path where it looks like one, else a package in node_modules of the folder the plug-in is named in, or above. Never searched for otherwise. */
async function resolvePlugin(spec: string, from: string): Promise<{ file: string; version?: string }> {
  if (spec.startsWith('.') || isAbsolute(spec) || /\.[cm]?[jt]s$/.test(spec)) {
    const file = resolve(from, spec);
    const found = await stat(file).catch(() => undefined);
    if (found?.isFile() === true) return { file };
    if (found?.isDirectory() === true) return await packageIn(file, spec);
    throw new PluginError('ERR_PLUGIN_UNREADABLE', `Plug-in ${spec} is not a file in ${from}.`);
  }
  if (!/^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/.test(spec)) {
    throw new PluginError('ERR_PLUGIN_UNREADABLE', `Plug-in ${JSON.stringify(spec)} is neither a path nor the name of a package.`);
  }
  for (let dir = resolve(from); ; dir = dirname(dir)) {
    const candidate = join(dir, 'node_modules', spec);
    if ((await stat(candidate).catch(() => undefined))?.isDirectory() === true) return await packageIn(candidate, spec);
    if (dirname(dir) === dir) break;
  }
  throw new PluginError('ERR_PLUGIN_UNREADABLE', `Plug-in package ${spec} is not installed in ${from} or above.`, {
    hint: `npm install ${spec}, or give a path that starts with ./`,
  });
}

async function packageIn(dir: string, spec: string): Promise<{ file: string; version?: string }> {
  const text = await readFile(join(dir, 'package.json'), 'utf8').catch(() => undefined);
  const manifest = text === undefined ? undefined : parsedObject(text);
  const entry =
    manifest === undefined
      ? undefined
      : (target(manifest['exports']) ?? (typeof manifest['main'] === 'string' ? manifest['main'] : 'index.js'));
  if (manifest === undefined || entry === undefined)
    throw new PluginError('ERR_PLUGIN_UNREADABLE', `Plug-in ${spec} has no package.json that says what to load.`);
  const version = manifest['version'];
  return { file: resolve(dir, entry), ...(typeof version === 'string' ? { version } : {}) };
}

function parsedObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** The file that `exports` of a package.json gives to an import of the package itself. */
function target(exports: unknown): string | undefined {
  if (typeof exports === 'string') return exports;
  if (typeof exports !== 'object' || exports === null) return undefined;
  for (const [key, value] of Object.entries(exports)) {
    if (!['.', 'import', 'node', 'default', 'module-sync'].includes(key)) continue;
    const found = target(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

function runsTypeScript(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
}
