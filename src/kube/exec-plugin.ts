import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { redact } from '../base/text.ts';
import { abortFault, errorCode, Fault, fileProblem, seconds } from './classify.ts';
import type { ClusterTarget, ExecPlugin } from './target.ts';
import type { Terminal } from './terminal.ts';
import type { KeyPair } from './tls-settings.ts';

/** What a plugin gave. */
export interface ExecCredential {
  readonly token?: string;
  readonly certificate?: KeyPair;
  /** Milliseconds since 1970; absent when it does not expire. */
  readonly expires?: number;
}

export interface ExecOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absent: nobody can answer a question. */
  readonly terminal?: Terminal;
  /** Longest that a plugin may take that asks nobody, in milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** Longest that a person may take to answer a plugin, in milliseconds. */
const patience = 120_000;
/** Most that is kept of what a plugin prints, in bytes. */
const mostOutput = 1 << 20;
/** How long a plugin has to end after it was told to, in milliseconds. */
const graceful = 500;

/**
 * Runs an exec plugin as client-go does. It never gets this process's stdin unless a person is there to type and the plugin may ask, and
 * otherwise runs without a controlling terminal, so that it cannot wait for an answer that nobody will give.
 * @throws Fault `exec-plugin` with the plugin's own words, or its install hint
 */
export async function runExecPlugin(target: ClusterTarget, plugin: ExecPlugin, options: ExecOptions): Promise<ExecCredential> {
  const { terminal } = options;
  if (plugin.interactiveMode === 'Always' && terminal === undefined)
    throw new Fault(
      'exec-plugin',
      `context ${target.name}: ${plugin.command} wants to ask somebody (interactiveMode Always), but standard input is no terminal`,
    );
  const asked = plugin.interactiveMode === 'Never' ? undefined : terminal;
  const info = JSON.stringify(await execInfo(target, plugin, asked !== undefined));
  const run = (): Promise<Finished> => execute(target, plugin, info, asked, options);
  const finished = asked === undefined ? await run() : await asked.exclusive(run);
  if (finished.outcome !== 0) throw new Fault('exec-plugin', failed(target, plugin, finished));
  return credentialIn(target, plugin, finished.stdout);
}

/** KUBERNETES_EXEC_INFO. */
async function execInfo(target: ClusterTarget, plugin: ExecPlugin, interactive: boolean): Promise<unknown> {
  return {
    kind: 'ExecCredential',
    apiVersion: plugin.apiVersion,
    spec: { ...(plugin.provideClusterInfo ? { cluster: await clusterInfo(target, plugin) } : {}), interactive },
  };
}

async function clusterInfo(target: ClusterTarget, plugin: ExecPlugin): Promise<unknown> {
  const { certificateAuthority: authority } = target;
  const pem =
    authority === undefined
      ? undefined
      : 'pem' in authority
        ? authority.pem
        : await readFile(authority.file, 'utf8').catch(() => undefined);
  return {
    server: target.server,
    'tls-server-name': target.tlsServerName,
    'insecure-skip-tls-verify': target.insecureSkipTlsVerify || undefined,
    'certificate-authority-data': pem === undefined ? undefined : Buffer.from(pem).toString('base64'),
    'proxy-url': target.proxyUrl,
    'disable-compression': target.disableCompression || undefined,
    config: plugin.clusterConfig ?? null,
  };
}

interface Finished {
  /** Exit code, or the signal that ended it. */
  readonly outcome: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

function execute(
  target: ClusterTarget,
  plugin: ExecPlugin,
  info: string,
  terminal: Terminal | undefined,
  options: ExecOptions,
): Promise<Finished> {
  const { signal } = options;
  const limit = terminal === undefined ? options.timeout : patience;
  // A process group of its own, so that what the plugin started ends with it; a session of its own has no terminal to ask at.
  const isApart = terminal === undefined && process.platform !== 'win32';
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abortFault(signal));
    const child = spawn(plugin.command, [...plugin.args], {
      env: { ...options.env, ...Object.fromEntries(plugin.env.map(({ name, value }) => [name, value])), KUBERNETES_EXEC_INFO: info },
      stdio: [terminal === undefined ? 'ignore' : 'inherit', 'pipe', 'pipe'],
      detached: isApart,
      windowsHide: true,
    });
    const output = { stdout: gather(child.stdout), stderr: gather(child.stderr, terminal) };
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
    };
    const giveUp = (fault: Fault): void => {
      settle();
      end(child, isApart);
      reject(fault);
    };
    const aborted = (): void => giveUp(abortFault(signal));
    const timer = setTimeout(() => giveUp(new Fault('exec-plugin', hung(target, plugin, limit, output.stderr()))), limit);
    signal.addEventListener('abort', aborted, { once: true });
    child.once('error', (error) => {
      settle();
      reject(new Fault('exec-plugin', missing(target, plugin, error)));
    });
    child.once('close', (code, ended) => {
      settle();
      resolve({ outcome: code ?? ended ?? 'unknown', stdout: output.stdout(), stderr: output.stderr() });
    });
  });
}

function gather(stream: NodeJS.ReadableStream, terminal?: Terminal): () => string {
  const chunks: Buffer[] = [];
  let length = 0;
  stream.on('data', (chunk: Buffer) => {
    terminal?.write(chunk.toString('utf8'));
    if (length < mostOutput) chunks.push(chunk);
    length += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

/** Ends a plugin, with what it started where that can be told apart. */
function end(child: ChildProcess, isApart: boolean): void {
  const kill = (signal: NodeJS.Signals): void => {
    try {
      if (isApart && child.pid !== undefined) process.kill(-child.pid, signal);
      else child.kill(signal);
    } catch {
      // It has ended by itself.
    }
  };
  kill('SIGTERM');
  const timer = setTimeout(() => kill('SIGKILL'), graceful);
  timer.unref();
  child.once('exit', () => {
    kill('SIGKILL');
    clearTimeout(timer);
  });
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
}

const who = (target: ClusterTarget, plugin: ExecPlugin): string => `context ${target.name}: ${plugin.command}`;

function missing(target: ClusterTarget, plugin: ExecPlugin, error: Error): string {
  const problem = errorCode(error) === 'ENOENT' ? 'is not installed' : `cannot be run: ${fileProblem(error)}`;
  const hint = plugin.installHint === undefined ? '' : ` (${line(plugin, plugin.installHint, 300)})`;
  return `${who(target, plugin)} ${problem}${hint}`;
}

function failed(target: ClusterTarget, plugin: ExecPlugin, { outcome, stderr }: Finished): string {
  const how = typeof outcome === 'number' ? `ended with exit code ${outcome}` : `was ended by ${outcome}`;
  const said = line(plugin, stderr);
  return `${who(target, plugin)} ${how}${said === '' ? ' and said nothing' : `: ${said}`}`;
}

function hung(target: ClusterTarget, plugin: ExecPlugin, limit: number, stderr: string): string {
  const said = line(plugin, stderr);
  return `${who(target, plugin)} gave no credential within ${seconds(limit)}${said === '' ? '' : `; it said: ${said}`}`;
}

/** A plugin's words in one line: its last, for they name the fault, without what looks like a secret or is one of its settings. */
function line(plugin: ExecPlugin, words: string, most = 200): string {
  let safe = redact(words);
  for (const { value } of plugin.env) if (value.length >= 8) safe = safe.replaceAll(value, '(redacted)');
  const text = safe.replace(/\s+/g, ' ').trim().replace(/\.$/, '');
  return text.length <= most ? text : `…${text.slice(-most)}`;
}

function credentialIn(target: ClusterTarget, plugin: ExecPlugin, stdout: string): ExecCredential {
  const wrong = (what: string): Fault => new Fault('exec-plugin', `${who(target, plugin)} ${what}`);
  let printed: unknown;
  try {
    printed = JSON.parse(stdout);
  } catch {
    throw wrong(stdout.trim() === '' ? 'printed no credential' : 'printed something that is not JSON');
  }
  const answer = fieldsOf(printed);
  if (answer['kind'] !== 'ExecCredential') throw wrong('printed something that is no ExecCredential');
  if (answer['apiVersion'] !== plugin.apiVersion)
    throw wrong(
      `printed a credential of ${typeof answer['apiVersion'] === 'string' ? answer['apiVersion'].slice(0, 60) : 'no version'} where ${plugin.apiVersion} was asked for`,
    );
  const status = fieldsOf(answer['status']);
  const token = filled(status['token']);
  const certificate = filled(status['clientCertificateData']);
  const key = filled(status['clientKeyData']);
  if ((certificate === undefined) !== (key === undefined)) throw wrong('printed a client certificate without its key, or a key alone');
  if (token === undefined && certificate === undefined) throw wrong('printed a credential with neither token nor certificate');
  const expires = Date.parse(filled(status['expirationTimestamp']) ?? '');
  return {
    ...(token === undefined ? {} : { token }),
    ...(certificate === undefined || key === undefined ? {} : { certificate: { certificate, key } }),
    ...(Number.isNaN(expires) ? {} : { expires }),
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function filled(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
