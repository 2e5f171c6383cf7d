import { describe, expect, it } from 'vitest';
import { alike } from './alike.ts';

describe('alike', () => {
  it('keeps what says the same as before once', () => {
    const first = { name: 'a', labels: { app: 'x', team: 'one' }, containers: [{ name: 'app' }, { name: 'istio-proxy', env: { A: '1' } }] };
    const second = alike(first, structuredClone({ ...first, name: 'b' }));
    expect(second).toEqual({ ...first, name: 'b' });
    expect(second).not.toBe(first);
    expect(second.labels).toBe(first.labels);
    expect(second.containers).toBe(first.containers);
    expect(alike(first, structuredClone(first))).toBe(first);
  });

  it('keeps equal parts of what differs', () => {
    const first = { env: { A: '1', B: '2' }, list: [{ x: [1] }, { x: [2] }] };
    const second = alike(first, { env: { A: '1', B: '3' }, list: [{ x: [1] }, { x: [3] }] });
    expect(second).toEqual({ env: { A: '1', B: '3' }, list: [{ x: [1] }, { x: [3] }] });
    expect(second.list[0]).toBe(first.list[0]);
    expect(first).toEqual({ env: { A: '1', B: '2' }, list: [{ x: [1] }, { x: [2] }] });
  });

  it('finds what is alike within a list', () => {
    const { endpoints } = alike(undefined, { endpoints: [{ at: { ready: true } }, { at: { ready: true } }] });
    expect(endpoints[1]).toBe(endpoints[0]);
  });

  it.each([
    [
      { a: '1', b: '2' },
      { b: '2', a: '1' },
    ],
    [{ a: '1', b: '2' }, { a: '1' }],
    [{ a: '1' }, { a: '1', b: '2' }],
    [{ a: [] }, { a: {} }],
    [{ a: {} }, { a: [] }],
    [{ a: [1, 2] }, { a: [1] }],
    [{ a: [1] }, { a: [1, 2] }],
    [{ a: null }, { a: {} }],
    [{ a: {} }, { a: null }],
    [{ a: 1 }, { a: '1' }],
    [{}, { a: undefined }],
  ])('%j makes no other thing of %j', (before: object, value: object) => {
    const text = JSON.stringify(value);
    const kept = alike(before, value);
    expect(JSON.stringify(kept)).toBe(text);
    expect(Object.keys(kept)).toEqual(Object.keys(value));
  });

  it('leaves what is frozen as it is', () => {
    const first = { part: { a: 'x', b: { c: 'y' } } };
    const part = Object.freeze({ a: 'z', b: Object.freeze({ c: 'y' }) });
    expect(alike(first, { part }).part).toBe(part);
  });
});
