/** The present of a server as it last said it, and how far this machine's clock is ahead of it. */
export interface ClockReading {
  /** RFC 3339. */
  readonly now: string;
  /** 0 when the difference is no larger than what the reading cannot tell. */
  readonly aheadSeconds: number;
}

/**
 * Reads the `Date` header. It is cut to the second and was written at some time between request and answer: half a second, and half of the
 * round trip, is what the reading cannot tell.
 */
export function readClock(
  answer: { readonly date: string | undefined; readonly sentAt: number; readonly answeredAt: number },
  before: ClockReading | undefined,
): ClockReading | undefined {
  const said = Date.parse(answer.date ?? '');
  if (Number.isNaN(said)) return before;
  const now = new Date(said).toISOString().replace('.000Z', 'Z');
  if (before !== undefined && before.now > now) return before;
  const ahead = (answer.sentAt + answer.answeredAt) / 2 - (said + 500);
  const unknown = 500 + (answer.answeredAt - answer.sentAt) / 2;
  return { now, aheadSeconds: Math.abs(ahead) <= unknown ? 0 : Math.round(ahead / 1000) };
}
