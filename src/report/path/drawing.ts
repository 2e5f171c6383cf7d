import type { PathHop, PathReport } from './schema.ts';
import { titles, wayTitle } from './words.ts';

/** One hop as a box of a drawing. */
export interface Box {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly verdict: PathHop['verdict'];
  readonly isFirst: boolean;
}

/** Hops that the call comes by: a column that all ways share, then one for each way. */
export interface Drawing {
  readonly common: readonly Box[];
  readonly ways: readonly { readonly title: string; readonly isUsed: boolean; readonly boxes: readonly Box[] }[];
}

export function drawingOf({ hops, ways, first, findings }: PathReport): Drawing {
  const codes = new Map(findings.map(({ fingerprint, code }) => [fingerprint, code]));
  const boxes = (own: readonly PathHop[], prefix: string, way: number | undefined): Box[] =>
    own
      .filter(({ verdict }) => verdict !== 'not-applicable')
      .map((hop) => ({
        id: `${prefix}${hop.hop}`,
        title: titles[hop.hop],
        text: textOf(
          hop,
          hop.findings.map((fingerprint) => codes.get(fingerprint) ?? ''),
        ),
        verdict: hop.verdict,
        isFirst: first?.hop === hop.hop && first.way === way,
      }));
  return {
    common: boxes(hops, '', undefined),
    ways: ways.map((way, index) => ({
      title: wayTitle(way),
      isUsed: way.verdict !== 'unused',
      boxes: boxes(way.hops, `way${index + 1}_`, index),
    })),
  };
}

/** What decides: a measurement against the prediction, else what is predicted; and the first thing that was found. */
function textOf({ predicted, measured, verdict }: PathHop, [code]: readonly string[]): string {
  const against = verdict === predicted.verdict ? undefined : measured.find((one) => one.verdict === verdict);
  const said = against === undefined ? predicted.text : `${against.by}: ${against.text}`;
  return code === undefined ? said : `${said} (${code})`;
}
