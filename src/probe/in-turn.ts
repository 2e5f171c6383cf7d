import type { Duplex } from 'node:stream';
import type { Failure } from './failure.ts';
import type { Refusal, Reply } from './forwarded.ts';
import { alarm, type Gate, interrupted, type Limits, within } from './pace.ts';

/** A port of a pod that answers one question after another on a stream. */
export interface Line<Q, T> {
  open(signal: AbortSignal): Promise<{ readonly stream: Duplex } | Refusal | Failure>;
  /** Leaves the stream fit for the next question, or destroyed. */
  ask(stream: Duplex, question: Q): Promise<T>;
  readonly paced: Gate;
  readonly limits: Limits;
  readonly onReply: (() => void) | undefined;
  /** The first question is waited for, however long it takes, and when it gets no answer the others get none either. */
  readonly isFirstDecisive: boolean;
  /** The answer is known to take its time: the questions behind it do not wait for that at all. */
  readonly isLong?: (question: Q) => boolean;
}

/** Milliseconds that the next question waits for the one before it. */
const patience = 250;

/**
 * Asks all questions, on as few streams as do not make one wait for another that hangs: a server may take its time over one name and
 * answers the others at once. Replies come as they were given. When a stream cannot be opened, or nobody
 * listens at the port, that is the reply to all that were left; so is it when one was waited for to the end, since all that could be
 * asked beside it hang, too: what is dead costs one wait. Never rejects.
 */
export async function askInTurn<Q extends object, T>(
  questions: readonly Q[],
  line: Line<Q, T>,
): Promise<readonly (readonly [Q, Reply<T>])[]> {
  const queue = [...questions];
  const replies: (readonly [Q, Reply<T>])[] = [];
  const workers: Promise<void>[] = [];
  const reply = (question: Q, said: Reply<T>): void => {
    replies.push([question, said]);
    line.onReply?.();
  };
  const hire = (): void => void workers.push(line.paced(work));

  async function work(): Promise<void> {
    let stream: Duplex | undefined;
    const letGo = (): void => {
      stream?.destroy();
      stream = undefined;
    };
    const asked = (question: Q): Promise<Reply<T>> =>
      within<Reply<T>>(
        line.limits,
        async (signal) => {
          if (stream === undefined || isOver(stream)) {
            letGo();
            const opened = await line.open(signal);
            if (!('stream' in opened)) return opened;
            if (signal.aborted) {
              opened.stream.destroy();
              return interrupted; // Nobody waits for it any more.
            }
            stream = opened.stream;
          }
          const isWaitedFor = line.isFirstDecisive && question === questions[0];
          if (line.isLong?.(question) === true && queue.length > 0) hire();
          const atEase = isWaitedFor ? undefined : alarm(line.limits, patience, () => queue.length > 0 && hire());
          try {
            return { answer: await line.ask(stream, question) };
          } finally {
            atEase?.();
          }
        },
        (failure) => failure,
      );
    for (let question = queue.shift(); question !== undefined; question = queue.shift()) {
      const isUsed = stream !== undefined;
      let said = await asked(question);
      // Some servers end a stream after an answer or two.
      if (isUsed && 'failed' in said && said.failed === 'reset') {
        letGo();
        said = await asked(question);
      }
      reply(question, said);
      if ('answer' in said) continue;
      const isHopeless =
        (line.isFirstDecisive && question === questions[0]) ||
        ('failed' in said && (said.failed === 'refused' || said.failed === 'timeout'));
      if (stream === undefined || isHopeless) for (const left of queue.splice(0)) reply(left, said);
      letGo();
    }
    letGo();
  }

  if (queue.length > 0) hire();
  // One may hire the next while it is waited for.
  for (const worker of workers) await worker;
  return replies;
}

function isOver(stream: Duplex): boolean {
  return stream.destroyed || stream.readableEnded || stream.writableEnded;
}
