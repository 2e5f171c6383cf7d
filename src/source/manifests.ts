import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { glob } from 'tinyglobby';
import { SourceError } from '../base/errors.ts';
import { compareText } from '../base/sort.ts';
import { nearest } from '../base/text.ts';
import { type Intake, openIntake } from '../collect/snapshot.ts';
import { type Fields, optionalFields, type Tally, tally, text } from '../model/decode.ts';
import { clusterName } from '../model/ids.ts';
import type { ClusterSnapshot } from '../model/snapshot.ts';
import { type ReadDocument, readDocuments } from './documents.ts';
import { type DirectorySettings, readSettings, settingsFile } from './settings.ts';

export interface ManifestsOptions {
  /** Clusters by the name the user gave them, each with its directory or file, and what is said of that one alone. */
  readonly clusters: readonly {
    readonly name: string;
    readonly dir: string;
    readonly complete?: boolean | undefined;
    readonly takenAt?: string | undefined;
  }[];
  /** Every directory holds its whole cluster; else each says so itself in its `meshdoctor.yaml`. */
  readonly complete?: boolean | undefined;
  /** RFC 3339: the present of every cluster; else each says so itself. */
  readonly takenAt?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Reads clusters from directories of manifests. Nothing is contacted. */
export async function openManifests(options: ManifestsOptions): Promise<readonly ClusterSnapshot[]> {
  const clusters: Reading[] = [];
  for (const { name, dir, complete, takenAt } of options.clusters) {
    clusters.push(
      await readCluster(name, dir, { ...options, complete: options.complete ?? complete, takenAt: options.takenAt ?? takenAt }),
    );
  }
  if (!options.signal?.aborted && clusters.every((cluster) => cluster.documents === 0)) throw nothingLeft(clusters);
  return clusters.map((cluster) => cluster.snapshot);
}

interface Reading {
  readonly dir: string;
  readonly documents: number;
  readonly snapshot: ClusterSnapshot;
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
  readonly intake: Intake;
  readonly unread: { what: string; reason: string }[];
  readonly odd: Tally;
  documents: number;
  skipped: number;
  version: ClusterSnapshot['version'];
}

async function readCluster(name: string, dir: string, options: ManifestsOptions): Promise<Reading> {
  const { base, files, settings } = await openDirectory(dir);
  const gathering: Gathering = { intake: openIntake(), unread: [], odd: tally(), documents: 0, skipped: 0, version: undefined };
  let interrupted = false;
  for (const file of files) {
    if (options.signal?.aborted) {
      interrupted = true;
      break;
    }
    await readFileInto(gathering, base, file);
  }
  const takenAt = options.takenAt ?? settings.takenAt;
  const snapshot = gathering.intake.finish({
    name: clusterName(name),
    complete: options.complete ?? settings.complete ?? false,
    ...(takenAt === undefined ? undefined : { takenAt }),
    ...(gathering.version === undefined ? undefined : { version: gathering.version }),
    unread: gathering.unread,
    interrupted,
    skipped: gathering.skipped,
    odd: gathering.odd.odd,
  });
  return { dir, documents: gathering.documents, snapshot };
}

interface Directory {
  readonly base: string;
  /** Relative to `base`, sorted. */
  readonly files: readonly string[];
  readonly settings: DirectorySettings;
}

async function openDirectory(dir: string): Promise<Directory> {
  const found = await stat(dir).catch(() => undefined);
  if (found === undefined) throw await missing(dir);
  if (!found.isDirectory()) return { base: dirname(dir), files: [basename(dir)], settings: {} };
  const files = await glob({
    patterns: ['**/*.{yaml,yml,json}'],
    cwd: dir,
    ignore: ['**/node_modules/**'],
    caseSensitiveMatch: false,
    expandDirectories: false,
  });
  const settings = await readFile(join(dir, settingsFile), 'utf8').catch(() => undefined);
  return {
    base: dir,
    files: files.filter((file) => basename(file) !== settingsFile).sort(compareText),
    settings: settings === undefined ? {} : readSettings(join(dir, settingsFile), settings),
  };
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
  const { documents, broken } = readDocuments(file, content);
  for (const { line, reason } of broken) gathering.unread.push({ what: `${file}:${line}`, reason });
  for (const document of documents) takeDocument(gathering, file, document);
}

function reasonOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  if (code === 'ENOENT') return 'no such file';
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'not UTF-8 text';
  return typeof code === 'string' ? code : 'cannot be read';
}

function takeDocument(gathering: Gathering, file: string, document: ReadDocument): void {
  const value = optionalFields(tally(), document.value);
  if (value === undefined) {
    gathering.skipped++;
    return;
  }
  gathering.documents++;
  if (takeVersion(gathering, value)) return;
  const { apiVersion, kind } = value;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || apiVersion.startsWith('kustomize.config.k8s.io/')) {
    gathering.skipped++;
    return;
  }
  takeObject(gathering, file, value, document.line, document.itemLines);
}

/** The answer of /version is the one document that is no object and is wanted. */
function takeVersion(gathering: Gathering, value: Fields): boolean {
  const odd = tally();
  const major = text(odd, value['major']);
  const minor = text(odd, value['minor']);
  const gitVersion = text(odd, value['gitVersion']);
  if (value['kind'] !== undefined || major === undefined || minor === undefined || gitVersion === undefined) return false;
  gathering.version ??= { major, minor, gitVersion };
  return true;
}

function takeObject(gathering: Gathering, file: string, object: Fields, line: number, itemLines: readonly number[]): void {
  const kind = text(gathering.odd, object['kind']);
  if (kind === undefined || text(gathering.odd, object['apiVersion']) === undefined) {
    gathering.odd.odd++;
    return;
  }
  if (!kind.endsWith('List') || !Array.isArray(object['items'])) {
    gathering.intake.add({ object, origin: { file, line } });
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
        : { ...item, apiVersion: item['apiVersion'] || object['apiVersion'], kind: item['kind'] || itemKind };
    takeObject(gathering, file, whole, itemLines[i] ?? line, []);
  }
}
