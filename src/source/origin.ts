import { type Fields, fields, tally, text } from '../model/decode.ts';
import type { Origin } from '../model/refs.ts';

/** Where an object that a server gave comes from: the version of it. */
export function originOf(object: Fields): Origin {
  return { resourceVersion: text(tally(), fields(tally(), object['metadata'])['resourceVersion']) ?? '' };
}
