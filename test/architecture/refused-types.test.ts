/* oxlint-disable typescript/no-unsafe-argument, typescript/no-unsafe-call, typescript/no-unsafe-member-access -- what is refused has no type */
import { defineCheck, type Finding, type Namespace, type Undecided } from 'meshdoctor/api';
import { expect, test } from 'vitest';

/*
 * What the types of the api refuse. Each mark fails `npm run types` as soon as the line below it compiles;
 * nothing of this is run.
 */
const words = {
  id: 'wrong-example',
  title: 'Examples are right',
  severity: 'error',
  certainty: 'certain',
  docs: { why: 'Because.', confirm: 'kubectl get namespaces', fix: 'Mend it.' },
} as const;
const messages = { wrong: (a: { namespace: Namespace }) => ({ text: `Namespace ${a.namespace.name} is wrong.` }) };

export const examples = [
  defineCheck({
    ...words,
    messages,
    scope: 'cluster',
    needs: ['namespaces'],
    *run({ cluster, finding }) {
      for (const namespace of cluster.namespaces) {
        yield finding('wrong', { namespace }, { at: namespace.ref });
        // @ts-expect-error a message that the check does not have
        yield finding('worse', { namespace }, { at: namespace.ref });
        // @ts-expect-error an argument of another type
        yield finding('wrong', { namespace: namespace.name }, { at: namespace.ref });
        // @ts-expect-error an argument that is missing
        yield finding('wrong', {}, { at: namespace.ref });
        // @ts-expect-error nowhere
        yield finding('wrong', { namespace }, {});
        // @ts-expect-error a reference that is a text
        yield finding('wrong', { namespace }, { at: 'west:Namespace/shop' });
      }
      // @ts-expect-error a fact in neither needs nor uses
      yield* cluster.services.length > 0 ? [] : [];
      // @ts-expect-error whether a fact is complete that was not asked for
      cluster.isComplete('pods');
      // @ts-expect-error facts are not to be changed
      cluster.namespaces.push();
    },
  }),
  defineCheck({
    ...words,
    messages,
    scope: 'cluster',
    needs: ['namespaces'],
    uses: ['services'],
    *run({ cluster }) {
      yield* cluster.services.status === 'collected' ? noFindings(cluster.services.value.length) : [];
      // @ts-expect-error what is merely used may not be there
      yield* noFindings(cluster.services.length);
    },
  }),
  defineCheck({
    ...words,
    messages,
    scope: 'managed',
    needs: { primary: ['remoteSecrets'], member: ['namespaces'] },
    *run({ primary, member }) {
      yield* noFindings(primary.remoteSecrets.length + member.namespaces.length);
      // @ts-expect-error a need of the other end
      yield* noFindings(member.remoteSecrets.length);
      // @ts-expect-error a need of the other end
      yield* noFindings(primary.namespaces.length);
    },
  }),
  defineCheck({
    ...words,
    messages,
    scope: 'pair',
    needs: { from: ['services'], to: [] },
    *run({ from, to }) {
      yield* noFindings(from.services.length);
      // @ts-expect-error a need of the other end
      yield* noFindings(to.services.length);
    },
  }),
  defineCheck({
    ...words,
    messages,
    scope: 'cluster',
    needs: [],
    // @ts-expect-error the scope has no such end
    *run({ primary }) {
      yield* noFindings(Number(primary));
    },
  }),
  defineCheck({
    ...words,
    messages,
    scope: 'cluster',
    // @ts-expect-error a fact that does not exist
    needs: ['nothing'],
    *run() {},
  }),
  defineCheck({
    ...words,
    messages,
    scope: 'cluster',
    // @ts-expect-error ends that the scope does not have
    needs: { primary: ['namespaces'], member: [] },
    *run() {},
  }),
  defineCheck({
    ...words,
    scope: 'cluster',
    needs: [],
    // @ts-expect-error a message without a sentence
    messages: { wrong: () => ({ found: 'nothing' }) },
    *run() {},
  }),
  // @ts-expect-error a check that nobody can look up
  defineCheck({
    id: 'undocumented-example',
    title: 'Examples are right',
    severity: 'error',
    certainty: 'certain',
    messages,
    scope: 'cluster',
    needs: [],
    *run() {},
  }),
];

function noFindings(_count: number): Iterable<Finding | Undecided> {
  return [];
}

test('the compiler was asked', () => {
  expect(examples).toHaveLength(9);
});
