import type { Style } from '../../api/reporter.ts';
import { groupBy } from '../../base/sort.ts';
import { list } from '../../base/text.ts';
import { hanging, uncoloured } from '../layout.ts';
import type { Report, ReportName } from '../schema.ts';
import type { Ink, Mark } from '../symbols.ts';

type Caller = ReportName['callers'][number];

const marks = { ok: 'passed', broken: 'error', predicted: 'info', unknown: 'unknown' } as const satisfies Record<Caller['verdict'], Mark>;

const asked = { sidecar: 'sidecar', 'cluster-dns': 'cluster DNS', istiod: 'istiod for' } as const satisfies Record<
  Caller['measured'][number]['by'],
  string
>;

/** For each name and each cluster that may call it: the address, where it leads, and who said so. */
export function nameTable({ names, source, recorded }: Report, ink: Ink, style: Style): string[] {
  if (names.length === 0) return [];
  const isMeasured = names.some(({ callers }) => callers.some(({ measured }) => measured.length > 0));
  const title = isMeasured
    ? 'NAMES'
    : `NAMES as predicted; ${(recorded?.of ?? source) === 'manifests' ? 'probes need live clusters' : 'probes are off'}`;
  const rows = names.flatMap((name) => name.callers.map((caller, index) => ({ name: index === 0 ? spelled(name) : '', caller })));
  const nameWidth = Math.max(...rows.map(({ name }) => name.length));
  const fromWidth = Math.max(...rows.map(({ caller }) => caller.cluster.length));
  // Long names stand on a line of their own, so that what is said of them keeps half of the width.
  const isNarrow = 2 * (nameWidth + fromWidth) > style.width;
  const lines = rows.flatMap(({ name, caller }) => {
    const mark = ink.mark(marks[caller.verdict]);
    const pad = ' '.repeat(ink.markWidth - uncoloured(mark).length);
    const place = `from ${caller.cluster.padEnd(fromWidth)}  ${mark}${pad}  `;
    const first = isNarrow ? `    ${place}` : `  ${name.padEnd(nameWidth)}  ${place}`;
    const said = hanging(first, ink.plain(saying(caller, isMeasured, style)), style.width, uncoloured(first).length);
    return isNarrow && name !== '' ? [`  ${name}`, ...said] : said;
  });
  return [ink.dim(`  ${title}`), ...lines];
}

function spelled({ service, port }: ReportName): string {
  const [namespace = '', name = ''] = service.split('/');
  return `${name}.${namespace}${port === undefined ? '' : `:${port}`}`;
}

function saying(caller: Caller, isMeasured: boolean, style: Style): string {
  const { verdict, because } = caller;
  if (verdict === 'broken' || verdict === 'unknown') return because;
  const address = list(addressesOf(caller), 'its pods', 2);
  return `${address} (${because}) → ${leads(caller, style)}${heardFrom(caller, isMeasured, style)}`;
}

/** Who said so: a pod before istiod, which only tells what a pod should say. */
function heardFrom({ measured }: Caller, isMeasured: boolean, style: Style): string {
  const heard = measured.filter(({ outcome }) => outcome === 'answered');
  if (heard.length === 0) return isMeasured ? '; nobody there was asked' : '';
  const shown = style.verbosity > 0 ? heard : heard.slice(0, 1);
  return `; measured by ${list(
    shown.map(({ by, pod }) => (by === 'cluster-dns' ? asked[by] : `${asked[by]} ${pod}`)),
    '',
    shown.length,
  )}`;
}

/** What was heard, else what was predicted. */
function addressesOf({ measured, predicted }: Caller): readonly string[] {
  return measured.find(({ outcome }) => outcome === 'answered')?.addresses ?? predicted.addresses;
}

/** `west, east through 10.200.1.1:15443`. */
function leads({ leadsTo }: Caller, style: Style): string {
  const groups = [...groupBy(leadsTo, ({ cluster, via }) => `${cluster} ${via}`).values()];
  const parts = groups.flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const gateways = same.flatMap(({ gateway }) => gateway ?? []);
    const through = gateways.length === 0 ? '' : ` through ${list(gateways, '', 2)}`;
    const how = first.via === 'raw' ? ' (pod addresses of another network)' : through;
    return [`${first.cluster}${style.verbosity > 0 ? ` (${first.endpoints})` : ''}${how}`];
  });
  return parts.length === 0 ? 'nowhere' : parts.join(', ');
}
