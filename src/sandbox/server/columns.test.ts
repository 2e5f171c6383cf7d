import { expect, test } from 'vitest';
import { sinceText } from './columns.ts';
import { columnValue } from './json-path.ts';

test('ages are shortened as kubectl does', () => {
  const now = Date.parse('2026-11-29T00:00:00Z');
  const since = (seconds: number) => sinceText(new Date(now - seconds * 1000).toISOString(), new Date(now).toISOString());
  const [minute, hour, day] = [60, 3600, 86_400];
  expect([0, 45, 119, 2 * minute, 9 * minute + 5, 10 * minute + 5, 179 * minute].map(since)).toEqual([
    '0s',
    '45s',
    '119s',
    '2m',
    '9m5s',
    '10m',
    '179m',
  ]);
  expect([3 * hour, 7 * hour + 5 * minute, 47 * hour].map(since)).toEqual(['3h', '7h5m', '47h']);
  expect([2 * day, 3 * day + 4 * hour, 8 * day + 4 * hour, 729 * day].map(since)).toEqual(['2d', '3d4h', '8d', '729d']);
  expect([730 * day, 800 * day, 9 * 365 * day].map(since)).toEqual(['2y', '2y70d', '9y']);
  expect(sinceText(undefined, new Date(now).toISOString())).toBe('<unknown>');
  expect(since(-100)).toBe('<invalid>');
});

test('JSON paths of printer columns', () => {
  const object = {
    metadata: { labels: { 'a.b/c': 'd' } },
    spec: { hosts: ['x', 'y'], servers: [{ port: { number: 1 } }, { port: { number: 2 } }] },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  };
  expect(columnValue(object, '.spec.hosts')).toEqual(['x', 'y']);
  expect(columnValue(object, '.spec.hosts[1]')).toBe('y');
  expect(columnValue(object, '.spec.servers[*].port.number')).toEqual([1, 2]);
  expect(columnValue(object, '.status.conditions[?(@.type=="Ready")].status')).toBe('True');
  expect(columnValue(object, String.raw`.metadata.labels.a\.b/c`)).toBe('d');
  expect(columnValue(object, '.spec.none')).toBeUndefined();
});
