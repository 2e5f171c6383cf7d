import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UsageError } from '../base/errors.ts';
import { count } from '../base/text.ts';
import type { LoadedConfig } from '../config/file.ts';
import { oneOf } from '../config/values.ts';
import type { HistoryState } from '../history/state.ts';
import type { Report } from '../report/schema.ts';
import { flag } from './flags.ts';
import type { Host } from './host.ts';
import { historyOf } from './keeping.ts';
import type { Given } from './parser.ts';
import { writeWhole } from './whole-file.ts';

/** Where the URL of a webhook may stand that shall stand on no command line. */
const variable = 'MESHDOCTOR_NOTIFY_URL';
/** Milliseconds that one try may take. */
const timeout = 10_000;

interface Notifying {
  /** What cannot be told fails the run. */
  readonly isRequired: boolean;
  /** Tells what changed since it was told last, if anything did. False: it did not arrive. */
  readonly tell: (report: Report, history: { readonly dir: string; readonly state: HistoryState }) => Promise<boolean>;
}

/** The webhook that was asked for. What is wrong with it is said before any work, and never with its URL. */
export async function notifyingOf(given: Given, host: Host, config: LoadedConfig | undefined): Promise<Notifying | undefined> {
  const { webhookFormats, messageOf } = await import('../notify/messages.ts');
  const format = oneOf('--notify-format', flag.text(given, 'notify-format'), webhookFormats) ?? config?.values.notify?.format ?? 'generic';
  const isRequired = flag.on(given, 'notify-required') ?? config?.values.notify?.required ?? false;
  const url = await urlOf(given, host, config);
  if (url === undefined) {
    const idle = ['notify-format', 'notify-required'].find((name) => given.flags[name] !== undefined);
    if (idle !== undefined) throw new UsageError('ERR_BAD_VALUE', `--${idle} needs --notify: there is nobody to be told.`);
    return undefined;
  }
  if (historyOf(given, host, config) === undefined) {
    throw new UsageError('ERR_BAD_VALUE', '--notify needs --history DIR: without a history nothing is known to have changed.');
  }
  return {
    isRequired,
    async tell(report, { dir, state }) {
      const [{ isNothing, newsSince }, { readTold, toldFile, toldText }, { deliver }, { postJson }] = await Promise.all([
        import('../notify/news.ts'),
        import('../notify/told.ts'),
        import('../notify/deliver.ts'),
        import('../kube/post.ts'),
      ]);
      const file = toldFile(dir, url);
      const { news, next } = newsSince(await readTold(file), state);
      if (!isNothing(news)) {
        const body = messageOf(format, news, report);
        const delivery = await deliver(
          async () => await postJson(url, body, { env: host.env, timeout, signal: host.signal }),
          async (milliseconds) => await host.sleep(milliseconds),
        );
        if (!delivery.arrived) {
          const tries = delivery.tries === 1 ? '' : `, after ${count(delivery.tries, 'try', 'tries')}`;
          host.stderr.write(`What changed could not be told: ${delivery.reason}${tries}. The next run tells it.\n`);
          return false;
        }
      }
      await writeWhole(file, toldText(next)).catch(() => {
        host.stderr.write('What was told could not be written beside the history, so that the next run tells it again.\n');
      });
      return true;
    },
  };
}

async function urlOf(given: Given, host: Host, config: LoadedConfig | undefined): Promise<URL | undefined> {
  const own = flag.text(given, 'notify');
  const file = flag.text(given, 'notify-file');
  if (own !== undefined && file !== undefined)
    throw new UsageError('ERR_BAD_VALUE', '--notify and --notify-file both name a webhook; one is enough.');
  if (own !== undefined && own !== '') return parsed(own, '--notify');
  if (own === '') {
    const text = host.env[variable];
    if (text === undefined || text === '') throw new UsageError('ERR_BAD_VALUE', `--notify needs a URL, or ${variable} that holds one.`);
    return parsed(text, variable);
  }
  if (file !== undefined) return await fromFile(resolve(host.cwd, file), file);
  const configured = config?.values.notify?.urlFile;
  return config === undefined || configured === undefined ? undefined : await fromFile(resolve(config.dir, configured), configured);
}

async function fromFile(path: string, shown: string): Promise<URL> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new UsageError('ERR_BAD_VALUE', `${shown}, which should hold the URL of a webhook, cannot be read.`, { cause: error });
  });
  return parsed(text.trim(), shown);
}

/** A URL that is wrong may still hold what is right of a secret: it is not repeated. */
function parsed(text: string, where: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.hostname === '')
    throw new UsageError('ERR_BAD_VALUE', `What ${where} holds is no URL of http or https.`);
  return url;
}
