import type { Alarm } from '../../src/probe/pace.ts';

/** A clock that stands still while something happens and jumps to the next alarm when nothing does: waits take no time, and are counted. */
export interface VirtualClock {
  readonly after: Alarm;
  /** Milliseconds. */
  now(): number;
  /** Lets time pass until the work is done; gives what came of it. */
  until<T>(work: Promise<T>): Promise<T>;
}

/** Turns of the event loop without a sign of life after which everybody waits. All that is asked is in memory. */
const idle = 40;

export function virtualClock(): VirtualClock {
  let time = 0;
  const alarms = new Set<{ readonly due: number; readonly ring: () => void }>();
  return {
    after: (milliseconds, ring) => {
      const alarm = { due: time + milliseconds, ring };
      alarms.add(alarm);
      return () => void alarms.delete(alarm);
    },
    now: () => time,
    until: async (work) => {
      let isOver = false;
      const ended = work.finally(() => (isOver = true));
      // Whoever awaits hears of it.
      ended.catch(() => undefined);
      for (;;) {
        for (let turn = 0; turn < idle; turn++) await new Promise((next) => setImmediate(next));
        if (isOver) return await ended;
        const [first] = [...alarms].sort((a, b) => a.due - b.due);
        if (first === undefined) throw new Error('everybody waits, and for nothing');
        alarms.delete(first);
        time = first.due;
        first.ring();
      }
    },
  };
}
