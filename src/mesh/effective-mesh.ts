import { compareText, distinct } from '../base/sort.ts';
import type { LabelSelector, MeshConfig } from '../model/facts.ts';
import type { EffectiveMesh } from '../model/observations.ts';

/** A setting that istiod works with otherwise than its ConfigMap says. */
export interface MeshDifference {
  /** Path in the mesh config. */
  readonly field: string;
  readonly configured: string;
  readonly effective: string;
}

/**
 * Settings that a ConfigMap gives and that istiod does not work with. Only what it gives: for the rest istiod has defaults of its own.
 * An empty value of `effective` is one that was not written.
 */
export function meshDifferences(configured: MeshConfig, effective: EffectiveMesh): MeshDifference[] {
  const metadata = configured.proxyMetadata['ISTIO_META_DNS_CAPTURE'] ?? '';
  const one = (field: string, mine: string | undefined, its: string): MeshDifference[] =>
    mine === undefined || its === '' || mine === its ? [] : [{ field, configured: mine, effective: its }];
  const all = (field: string, mine: readonly string[], its: readonly string[], isGiven: boolean): MeshDifference[] => {
    const [spelled, other] = [distinct(mine).join(', '), distinct(its).join(', ')];
    return !isGiven || spelled === other ? [] : [{ field, configured: spelled || 'none', effective: other || 'none' }];
  };
  return [
    ...one('trustDomain', configured.trustDomain, effective.trustDomain),
    ...all('trustDomainAliases', configured.trustDomainAliases, effective.trustDomainAliases, true),
    ...one('rootNamespace', configured.rootNamespace, effective.rootNamespace),
    ...one('defaultConfig.discoveryAddress', configured.discoveryAddress, effective.discoveryAddress),
    ...one('defaultConfig.meshId', configured.meshId, effective.meshId),
    ...(configured.enableAutoMtls === effective.enableAutoMtls
      ? []
      : [{ field: 'enableAutoMtls', configured: String(configured.enableAutoMtls), effective: String(effective.enableAutoMtls) }]),
    ...all(
      'defaultServiceExportTo',
      configured.defaultServiceExportTo,
      effective.defaultServiceExportTo,
      configured.defaultServiceExportTo.length > 0,
    ),
    ...all('discoverySelectors', configured.discoverySelectors.map(spelledSelector), effective.discoverySelectors, true),
    ...(metadata === effective.dnsCapture
      ? []
      : [
          {
            field: 'defaultConfig.proxyMetadata.ISTIO_META_DNS_CAPTURE',
            configured: metadata || 'not set',
            effective: effective.dnsCapture || 'not set',
          },
        ]),
  ];
}

/** What an istiod works with when its ConfigMap is as given, with Istio's defaults for what matters. */
export function effectiveMeshOf(configured: MeshConfig | undefined, namespace: string): EffectiveMesh {
  return {
    trustDomain: configured?.trustDomain ?? 'cluster.local',
    trustDomainAliases: configured?.trustDomainAliases ?? [],
    rootNamespace: configured?.rootNamespace ?? namespace,
    discoveryAddress: configured?.discoveryAddress ?? `istiod.${namespace}.svc:15012`,
    meshId: configured?.meshId ?? '',
    enableAutoMtls: configured?.enableAutoMtls ?? true,
    defaultServiceExportTo:
      configured === undefined || configured.defaultServiceExportTo.length === 0 ? ['*'] : configured.defaultServiceExportTo,
    discoverySelectors: (configured?.discoverySelectors ?? []).map(spelledSelector),
    dnsCapture: configured?.proxyMetadata['ISTIO_META_DNS_CAPTURE'] ?? '',
  };
}

/** A LabelSelector as kubectl writes one; the same for two that select the same by the same terms. */
export function spelledSelector({ matchLabels, matchExpressions }: LabelSelector): string {
  const labels = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const terms = matchExpressions.map(({ key, operator, values }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${[...values].sort(compareText).join(',')})`;
  });
  return [...labels, ...terms].sort(compareText).join(' ');
}
