import type { Given } from './parser.ts';

/** One flag's value, by what the parser made of it. */
export const flag = {
  text: (given: Given, name: string): string | undefined => {
    const value = given.flags[name];
    return typeof value === 'string' ? value : undefined;
  },
  list: (given: Given, name: string): readonly string[] | undefined => {
    const value = given.flags[name];
    return Array.isArray(value) ? value.map(String) : undefined;
  },
  on: (given: Given, name: string): boolean | undefined => {
    const value = given.flags[name];
    return typeof value === 'boolean' ? value : undefined;
  },
  count: (given: Given, name: string): number => {
    const value = given.flags[name];
    return typeof value === 'number' ? value : 0;
  },
};
