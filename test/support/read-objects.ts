import { projectFacts } from '../../src/collect/facts.ts';
import { type ClusterSource, openIntake } from '../../src/collect/snapshot.ts';
import type { ClusterFacts, Fact } from '../../src/model/facts.ts';
import { clusterName } from '../../src/model/ids.ts';
import type { ClusterSnapshot } from '../../src/model/snapshot.ts';

/** An object as a manifest has it: only what matters to a test. */
export type Raw = Readonly<Record<string, unknown>>;

/** Objects of a cluster named `west`, which are all there are unless the test says otherwise. */
export function read(objects: readonly Raw[], source: Partial<ClusterSource> = {}): ClusterSnapshot {
  const intake = openIntake();
  for (const object of objects) intake.add({ object });
  return intake.finish({ name: clusterName('west'), complete: true, ...source });
}

export function factsOf(objects: readonly Raw[], source: Partial<ClusterSource> = {}): ClusterFacts {
  return projectFacts(read(objects, source));
}

/** The value of a collected fact. */
export function valueOf<T>(fact: Fact<T>): T {
  if (fact.status !== 'collected') throw new Error(`not collected: ${fact.status}`);
  return fact.value;
}

/** The only element of a collected list. */
export function only<T>(fact: Fact<readonly T[]>): T {
  const [first, ...rest] = valueOf(fact);
  if (first === undefined || rest.length > 0) throw new Error(`expected one, got ${rest.length + (first === undefined ? 0 : 1)}`);
  return first;
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A JSON web token with these claims; its signature proves nothing. */
export function jwt(claims: Raw): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256' })}.${part(claims)}.c2lnbmF0dXJl`;
}
