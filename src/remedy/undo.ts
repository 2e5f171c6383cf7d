import { z } from 'zod';
import { UsageError } from '../base/errors.ts';
import type { Json, KubeObject } from '../model/kube.ts';
import { isDeepEqual } from '../base/equal.ts';
import { fieldsOfPatch, inversePatch } from '../model/merge-patch.ts';
import { fieldsOfStrategicPatch, inverseStrategicPatch } from '../model/strategic-patch.ts';

/*
 * What takes a fix back: each change with the smallest change that undoes it, and what it left behind, so that nothing is undone that somebody changed
 * since. Nothing of a Secret but its labels and annotations is ever in it.
 */

const json: z.ZodType<Json> = z.json();

const change = z.discriminatedUnion('did', [
  z.object({
    did: z.literal('patched'),
    undo: json.describe('JSON merge patch.'),
    left: json.describe('What it had at these fields afterwards.'),
    isStrategic: z.literal(true).exactOptional().describe('The patch is a strategic merge patch instead.'),
  }),
  z.object({ did: z.literal('created'), uid: z.string(), left: json }),
  z.object({ did: z.literal('deleted'), undo: json.describe('The object as it was.') }),
  z.object({ did: z.literal('restarted') }),
  z.object({ did: z.literal('lost'), because: z.string().describe('Why it cannot be taken back.') }),
]);

const ran = z
  .object({ did: z.literal('ran'), context: z.string(), code: z.string(), command: z.array(z.string()) })
  .describe('Command lines that were begun; what they did takes their place once they have ended.');

const entry = z.intersection(
  z.object({
    context: z.string(),
    kind: z.string(),
    namespace: z.string().exactOptional(),
    name: z.string(),
    path: z.string(),
    listPath: z.string(),
    resource: z.string(),
    code: z.string().describe('What it was done for.'),
  }),
  change,
);

const undoSchema = z.object({
  schema: z.literal(1),
  tool: z.literal('meshdoctor'),
  at: z.string(),
  changes: z.array(z.union([entry, ran])),
});

export type UndoEntry = z.infer<typeof entry>;
export type RanEntry = z.infer<typeof ran>;
export type UndoFile = z.infer<typeof undoSchema>;

/** @throws UsageError when the text is no undo file of this version */
export function parseUndo(text: string, shown: string): UndoFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError('ERR_SOURCE_UNREADABLE', `${shown} is no undo file: it is no JSON.`, { cause: error });
  }
  const parsed = undoSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError(
    'ERR_SOURCE_UNREADABLE',
    `${shown} is no undo file of this version of meshdoctor: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}.`,
  );
}

/** What takes a patch back, of an object as it was before. */
export function inverseOf(
  before: unknown,
  { patch, isStrategic = false }: { readonly patch: Json; readonly isStrategic?: boolean },
): unknown {
  return isStrategic ? inverseStrategicPatch(before, patch) : inversePatch(before, patch);
}

/** What an object has at the fields that a patch names. */
export function fieldsOf(
  object: unknown,
  { patch, isStrategic = false }: { readonly patch: unknown; readonly isStrategic?: boolean },
): unknown {
  return isStrategic ? fieldsOfStrategicPatch(object, patch) : fieldsOfPatch(object, patch);
}

/** Why an entry must not be undone: somebody changed the object since. `current`: as it is, or nothing where there is none. */
export function changedSince(one: Exclude<UndoEntry, { did: 'lost' }>, current: KubeObject | undefined): string | undefined {
  const what = `${one.kind} ${one.namespace === undefined ? '' : `${one.namespace}/`}${one.name} in ${one.context}`;
  if (one.did === 'deleted') return current === undefined ? undefined : `${what} was made again since`;
  if (current === undefined) return `${what} is gone since`;
  if (one.did === 'restarted') return undefined;
  if (one.did === 'created' && current.metadata.uid !== one.uid) return `${what} was made again since`;
  const isStrategic = one.did === 'patched' && one.isStrategic === true;
  return isDeepEqual(fieldsOf(current, { patch: one.left, isStrategic }), one.left) ? undefined : `${what} was changed since`;
}

/** An object as it has to be given to make it again: without what the API server adds. */
export function remade(object: KubeObject): KubeObject {
  const { status: _status, metadata, ...rest } = object;
  const {
    uid: _uid,
    resourceVersion: _version,
    creationTimestamp: _created,
    managedFields: _managed,
    generation: _generation,
    deletionTimestamp: _deleted,
    ...kept
  } = metadata;
  return { ...rest, apiVersion: object.apiVersion, kind: object.kind, metadata: kept };
}
