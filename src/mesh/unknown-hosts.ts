import { fqdnOf, hostMatches, serviceOfFqdn } from '../istio/hosts.ts';
import { fields, tally, texts } from '../model/decode.ts';
import type { World } from './worlds.ts';

/** A host that an istiod has no service of, so that its proxies have no cluster for it: whoever is sent there gets HTTP 503, or a closed connection. */
export interface UnknownHost {
  readonly host: string;
  /** Whom it may mean, by FQDN: a service that it names as DNS would take it, and Istio does not (pilot/pkg/model: ResolveShortnameToFQDN). */
  readonly meant?: string;
}

/**
 * Whether a destination with its short name resolved is nobody that this istiod knows: no Service of a cluster that it reads and no ServiceEntry. Of other
 * hosts than those of Kubernetes only what is a Service written short.
 */
export function unknownHost({ applied, predictions }: World, host: string): UnknownHost | undefined {
  const { services, istiod } = predictions;
  if (host.includes('*') || services.has(host)) return undefined;
  const odd = tally();
  const isEntry = applied
    .ofKind('ServiceEntry')
    .some((entry) => texts(odd, fields(odd, entry.spec)['hosts']).some((pattern) => hostMatches(pattern, host)));
  if (isEntry) return undefined;
  if (serviceOfFqdn(host, istiod.clusterDomain) !== undefined) return { host };
  const [, name, namespace] = /^([^.]+)\.([^.]+)(?:\.svc)?$/u.exec(host) ?? [];
  const meant = name === undefined || namespace === undefined ? undefined : fqdnOf(namespace, name, istiod.clusterDomain);
  return meant !== undefined && services.has(meant) ? { host, meant } : undefined;
}
