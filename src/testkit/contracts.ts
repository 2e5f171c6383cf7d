import { certainties, type Finding, type Outcome, severities } from '../api/finding.ts';
import { compareText } from '../base/sort.ts';
import type { Judgement } from '../engine/types.ts';
import type { ClusterName } from '../model/ids.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';
import { type Contract, ofEachCase } from './contract.ts';
import { partialDirectory, remediesGoBack, remediesHelp } from './mesh-contracts.ts';
import { answer, answerAbout, crashes, factsOf, type Prepared, snapshotIn, spelled, type Suite } from './suite.ts';
import { bySide, needName, traced } from './tracing.ts';
import {
  lossesFor,
  extended,
  otherNames,
  renamed,
  reordered,
  reorderedObservations,
  unrelatedNamespace,
  without,
  withoutCluster,
} from './variations.ts';

const repeatable = ofEachCase('it changes nothing that it is given and answers the same when asked twice', async (suite, prepared) => {
  const again = await answer(suite, prepared, factsOf(prepared.snapshot));
  // Everything that a check is given is frozen: one that changes it crashes.
  const crashed = crashes([...prepared.judgement.outcomes, ...again.outcomes]);
  if (crashed.length > 0) return crashed;
  return JSON.stringify(prepared.judgement.findings) === JSON.stringify(again.findings)
    ? []
    : difference(prepared.judgement.findings, again.findings, 'when asked again');
});

/** Half of the cases are reversed, the others shuffled. */
const orderFree = ofEachCase('clusters and objects in another order are the same mesh', async (suite, prepared, seen) => {
  const order = seen.size % 2 === 0 ? 'reversed' : seen.size;
  seen.add(`${prepared.isBroken} ${prepared.sentence}`);
  const turned = snapshotIn(reordered(prepared.mesh, order), prepared.options);
  const observations = reorderedObservations(turned.observations, order);
  const other = await answerAbout(suite, { ...turned, observations }, prepared.options);
  if (JSON.stringify(other.findings) === JSON.stringify(prepared.judgement.findings)) return crashes(other.outcomes);
  const when = order === 'reversed' ? 'with everything reversed' : 'with everything shuffled';
  return [...crashes(other.outcomes), ...difference(prepared.judgement.findings, other.findings, when)];
});

const nameFree = ofEachCase('renaming the clusters renames the findings and nothing else', async (suite, prepared) => {
  const names = otherNames(prepared.mesh);
  const other = await answerAbout(suite, renamed(prepared.snapshot, names), prepared.options);
  const crashed = crashes(other.outcomes);
  if (crashed.length > 0) return crashed;
  const back = (text: string): string => [...names].reduce((so, [old, name]) => so.replaceAll(name, old), text);
  const before = prepared.judgement.findings
    .map((finding) => ({ name: spelled(finding), words: wordsOf(finding, (text) => text) }))
    .sort(byName);
  const after = other.findings.map((finding) => ({ name: back(spelled(finding)), words: wordsOf(finding, back) })).sort(byName);
  const changed = namesOnly(
    before.map(({ name }) => name),
    after.map(({ name }) => name),
    'with other cluster names',
  );
  if (changed.length > 0) return changed;
  return before.flatMap(({ name, words }, index) => {
    const others = after[index]?.words ?? [];
    if (words.join(' ') === others.join(' ')) return [];
    const lost = words.filter((word) => !others.includes(word));
    const gained = others.filter((word) => !words.includes(word));
    return [`${name} says other things with other cluster names: ${lost.join(' ')} → ${gained.join(' ')}`];
  });
});

const frugal: Contract = {
  sentence: 'every fact that it needs or uses is read in some case',
  violations: async (suite) => {
    const read = new Set<string>();
    const watched: Suite = { ...suite, registered: { ...suite.registered, check: traced(suite.check, read) } };
    for (const prepared of suite.cases) await answer(watched, prepared);
    const declared = [
      ...bySide(suite.check, suite.check.needs).map((end) => ({ ...end, word: 'needs' })),
      ...bySide(suite.check, suite.check.uses).map((end) => ({ ...end, word: 'uses' })),
    ];
    return declared.flatMap(({ side, facts, word }) =>
      facts
        .filter((fact) => !read.has(needName(side, fact)))
        .map((fact) => `it ${word} ${needName(side, fact)} but looks at it in no case`),
    );
  },
};

const honest = ofEachCase('a need that may not be read leaves its subjects inconclusive, never healthy', async (suite, prepared) => {
  const lines: string[] = [];
  const answered = prepared.judgement.outcomes.filter(isAnswer);
  for (const { side, facts } of bySide(suite.check, suite.check.needs)) {
    for (const fact of facts) {
      for (const cluster of prepared.facts.keys()) {
        const touched = answered.filter((outcome) => plays(suite, outcome, cluster, side));
        if (touched.length === 0) continue;
        const { outcomes } = await answer(suite, prepared, without(prepared.facts, cluster, fact, 'forbidden'));
        const what = `without the right to read ${fact} in ${cluster}`;
        lines.push(...crashes(outcomes).map((line) => `${what} it ${line}`));
        const isOpen = outcomes.some(
          (outcome) =>
            outcome.kind === 'inconclusive' &&
            (outcome.clusters.includes(cluster) || outcome.missing.some((gap) => gap.cluster === cluster)),
        );
        if (!isOpen) lines.push(`${what} nothing is inconclusive`);
        if (suite.check.partial === true) continue;
        const subjects = new Set(touched.map((outcome) => outcome.subject));
        for (const outcome of outcomes) {
          if (subjects.has(outcome.subject) && isAnswer(outcome) && plays(suite, outcome, cluster, side))
            lines.push(`${what} ${outcome.subject} is still ${outcome.kind === 'healthy' ? 'healthy' : 'judged'}`);
        }
      }
    }
  }
  return lines;
});

const monotone = ofEachCase('knowing less never adds a finding and never makes one surer or worse', async (suite, prepared) => {
  const lines = new Set<string>();
  for (const [cluster, own] of prepared.facts) {
    for (const { fact, how } of lossesFor(suite.check)) {
      if (own[fact].status !== 'collected') continue;
      const less = await answer(suite, prepared, without(prepared.facts, cluster, fact, how));
      for (const line of [...crashes(less.outcomes), ...worse(prepared.judgement, less)]) {
        lines.add(`with ${fact} of ${cluster} ${how}: ${line}`);
      }
    }
  }
  return [...lines];
});

/** What `less` says that `more` did not, or says louder. */
export function worse(more: Pick<Judgement, 'findings'>, less: Pick<Judgement, 'findings'>): string[] {
  const before = new Map(more.findings.map((finding) => [finding.fingerprint, finding]));
  return less.findings.flatMap((finding) => {
    const known = before.get(finding.fingerprint);
    if (known === undefined) return [`new finding ${spelled(finding)}: ${finding.message}`];
    if (severities.indexOf(finding.severity) < severities.indexOf(known.severity))
      return [`${spelled(finding)} rises from ${known.severity} to ${finding.severity}`];
    if (certainties.indexOf(finding.certainty) < certainties.indexOf(known.certainty))
      return [`${spelled(finding)} rises from ${known.certainty} to ${finding.certainty}`];
    return [];
  });
}

const local = ofEachCase('a healthy namespace that has nothing to do with it adds no finding', async (suite, prepared) => {
  const more = snapshotIn(unrelatedNamespace(prepared.mesh), prepared.options);
  const other = await answerAbout(suite, extended(prepared.snapshot, more), prepared.options);
  const before = new Set(prepared.judgement.findings.map((finding) => finding.fingerprint));
  return [
    ...crashes(other.outcomes),
    ...other.findings
      .filter((finding) => !before.has(finding.fingerprint))
      .map((finding) => `new finding ${spelled(finding)}: ${finding.message}`),
  ];
});

const undisturbed = ofEachCase(
  'an unrelated cluster that does not answer hides no finding (cluster and managed scope)',
  async (suite, prepared) => {
    const { scope } = suite.check;
    if (scope !== 'cluster' && scope !== 'managed') return [];
    const lines: string[] = [];
    const lost = async (facts: Prepared['facts'], gone: string, isRelated: (finding: Finding) => boolean): Promise<void> => {
      const other = await answer(suite, prepared, facts);
      const after = new Set(other.findings.map((finding) => finding.fingerprint));
      for (const finding of prepared.judgement.findings) {
        if (!isRelated(finding) && !after.has(finding.fingerprint))
          lines.push(`${spelled(finding)} disappears when ${gone} does not answer`);
      }
    };
    await lost(withoutCluster(prepared.facts), 'one more cluster', () => false);
    if (prepared.facts.size > 2) {
      for (const cluster of prepared.facts.keys()) {
        const related = new Set(
          prepared.judgement.outcomes.flatMap((outcome) =>
            outcome.kind === 'findings' && outcome.clusters.includes(cluster) ? outcome.findings.map((finding) => finding.fingerprint) : [],
          ),
        );
        await lost(
          withoutCluster(prepared.facts, cluster),
          cluster,
          (finding) => related.has(finding.fingerprint) || clustersOf(finding).has(cluster),
        );
      }
    }
    return lines;
  },
);

const spoken: Contract = {
  sentence: 'every message is said in some broken case',
  violations: async (suite) => {
    const keys = Object.keys(suite.check.messages);
    const said = new Set(
      suite.cases.filter((prepared) => prepared.isBroken).flatMap((prepared) => prepared.judgement.findings.map((finding) => finding.code)),
    );
    return keys.flatMap((key) =>
      said.has(keys.length === 1 ? suite.check.id : `${suite.check.id}/${key}`) ? [] : [`no broken case says ${key}`],
    );
  },
};

const nonsense = /\bundefined\b|\[object|\bNaN\b|-----BEGIN/;

const readable = ofEachCase('it speaks in sentences without holes', (_suite, prepared) =>
  prepared.judgement.findings.flatMap((finding) => {
    const lines: string[] = [];
    if (!/^\p{Lu}/u.test(finding.message)) lines.push(`does not begin with a capital: ${finding.message}`);
    if (!finding.message.endsWith('.')) lines.push(`does not end with a full stop: ${finding.message}`);
    for (const text of textsOf(finding)) {
      const hole = nonsense.exec(text)?.[0];
      if (hole !== undefined) lines.push(`says ${hole}: ${text}`);
    }
    return lines.map((line) => `${spelled(finding)} ${line}`);
  }),
);

const grounded = ofEachCase('everything that it points at exists', (_suite, prepared) => {
  const existing = new Set<string>();
  for (const { name, kinds } of prepared.snapshot.clusters) {
    existing.add(refKey({ cluster: name, kind: 'Cluster', name }));
    for (const read of Object.values(kinds)) {
      if (read.status !== 'read') continue;
      for (const { kind, metadata } of read.objects)
        existing.add(
          refKey({
            cluster: name,
            kind,
            name: metadata.name,
            ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
          }),
        );
    }
  }
  return prepared.judgement.findings.flatMap((finding) => {
    const pointers: [string, ObjectRef][] = [
      ['at', finding.at],
      ...finding.related.map((ref): [string, ObjectRef] => ['related', ref]),
      ...finding.evidence.map(({ ref }): [string, ObjectRef] => ['evidence', ref]),
      ...finding.remedy.flatMap(({ ref, action }): [string, ObjectRef][] =>
        ref === undefined || action === 'apply' ? [] : [['remedy', ref]],
      ),
    ];
    return pointers.flatMap(([where, ref]) =>
      existing.has(refKey(ref)) ? [] : [`${spelled(finding)} points (${where}) at ${refKey(ref)}, which does not exist`],
    );
  });
});

/** Everything that is asked of every check. */
export const contracts: readonly Contract[] = [
  repeatable,
  orderFree,
  nameFree,
  frugal,
  honest,
  monotone,
  local,
  undisturbed,
  spoken,
  readable,
  grounded,
  remediesHelp,
  remediesGoBack,
  partialDirectory,
];

function isAnswer(outcome: Outcome): boolean {
  return outcome.kind === 'healthy' || outcome.kind === 'findings';
}

/** Whether the cluster is on that end of what the outcome is about. */
function plays(suite: Suite, outcome: Outcome, cluster: ClusterName, side: ReturnType<typeof bySide>[number]['side']): boolean {
  if (side === 'any') return outcome.clusters.includes(cluster);
  const { subject } = outcome;
  const last = subject.slice(subject.lastIndexOf(' ') + 1);
  // Subjects of two-ended scopes are `from to` and `primary:Deployment/… member`.
  if (side === 'to' || side === 'member') return last === cluster;
  return subject.startsWith(side === 'from' ? `${cluster} ` : `${cluster}:`);
}

function clustersOf(finding: Finding): Set<string> {
  return new Set([
    finding.at.cluster,
    ...finding.concerns,
    ...finding.related.map((ref) => ref.cluster),
    ...finding.evidence.map(({ ref }) => ref.cluster),
  ]);
}

function textsOf(finding: Finding): string[] {
  const { message, expected, found, effect, confirm, evidence, remedy } = finding;
  return [
    message,
    ...[expected, found, effect].filter((text) => text !== undefined),
    ...confirm,
    ...evidence.flatMap((item) => [item.observed, ...(item.expected === undefined ? [] : [item.expected])]),
    ...remedy.flatMap((item) => [...item.command, item.note]),
  ];
}

function difference(before: readonly Finding[], after: readonly Finding[], when: string): string[] {
  const changed = namesOnly(before.map(spelled), after.map(spelled), when);
  if (changed.length > 0) return changed;
  return before.flatMap((finding, index) =>
    JSON.stringify(finding) === JSON.stringify(after[index])
      ? []
      : [`${spelled(finding)} says other things ${when}: ${finding.message} → ${after[index]?.message ?? ''}`],
  );
}

function namesOnly(before: readonly string[], after: readonly string[], when: string): string[] {
  return [
    ...before.filter((name) => !after.includes(name)).map((name) => `${name} disappears ${when}`),
    ...after.filter((name) => !before.includes(name)).map((name) => `${name} appears ${when}`),
  ];
}

/** Every word of a finding, sorted: lists that are ordered by cluster name may be told in another order. */
function wordsOf(finding: Finding, back: (text: string) => string): string[] {
  return back(JSON.stringify(finding))
    .split(/[\s",:;.>/[\]{}\\]+/)
    .sort(compareText);
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return compareText(a.name, b.name);
}
