import { expect, test } from 'vitest';
import { impersonationHeaders } from './headers.ts';

// As kubectl: as-uid, as-groups and as-user-extra are sent as well, for `as` alone would be other rights than were asked for.
test('everything about whom requests are made for is sent', () => {
  expect(
    impersonationHeaders({
      user: 'jane',
      uid: '42',
      groups: ['a', 'b'],
      extra: { 'acme.com/project': ['x', 'y'], 'with space%': ['z'], none: [] },
    }),
  ).toEqual({
    'Impersonate-User': 'jane',
    'Impersonate-Uid': '42',
    'Impersonate-Group': ['a', 'b'],
    'Impersonate-Extra-acme.com%2Fproject': ['x', 'y'],
    'Impersonate-Extra-with%20space%25': ['z'],
  });
});

test('names outside ASCII are UTF-8 on the wire', () => {
  expect(impersonationHeaders({ user: 'jürgen', groups: [], extra: {} })).toEqual({ 'Impersonate-User': 'jÃ¼rgen' });
});

test('nobody', () => expect(impersonationHeaders(undefined)).toEqual({}));
