import type { Report, ReportFinding, ReportPlace } from './schema.ts';

/** Where a finding's field or object stands; only its line where no more is known. */
export function placeOf({ place, at }: ReportFinding): ReportPlace | undefined {
  return place ?? originOf(at);
}

/** The nearest place in a file that has to do with a finding: its own, else that of what shows it. */
export function nearestPlace(finding: ReportFinding): ReportPlace | undefined {
  const { evidence, related } = finding;
  return placeOf(finding) ?? evidence.map(({ place, ref }) => place ?? originOf(ref)).find(isThere) ?? related.map(originOf).find(isThere);
}

/** Other places that show a finding, each once. */
export function furtherPlaces(finding: ReportFinding): readonly { readonly place: ReportPlace; readonly says: string }[] {
  const own = nearestPlace(finding);
  const seen = new Set(own === undefined ? [] : [keyOf(own)]);
  // Of an object that is shown with its field, its beginning says nothing more.
  const shown = new Set([finding.at, ...finding.evidence.map(({ ref }) => ref)].map(objectOf));
  const all = [
    ...finding.evidence.map(({ ref, field, observed, place }) => ({
      place: place ?? originOf(ref),
      says: `${ref.kind} ${nameOf(ref)} in ${ref.cluster}${field === undefined ? '' : `: ${field}`} is ${observed}`,
    })),
    ...finding.related
      .filter((ref) => !shown.has(objectOf(ref)))
      .map((ref) => ({ place: originOf(ref), says: `${ref.kind} ${nameOf(ref)} in ${ref.cluster}` })),
  ];
  return all.flatMap(({ place, says }) => {
    if (place === undefined || seen.has(keyOf(place))) return [];
    seen.add(keyOf(place));
    return [{ place, says }];
  });
}

/** `istio-system/istiod`, or the name alone. */
export function nameOf({ namespace, name }: ReportFinding['at']): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Explained finding → code of its cause. */
export function explainedBy(report: Report): ReadonlyMap<string, string> {
  const causes = new Map<string, string>();
  for (const cause of report.causes) for (const effect of cause.explains) if (!causes.has(effect)) causes.set(effect, cause.code);
  return causes;
}

function originOf({ origin }: ReportFinding['at']): ReportPlace | undefined {
  if (origin === undefined || !('file' in origin)) return undefined;
  return { file: origin.file, line: origin.line, column: 1, endLine: origin.line, endColumn: 2 };
}

function objectOf({ cluster, kind, namespace, name }: ReportFinding['at']): string {
  return [cluster, kind, namespace, name].join(' ');
}

function keyOf({ file, line }: ReportPlace): string {
  return `${file}:${line}`;
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}
