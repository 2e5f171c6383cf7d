import type { Style } from '../../api/reporter.ts';
import { count, list } from '../../base/text.ts';
import { hanging } from '../layout.ts';
import type { Report, ReportForecast } from '../schema.ts';
import type { Ink } from '../symbols.ts';

const nouns = {
  root: 'root certificate',
  'signing-ca': 'intermediate',
  'ca-bundle': 'certificate of injectors',
  'api-server-ca': 'authority of an API server',
  'remote-secret-token': '',
  'istiod-certificate': 'certificate of istiod,',
  'workload-certificate': 'certificate of a workload,',
} as const satisfies Readonly<Record<ReportForecast['events'][number]['what'], string>>;

/** A time line of what ends by itself, one for each mesh; nothing unless it was asked for. */
export function forecastBlocks(report: Report, ink: Ink, style: Style): string[][] {
  const all = report.forecast ?? [];
  return all.map((forecast, index) => {
    const title = ink.bold(`FORECAST${all.length > 1 ? ` of mesh ${index + 1}` : ''} (${count(forecast.days, 'day')})`);
    const events = forecast.events.flatMap((event) => eventLines(event, ink, style));
    const unread = list(
      forecast.unread.map(({ cluster, fact }) => `${fact} of ${cluster}`),
      '',
      4,
    );
    return [
      title,
      ...(events.length === 0 ? hanging('', 'Nothing of what was read ends within that time.', style.width) : events),
      ...(forecast.unread.length === 0
        ? []
        : hanging(`${ink.mark('unknown')}  `, ink.plain(`not read: ${unread}`), style.width, 3).map((line) => ink.paint('unknown', line))),
    ];
  });
}

function eventLines(event: ReportForecast['events'][number], ink: Ink, style: Style): string[] {
  const mark = event.days < 0 ? 'error' : event.days < 30 ? 'warning' : 'passed';
  const when = event.days < 0 ? 'over' : `in ${count(event.days, 'day')}`;
  const noun = nouns[event.what];
  const line = `${event.at.slice(0, 10)}  ${when}  ${noun === '' ? '' : `${noun} `}${event.name} in ${list(event.clusters, '', 4)}`;
  const indent = ' '.repeat('2026-11-22  '.length);
  return [
    ...hanging('', ink.plain(line), style.width, indent.length).map((part) =>
      event.stops === '' || mark === 'passed' ? part : ink.paint(mark, part),
    ),
    ...(event.stops === '' ? [] : hanging(`${indent}stops  `, ink.plain(event.stops), style.width)),
    ...event.gaps.flatMap((gap) => hanging(`${indent}but    `, ink.plain(gap), style.width)),
  ];
}
