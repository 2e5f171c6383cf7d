import { describe, expect, test } from 'vitest';
import type { Injector, LabelSelector, WebhookEntry } from '../model/facts.ts';
import { clusterName, revision } from '../model/ids.ts';
import type { StringMap } from '../model/kube.ts';
import {
  answeredNames,
  conflicts,
  isActive,
  labelField,
  offered,
  revisionBehind,
  serverOf,
  serverOfPod,
  wantedByPod,
  wantedRevision,
} from './injection.ts';

const rev = 'istio.io/rev';
const injection = 'istio-injection';
const inject = 'sidecar.istio.io/inject';

const ns = (labels: StringMap, name = 'shop') => ({ name, labels });
const pod = (labels: StringMap = {}, annotations: StringMap = {}, hostNetwork = false) => ({ labels, annotations, hostNetwork });
type Expression = LabelSelector['matchExpressions'][number];
const where = (...matchExpressions: Expression[]): LabelSelector => ({ matchLabels: {}, matchExpressions });
const isIn = (key: string, ...values: string[]): Expression => ({ key, operator: 'In', values });
const notIn = (key: string, ...values: string[]): Expression => ({ key, operator: 'NotIn', values });
const without = (key: string): Expression => ({ key, operator: 'DoesNotExist', values: [] });
const entry = (name: string, namespaceSelector: LabelSelector, objectSelector: LabelSelector): WebhookEntry => ({
  name: `${name}.sidecar-injector.istio.io`,
  namespaceSelector,
  objectSelector,
  target: {},
  failurePolicy: 'Fail',
  caBundle: { state: 'empty' },
});

/** The entries the installer writes for a name, and those it adds for the default one. */
function entries(name: string, isDefault: boolean): WebhookEntry[] {
  const named = [
    entry('rev.namespace', where(isIn(rev, name), without(injection)), where(notIn(inject, 'false'))),
    entry('rev.object', where(without(rev), without(injection)), where(notIn(inject, 'false'), isIn(rev, name))),
  ];
  const byDefault = [
    entry('namespace', where(isIn(injection, 'enabled')), where(notIn(inject, 'false'))),
    entry('object', where(without(injection), without(rev)), where(isIn(inject, 'true'), without(rev))),
  ];
  return isDefault ? [...named, ...byDefault] : named;
}

function injector(name: string, of: string, webhooks: readonly WebhookEntry[], tag?: string): Injector {
  const ref = { cluster: clusterName('west'), kind: 'MutatingWebhookConfiguration', name };
  const core = { ref, labels: {}, annotations: {}, managers: [], name, revision: revision(of), webhooks, target: {} };
  return tag === undefined ? core : { ...core, tag };
}

const never: LabelSelector = { matchLabels: { 'istio.io/deactivated': 'never-match' }, matchExpressions: [] };
const revisioned = injector('istio-sidecar-injector-1-31-0', '1-31-0', entries('1-31-0', false));
const tagged = injector('istio-revision-tag-default', '1-31-0', entries('default', true), 'default');
const plain = injector('istio-sidecar-injector', 'default', entries('default', true));
const deactivated = injector('istio-sidecar-injector', 'default', [entry('namespace', never, never)]);
const nameOf = (found: Injector | undefined) => found?.name;

describe('wantedRevision', () => {
  test.each<[StringMap, string | undefined]>([
    [{}, undefined],
    [{ [rev]: '1-31-0' }, '1-31-0'],
    [{ [injection]: 'enabled' }, 'default'],
    [{ [injection]: 'enabled', [rev]: '1-31-0' }, 'default'],
    [{ [injection]: 'disabled', [rev]: '1-31-0' }, undefined],
    [{ [injection]: 'disabled' }, undefined],
    [{ [rev]: '' }, undefined],
  ])('of %j is %s', (labels, expected) => expect(wantedRevision(ns(labels))).toBe(expected));

  test('a namespace no injector touches wants none', () =>
    expect(wantedRevision(ns({ [injection]: 'enabled' }, 'kube-system'))).toBeUndefined());

  test('the field is the label that decides', () => {
    expect(labelField(ns({ [rev]: 'x' }))).toBe('.metadata.labels["istio.io/rev"]');
    expect(labelField(ns({ [rev]: 'x', [injection]: 'enabled' }))).toBe('.metadata.labels["istio-injection"]');
  });
});

describe('serverOf', () => {
  const withTag = [revisioned, tagged];
  test.each<[string, StringMap, readonly Injector[], string | undefined]>([
    ['its revision', { [rev]: '1-31-0' }, withTag, revisioned.name],
    ['the default tag', { [injection]: 'enabled' }, withTag, tagged.name],
    ['the default tag by name', { [rev]: 'default' }, withTag, tagged.name],
    ['the default tag before a revision', { [injection]: 'enabled', [rev]: '1-31-0' }, withTag, tagged.name],
    ['nobody: another revision', { [rev]: '1-30-3' }, withTag, undefined],
    ['nobody: only revisions are installed', { [injection]: 'enabled' }, [revisioned], undefined],
    ['nobody: switched off', { [injection]: 'disabled', [rev]: '1-31-0' }, withTag, undefined],
    ['nobody: no label', {}, withTag, undefined],
    ['the default revision', { [injection]: 'enabled' }, [plain], plain.name],
  ])('%s', (_, labels, injectors, expected) => expect(nameOf(serverOf(ns(labels), injectors))).toBe(expected));

  test.each<[string, StringMap, ReturnType<typeof pod>, string | undefined]>([
    ['a pod may ask by label', {}, pod({ [rev]: '1-31-0' }), revisioned.name],
    ['a pod may ask for the default', {}, pod({ [inject]: 'true' }), tagged.name],
    ['a pod may refuse', { [rev]: '1-31-0' }, pod({ [inject]: 'false' }), undefined],
    ['a pod may refuse by annotation', { [rev]: '1-31-0' }, pod({}, { [inject]: 'false' }), undefined],
    ['the label wins over the annotation', { [rev]: '1-31-0' }, pod({ [inject]: 'true' }, { [inject]: 'false' }), revisioned.name],
    ['the namespace wins over the label of the pod', { [rev]: '1-31-0' }, pod({ [rev]: 'other' }), revisioned.name],
    ['host network is never injected', { [rev]: '1-31-0' }, pod({}, {}, true), undefined],
  ])('%s', (_, labels, of, expected) => expect(nameOf(serverOfPod(ns(labels), of, withTag))).toBe(expected));

  test('what a pod asks for agrees with who serves it', () => {
    expect(wantedByPod(ns({}), pod({ [rev]: '1-31-0' }))).toBe('1-31-0');
    expect(wantedByPod(ns({}), pod({ [inject]: 'true' }))).toBe('default');
    expect(wantedByPod(ns({ [injection]: 'disabled' }), pod({ [inject]: 'true' }))).toBeUndefined();
    expect(wantedByPod(ns({}), pod())).toBeUndefined();
  });

  test('an ordinary namespace is matched by name where manifests lack the label of the API server', () => {
    const byName = injector('by-name', 'x', [
      entry('namespace', { matchLabels: { 'kubernetes.io/metadata.name': 'shop' }, matchExpressions: [] }, where()),
    ]);
    expect(nameOf(serverOf(ns({}), [byName]))).toBe('by-name');
    expect(nameOf(serverOf(ns({}, 'other'), [byName]))).toBeUndefined();
  });
});

describe('what a cluster offers', () => {
  test('tags are folded into their revision, deactivated injectors left out', () => {
    expect(offered([revisioned, tagged])).toEqual(['1-31-0']);
    expect(offered([deactivated, injector('t', 'default', entries('default', true), 'default')])).toEqual(['default']);
    expect(isActive(deactivated)).toBe(false);
    expect(offered([deactivated])).toEqual([]);
  });

  test('names that are answered, and the revision behind a name', () => {
    expect(answeredNames([revisioned, tagged])).toEqual(['1-31-0', 'default']);
    expect(answeredNames([revisioned])).toEqual(['1-31-0']);
    expect(revisionBehind(revision('default'), [revisioned, tagged])).toBe('1-31-0');
    expect(revisionBehind(revision('1-31-0'), [revisioned, tagged])).toBe('1-31-0');
    expect(revisionBehind(revision('prod'), [revisioned, tagged])).toBeUndefined();
  });
});

describe('conflicts', () => {
  test('a default tag beside the deactivated default injector is no conflict', () => {
    const tag = injector('istio-revision-tag-default', 'default', entries('default', true), 'default');
    expect(conflicts([ns({ [injection]: 'enabled' }), ns({})], [deactivated, tag])).toEqual([]);
    expect(conflicts([ns({ [injection]: 'enabled' })], [revisioned, tagged])).toEqual([]);
  });

  test('two default injectors take every pod of an enabled namespace', () => {
    const found = conflicts([ns({ [injection]: 'enabled' }), ns({ [rev]: '1-31-0' }, 'other')], [plain, tagged, revisioned]);
    expect(found).toHaveLength(1);
    expect(found[0]?.injectors.map((one) => one.name)).toEqual(['istio-revision-tag-default', 'istio-sidecar-injector']);
    expect(found[0]?.podLabels).toEqual({});
  });

  test('a conflict may need a label on the pod', () => {
    expect(conflicts([ns({})], [plain, tagged])[0]?.podLabels).toEqual({ [inject]: 'true' });
  });
});
