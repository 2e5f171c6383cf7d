import type { ListrDefaultRendererLogLevels } from 'listr2';
import type { LiveProgress } from '../run/live.ts';
import type { Host } from './host.ts';

/** Shows how far each cluster is while it is read: on the terminal as it goes, else a line per step with -v, else nothing. Never on stdout. */
export interface Progress {
  readonly onProgress: (progress: LiveProgress) => void;
  /** Takes away what it drew. */
  readonly end: () => Promise<void>;
}

export async function progressOf(host: Host, verbosity: number): Promise<Progress> {
  if (host.terminal === undefined) return verbosity > 0 ? lines(host) : silent;
  return await drawn(host.terminal);
}

const silent: Progress = { onProgress: () => {}, end: async () => await Promise.resolve() };

/** One line per cluster and phase, for logs. */
function lines(host: Host): Progress {
  const said = new Set<string>();
  return {
    onProgress(progress) {
      const isThrough = progress.phase === 'list' && progress.done === progress.planned;
      const line = `${progress.cluster}: ${isThrough ? `${progress.done} lists read` : phaseText(progress)}\n`;
      if (said.has(line)) return;
      said.add(line);
      host.stderr.write(line);
    },
    end: async () => await Promise.resolve(),
  };
}

function phaseText(progress: LiveProgress): string {
  switch (progress.phase) {
    case 'connect':
      return 'connecting';
    case 'list':
      return 'reading';
    case 'read':
      return `read, ${progress.objects} objects`;
    case 'probe':
      return 'probing';
    case 'unreached':
      return `not reached: ${progress.reason}`;
    default:
      return progress satisfies never;
  }
}

/** A line per cluster that is redrawn while it is read. The lines appear as clusters begin and are gone before the report. */
async function drawn(terminal: NodeJS.WriteStream): Promise<Progress> {
  const { Listr, ListrLogger, ProcessOutput } = await import('listr2');
  const logger = new ListrLogger<ListrDefaultRendererLogLevels>({ processOutput: new ProcessOutput(terminal, terminal) });
  interface Line {
    readonly finish: () => void;
    show: (text: string) => void;
    last: string;
  }
  const drawnLines = new Map<string, Line>();
  const running: Promise<void>[] = [];
  const list = new Listr([], {
    concurrent: true,
    exitOnError: false,
    // An interruption is ours to handle: what is known by then is reported.
    registerSignalListeners: false,
    rendererOptions: { logger, clearOutput: true, collapseSubtasks: false },
  });
  // A turn later: the first lines are there by then.
  const shown = async (): Promise<void> => {
    await Promise.resolve();
    await list.run();
  };
  const lineOf = (cluster: string): Line => {
    const known = drawnLines.get(cluster);
    if (known !== undefined) return known;
    let finish: () => void = () => {};
    const over = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const line: Line = { finish, show: () => {}, last: '' };
    drawnLines.set(cluster, line);
    list.add({
      title: cluster,
      task: async (_, task) => {
        line.show = (text) => {
          task.title = text;
        };
        if (line.last !== '') line.show(line.last);
        await over;
      },
    });
    if (running.length === 0) running.push(shown());
    return line;
  };
  return {
    onProgress(progress) {
      const line = lineOf(progress.cluster);
      line.last = `${progress.cluster}  ${phaseNow(progress)}`;
      line.show(line.last);
    },
    async end() {
      for (const { finish } of drawnLines.values()) finish();
      await Promise.all(running);
    },
  };
}

function phaseNow(progress: LiveProgress): string {
  if (progress.phase === 'list') return `reading ${progress.done}/${progress.planned}`;
  if (progress.phase === 'probe') return `probing ${progress.done}/${progress.planned}`;
  return phaseText(progress);
}
