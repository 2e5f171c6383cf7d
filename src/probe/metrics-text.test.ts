import { expect, test } from 'vitest';
import { metricsIn } from './metrics-text.ts';

const names = new Set(['a_total', 'b', 'c_bucket']);

test('series of the names asked for, with labels as they are meant, sorted', () => {
  const text = [
    '# HELP a_total Errors.',
    '# TYPE a_total counter',
    'a_total{cluster="west",why="say \\"no\\", \\\\ }"} 12',
    'a_total{cluster="east"} 3e+00',
    'b 1.5 1700000000000',
    'c_bucket{le="+Inf"} 7',
    'other{cluster="west"} 1',
    'b{broken 3',
    'b NaN',
    '',
  ].join('\n');
  expect(metricsIn(text, names)).toEqual([
    { name: 'a_total', labels: { cluster: 'east' }, value: 3 },
    { name: 'a_total', labels: { cluster: 'west', why: 'say "no", \\ }' }, value: 12 },
    { name: 'b', labels: {}, value: 1.5 },
    { name: 'c_bucket', labels: { le: '+Inf' }, value: 7 },
  ]);
});

test('an answer that is none', () => {
  expect(metricsIn('<html>Sign in</html>', names)).toBeUndefined();
  expect(metricsIn('', names)).toBeUndefined();
  expect(metricsIn('other 1\n', names)).toEqual([]);
});
