import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ran } from './shell.ts';

/*
 * Every Markdown file beside this one is a transcript. A fenced block `console` holds commands; what each printed and how it ended
 * follows it. `npx vitest run --project integration test/cli -u` writes them anew; what changed is then read in the diff.
 */

const here = import.meta.dirname;

describe.each(readdirSync(here).filter((file) => file.endsWith('.md')))('%s', (file) => {
  const text = readFileSync(join(here, file), 'utf8');

  test('happens as it is written', async () => {
    await expect(replayed(text)).toMatchFileSnapshot(join(here, file));
  });

  test('has commands', () => {
    expect(text).toContain('\n```console\n$ ');
  });
});

/** The transcript with the answers of today: all but the commands and the prose around them is written anew. */
function replayed(text: string): string {
  const parts: string[] = [];
  let rest = text;
  for (let at = rest.indexOf('```console\n'); at >= 0; at = rest.indexOf('```console\n')) {
    const end = rest.indexOf('\n```\n', at) + '\n```\n'.length;
    const command = rest.slice(at + '```console\n'.length, end - '\n```\n'.length).replace(/^\$ /, '');
    parts.push(rest.slice(0, end), answerOf(command));
    rest = rest.slice(end).replace(/^(?:\n(`{3,})(?:stdout|stderr)\n[\s\S]*?\n\1\n)*(?:\nExit code: [^\n]*\n)?/, '');
  }
  return parts.join('') + rest;
}

function answerOf(command: string): string {
  const { stdout, stderr, exit } = ran(command);
  const block = (name: string, content: string): string => {
    // A longer fence around what has fences itself.
    const fence = content.includes('```') ? '````' : '```';
    return content === '' ? '' : `\n${fence}${name}\n${content.replace(/\n?$/, '\n')}${fence}\n`;
  };
  return `${block('stdout', stdout)}${block('stderr', stderr)}\nExit code: ${exit}\n`;
}
