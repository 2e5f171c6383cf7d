import { list } from '../base/text.ts';
import { defined } from '../model/decode.ts';
import type { ClusterEntry, ContextEntry, ExecEntry, UserEntry } from './kubeconfig-file.ts';
import { proxyAddress } from './proxy.ts';
import { type ClusterTarget, type ExecPlugin, type Pem, serverAddress, type UserCredential } from './target.ts';

/** The user of a context that names none: anonymous. */
export function nobody({ place }: ContextEntry): UserEntry {
  return { name: '', place, asGroups: [], asUserExtra: {} };
}

/** clientcmd's validateClusterInfo, and what it would only find when it connects. */
export function clusterProblems(cluster: ClusterEntry): string[] {
  const found: string[] = [];
  const wrong = (what: string): number => found.push(`cluster ${JSON.stringify(cluster.name)} ${what}`);
  if (cluster.server === undefined) wrong('has no server');
  else {
    const address = serverAddress({
      server: cluster.server,
      insecureSkipTlsVerify: cluster.insecureSkipTlsVerify,
      ...(cluster.certificateAuthorityFile === undefined ? {} : { certificateAuthority: { file: cluster.certificateAuthorityFile } }),
    });
    if (address === undefined) wrong('has a server that is neither a URL of http or https nor host:port');
  }
  if (cluster.proxyUrl !== undefined && proxyAddress(cluster.proxyUrl) === undefined)
    wrong('has a proxy-url that is no URL of http, https or socks5');
  const hasData = cluster.certificateAuthorityData !== undefined;
  const hasFile = cluster.certificateAuthorityFile !== undefined;
  if (hasData && hasFile) wrong('has both certificate-authority and certificate-authority-data');
  if ((hasData || hasFile) && cluster.insecureSkipTlsVerify)
    wrong('has a certificate authority and insecure-skip-tls-verify, of which only one can be meant');
  return found;
}

/** clientcmd's validateAuthInfo. */
export function userProblems(user: UserEntry): string[] {
  const found: string[] = [];
  const wrong = (what: string): number => found.push(`user ${JSON.stringify(user.name)} ${what}`);
  const hasBasic = user.username !== undefined || user.password !== undefined;
  if (user.token !== undefined && hasBasic) wrong('has both a token and a username, of which only one can be meant');
  if (user.clientCertificateFile !== undefined && user.clientCertificateData !== undefined)
    wrong('has both client-certificate and client-certificate-data');
  if (user.clientCertificateFile !== undefined || user.clientCertificateData !== undefined) {
    if (user.clientKeyFile !== undefined && user.clientKeyData !== undefined) wrong('has both client-key and client-key-data');
    if (user.clientKeyFile === undefined && user.clientKeyData === undefined) wrong('has a client certificate without its key');
  }
  if (user.as === undefined && (user.asUid !== undefined || user.asGroups.length > 0 || Object.keys(user.asUserExtra).length > 0))
    wrong('has as-uid, as-groups or as-user-extra without as');
  if (user.exec !== undefined) {
    if (user.authProvider !== undefined) wrong('has both exec and auth-provider');
    found.push(...execProblems(user.exec).map((what) => `user ${JSON.stringify(user.name)} has an exec entry ${what}`));
  }
  return found;
}

const execVersions = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];
const interactiveModes = ['Never', 'IfAvailable', 'Always'] as const;

function execProblems(exec: ExecEntry): string[] {
  const found: string[] = [];
  if (exec.command === undefined) found.push('without command');
  if (exec.apiVersion === undefined) found.push('without apiVersion');
  else if (!execVersions.includes(exec.apiVersion)) found.push(`of apiVersion ${exec.apiVersion}; ${list(execVersions)} are known`);
  if (exec.env.some(({ name }) => name === '')) found.push('with an environment variable without name');
  if (exec.interactiveMode === undefined ? isV1(exec) : modeOf(exec) === undefined)
    found.push('whose interactiveMode is not Never, IfAvailable or Always');
  return found;
}

const isV1 = (exec: ExecEntry): boolean => exec.apiVersion === 'client.authentication.k8s.io/v1';

/** v1 has to say it; before, IfAvailable was meant. */
function modeOf(exec: ExecEntry): ExecPlugin['interactiveMode'] | undefined {
  if (exec.interactiveMode === undefined) return isV1(exec) ? undefined : 'IfAvailable';
  return interactiveModes.find((mode) => mode === exec.interactiveMode);
}

/** A kubeconfig found inside a mesh is data: nothing of it is run, and it learns of no file of this machine. */
export function foreignProblems(cluster: ClusterEntry | undefined, user: UserEntry | undefined): string[] {
  const found: string[] = [];
  if (user?.exec !== undefined)
    found.push('it wants a command run (exec), which meshdoctor does not do for kubeconfigs found in a cluster');
  if (user?.authProvider !== undefined)
    found.push('it wants an auth-provider, which meshdoctor does not use for kubeconfigs found in a cluster');
  const files = [
    cluster?.certificateAuthorityFile === undefined ? [] : ['certificate-authority'],
    user?.clientCertificateFile === undefined ? [] : ['client-certificate'],
    user?.clientKeyFile === undefined ? [] : ['client-key'],
    user?.tokenFile === undefined ? [] : ['tokenFile'],
  ].flat();
  if (files.length > 0) found.push(`it refers to files of another machine (${files.join(', ')})`);
  return found;
}

/** Data comes before a file. */
export function pemOf(data: string | undefined, file: string | undefined): Pem | undefined {
  return data !== undefined ? { pem: data } : file !== undefined ? { file } : undefined;
}

export function certificateOf(user: UserEntry): ClusterTarget['clientCertificate'] {
  const certificate = pemOf(user.clientCertificateData, user.clientCertificateFile);
  const key = pemOf(user.clientKeyData, user.clientKeyFile);
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

/** Of several the one that client-go sends: a token or password, or a client certificate, keeps a plugin from being run. */
export function credentialOf(user: UserEntry, cluster: ClusterEntry): UserCredential {
  if (user.tokenFile !== undefined) return defined({ kind: 'token-file' as const, file: user.tokenFile, token: user.token });
  if (user.token !== undefined) return { kind: 'token', token: user.token };
  if (user.username !== undefined || user.password !== undefined)
    return { kind: 'basic', username: user.username ?? '', password: user.password ?? '' };
  if (user.exec !== undefined && certificateOf(user) === undefined) {
    const { exec } = user;
    return {
      kind: 'exec',
      plugin: defined({
        command: exec.command ?? '',
        args: exec.args,
        env: exec.env,
        apiVersion: exec.apiVersion ?? '',
        interactiveMode: modeOf(exec) ?? 'Never',
        installHint: exec.installHint,
        provideClusterInfo: exec.provideClusterInfo,
        clusterConfig: cluster.execConfig,
      }),
    };
  }
  if (user.authProvider !== undefined) return { kind: 'auth-provider', ...user.authProvider };
  return { kind: 'none' };
}
