import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { ConfigError, SourceError } from '../base/errors.ts';
import { compareText } from '../base/sort.ts';
import { nearest } from '../base/text.ts';
import { type Intake, openIntake, type RawObject } from '../collect/snapshot.ts';
import { type Declared, declaredObjects, madeByInstallers } from '../installer/index.ts';
import { type Fields, optionalFields, type Tally, tally, text } from '../model/decode.ts';
import { clusterName } from '../model/ids.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';
import type { ClusterSnapshot } from '../model/snapshot.ts';
import { type ReadDocument, readDocuments } from './documents.ts';
import { codeOf, findManifests, type FoundFiles, reasonOf, type Unread } from './files.ts';
import type { Origins, Trace } from './places.ts';
import { type Removed, removedBy } from './removal.ts';
import { type DirectorySettings, readSettings, settingsFile } from './settings.ts';
import { type Spots, spotsOf } from './spots.ts';
import { type ChartValues, readChartValues } from './values.ts';

export interface ManifestsOptions {
  /** Clusters by the name the user gave them, each with its directory or file, and what is said of that one alone. */
  readonly clusters: readonly {
    readonly name: string;
    /** `-`: what is read from standard input; absent: only its values are given. */
    readonly dir?: string | undefined;
    readonly values?: readonly ChartValues[] | undefined;
    readonly complete?: boolean | undefined;
    readonly takenAt?: string | undefined;
  }[];
  /** Every directory holds its whole cluster; else each says so itself in its `meshdoctor.yaml`. */
  readonly complete?: boolean | undefined;
  /** RFC 3339: the present of every cluster; else each says so itself. */
  readonly takenAt?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Reads standard input to its end. */
  readonly stdin?: (() => Promise<string>) | undefined;
}

/** Reads clusters from directories of manifests. Nothing is contacted. */
export async function openManifests(options: ManifestsOptions): Promise<readonly ClusterSnapshot[]> {
  return (await readManifests(options)).clusters;
}

/** The same, with what it takes to find fields of their objects again in the files. */
export async function readManifests(options: ManifestsOptions): Promise<{
  readonly clusters: readonly ClusterSnapshot[];
  readonly origins: Origins;
  /** By cluster, what documents say is to be gone (`$patch: delete`); as objects of a cluster they are none. */
  readonly removed: ReadonlyMap<string, readonly Removed[]>;
}> {
  const clusters: Reading[] = [];
  const origins = { texts: new Map<string, string>(), traces: new Map<string, Trace>() };
  for (const { name, dir, values, complete, takenAt } of options.clusters) {
    clusters.push(
      await readCluster(
        { name, dir, values: values ?? [] },
        { ...options, complete: options.complete ?? complete, takenAt: options.takenAt ?? takenAt },
        origins,
      ),
    );
  }
  if (!options.signal?.aborted && clusters.every((cluster) => cluster.documents === 0)) throw nothingLeft(clusters);
  return {
    clusters: clusters.map((cluster) => cluster.snapshot),
    origins,
    removed: new Map(clusters.map(({ snapshot, removed }) => [snapshot.name, removed])),
  };
}

interface Reading {
  readonly dir: string;
  readonly documents: number;
  readonly snapshot: ClusterSnapshot;
  readonly removed: readonly Removed[];
}

function nothingLeft(clusters: readonly Reading[]): SourceError {
  const [unread] = clusters.flatMap((cluster) => cluster.snapshot.unread);
  const where = clusters.map((cluster) => cluster.dir).join(', ');
  return new SourceError(
    'ERR_NO_CLUSTER',
    unread === undefined
      ? `No manifests were found in ${where}.`
      : `Nothing could be read from ${where}: ${unread.what}: ${unread.reason}.`,
    {
      hint: 'Manifests are files that end in .yaml, .yml or .json, in any folder below.',
    },
  );
}

/** What is gathered while a cluster's files are read. */
interface Gathering {
  readonly intake: Pick<Intake, 'add'>;
  /** A file of the directory as the user can open it. */
  readonly shown: (file: string) => string;
  /** Takes what an installer would make of a document; nothing where only objects are wanted. */
  readonly declare?: (declared: readonly Declared[], file: string, line: number, spots: Spots) => void;
  readonly unread: Unread[];
  readonly odd: Tally;
  readonly removed: Removed[];
  documents: number;
  skipped: number;
  version: ClusterSnapshot['version'];
}

interface Told {
  readonly name: string;
  readonly dir: string | undefined;
  readonly values: readonly ChartValues[];
}

interface Collected {
  readonly texts: Map<string, string>;
  readonly traces: Map<string, Trace>;
}

async function readCluster({ name, dir, values }: Told, options: ManifestsOptions, origins: Collected): Promise<Reading> {
  const isPiped = dir === '-';
  const { base, files, unread, settings } = dir === undefined || isPiped ? noDirectory : await openDirectory(dir);
  const intake = openIntake();
  let isInstalled = false;
  const gathering: Gathering = {
    ...gatheringInto(intake, base, unread),
    ...(isPiped ? { shown: (file: string) => file } : {}),
    declare: (declared, file, line, spots) => {
      isInstalled = true;
      for (const one of declared) takeDeclared(one, { cluster: name, intake, origins, file, line, spots });
    },
  };
  if (isPiped) {
    const text = (await options.stdin?.()) ?? '';
    const file = /^\s*[[{]/.test(text) ? 'stdin.json' : 'stdin.yaml';
    origins.texts.set(file, text);
    takeText(gathering, file, text);
  }
  for (const one of values) {
    const { declared, text } = await readChartValues(one);
    gathering.documents++;
    gathering.declare?.(declared, one.file, 1, spotsOf(one.file, text));
  }
  let interrupted = false;
  for (const file of files) {
    if (options.signal?.aborted) {
      interrupted = true;
      break;
    }
    await readFileInto(gathering, base, file);
  }
  const takenAt = options.takenAt ?? settings.takenAt;
  const snapshot = intake.finish({
    name: clusterName(name),
    complete: options.complete ?? settings.complete ?? false,
    ...(takenAt === undefined ? undefined : { takenAt }),
    ...(gathering.version === undefined ? undefined : { version: gathering.version }),
    unread: gathering.unread,
    interrupted,
    skipped: gathering.skipped,
    odd: gathering.odd.odd,
    ...(isInstalled ? { partial: madeByInstallers } : {}),
  });
  return {
    dir: isPiped ? 'standard input' : (dir ?? values.map(({ file }) => file).join(', ')),
    documents: gathering.documents,
    snapshot,
    removed: gathering.removed,
  };
}

const noDirectory: Directory = { base: '', files: [], unread: [], settings: {} };

interface DeclaredAt {
  readonly cluster: string;
  readonly intake: Pick<Intake, 'add'>;
  readonly origins: Collected;
  readonly file: string;
  readonly line: number;
  readonly spots: Spots;
}

/** An object that comes of a document stands where what it comes of stands; each of its fields where its setting does. */
function takeDeclared({ object, root, fields }: Declared, { cluster, intake, origins, file, line, spots }: DeclaredAt): void {
  const { metadata, kind } = object;
  const meta = optionalFields(tally(), metadata);
  const [name, namespace] = [text(tally(), meta?.['name']), text(tally(), meta?.['namespace'])];
  intake.add({ object, origin: { file, line: spots.inDocument(line, root).line } });
  if (name === undefined || typeof kind !== 'string') return;
  const ref: ObjectRef = { cluster: clusterName(cluster), kind, name, ...(namespace === undefined ? {} : { namespace }) };
  origins.traces.set(refKey(ref), { root, fields });
}

function gatheringInto(intake: Gathering['intake'], base: string, unread: readonly Unread[]): Gathering {
  const shown = (file: string): string => {
    const near = relative('', join(base, file));
    return (isAbsolute(base) && near.startsWith('..') ? join(base, file) : near).split(sep).join('/');
  };
  return { intake, shown, unread: [...unread], odd: tally(), removed: [], documents: 0, skipped: 0, version: undefined };
}

/** The objects of a directory as they are written, for whoever serves them; with the time at which it says they were so. Throws for a file that cannot be read. */
export async function rawManifests(dir: string): Promise<{ readonly objects: readonly Fields[]; readonly takenAt?: string }> {
  const { base, files, unread, settings } = await openDirectory(dir);
  const objects: Fields[] = [];
  const add = ({ object }: RawObject): undefined => void objects.push(object);
  const gathering = gatheringInto({ add }, base, unread);
  for (const file of files) await readFileInto(gathering, base, file);
  const [first] = gathering.unread;
  if (first !== undefined) throw new SourceError('ERR_SOURCE_UNREADABLE', `${join(dir, first.what)} cannot be read: ${first.reason}.`);
  return { objects, ...(settings.takenAt === undefined ? {} : { takenAt: settings.takenAt }) };
}

interface Directory extends FoundFiles {
  readonly base: string;
  readonly settings: DirectorySettings;
}

async function openDirectory(dir: string): Promise<Directory> {
  let isDirectory: boolean;
  try {
    isDirectory = (await stat(dir)).isDirectory();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw await missing(dir);
    throw new SourceError('ERR_SOURCE_UNREADABLE', `${dir} cannot be read: ${reasonOf(error)}.`, { cause: error });
  }
  if (!isDirectory) return { base: dirname(dir), files: [basename(dir)], unread: [], settings: {} };
  const { files, unread } = await findManifests(dir);
  return { base: dir, files: files.filter((file) => basename(file) !== settingsFile), unread, settings: await settingsOf(dir) };
}

async function settingsOf(dir: string): Promise<DirectorySettings> {
  const file = join(dir, settingsFile);
  try {
    return readSettings(file, await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    if (codeOf(error) === 'ENOENT') return {};
    throw new ConfigError('ERR_CONFIG_UNREADABLE', `${file} cannot be read: ${reasonOf(error)}.`, { cause: error });
  }
}

async function missing(dir: string): Promise<SourceError> {
  const parent = dirname(resolve(dir));
  const siblings = await readdir(parent).catch(() => []);
  const meant = nearest(basename(dir), siblings.sort(compareText));
  return new SourceError('ERR_SOURCE_UNREADABLE', `There is no directory ${dir}.`, {
    hint: meant === undefined ? undefined : `Did you mean ${join(dirname(dir), meant)}?`,
  });
}

async function readFileInto(gathering: Gathering, base: string, file: string): Promise<void> {
  let content: string;
  try {
    content = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(join(base, file)));
  } catch (error) {
    gathering.unread.push({ what: file, reason: reasonOf(error) });
    return;
  }
  takeText(gathering, file, content);
}

function takeText(gathering: Gathering, file: string, content: string): void {
  const { documents, broken } = readDocuments(file, content);
  for (const { line, reason } of broken) gathering.unread.push({ what: `${file}:${line}`, reason });
  for (const document of documents) takeDocument(gathering, file, document, content);
}

function takeDocument(gathering: Gathering, file: string, document: ReadDocument, content: string): void {
  // A bare list is what is left when somebody took the items out of an answer.
  if (Array.isArray(document.value) && document.value.some(isObject)) {
    takeObject(gathering, file, { apiVersion: 'v1', kind: 'List', items: document.value }, document.line, document.itemLines);
    gathering.documents++;
    return;
  }
  const value = optionalFields(tally(), document.value);
  if (value === undefined) {
    gathering.skipped++;
    return;
  }
  if (takeVersion(gathering, value)) return;
  const { apiVersion, kind } = value;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || apiVersion.startsWith('kustomize.config.k8s.io/')) {
    gathering.skipped++;
    return;
  }
  gathering.documents++;
  if (value['$patch'] === 'delete') {
    const removed = removedBy(value);
    if (removed !== undefined) gathering.removed.push(removed);
    gathering.skipped++;
    return;
  }
  const declared = declaredObjects(value);
  if (declared === undefined) takeObject(gathering, file, value, document.line, document.itemLines);
  else gathering.declare?.(declared, gathering.shown(file), document.line, spotsOf(file, content));
}

function isObject(value: unknown): boolean {
  const object = optionalFields(tally(), value);
  return typeof object?.['kind'] === 'string' && typeof object['apiVersion'] === 'string';
}

/** The answer of /version, or of `kubectl version`, is the one document that is no object and is wanted. */
function takeVersion(gathering: Gathering, document: Fields): boolean {
  const odd = tally();
  const value = optionalFields(odd, document['serverVersion']) ?? document;
  const major = text(odd, value['major']);
  const minor = text(odd, value['minor']);
  const gitVersion = text(odd, value['gitVersion']);
  if (document['kind'] !== undefined || major === undefined || minor === undefined || gitVersion === undefined) return false;
  gathering.documents++;
  gathering.version ??= { major, minor, gitVersion };
  return true;
}

/** Lists of lists are legal; deeper than this nobody means them. */
const deepestList = 8;

function takeObject(gathering: Gathering, file: string, object: Fields, line: number, itemLines: readonly number[], depth = 0): void {
  const { kind, apiVersion } = object;
  if (typeof kind !== 'string' || typeof apiVersion !== 'string' || depth > deepestList) {
    gathering.odd.odd++;
    return;
  }
  if (!kind.endsWith('List') || !Array.isArray(object['items'])) {
    gathering.intake.add({ object, origin: { file: gathering.shown(file), line } });
    return;
  }
  // Elements of a typed list need not repeat what the list says of them all.
  const itemKind = kind === 'List' ? undefined : kind.slice(0, -'List'.length);
  for (const [i, element] of object['items'].entries()) {
    const item = optionalFields(gathering.odd, element);
    if (item === undefined) continue;
    const whole =
      itemKind === undefined || (item['kind'] && item['apiVersion'])
        ? item
        : { ...item, apiVersion: item['apiVersion'] || apiVersion, kind: item['kind'] || itemKind };
    takeObject(gathering, file, whole, itemLines[i] ?? line, [], depth + 1);
  }
}
