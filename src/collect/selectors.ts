import { objects, optionalFields, text, textMap, texts, type Tally } from '../model/decode.ts';
import type { LabelSelector } from '../model/facts.ts';

/** A label selector; the empty one, which selects everything, when there is none. */
export function selectorOf(odd: Tally, value: unknown): LabelSelector {
  const selector = optionalFields(odd, value);
  return {
    matchLabels: textMap(odd, selector?.['matchLabels']),
    matchExpressions: objects(odd, selector?.['matchExpressions']).map((expression) => ({
      key: text(odd, expression['key']) ?? '',
      operator: text(odd, expression['operator']) ?? '',
      values: texts(odd, expression['values']),
    })),
  };
}
