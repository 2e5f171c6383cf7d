import type { ListedNameTable } from '../../../src/model/observations.ts';
import { type ObservedEdit, replicas } from '../../../src/testkit/observed-edits.ts';

/** What the istiods of a cluster say of the proxies of another: whether one of them is connected. */
export const says = (cluster: string, of: string, answer: 'elsewhere' | 'none'): ObservedEdit =>
  replicas(cluster, (replica) => ({
    ...replica,
    nameTables: replica.nameTables.map((one): ListedNameTable => (one.proxy.cluster === of ? { ...one, table: { answer } } : one)),
  }));

/** No proxy of a cluster is connected to the istiods of another. */
export function proxiesAreNotAt(cluster: string, of: string): ObservedEdit {
  return says(cluster, of, 'elsewhere');
}
