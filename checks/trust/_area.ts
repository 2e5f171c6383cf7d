import type { Certificate, MeshConfig, RootConfigMap } from 'meshdoctor/api';

export const title = 'Trust and certificates';
export const order = 6;

/** Fingerprints of the certificates proxies of a cluster trust: what is distributed to the system namespace, and extra roots of the mesh config. */
export function bundle(
  maps: readonly RootConfigMap[],
  systemNamespace: string,
  meshConfigs: readonly MeshConfig[] = [],
): ReadonlyMap<string, Certificate> {
  const distributed = maps.find((map) => map.namespace === systemNamespace) ?? maps[0];
  const extra = meshConfigs.filter((config) => config.namespace === systemNamespace).flatMap((config) => config.caCertificates);
  return new Map([...(distributed?.certificates ?? []), ...extra].map((certificate) => [certificate.fingerprint, certificate]));
}

/** `O=cluster.local (1a2b3c4d…)`: a root by what a person can compare. */
export function rootName(certificate: Certificate | undefined): string {
  return certificate === undefined
    ? 'no certificate'
    : `${certificate.subject.replaceAll('\n', ', ')} (SHA-256 ${certificate.fingerprint.slice(0, 12)}…)`;
}
