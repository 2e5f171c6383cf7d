import { describe, expect, test } from 'vitest';
import { builtin } from '../../checks/index.ts';
import { mesh } from '../builder/mesh.ts';
import { snapshotOf } from '../collect/snapshot.ts';
import { type Flags, type RunOptions, runOptions } from '../config/options.ts';
import type { ConfigFile } from '../config/schema.ts';
import { recordingOf, replayed } from './replay.ts';

const optionsOf = (flags: Flags, now: string, values: ConfigFile = {}): RunOptions =>
  runOptions(flags, { file: 'c.yaml', dir: '/', values }, { cwd: '/', now });
const then = '2026-11-24T12:00:00Z';
const later = '2046-01-01T00:00:00Z';
const abc = { namespace: 'shop', name: 'abc', port: 80 };
const hub = { withoutSecret: [{ reader: 'west', read: 'east' }] };

const snapshot = { ...snapshotOf(mesh().primaryRemote('east', 'west', { networks: 2 }).objects()), intent: hub };
const recording = recordingOf(snapshot, optionsOf({ manifests: [], service: ['abc.shop:80'] }, then), '0.1.0');
const again = (flags: Flags = {}, values: ConfigFile = {}) =>
  replayed(recording, optionsOf({ from: ['f'], ...flags }, later, values), builtin);

describe('a recording is judged', () => {
  test('by its own clock, and says that it is one', () => {
    expect(again().options.now).toBe(then);
    expect(again().snapshot.source).toEqual({ kind: 'recorded', of: 'manifests', at: then, version: '0.1.0' });
  });

  test('for the names it was recorded with, unless others are given', () => {
    expect(again().options.services).toEqual([abc]);
    expect(again({ service: ['other.shop'] }).options.services).toEqual([{ namespace: 'shop', name: 'other' }]);
    expect(again({}, { services: ['third.shop'] }).options.services).toEqual([{ namespace: 'shop', name: 'third' }]);
  });

  test('with what was declared of the mesh then, unless something is declared now', () => {
    expect(again().snapshot.intent).toEqual(hub);
    const declared = { clusters: { west: { role: 'remote' as const } } };
    expect(again({}, { topology: declared }).snapshot.intent).toEqual(declared);
  });

  test('with everything that directories held, whatever is selected', () => {
    const { snapshot: narrow } = replayed(recording, optionsOf({ from: ['f'] }, later), builtin.slice(0, 1));
    expect(narrow.clusters).toEqual(snapshot.clusters);
  });
});

test('what was recorded is not recorded again', () => {
  expect(() => recordingOf(again().snapshot, optionsOf({ from: ['f'] }, later), '0.1.0')).toThrow('not recorded again');
});
