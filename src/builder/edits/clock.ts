import type { KubeObject, MeshObjects } from '../../model/kube.ts';
import { annotations } from '../../istio/labels.ts';
import { annotationsOf } from './edit.ts';
import { textAt } from './json.ts';

/** `2026-11-22T21:27:42Z`: RFC 3339 in whole seconds, as the API server writes it. */
export function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}

/**
 * The present of a mesh: its latest renewal of a lease, else its youngest object. Edits place what they do before it,
 * so that whoever judges the mesh at the time it was taken sees the fault as some minutes old.
 */
export function presentOf(mesh: MeshObjects): number {
  let renewed = 0;
  let created = 0;
  for (const objects of mesh.values()) {
    for (const object of objects) {
      renewed = Math.max(renewed, renewalOf(object) ?? 0);
      created = Math.max(created, timeOf(object.metadata.creationTimestamp) ?? 0);
    }
  }
  return renewed > 0 ? renewed : created;
}

/** `minutes` before the present of the mesh. */
export function agoIn(mesh: MeshObjects, minutes: number): number {
  return presentOf(mesh) - minutes * 60_000;
}

export function timeOf(text: string | undefined): number | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

function renewalOf(object: KubeObject): number | undefined {
  if (object.kind === 'Lease') return timeOf(textAt(object, 'spec', 'renewTime'));
  const record = annotationsOf(object)[annotations.leader];
  return record === undefined ? undefined : timeOf(/"renewTime":"([^"]*)"/.exec(record)?.[1]);
}

/** A word of letters and digits that Kubernetes uses for generated names, the same for the same seed. */
export function generatedName(seed: string, length: number): string {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  let word = '';
  for (let index = 0; index < length; index++) word += alphabet[hash(`${seed}#${index}`) % alphabet.length] ?? 'b';
  return word;
}

/** A UID that is the same for the same seed. */
export function generatedUid(seed: string): string {
  const hex = [0, 1, 2, 3].map((index) => hash(`${seed}/${index}`).toString(16).padStart(8, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function hash(text: string): number {
  let value = 2166136261;
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 16777619) >>> 0;
  value = Math.imul(value ^ (value >>> 15), 2246822507) >>> 0;
  return (value ^ (value >>> 13)) >>> 0;
}
