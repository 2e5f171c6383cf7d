import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { images, versions } from './versions.ts';

/** Root of the checkout. */
export const root = process.cwd();

const modules = resolve(root, 'test/real/modules');

/** Programs of the real tier, by part: what is built together. */
export const parts = {
  istio: ['pilot-discovery', 'pilot-agent', 'istioctl', 'envoy_bootstrap.json'],
  kubernetes: ['kubernetes', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet-streams'],
  etcd: ['etcd'],
  pod: ['pod'],
  coredns: ['coredns'],
  envoy: ['envoy'],
  helm: ['helm'],
  'gateway-api': ['gateway-api.yaml'],
} as const;

export type Part = keyof typeof parts;
export type Program = (typeof parts)[Part][number];

/** Folder of everything built, outside the checkout. */
export function cacheFolder(): string {
  const base = process.env['MESHDOCTOR_REAL_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'meshdoctor-real');
  return resolve(base);
}

/** Where a part's programs are, by its versions: another version is another folder, and nothing is rebuilt when the folder is there. */
export function folderOf(part: Part): string {
  return join(cacheFolder(), `${part}-${keyOf(part)}`);
}

export function isBuilt(part: Part): boolean {
  return parts[part].every((program) => existsSync(join(folderOf(part), program)));
}

export function missingParts(): readonly Part[] {
  return partNames().filter((part) => !isBuilt(part));
}

export function partNames(): readonly Part[] {
  return Object.keys(parts).filter((name): name is Part => name in parts);
}

/** Path of a program that has been built. */
export function programPath(program: Program): string {
  for (const part of partNames()) {
    const names: readonly string[] = parts[part];
    if (names.includes(program)) return join(folderOf(part), program);
  }
  throw new Error(`No part makes ${program}.`);
}

function keyOf(part: Part): string {
  const hash = createHash('sha256');
  const folder = join(modules, part);
  if (existsSync(folder)) for (const file of readdirSync(folder).toSorted()) hash.update(file).update(readFileSync(join(folder, file)));
  const version = versionOf(part);
  hash.update(JSON.stringify([version, versions.istioModule, images]));
  return `${version}-${hash.digest('hex').slice(0, 10)}`;
}

function versionOf(part: Part): string {
  if (part === 'pod') return 'own';
  return part === 'gateway-api' ? versions.istio : versions[part];
}
