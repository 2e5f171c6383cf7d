import { expect, test } from 'vitest';
import { readClock } from './clock.ts';

const noon = Date.parse('2026-11-22T12:00:00Z');
const reading = (sentAt: number, answeredAt: number, date: string | undefined = 'Sun, 22 Nov 2026 12:00:00 GMT') =>
  readClock({ date, sentAt, answeredAt }, undefined);

test('clocks that agree', () => expect(reading(noon + 100, noon + 200)).toEqual({ now: '2026-11-22T12:00:00Z', aheadSeconds: 0 }));
test('this machine is ahead', () => expect(reading(noon + 90_450, noon + 90_550)).toMatchObject({ aheadSeconds: 90 }));
test('this machine is behind', () => expect(reading(noon - 29_550, noon - 29_450)).toMatchObject({ aheadSeconds: -30 }));
test('what may be the round trip is no difference', () => expect(reading(noon - 3000, noon + 5000)).toMatchObject({ aheadSeconds: 0 }));
test('without a date nothing is known', () =>
  expect(readClock({ date: undefined, sentAt: noon, answeredAt: noon }, undefined)).toBeUndefined());
test('the newest answer counts, in whatever order they come', () => {
  const later = readClock({ date: 'Sun, 22 Nov 2026 12:00:05 GMT', sentAt: noon + 5000, answeredAt: noon + 5100 }, undefined);
  expect(readClock({ date: 'Sun, 22 Nov 2026 12:00:00 GMT', sentAt: noon, answeredAt: noon + 9000 }, later)).toBe(later);
});
