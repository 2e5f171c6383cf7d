import { z } from 'zod';
import { callPaths } from '../api/index.ts';
import type { PluginDefinition } from '../api/plugin.ts';
import { PluginError } from '../base/errors.ts';
import { nearest } from '../base/text.ts';

const kebab = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const fn = z.custom<(...args: never) => unknown>((value) => typeof value === 'function', 'expected a function');
const text = z.string().min(1);
const id = z.string().regex(kebab, 'expected a kebab-case id such as unserved-revision');

const facts = z.array(z.string());
const needs = z.union([facts, z.strictObject({ primary: facts, member: facts }), z.strictObject({ from: facts, to: facts })]);

const check = z.strictObject({
  id,
  title: text,
  severity: z.enum(['error', 'warning', 'info']),
  certainty: z.enum(['certain', 'likely', 'possible']),
  scope: z.enum(['cluster', 'managed', 'pair', 'service', 'mesh']),
  needs,
  uses: needs.optional(),
  applies: z
    .strictObject({
      topology: z.array(z.enum(['primary-remote', 'multi-primary', 'external', 'single-cluster'])).optional(),
      dataPlane: z.enum(['sidecar', 'ambient']).optional(),
      networks: z.literal('multi').optional(),
      probed: z
        .array(
          z.enum([
            'istiods',
            'istiodStates',
            'istiodSamples',
            'sidecars',
            'injectionTrials',
            'probePods',
            'nameAnswers',
            'gatewayHandshakes',
            'istiodHandshakes',
            'gatewayReadiness',
          ]),
        )
        .optional(),
    })
    .optional(),
  partial: z.literal(true).optional(),
  advice: z.literal(true).optional(),
  explains: z
    .array(
      z.strictObject({
        code: text,
        match: z.enum(['cluster', 'same-cluster', 'other-cluster', 'within', 'object', 'pair', 'mesh']),
        keys: z.array(text).optional(),
      }),
    )
    .optional(),
  path: z
    .strictObject({ hops: z.array(z.enum(callPaths.hopNames)), onlyExplains: z.literal(true).optional(), isOn: fn.optional() })
    .optional(),
  catalogue: z.array(text).optional(),
  formerly: z.record(text, text).optional(),
  docs: z.strictObject({
    why: text,
    confirm: text,
    fix: text,
    notWhen: text.optional(),
    since: text.optional(),
    see: z.array(text).optional(),
  }),
  messages: z.record(z.string(), fn).refine((messages) => Object.keys(messages).length > 0, 'expected at least one message'),
  run: fn,
});

const reporter = z.strictObject({
  format: id,
  extension: text,
  forecasts: z.literal(true).optional(),
  binary: z.literal(false).optional(),
  render: fn,
});

const plugin = z.strictObject({
  name: z.string().regex(kebab, 'expected a kebab-case name such as acme'),
  api: z.literal(1),
  checks: z.array(check).optional(),
  reporters: z.array(reporter).optional(),
});

/** Whether `value` keeps the contract of this version; it is not copied, so functions stay as they were written. */
export function isPlugin(value: unknown, spec: string, knownFacts: ReadonlySet<string>): value is PluginDefinition {
  const fail = (problem: string, hint?: string): never => {
    throw new PluginError('ERR_PLUGIN_INVALID', `Plug-in ${spec}: ${problem}.`, { hint });
  };
  if (typeof value !== 'object' || value === null) return fail('its default export is neither an object nor a function that returns one');
  if ('api' in value && value.api !== 1) {
    throw new PluginError(
      'ERR_PLUGIN_API',
      `Plug-in ${spec} is written for version ${String(value.api)} of the plug-in contract; this meshdoctor has version 1.`,
    );
  }
  const result = plugin.safeParse(value, { reportInput: true });
  if (!result.success) {
    const [issue] = result.error.issues;
    return fail(issue === undefined ? 'it does not keep the contract' : `${placeOf(issue.path, value)}${problemOf(issue)}`);
  }
  const ids = (result.data.checks ?? []).map((item) => item.id);
  const twice = ids.find((one, index) => ids.indexOf(one) !== index);
  if (twice !== undefined) return fail(`it has two checks ${twice}`);
  for (const item of result.data.checks ?? []) {
    if (!fitsScope(item.scope, item.needs) || !fitsScope(item.scope, item.uses ?? []))
      return fail(`check ${item.id}: needs and uses per end must be those of scope ${item.scope}`);
    if (item.partial === true && item.scope !== 'mesh') return fail(`check ${item.id}: only a check of scope mesh can be partial`);
    const stranger = [...namesOf(item.needs), ...namesOf(item.uses ?? [])].find((name) => !knownFacts.has(name));
    if (stranger !== undefined) {
      const meant = nearest(stranger, knownFacts);
      return fail(`check ${item.id} reads ${stranger}, which is no known fact`, meant === undefined ? undefined : `Did you mean ${meant}?`);
    }
  }
  return true;
}

type PluginNeeds = z.infer<typeof needs>;

function namesOf(list: PluginNeeds): string[] {
  return Array.isArray(list) ? list : Object.values(list).flat();
}

function fitsScope(scope: z.infer<typeof check>['scope'], list: PluginNeeds): boolean {
  if (Array.isArray(list)) return true;
  return 'primary' in list ? scope === 'managed' : scope === 'pair';
}

/** `check odd-name: docs.fix: `, naming the check where the path leads into one. */
function placeOf(path: readonly PropertyKey[], value: object): string {
  const [first, index, ...rest] = path;
  if ((first === 'checks' || first === 'reporters') && typeof index === 'number' && first in value) {
    const items: unknown = Object.entries(value).find(([name]) => name === first)?.[1];
    const item: unknown = Array.isArray(items) ? items[index] : undefined;
    const name = typeof item === 'object' && item !== null ? ('id' in item ? item.id : 'format' in item ? item.format : index) : index;
    return `${first === 'checks' ? 'check' : 'reporter'} ${String(name)}: ${rest.length === 0 ? '' : `${rest.map(String).join('.')}: `}`;
  }
  return path.length === 0 ? '' : `${path.map(String).join('.')}: `;
}

function problemOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `unknown key ${issue.keys[0] ?? ''}`;
  if (issue.code === 'invalid_value') return `expected ${issue.values.map(String).join(', ')}, found ${shown(issue.input)}`;
  if (issue.code === 'invalid_type') return `expected ${issue.expected}, found ${shown(issue.input)}`;
  return `${issue.code === 'invalid_union' ? 'not a list of facts' : issue.message}, found ${shown(issue.input)}`;
}

function shown(input: unknown): string {
  if (input === undefined) return 'nothing';
  if (typeof input === 'string' || typeof input === 'number' || typeof input === 'boolean') return JSON.stringify(input);
  return input === null ? 'null' : Array.isArray(input) ? 'a list' : typeof input === 'function' ? 'a function' : 'an object';
}
