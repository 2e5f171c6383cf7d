import { count, duration, redact } from '../base/text.ts';
import type { Track } from '../history/state.ts';
import type { Report } from '../report/schema.ts';
import type { News } from './news.ts';

export const webhookFormats = ['generic', 'slack', 'teams'] as const;
export type WebhookFormat = (typeof webhookFormats)[number];

/** Longest message that people read in a chat, in lines. */
const most = 15;

/** The body of a webhook: what changed, as this kind of receiver takes it. Nothing in it can be a secret; the last guard is applied all the same. */
export function messageOf(format: WebhookFormat, news: News, report: Report): string {
  return redact(JSON.stringify(documents[format](news, report)));
}

const documents: Readonly<Record<WebhookFormat, (news: News, report: Report) => unknown>> = {
  generic: (news, { tool, verdict, exit, clusters, causes, history }) => ({
    schema: 1,
    tool,
    at: history?.at,
    verdict,
    exit,
    clusters: clusters.map(({ name }) => name),
    causes: causes.length,
    appeared: news.appeared.map((track) => ({ ...itemOf(track), again: track.flaps > 0 })),
    cleared: news.cleared.map((track) => ({ ...itemOf(track), clearedAt: track.clearedAt })),
    notSeen: news.hidden.map(itemOf),
    unreadable: news.unreadable,
    readable: news.readable,
  }),
  slack: (news, report) => ({ text: [`*${forSlack(titleOf(report))}*`, ...linesOf(news).map(forSlack)].join('\n') }),
  // Text runs know no markup, so that a name with an asterisk is a name.
  teams: (news, report) => ({
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: titleOf(report), weight: 'bolder' }] },
            ...linesOf(news).map((text) => ({ type: 'RichTextBlock', inlines: [{ type: 'TextRun', text }] })),
          ],
        },
      },
    ],
  }),
};

function itemOf({ finding, since, firstSeen }: Track) {
  const { key, code, severity, certainty, cluster, message } = finding;
  return { fingerprint: key, code, severity, certainty, cluster, message, firstSeen, since };
}

function titleOf({ verdict, topology }: Report): string {
  const names = topology.meshes.flatMap(({ name }) => name ?? []);
  return `${names.length === 0 ? 'Mesh' : names.join(', ')}: ${verdict.text}`;
}

function linesOf(news: News): string[] {
  const about = ({ finding }: Track): string => `${finding.cluster}: ${finding.message} (${finding.code})`;
  const lines = [
    ...news.appeared.map(
      (track) => `${track.finding.severity === 'error' ? '✗' : '!'} ${track.flaps > 0 ? 'back' : 'new'}: ${about(track)}`,
    ),
    ...news.unreadable.map(({ cluster, reason }) => `? ${cluster} cannot be read: ${reason}`),
    ...news.hidden.map((track) => `? cannot be looked at now: ${about(track)}`),
    ...news.cleared.map((track) => `✓ cleared after ${duration(secondsOf(track))}: ${about(track)}`),
    ...news.readable.map((cluster) => `✓ ${cluster} can be read again`),
  ];
  return lines.length <= most ? lines : [...lines.slice(0, most), `and ${count(lines.length - most, 'more change')}`];
}

function secondsOf({ since, clearedAt }: Track): number {
  return Math.max(0, Math.round((Date.parse(clearedAt ?? since) - Date.parse(since)) / 1000));
}

/** Slack's three characters with a meaning in mrkdwn's links. */
function forSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
