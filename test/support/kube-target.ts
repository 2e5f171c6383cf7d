import type { ListSink } from '../../src/kube/connection.ts';
import type { ClusterTarget, ExecPlugin } from '../../src/kube/target.ts';
import type { ApiServer } from './kube-server.ts';

/** A target that leads to a test's server, anonymous unless said otherwise. */
export function targetOf(server: Pick<ApiServer, 'url' | 'authority'>, more: Partial<ClusterTarget> = {}): ClusterTarget {
  return {
    name: 'west',
    server: server.url,
    ...(server.url.startsWith('https:') ? { certificateAuthority: { pem: server.authority.pem } } : {}),
    insecureSkipTlsVerify: false,
    credential: { kind: 'none' },
    disableCompression: false,
    ...more,
  };
}

export function pluginOf(command: string, more: Partial<ExecPlugin> = {}): ExecPlugin {
  return {
    command,
    args: [],
    env: [],
    apiVersion: 'client.authentication.k8s.io/v1',
    interactiveMode: 'Never',
    provideClusterInfo: false,
    ...more,
  };
}

/** What a plugin prints. */
export function execCredential(status: Readonly<Record<string, string>>, apiVersion = 'client.authentication.k8s.io/v1'): string {
  return JSON.stringify({ kind: 'ExecCredential', apiVersion, status });
}

/** A sink that keeps what it is given. */
export function keepingSink(): ListSink & { readonly items: Readonly<Record<string, unknown>>[]; readonly restarts: () => number } {
  const items: Readonly<Record<string, unknown>>[] = [];
  let restarts = 0;
  return {
    items,
    restarts: () => restarts,
    item: (object) => void items.push(object),
    restart() {
      restarts++;
      items.length = 0;
    },
  };
}
