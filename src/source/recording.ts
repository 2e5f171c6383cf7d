import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { createGunzip, gzip } from 'node:zlib';
import { z } from 'zod';
import { SourceError } from '../base/errors.ts';
import { type Footprint, footprints } from '../base/footprint.ts';
import { fields, tally } from '../model/decode.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { codeOf, reasonOf } from './files.ts';
import { recordingReader } from './recording-text.ts';
import { block, firstFile, isTar, tarOf } from './tar.ts';

/** What was read and seen of a whole mesh at one time, and what it takes to judge it as on the day it was recorded. */
export interface Recording {
  /** RFC 3339: the clock of the run that recorded it. */
  readonly at: string;
  /** Version of meshdoctor that recorded it. */
  readonly version: string;
  /** What the run was asked. */
  readonly asked: {
    /** How far probes went; `off` where clusters were not asked. */
    readonly probe: Footprint;
    readonly services: readonly { readonly namespace: string; readonly name: string; readonly port?: number }[];
  };
  /** As its source gave it: its objects are reduced, so no secret has a place in it. */
  readonly snapshot: Snapshot & { readonly source: { readonly kind: 'manifests' | 'live' } };
}

const mark = 'meshdoctor recording';
/** Changes when a file of before can no longer be read as it is: it is then brought up step by step. */
const schema = 1;

/** Whether a recording may be written under this name: the name says whether it is packed, and how. */
export function isRecordingName(name: string): boolean {
  return /\.(?:json|json\.gz|tgz|tar\.gz)$/i.test(name);
}

/** A recording as the bytes of its file. The same recording gives the same bytes, whenever and wherever they are made. */
export async function encodeRecording({ at, version, asked, snapshot }: Recording, name: string): Promise<Uint8Array> {
  // What tells one recording from another comes first, for whoever looks into the file.
  const text = Buffer.from(`${JSON.stringify({ kind: mark, schema, version, at, asked, snapshot })}\n`);
  if (/\.json$/i.test(name)) return text;
  const bytes = await promisify(gzip)(/\.json\.gz$/i.test(name) ? text : tarOf('recording.json', text), { level: 9 });
  // Node's header has no time in it, but the operating system: here it is always "unknown".
  bytes[9] = 255;
  return bytes;
}

/** Writes a recording. */
export async function writeRecording(path: string, recording: Recording): Promise<void> {
  await writeFile(path, await encodeRecording(recording, path));
}

/** Reads a recording; `shown` is how the user should see the file. */
export async function readRecording(path: string, shown = path): Promise<Recording> {
  try {
    return await recordingFrom(createReadStream(path, { highWaterMark: 1 << 18 }), shown);
  } catch (error) {
    if (error instanceof SourceError) throw error;
    if (codeOf(error) === 'ENOENT') throw unreadable(`There is no recording ${shown}.`, 'meshdoctor record -o FILE writes one.', error);
    const reason = codeOf(error) === 'EISDIR' ? 'it is a directory' : reasonOf(error);
    throw unreadable(
      `${shown} cannot be read: ${reason}.`,
      'A recording is one file; directories are given with --manifests NAME=DIR.',
      error,
    );
  }
}

/** The recording in the bytes of a file. */
export async function decodeRecording(bytes: Uint8Array, shown: string): Promise<Recording> {
  return await recordingFrom([bytes], shown);
}

type Pieces = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** The recording in a file, compressed or not, whatever its name says: browsers unpack what they download. */
async function recordingFrom(file: Pieces, shown: string): Promise<Recording> {
  const value = await parsed(contentOf(unpacked(file, shown), shown), shown);
  refuseOthers(value, shown);
  if (isRecording(value)) return value;
  const [issue] = recordingSchema(z.array(object)).safeParse(value).error?.issues ?? [];
  throw unreadable(
    `${shown} is damaged: ${issue?.path.join('.') ?? 'something'} is not what a recording holds there.`,
    'Recordings are not made to be edited; record again.',
  );
}

/** The same pieces, of which the first has at least so many bytes, unless there are not so many. */
async function* begun(pieces: Pieces, least: number): AsyncGenerator<Uint8Array, void> {
  let first: Uint8Array | undefined = Buffer.alloc(0);
  for await (const piece of pieces) {
    if (first === undefined) yield piece;
    else {
      first = Buffer.concat([first, piece]);
      if (first.length < least) continue;
      yield first;
      first = undefined;
    }
  }
  if (first !== undefined) yield first;
}

/** What was compressed, piece by piece. */
async function* unpacked(file: Pieces, shown: string): AsyncGenerator<Uint8Array, void> {
  const pieces = begun(file, 2);
  const { value: first } = await pieces.next();
  if (first === undefined) return;
  const rest = startingWith(first, pieces);
  if (first[0] !== 0x1f || first[1] !== 0x8b) {
    yield* rest;
    return;
  }
  const unpacking = createGunzip({ chunkSize: 1 << 17 });
  // Whatever is wrong with the file comes out of what is read of it.
  pipeline(rest, unpacking).catch(() => {});
  try {
    for await (const piece of unpacking) if (piece instanceof Uint8Array) yield piece;
  } catch (error) {
    if (codeOf(error)?.startsWith('Z_') !== true) throw error;
    const what = codeOf(error) === 'Z_BUF_ERROR' ? 'is cut off: its end is missing' : 'is damaged: it cannot be unpacked';
    throw unreadable(`${shown} ${what}.`, copyAgain, error);
  }
}

async function* startingWith(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  yield first;
  yield* rest;
}

/** The file in an archive, or the bytes themselves. */
async function* contentOf(unpackedFile: AsyncIterable<Uint8Array>, shown: string): AsyncGenerator<Uint8Array, void> {
  const pieces = begun(unpackedFile, block);
  const { value: first } = await pieces.next();
  if (first === undefined) return;
  const rest = startingWith(first, pieces);
  if (!isTar(first)) {
    yield* rest;
    return;
  }
  const cut = (): SourceError => unreadable(`${shown} is cut off: its end is missing.`, copyAgain);
  const file = firstFile(first);
  if (file === undefined) throw cut();
  let at = -file.start;
  for await (const piece of rest) {
    const own = piece.subarray(Math.max(0, -at), Math.max(0, file.size - at));
    if (own.length > 0) yield own;
    at += piece.length;
  }
  if (at < file.size) throw cut();
}

/** A recording with so many bytes, unpacked, is that of a fleet: what it takes of memory matters more than a fifth of the time. */
const large = 1 << 26;

/** By itself the heap grows to several times what is alive before anything in it is collected. */
function collectSooner(): void {
  setFlagsFromString('--heap-growing-percent=50');
}

async function parsed(pieces: AsyncIterable<Uint8Array>, shown: string): Promise<unknown> {
  const reader = recordingReader();
  let isBegun: boolean | undefined;
  let bytes = 0;
  try {
    for await (const piece of pieces) {
      if (bytes <= large && bytes + piece.length > large) collectSooner();
      bytes += piece.length;
      isBegun ??= Buffer.from(piece.subarray(0, 64)).toString('latin1').startsWith(`{"kind":"${mark}"`);
      reader.write(piece);
    }
    return reader.end();
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    if (isBegun === true) throw unreadable(`${shown} is cut off or damaged: it is not JSON to its end.`, copyAgain, error);
    throw unreadable(`${shown} is no recording of meshdoctor: it is neither gzip nor JSON.`, whatItIs, error);
  }
}

const copyAgain = 'Copy it again from where it was recorded, as a binary file; or record again.';
const whatItIs = 'meshdoctor record -o FILE writes one; manifests are given with --manifests NAME=DIR.';

const header = z.looseObject({ kind: z.literal(mark), schema: z.int().min(1), version: z.string() });

/** Files that are something else, and recordings of a later form. */
function refuseOthers(value: unknown, shown: string): void {
  const { success, data } = header.safeParse(value);
  if (!success) throw unreadable(`${shown} is no recording of meshdoctor.`, whatItIs);
  if (data.schema > schema) {
    throw unreadable(
      `${shown} was recorded by meshdoctor ${data.version} in form ${data.schema}; this version reads no later form than ${schema}.`,
      `Judge it with meshdoctor ${data.version} or newer.`,
    );
  }
}

function unreadable(message: string, hint: string, cause?: unknown): SourceError {
  return new SourceError('ERR_SOURCE_UNREADABLE', message, { hint, cause });
}

/*
 * Of a file as much is verified as nobody behind it does: facts are projected from objects permissively, whatever these hold.
 */

const notSeen = [
  z.object({ status: z.literal('forbidden'), verb: z.string(), resource: z.string() }),
  z.object({ status: z.literal('failed'), code: z.string(), reason: z.string() }),
  z.object({ status: z.literal('not-asked'), because: z.string() }),
] as const;

const object = z.object({ apiVersion: z.string(), kind: z.string(), metadata: z.object({ name: z.string() }) });
const kindRead = (objects: z.ZodType) =>
  z.discriminatedUnion('status', [
    z.object({ status: z.literal('read'), objects, complete: z.boolean() }),
    z.object({ status: z.literal('absent') }),
    ...notSeen,
  ]);
const observed = (item: z.ZodType) =>
  z.discriminatedUnion('status', [z.object({ status: z.literal('observed'), value: z.array(item) }), ...notSeen]).optional();
const answer = z.union([z.object({ answer: z.unknown() }), z.object({ failed: z.string(), reason: z.string() })]);
const outcome = z.object({ stage: z.string() });
const ref = z.object({ cluster: z.string(), kind: z.string(), name: z.string() });

const cluster = (objects: z.ZodType) =>
  z.object({
    name: z.string().min(1),
    takenAt: z.iso.datetime({ offset: true }).optional(),
    version: z.object({ major: z.string(), minor: z.string(), gitVersion: z.string() }).optional(),
    unreached: z.object({ server: z.string(), code: z.string(), reason: z.string() }).optional(),
    kinds: z.record(z.string(), kindRead(objects)),
    oddities: z.record(z.string(), z.number()),
    skipped: z.number().optional(),
    unread: z.array(z.object({ what: z.string(), reason: z.string() })),
  });

const recordingSchema = (objects: z.ZodType) =>
  z.object({
    at: z.iso.datetime({ offset: true }),
    version: z.string(),
    asked: z.object({
      probe: z.enum(footprints),
      services: z.array(z.object({ namespace: z.string(), name: z.string(), port: z.int().optional() })),
    }),
    snapshot: z.object({
      schema: z.literal(1),
      source: z.object({ kind: z.enum(['manifests', 'live']) }),
      intent: z.object({}).optional(),
      clusters: z.array(cluster(objects)).refine((all) => new Set(all.map(({ name }) => name)).size === all.length),
      observations: z.array(
        z.object({
          cluster: z.string(),
          istiods: observed(z.object({ pod: ref, clusters: answer, gateways: answer, shards: answer, nameTables: z.array(z.object({})) })),
          sidecars: observed(z.object({ pod: ref, hosts: z.array(z.string()), endpoints: answer, certificate: answer, roots: answer })),
          injectionTrials: observed(z.object({ namespace: z.string(), outcome: z.object({ is: z.string() }) })),
          probePods: observed(z.object({ namespace: z.string(), name: z.string(), image: z.string(), answers: answer })),
          istiodStates: observed(
            z.object({
              pod: ref,
              rung: z.object({ by: z.string(), above: z.array(z.string()) }),
              mesh: answer,
              metrics: answer.optional(),
            }),
          ),
          istiodSamples: observed(z.object({ pod: ref, seconds: z.number(), before: answer, after: answer })),
          nameAnswers: observed(z.object({ pod: ref, service: z.object({ namespace: z.string(), name: z.string() }), outcome: answer })),
          gatewayHandshakes: observed(z.object({ gateway: ref, outcome })),
          istiodHandshakes: observed(z.object({ controlPlane: ref, members: z.array(z.string()), named: ref, outcome })),
          gatewayReadiness: observed(z.object({ gateway: ref, pod: ref, status: answer })),
        }),
      ),
    }),
  });

/** Of thousands of objects the schema would make a copy each; it is asked only to tell what is wrong. */
const quickSchema = recordingSchema(z.custom((value) => Array.isArray(value) && value.every(isNamed)));

function isNamed(value: unknown): boolean {
  const odd = tally();
  const one = fields(odd, value);
  return [one['apiVersion'], one['kind'], fields(odd, one['metadata'])['name']].every((own) => typeof own === 'string');
}

/** The value itself is kept: what the schema makes of it leaves out what it does not name. */
function isRecording(value: unknown): value is Recording {
  return quickSchema.safeParse(value).success;
}

/** A recording whose JSON was rewritten. @throws RangeError when it is no longer one */
export function rewritten(recording: Recording, rewrite: (value: unknown) => unknown): Recording {
  const value = rewrite(recording);
  if (!isRecording(value)) throw new RangeError('what was rewritten is no recording');
  return value;
}
