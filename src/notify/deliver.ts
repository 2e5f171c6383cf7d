import type { Posted } from '../kube/post.ts';

/** How often a message is sent at most, and what is waited before each further try, in milliseconds. */
const waits = [1000, 3000, 9000] as const;
/** A receiver that wants more patience is told by the next run. */
const longestWait = 30_000;

/** What became of a message, and after how many tries. */
export type Delivery = { readonly tries: number } & ({ readonly arrived: true } | { readonly arrived: false; readonly reason: string });

/** Sends until it arrives, for as long as that can help and a run can wait. */
export async function deliver(post: () => Promise<Posted>, sleep: (milliseconds: number) => Promise<void>): Promise<Delivery> {
  for (let tries = 1; ; tries += 1) {
    const posted = await post();
    if (posted.status === 'sent') return { arrived: true, tries };
    const wait = waits[tries - 1];
    const patience = Math.max(wait ?? 0, posted.after ?? 0);
    if (!posted.again || wait === undefined || patience > longestWait) return { arrived: false, tries, reason: posted.reason };
    await sleep(patience);
  }
}
