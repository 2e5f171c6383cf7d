import { duration, type Failure, failureOf } from './failure.ts';

/** How long a question may take, and what ends all of them. */
export interface Limits {
  /** Milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  /** The clock that says when they are over; default: that of this machine. */
  readonly after?: Alarm | undefined;
}

/** Rings once after so many milliseconds; the function it gives keeps it from ringing. */
export type Alarm = (milliseconds: number, ring: () => void) => () => void;

/** Sets an alarm by the clock of these limits. */
export function alarm({ after }: Pick<Limits, 'after'>, milliseconds: number, ring: () => void): () => void {
  if (after !== undefined) return after(milliseconds, ring);
  const timer = setTimeout(ring, milliseconds);
  return () => clearTimeout(timer);
}

/**
 * The outcome of `work`, or of `otherwise` when it fails, takes longer than it may, or everything is interrupted. Never rejects and
 * never takes longer, whether `work` heeds its signal or not; the signal tells it to let go of what it has opened.
 */
export async function within<T>(limits: Limits, work: (signal: AbortSignal) => Promise<T>, otherwise: (failure: Failure) => T): Promise<T> {
  if (limits.signal.aborted) return otherwise(interrupted);
  const own = new AbortController();
  let end: () => void = () => undefined;
  let stop: () => void = () => undefined;
  const cut = new Promise<T>((resolve) => {
    end = () => resolve(otherwise(interrupted));
    stop = alarm(limits, limits.timeout, () =>
      resolve(otherwise({ failed: 'timeout', reason: `no answer within ${duration(limits.timeout)}` })),
    );
  });
  const stayed = onAbort(limits.signal, () => end());
  try {
    return await Promise.race([work(own.signal).catch((error: unknown) => otherwise(failureOf(error))), cut]);
  } finally {
    stop();
    stayed();
    own.abort();
  }
}

/** Who waits for the end of a run. Dozens do, and Node warns of more than ten listeners of one signal: it has one, which tells all. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `listener` when the signal aborts; the function it gives ends that. */
function onAbort(signal: AbortSignal, listener: () => void): () => void {
  let listeners = waiting.get(signal);
  if (listeners === undefined) {
    const all = new Set<() => void>();
    signal.addEventListener('abort', () => all.forEach((one) => one()), { once: true });
    waiting.set(signal, all);
    listeners = all;
  }
  const own = listeners;
  own.add(listener);
  return () => own.delete(listener);
}

/** Resolves after so many milliseconds, or when the run ends. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stayed();
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    const stayed = onAbort(signal, end);
  });
}

/** What is said of a question that was not finished since the run ended. */
export const interrupted: Failure = { failed: 'interrupted', reason: 'the run ended before the answer came' };

/** Lets so many pieces of work run at a time, the others wait in their order. */
export type Gate = <T>(work: () => Promise<T>) => Promise<T>;

export function gate(most: number): Gate {
  let free = most;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free--;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}

/** Runs one function after the other, and lets in between what has arrived: what is asked already goes on while the rest is planned. */
export function turns(): <T>(plan: () => T) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return async (plan) => {
    const own = last.then(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return plan();
    });
    last = own;
    return await own;
  };
}
