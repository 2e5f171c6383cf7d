import { readFile } from 'node:fs/promises';
import { providedAuthorization } from './auth-provider.ts';
import { Fault, fileProblem } from './classify.ts';
import { runExecPlugin } from './exec-plugin.ts';
import type { ClusterTarget, UserCredential } from './target.ts';
import type { Terminal } from './terminal.ts';
import type { KeyPair } from './tls-settings.ts';

/** What a request is sent with. Secret. */
export interface Issued {
  /** Value of the Authorization header. */
  readonly authorization?: string;
  /** Of an exec plugin; it comes before the kubeconfig's. */
  readonly certificate?: KeyPair;
}

/** The credential of one context. Every connection has its own: nothing is cached by a user's name, so no cluster ever sees another's token. */
export interface Credentials {
  /** What to send now. @throws Fault */
  current(): Promise<Issued>;
  /**
   * The server did not accept `refused`: gets the credential anew where that can help.
   * @returns whether there is another one to try
   * @throws Fault
   */
  renew(refused: Issued): Promise<boolean>;
}

export interface CredentialOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly terminal?: Terminal;
  /** Longest that an exec plugin may take that asks nobody, in milliseconds. */
  readonly pluginTimeout: number;
  /** Ends whatever is running. */
  readonly signal: AbortSignal;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** How long a token file is believed, in milliseconds: as long as client-go believes it. */
const fileAge = 60_000;
/** How long before its end a credential no longer counts, in milliseconds: a request takes its time, and clocks differ. */
const skew = 10_000;

export function openCredentials(target: ClusterTarget, options: CredentialOptions): Credentials {
  const { credential } = target;
  switch (credential.kind) {
    case 'none':
      return fixed({});
    case 'token':
      return fixed(bearer(credential.token));
    case 'basic':
      return fixed({ authorization: `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}` });
    case 'token-file':
      return renewed(() => tokenOfFile(credential, options.now), options.now);
    case 'exec':
      return renewed(async () => {
        const { token, certificate, expires } = await runExecPlugin(target, credential.plugin, {
          env: options.env,
          timeout: options.pluginTimeout,
          signal: options.signal,
          ...(options.terminal === undefined ? {} : { terminal: options.terminal }),
        });
        return {
          issued: { ...(token === undefined ? {} : bearer(token)), ...(certificate === undefined ? {} : { certificate }) },
          until: expires === undefined ? Number.POSITIVE_INFINITY : expires - skew,
        };
      }, options.now);
    case 'auth-provider': {
      const config = { ...credential.config };
      return renewed(async () => {
        const { authorization, until } = await providedAuthorization(target, credential, config, options);
        return { issued: { authorization }, until };
      }, options.now);
    }
    default:
      return credential satisfies never;
  }
}

const bearer = (token: string): Issued => ({ authorization: `Bearer ${token}` });

function fixed(issued: Issued): Credentials {
  return { current: () => Promise.resolve(issued), renew: () => Promise.resolve(false) };
}

interface Obtained {
  readonly issued: Issued;
  /** Milliseconds since 1970 up to which it is to be used. */
  readonly until: number;
}

/** A credential that is obtained when it is wanted, by one caller for all, and again when it is over or refused. */
function renewed(obtain: () => Promise<Obtained>, now: () => number): Credentials {
  let obtained: Obtained | undefined;
  let under: Promise<Obtained> | undefined;
  const anew = (): Promise<Obtained> => {
    under ??= obtain()
      .then((fresh) => (obtained = fresh))
      .finally(() => {
        under = undefined;
      });
    return under;
  };
  return {
    async current() {
      return obtained !== undefined && now() < obtained.until ? obtained.issued : (await anew()).issued;
    },
    async renew(refused) {
      // Of many requests that are refused at once the first gets the new credential, and the others find it here.
      if (obtained !== undefined && !isSame(obtained.issued, refused)) return true;
      return !isSame((await anew()).issued, refused);
    },
  };
}

function isSame(one: Issued, other: Issued): boolean {
  return one.authorization === other.authorization && one.certificate?.certificate === other.certificate?.certificate;
}

async function tokenOfFile(credential: Extract<UserCredential, { kind: 'token-file' }>, now: () => number): Promise<Obtained> {
  const until = now() + fileAge;
  let problem = 'it is empty';
  try {
    const token = (await readFile(credential.file, 'utf8')).trim();
    if (token !== '') return { issued: bearer(token), until };
  } catch (error) {
    problem = fileProblem(error);
  }
  if (credential.token !== undefined) return { issued: bearer(credential.token), until };
  throw new Fault('unreadable-file', `token file ${credential.file} cannot be used: ${problem}`);
}
