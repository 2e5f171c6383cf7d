import { presentOf } from '../../builder/edits/clock.ts';
import { isRecord, itemsOf } from '../../builder/edits/json.ts';
import type { KubeObject, MeshObjects } from '../../model/kube.ts';

/*
 * A mesh is as old as its recording. Moved in time as a whole it is as fresh as it was: leases, tokens with an end, ages.
 */

/** Whole seconds (in milliseconds) by which a mesh has to be moved so that it is now what it was at `takenAt`, RFC 3339; without one the newest lease of the mesh tells. */
export function lagOf(mesh: MeshObjects, takenAt: string | undefined, now: number): number {
  const then = takenAt === undefined ? presentOf(mesh) : Date.parse(takenAt);
  return then > 0 ? Math.round((now - then) / 1000) * 1000 : 0;
}

/** Every object with all its times moved: RFC 3339 texts wherever they are, such texts inside annotations, and the claims of tokens in Secrets. */
export function moved(mesh: MeshObjects, milliseconds: number): MeshObjects {
  if (milliseconds === 0) return mesh;
  return new Map([...mesh].map(([cluster, objects]) => [cluster, objects.map((object) => movedObject(object, milliseconds))]));
}

/** An RFC 3339 time moved by whole seconds; fractions of a second stay as they are written. */
export function movedTime(text: string, milliseconds: number): string {
  const at = Date.parse(text);
  if (Number.isNaN(at)) return text;
  const fraction = /\.\d+/.exec(text)?.[0] ?? '';
  return new Date(at + milliseconds).toISOString().replace(/\.\d+Z$/, `${fraction}Z`);
}

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
const quotedTime = /(?<=")\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)(?=")/g;
const token = /\beyJ[\w-]+\.(eyJ[\w-]+)\.[\w-]*/g;

function movedObject(object: KubeObject, milliseconds: number): KubeObject {
  const metadata = { ...object.metadata, ...inside(object.metadata['annotations'], milliseconds) };
  const changed = { ...object, metadata };
  const next: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(changed)) {
    next[key] = object.kind === 'Secret' && key === 'data' ? secretData(value, milliseconds) : walk(value, milliseconds);
  }
  return { ...changed, ...next };
}

/** Annotations that hold JSON: the record of a leader, or what was applied last. */
function inside(annotations: unknown, milliseconds: number): { readonly annotations?: Readonly<Record<string, string>> } {
  if (!isRecord(annotations)) return {};
  const kept: Record<string, string> = {};
  for (const [key, value] of Object.entries(annotations)) {
    if (typeof value !== 'string') continue;
    const isJson = value.startsWith('{') || value.startsWith('[');
    kept[key] = isJson
      ? movedTokens(
          value.replace(quotedTime, (text) => movedTime(text, milliseconds)),
          milliseconds,
        )
      : value;
  }
  return { annotations: kept };
}

/** A copy with every text that is a time moved; what holds none is kept as it is. */
function walk(value: unknown, milliseconds: number): unknown {
  if (typeof value === 'string')
    return value.length >= 20 && value[10] === 'T' && time.test(value) ? movedTime(value, milliseconds) : value;
  if (Array.isArray(value)) {
    const items = itemsOf(value);
    const next = items.map((item) => walk(item, milliseconds));
    return next.every((item, index) => item === items[index]) ? value : next;
  }
  if (!isRecord(value)) return value;
  let isChanged = false;
  const next: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    next[key] = walk(item, milliseconds);
    if (next[key] !== item) isChanged = true;
  }
  return isChanged ? next : value;
}

function secretData(data: unknown, milliseconds: number): unknown {
  if (!isRecord(data)) return data;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => {
      if (typeof value !== 'string') return [key, value];
      const plain = Buffer.from(value, 'base64').toString('latin1');
      const next = movedTokens(plain, milliseconds);
      return [key, next === plain ? value : Buffer.from(next, 'latin1').toString('base64')];
    }),
  );
}

/** JSON web tokens with an end: the claims are moved, so that what was left of them is left again. Equal tokens stay equal. */
function movedTokens(text: string, milliseconds: number): string {
  return text.replace(token, (whole, payload: string) => {
    const claims = claimsOf(payload);
    if (claims === undefined || typeof claims['exp'] !== 'number') return whole;
    const next = { ...claims };
    for (const claim of ['iat', 'nbf', 'exp']) {
      const value = claims[claim];
      if (typeof value === 'number') next[claim] = value + milliseconds / 1000;
    }
    return whole.replace(payload, Buffer.from(JSON.stringify(next)).toString('base64url'));
  });
}

function claimsOf(payload: string): Record<string, unknown> | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return isRecord(claims) ? claims : undefined;
  } catch {
    return undefined;
  }
}
