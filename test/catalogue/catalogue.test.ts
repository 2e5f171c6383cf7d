import { describe, expect, test } from 'vitest';
import { areas, builtin } from '../../checks/index.ts';
import { modes } from '../../checks/modes.ts';
import { type AnyCheck, sideNeeds } from '../../src/api/check.ts';

const ids = new Set(modes.map(({ id }) => id));

describe('failure modes', () => {
  test('are numbered without gaps, each once', () => {
    expect(ids.size).toBe(modes.length);
    const prefixes = [...new Set(modes.map(({ id }) => id.split('-')[0] ?? ''))];
    for (const prefix of prefixes) {
      const own = modes.filter(({ id }) => id.startsWith(`${prefix}-`));
      expect(own.map(({ id }) => id)).toEqual(own.map((_, index) => `${prefix}-${String(index + 1).padStart(2, '0')}`));
      expect(new Set(own.map(({ area }) => area)).size).toBe(1);
    }
    expect(modes).toHaveLength(159);
  });

  test('are told in one line, each in words of its own', () => {
    expect(new Set(modes.map(({ title }) => title)).size).toBe(modes.length);
    for (const { title } of modes) expect(title).toMatch(/^\p{L}.{15,110}[^.]$/u);
  });
});

describe('checks', () => {
  test.each(builtin.map(({ check, area }) => [check.id, check, area] as const))(
    '%s claims what exists and is called as it should',
    (id, check, area) => {
      expect((check.catalogue ?? []).filter((claimed) => !ids.has(claimed))).toEqual([]);
      expect(areas.map((known) => known.id)).toContain(area);
      expect(id).toMatch(/^[a-z]+(-[a-z]+)+$/);
      expect(id).not.toMatch(/^(no|check|is)-/);
      // istiod is spelled as Istio spells it, even where a sentence begins.
      expect(check.title).toMatch(/^(\p{Lu}|istiod ).*[^.]$/u);
      for (const text of Object.values(check.docs).flat()) expect(text).not.toMatch(/\bundefined\b|\bTODO\b/);
    },
  );

  test('have ids of their own', () => {
    expect(new Set(builtin.map(({ check }) => check.id)).size).toBe(builtin.length);
  });

  test('explain only what some check can find', () => {
    const codes = new Set(builtin.flatMap(({ check }) => [check.id, ...Object.keys(check.messages).map((key) => `${check.id}/${key}`)]));
    const dangling = builtin.flatMap(({ check }) =>
      (check.explains ?? []).filter(({ code }) => !codes.has(code)).map(({ code }) => `${check.id} explains ${code}`),
    );
    expect(dangling).toEqual([]);
    const keys = builtin.flatMap(({ check }) =>
      (check.explains ?? []).flatMap((one) =>
        (one.keys ?? []).filter((key) => !(key in check.messages)).map((key) => `${check.id} has no message ${key}`),
      ),
    );
    expect(keys).toEqual([]);
  });

  test('keep their public names', async () => {
    await expect(`${builtin.map(({ check, area }) => line(check, area)).join('\n')}\n`).toMatchFileSnapshot('catalogue.txt');
  });
});

/** Everything that users, configuration files and dashboards may rely on. */
function line(check: AnyCheck, area: string): string {
  const facts = (of: AnyCheck['needs'] | undefined): string => [...sideNeeds(of, 'any')].sort().join(' ') || '–';
  const { id, severity, certainty, scope, needs, uses, catalogue, messages } = check;
  const keys = Object.keys(messages);
  return [
    `${area}/${id}`,
    `  ${severity} ${certainty} ${scope}${check.advice === true ? ' advice' : ''}`,
    `  modes ${(catalogue ?? []).join(' ') || '–'}`,
    `  needs ${facts(needs)}; uses ${facts(uses)}`,
    `  codes ${keys.length === 1 ? id : keys.map((key) => `${id}/${key}`).join(' ')}`,
  ].join('\n');
}
