import type { Observed } from '../model/observations.ts';
import type { Refusal } from './forwarded.ts';
import { interrupted } from './pace.ts';
import type { Planned } from './plan.ts';

/**
 * What asking all targets gave. When the run ended before anything was answered (`isCut` is true of all),
 * the whole is interrupted; otherwise each answer says for itself.
 */
export async function carriedOut<T, R>(
  planning: Planned<T> | Promise<Planned<T>>,
  ask: (targets: readonly T[]) => Promise<readonly R[]>,
  isCut: (answer: R) => boolean,
): Promise<Observed<readonly R[]>> {
  const plan = await planning;
  if (!('targets' in plan)) return plan;
  return seen(await ask(plan.targets), isCut);
}

/** The same for what needs a right. Where every target was refused the whole is forbidden; `refused` is the answer of one among others that were not. */
export async function carriedOutWhereAllowed<T, R extends object>(
  planning: Planned<T> | Promise<Planned<T>>,
  ask: (targets: readonly T[]) => Promise<ReadonlyMap<T, R | Refusal>>,
  isCut: (answer: R) => boolean,
  refused: (target: T, refusal: Refusal) => R,
): Promise<Observed<readonly R[]>> {
  const plan = await planning;
  if (!('targets' in plan)) return plan;
  const replies = await ask(plan.targets);
  const refusals = [...replies.values()].filter((reply) => isRefusal(reply));
  const [first] = refusals;
  if (first !== undefined && refusals.length === replies.size) return { status: 'forbidden', ...first.forbidden };
  const answers = plan.targets.flatMap((target) => {
    const reply = replies.get(target);
    if (reply === undefined) return [];
    return isRefusal(reply) ? refused(target, reply) : reply;
  });
  return seen(answers, isCut);
}

function seen<R>(answers: readonly R[], isCut: (answer: R) => boolean): Observed<readonly R[]> {
  return answers.every(isCut)
    ? { status: 'failed', code: interrupted.failed, reason: interrupted.reason }
    : { status: 'observed', value: answers };
}

function isRefusal(reply: object): reply is Refusal {
  return 'forbidden' in reply;
}
