import Table from 'cli-table3';

/** `text` as it is seen: without colour codes. */
export function uncoloured(text: string): string {
  return text.replace(/\u001B\[[0-9;]*m/g, '');
}

/** `text` in lines of at most `width` columns, broken at spaces; words longer than a line keep one of their own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split(/\r?\n/)) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line === '') line = word;
      else if (line.length + 1 + word.length <= width) line += ` ${word}`;
      else {
        lines.push(line);
        line = word;
      }
    }
    lines.push(line);
  }
  return lines;
}

/** `text` wrapped behind `first`; further lines are indented by as many spaces. */
export function hanging(first: string, text: string, width: number, firstWidth = first.length): string[] {
  const indent = ' '.repeat(firstWidth);
  return wrap(text, Math.max(20, width - firstWidth)).map((line, index) => `${index === 0 ? first : indent}${line.trim()}`);
}

/** Columns without borders, two spaces apart. Colours are the caller's: the library's own would reach pipes too. */
export function table(rows: readonly (readonly string[])[], colWidths: readonly number[]): string[] {
  const none = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
  };
  const grid = new Table({
    chars: { ...none, left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colWidths: [...colWidths],
    wordWrap: true,
  });
  const breaks = (cell: string, width: number): boolean =>
    uncoloured(cell)
      .split(' ')
      .every((word) => word.length <= width);
  grid.push(
    ...rows.map((row) =>
      row.map((content, column) => ({ content, wrapOnWordBoundary: breaks(content, colWidths[column] ?? content.length) })),
    ),
  );
  return grid
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** Widths of columns so that a line stays within `width`: the widest of the `flexible` columns give way, down to `least`. */
export function fit(rows: readonly (readonly string[])[], width: number, flexible: readonly number[], least = 8): number[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) => Math.max(1, ...rows.map((row) => row[column]?.length ?? 0)));
  for (let excess = widths.reduce((sum, n) => sum + n + 2, -2) - width; excess > 0; excess--) {
    const widest = flexible.reduce((a, b) => ((widths[b] ?? 0) > (widths[a] ?? 0) ? b : a), flexible[0] ?? 0);
    const now = widths[widest] ?? 0;
    if (now <= least) break;
    widths[widest] = now - 1;
  }
  return widths;
}
