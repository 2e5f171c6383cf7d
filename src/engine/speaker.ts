import type { AnyCheck, Where } from '../api/check.ts';
import { certainties, type Certainty, type Finding, type Message, severities, type Severity, type Undecided } from '../api/finding.ts';
import { distinct } from '../base/sort.ts';
import { redact, shellWord } from '../base/text.ts';
import type { ClusterFacts, Fact, FactName } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { Json } from '../model/kube.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';
import { withKeepers } from './kept.ts';
import type { Subject } from './subjects.ts';
import type { RegisteredCheck } from './types.ts';

export function speaker(registered: RegisteredCheck, subject: Subject, facts: ReadonlyMap<ClusterName, ClusterFacts>): object {
  const { check } = registered;
  const keys = Object.keys(check.messages);
  return {
    finding: (key: string, args: unknown, where: Where): Finding | Undecided => {
      const partial = (where.lacks ?? []).filter(({ cluster, fact }) => isPartial(facts.get(cluster)?.[fact]));
      if (partial.length > 0) {
        return {
          undecided: true,
          because: 'the directory does not claim to hold every object',
          missing: partial,
          clusters: subject.clusters,
        };
      }
      const write = check.messages[key];
      if (write === undefined) throw new Error(`check ${check.id} has no message ${key}`);
      const message = (write as (args: unknown) => Message)(args);
      const remedies = withKeepers(message.remedy ?? [], facts);
      const code = keys.length === 1 ? check.id : `${check.id}/${key}`;
      return findingOf(registered, code, { ...message, remedy: remedies }, args, where, subject);
    },
    undecided: (
      because: string,
      more: { missing?: readonly { cluster: ClusterName; fact: FactName }[]; blockedBy?: string; clusters?: readonly ClusterName[] } = {},
    ): Undecided => ({
      undecided: true,
      because,
      missing: more.missing ?? [],
      clusters: more.clusters ?? [],
      ...(more.blockedBy === undefined ? {} : { blockedBy: more.blockedBy }),
    }),
  };
}

function findingOf(registered: RegisteredCheck, code: string, message: Message, args: unknown, where: Where, subject: Subject): Finding {
  const { check, area } = registered;
  const { at, between } = where;
  const direction = between === undefined ? '' : ` ${between.from}>${between.to}`;
  return {
    code,
    check: check.id,
    area,
    catalogue: check.catalogue ?? [],
    severity: lower(severities, check.severity, message.severity),
    certainty: lower(certainties, check.certainty, message.certainty),
    message: redact(message.text),
    ...optional('expected', message.expected),
    ...optional('found', message.found),
    ...optional('effect', message.effect),
    confirm: message.confirm ?? confirmOf(check, at, subject),
    args: jsonArgs(args),
    at,
    ...(where.field === undefined ? {} : { field: where.field }),
    ...(between === undefined ? {} : { between }),
    related: where.related ?? [],
    evidence: (where.evidence ?? []).map((item) => ({ ...item, observed: redact(item.observed) })),
    remedy: message.remedy ?? [],
    concerns: distinct<ClusterName>(where.concerns ?? subject.concerns),
    fingerprint: `${code} ${refKey(at)}${direction}${where.subject === undefined ? '' : ` ${where.subject}`}`,
  };
}

/** The check's own way to confirm, with the clusters of this finding for its placeholders and a context for every command. */
function confirmOf(check: AnyCheck, at: ObjectRef, { ends }: Subject): string[] {
  const here = shellWord(at.cluster);
  const primary = shellWord(ends?.primary ?? at.cluster);
  const remote = shellWord(ends?.remote ?? at.cluster);
  return check.docs.confirm.split(/;\s+(?=kubectl|istioctl|openssl)/).map((command) =>
    command
      .replaceAll(/--context[ =]PRIMARY\b/g, `--context ${primary}`)
      .replaceAll(/--context[ =]REMOTE\b/g, `--context ${remote}`)
      .replaceAll(/--context[ =]CLUSTER\b/g, `--context ${here}`)
      .replaceAll(/(^|\| )kubectl (?!--context)/g, `$1kubectl --context ${here} `)
      .replaceAll('-n istio-system', `-n ${shellWord(ends?.systemNamespace ?? 'istio-system')}`),
  );
}

function optional<K extends 'expected' | 'found' | 'effect'>(key: K, text: string | undefined): { readonly [P in K]?: string } {
  return text === undefined ? {} : ({ [key]: redact(text) } as { readonly [P in K]: string });
}

/** The later of two in an order of decreasing weight: a message may lower what the check says, never raise it. */
function lower<T extends Severity | Certainty>(order: readonly T[], own: T, message: T | undefined): T {
  return message !== undefined && order.indexOf(message) > order.indexOf(own) ? message : own;
}

/** Arguments for machines: entities become their reference, so that reports stay small and hold nothing that was not said. */
function jsonArgs(value: unknown): Json {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return redact(value);
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(jsonArgs);
  if (typeof value !== 'object') return null;
  if ('ref' in value) return refKey(value.ref as ObjectRef);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonArgs(item)]));
}

function isPartial(state: Fact<unknown> | undefined): boolean {
  return state?.status === 'collected' && state.partial === true;
}
