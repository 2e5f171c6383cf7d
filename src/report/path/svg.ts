import { wrap } from '../layout.ts';
import { type Box, drawingOf } from './drawing.ts';
import { definePathReporter, endsOf } from './words.ts';

const look = {
  works: { sign: '✓', fill: '#e8f5e9', stroke: '#2e7d32' },
  broken: { sign: '✗', fill: '#ffebee', stroke: '#c62828' },
  unknown: { sign: '?', fill: '#f3e5f5', stroke: '#6a1b9a' },
  'not-applicable': { sign: '–', fill: '#f5f5f5', stroke: '#9e9e9e' },
} as const satisfies Record<Box['verdict'], { readonly sign: string; readonly fill: string; readonly stroke: string }>;

const width = 460;
const gap = 28;
const margin = 24;
const lineHeight = 17;
/** Characters of a line that surely fit into a box. */
const columns = 62;

interface Placed {
  readonly box: Box;
  readonly x: number;
  readonly y: number;
  readonly height: number;
  readonly lines: readonly string[];
}

/** A picture of the call, from top to bottom; ways side by side. It stands alone: no font, script or image from elsewhere. */
export const svg = definePathReporter({
  format: 'svg',
  extension: 'svg',
  render(report) {
    const { common, ways } = drawingOf(report);
    const count = Math.max(1, ways.length);
    const total = 2 * margin + count * width + (count - 1) * gap;
    const title = wrap(endsOf(report), Math.floor(total / 9));
    const verdict = wrap(report.verdict.text, Math.floor(total / 7.5));
    const top = margin + 22 * title.length + lineHeight * verdict.length + 16;
    const middle = (total - width) / 2;
    const head = column(common, middle, top);
    const below = bottomOf(head, top) + (ways.length > 1 ? 2 * gap : gap);
    const columnsOf = ways.map(({ boxes, title: name, isUsed }, index) => {
      const x = margin + index * (width + gap);
      const labelled = ways.length > 1 ? 24 : 0;
      return { placed: column(boxes, x, below + labelled), name, isUsed, x, labelled };
    });
    const height = Math.max(below, ...columnsOf.map(({ placed }) => bottomOf(placed, below))) + margin;
    const last = head.at(-1);
    const body = [
      ...title.map((line, index) => textAt(margin, margin + 18 + 22 * index, line, 'font-size="18" font-weight="bold"')),
      ...verdict.map((line, index) =>
        textAt(
          margin,
          margin + 22 * title.length + 16 + lineHeight * index,
          line,
          `font-size="13" fill="${look[report.verdict.state].stroke}"`,
        ),
      ),
      ...arrows(head),
      ...head.map(drawn),
      ...columnsOf.flatMap(({ placed, name, isUsed, x, labelled }) => [
        ...(last === undefined || placed[0] === undefined ? [] : [arrow(last, placed[0], labelled, !isUsed)]),
        ...(labelled === 0 ? [] : [textAt(x, below + 16, name, 'font-size="13" font-weight="bold"')]),
        ...arrows(placed),
        ...placed.map(drawn),
      ]),
    ];
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" width="${total}" height="${height}" viewBox="0 0 ${total} ${height}" font-family="ui-monospace, Menlo, Consolas, monospace" role="img">`,
      `  <title>${escaped(`${endsOf(report)}: ${report.verdict.text}`)}</title>`,
      '  <defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#616161"/></marker></defs>',
      `  <rect width="${total}" height="${height}" fill="#ffffff"/>`,
      ...body.map((line) => `  ${line}`),
      '</svg>',
      '',
    ].join('\n');
  },
});

function column(boxes: readonly Box[], x: number, top: number): Placed[] {
  const placed: Placed[] = [];
  let y = top;
  for (const box of boxes) {
    const lines = wrap(box.text, columns).flatMap((line) => line.match(new RegExp(`.{1,${columns}}`, 'g')) ?? ['']);
    const height = 14 + lineHeight * (lines.length + 1);
    placed.push({ box, x, y, height, lines });
    y += height + gap;
  }
  return placed;
}

function bottomOf(placed: readonly Placed[], otherwise: number): number {
  const last = placed.at(-1);
  return last === undefined ? otherwise : last.y + last.height;
}

function drawn({ box, x, y, height, lines }: Placed): string {
  const { sign, fill, stroke } = look[box.verdict];
  const edge = `stroke="${stroke}" stroke-width="${box.isFirst ? 4 : 1.5}"${box.verdict === 'unknown' ? ' stroke-dasharray="5 3"' : ''}`;
  return [
    `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="6" fill="${fill}" ${edge}/>`,
    textAt(x + 12, y + 20, `${sign} ${box.title}`, `font-size="13" font-weight="bold" fill="${stroke}"`),
    ...lines.map((line, index) => textAt(x + 12, y + 20 + lineHeight * (index + 1), line, 'font-size="11.5"')),
  ].join('');
}

function arrows(placed: readonly Placed[]): string[] {
  return placed.slice(1).flatMap((to, index) => {
    const from = placed[index];
    return from === undefined ? [] : [arrow(from, to, 0, false)];
  });
}

function arrow(from: Placed, to: Placed, above: number, isDashed: boolean): string {
  const line = `x1="${from.x + width / 2}" y1="${from.y + from.height}" x2="${to.x + width / 2}" y2="${to.y - above - 2}"`;
  return `<line ${line} stroke="#616161" stroke-width="1.5" marker-end="url(#end)"${isDashed ? ' stroke-dasharray="4 4"' : ''}/>`;
}

function textAt(x: number, y: number, text: string, more: string): string {
  return `<text x="${x}" y="${y}" xml:space="preserve" ${more}>${escaped(text)}</text>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
