import type { callPaths } from '../../api/index.ts';
import type { Style } from '../../api/reporter.ts';
import type { PathReport, PathWay } from './schema.ts';

/** A format of `path`. Pure and total, as those of `check`. */
export interface PathReporter {
  readonly format: string;
  /** Without dot. */
  readonly extension: string;
  render(report: PathReport, style: Style): string;
}

export function definePathReporter(reporter: PathReporter): PathReporter {
  return reporter;
}

/** What hops are called on screens. */
export const titles = {
  caller: 'caller',
  name: 'name',
  route: 'route',
  cluster: 'cluster',
  endpoints: 'endpoints',
  network: 'network',
  gateway: 'gateway',
  sni: 'SNI',
  mtls: 'mutual TLS',
  authorization: 'authorization',
} as const satisfies Record<callPaths.HopName, string>;

/** `east/shop/client → abc.shop:5000`. */
export function endsOf({ from, to }: PathReport): string {
  const { ref } = from;
  return `${from.cluster}/${ref.namespace ?? ''}/${ref.name} → ${to.asked}:${to.port}${to.asked === `${to.name}.${to.namespace}` ? '' : ` (${to.name}.${to.namespace})`}`;
}

/** `to west on network2`. */
export function wayTitle({ host, subset, cluster, network }: PathWay): string {
  const to = cluster === undefined ? `to ${host}` : `to ${cluster}${network === undefined ? '' : ` on ${network}`}`;
  return subset === undefined ? to : `${to}, subset ${subset} of ${host}`;
}
