import { describe, expect, test } from 'vitest';
import type { Clock, Fact, LeaderElection, Pod } from '../model/facts.ts';
import { clusterName } from '../model/ids.ts';
import { type LeadershipInput, leadershipOf } from './leadership.ts';

const east = clusterName('east');
const west = clusterName('west');
const collected = <T>(value: T): Fact<T> => ({ status: 'collected', value });
const notAsked = { status: 'not-asked', because: 'no clock' } as const;

const election = (over: Partial<LeaderElection> = {}): LeaderElection => ({
  ref: { cluster: west, kind: 'ConfigMap', namespace: 'istio-system', name: 'istio-namespace-controller-election' },
  labels: {},
  annotations: {},
  managers: [],
  namespace: 'istio-system',
  name: 'istio-namespace-controller-election',
  holderIdentity: 'istiod-1-31-0-abc',
  holderKey: '^1-31-0',
  renewTime: '2026-11-22T21:27:40Z',
  leaseDurationSeconds: 30,
  leaderTransitions: 0,
  ...over,
});

const pod: Pod = {
  ref: { cluster: east, kind: 'Pod', namespace: 'istio-system', name: 'istiod-1-31-0-abc' },
  labels: { app: 'istiod' },
  annotations: {},
  managers: [],
  namespace: 'istio-system',
  name: 'istiod-1-31-0-abc',
  phase: 'Running',
  ready: true,
  ips: [],
  hostNetwork: false,
  serviceAccount: 'istiod',
  waiting: [],
  imageAuto: false,
};

const clock: Fact<Clock> = collected({ takenAt: '2026-11-22T21:27:43Z' });
const input = (over: Partial<LeadershipInput> = {}): LeadershipInput => ({
  controlPlane: { namespace: 'istio-system', env: {} },
  primary: east,
  member: west,
  pods: collected([pod]),
  elections: collected([election()]),
  clock,
  ...over,
});

describe('leadership of a cluster', () => {
  test('led: a fresh renewal by a pod that exists', () => {
    expect(leadershipOf(input())).toMatchObject({ state: 'led', holder: { name: 'istiod-1-31-0-abc' } });
  });

  test('led: the holder may be of any revision, with or without caret', () => {
    const held = election({ holderKey: '1-24-6' });
    expect(leadershipOf(input({ elections: collected([held]) })).state).toBe('led');
  });

  test('led: a clock somewhat before the last renewal', () => {
    expect(leadershipOf(input({ clock: collected({ takenAt: '2026-11-22T21:26:00Z' }) })).state).toBe('led');
  });

  test('stale: the lease ran out twice over, although the pod lives', () => {
    const later = collected({ takenAt: '2026-11-22T21:28:40Z' });
    expect(leadershipOf(input({ clock: later }))).toMatchObject({
      state: 'stale',
      how: 'expired',
      evidence: [{ observed: 'held by istiod-1-31-0-abc (^1-31-0), renewed 60 s ago' }],
    });
  });

  test('stale: the holder gave up minutes ago and nobody took over', () => {
    const given = election({ holderIdentity: '', holderKey: '', leaseDurationSeconds: 1, renewTime: '2026-11-22T21:23:00Z' });
    expect(leadershipOf(input({ elections: collected([given]) }))).toMatchObject({ state: 'stale', how: 'given-up' });
  });

  test('stale: no election was ever held, whatever the clock', () => {
    expect(leadershipOf(input({ elections: collected([]), clock: notAsked }))).toMatchObject({ state: 'stale', how: 'never' });
  });

  test('stale: istiod is alive in its own cluster', () => {
    const heartbeats = collected([election({ holderKey: '1-31-0', renewTime: '2026-11-22T21:35:00Z' })]);
    expect(leadershipOf(input({ clock: collected({ takenAt: '2026-11-22T21:40:00Z' }), heartbeats }))).toMatchObject({ state: 'stale' });
  });

  test('unknown: the elections of istiod itself are as old, so that the clock is ahead of what was read', () => {
    const heartbeats = collected([election({ holderKey: '1-31-0', renewTime: '2026-11-22T21:27:38Z' })]);
    expect(leadershipOf(input({ clock: collected({ takenAt: '2026-11-22T21:40:00Z' }), heartbeats }))).toMatchObject({ state: 'unknown' });
  });

  test('unknown: given up moments ago', () => {
    const given = election({ holderIdentity: '', holderKey: '', leaseDurationSeconds: 1 });
    expect(leadershipOf(input({ elections: collected([given]) })).state).toBe('unknown');
  });

  test.each([
    ['no clock', { clock: notAsked }, [{ cluster: west, fact: 'clock' }]],
    ['no elections', { elections: notAsked }, [{ cluster: west, fact: 'leaderElections' }]],
    [
      'a directory that may lack the election',
      { elections: { status: 'collected', value: [], partial: true } },
      [{ cluster: west, fact: 'leaderElections' }],
    ],
    ['no pods', { pods: notAsked }, [{ cluster: east, fact: 'pods' }]],
    ['a fresh holder that is no pod of the primary', { pods: collected([]) }, []],
    [
      'an old lease, and no sight of istiod in its own cluster',
      { clock: collected({ takenAt: '2026-11-22T21:40:00Z' }), heartbeats: notAsked },
      [{ cluster: east, fact: 'leaderElections' }],
    ],
    [
      'manifests that never ran',
      { elections: collected([]), controlPlane: { namespace: 'istio-system', env: {}, withoutStatus: true } },
      [],
    ],
    ['a renewal hours after the clock', { clock: collected({ takenAt: '2026-11-22T12:00:00Z' }) }, []],
    ['no time of renewal', { elections: collected([election({ renewTime: 'soon' })]) }, []],
    [
      'an istiod that is no CA',
      { elections: collected([]), controlPlane: { namespace: 'istio-system', env: { ENABLE_CA_SERVER: 'false' } } },
      [],
    ],
  ] as readonly [string, Partial<LeadershipInput>, readonly object[]][])('unknown: %s', (_, over, missing) => {
    expect(leadershipOf(input(over))).toMatchObject({ state: 'unknown', missing });
  });
});
