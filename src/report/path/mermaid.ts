import type { Box } from './drawing.ts';
import { drawingOf } from './drawing.ts';
import { definePathReporter, endsOf } from './words.ts';

const signs = { works: '✓', broken: '✗', unknown: '?', 'not-applicable': '–' } as const satisfies Record<Box['verdict'], string>;

/** A flow chart in Mermaid, to paste into an issue. */
export const mermaid = definePathReporter({
  format: 'mermaid',
  extension: 'mmd',
  render(report, style) {
    const { common, ways } = drawingOf(report);
    const sign = (box: Box): string => (style.unicode ? signs[box.verdict] : box.verdict);
    const node = (box: Box): string =>
      `${box.id}["${quoted(`${sign(box)} ${box.title}`)}<br/>${quoted(box.text)}"]:::${box.isFirst ? 'first' : box.verdict}`;
    const chain = (boxes: readonly Box[]): string[] => boxes.slice(1).map((box, index) => `${boxes[index]?.id ?? ''} --> ${box.id}`);
    const last = common.at(-1);
    return [
      '---',
      `title: ${JSON.stringify(endsOf(report))}`,
      '---',
      'flowchart TB',
      ...common.map((box) => `  ${node(box)}`),
      ...chain(common).map((line) => `  ${line}`),
      ...ways.flatMap(({ title, boxes, isUsed }, index) => {
        const [head] = boxes;
        return [
          `  subgraph way${index + 1} ["${quoted(title)}"]`,
          ...boxes.map((box) => `    ${node(box)}`),
          ...chain(boxes).map((line) => `    ${line}`),
          '  end',
          ...(last === undefined || head === undefined ? [] : [`  ${last.id} ${isUsed ? '-->' : '-.->'} ${head.id}`]),
        ];
      }),
      '  classDef works fill:#e8f5e9,stroke:#2e7d32,color:#1b1b1b',
      '  classDef broken fill:#ffebee,stroke:#c62828,color:#1b1b1b',
      '  classDef first fill:#ffcdd2,stroke:#c62828,stroke-width:4px,color:#1b1b1b',
      '  classDef unknown fill:#f3e5f5,stroke:#6a1b9a,stroke-dasharray:4 3,color:#1b1b1b',
      '',
    ].join('\n');
  },
});

/** Text inside a quoted label: Mermaid reads entities, and marks beyond ASCII as they stand. */
function quoted(text: string): string {
  return text
    .replaceAll('&', '#amp;')
    .replaceAll('"', '#quot;')
    .replaceAll('<', '#lt;')
    .replaceAll('>', '#gt;')
    .replaceAll('`', '#96;')
    .replaceAll(/\s+/g, ' ');
}
