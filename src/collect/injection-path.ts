import type { WebhookTarget } from '../model/facts.ts';

/** Cluster and network a webhook's path gives to the pods it injects: `/inject/cluster/<id>/net/<network>`. */
export function injectedIdentity(target: WebhookTarget): { readonly cluster?: string; readonly network?: string } {
  const pairs = injectionParameters(target.service?.path ?? pathOf(target.url));
  // Names that are no short form become environment variables as they are.
  const cluster = pairs.get('cluster') ?? pairs.get('ISTIO_META_CLUSTER_ID');
  const network = pairs.get('net') ?? pairs.get('ISTIO_META_NETWORK');
  return { ...(cluster === undefined ? undefined : { cluster }), ...(network === undefined ? undefined : { network }) };
}

/** Names and values behind `/inject`. A name without value is dropped; `--slash--` in a value stands for a slash. */
export function injectionParameters(path: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const rest = /^\/inject\/(.*?)\/?$/s.exec(path)?.[1];
  if (rest === undefined || rest === '') return found;
  if (rest.startsWith(':ENV:')) {
    for (const pair of rest.split(':ENV:')) {
      const equals = pair.indexOf('=');
      if (equals > 0) found.set(pair.slice(0, equals), pair.slice(equals + 1));
    }
    return found;
  }
  const parts = rest.split('/');
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const [name, value] = [parts[i], parts[i + 1]];
    if (name && value !== undefined) found.set(name, value.replaceAll('--slash--', '/'));
  }
  return found;
}

function pathOf(url: string | undefined): string {
  if (url === undefined || !URL.canParse(url)) return '';
  const { pathname } = new URL(url);
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname;
  }
}
