import {
  type Certificate,
  clusterName,
  type ClusterName,
  compareText,
  type ControlPlane,
  type Fact,
  type FactName,
  listOf,
  type Member,
  type Mesh,
  type MeshConfig,
  names,
  type RootConfigMap,
  shellWord,
  valueOf,
} from 'meshdoctor/api';

export const title = 'Trust and certificates';
export const order = 6;

export const rootField = '.data["root-cert.pem"]';

/** Certificates by fingerprint: order and copies in a bundle mean nothing. */
export type Bundle = ReadonlyMap<string, Certificate>;

export function bundleOf(certificates: readonly Certificate[]): Bundle {
  return new Map(certificates.map((certificate) => [certificate.fingerprint, certificate]));
}

export function meets(one: Bundle, other: Bundle): boolean {
  return [...one.keys()].some((fingerprint) => other.has(fingerprint));
}

/** The ConfigMap with the roots of an istiod, in its own namespace. */
export function rootMapOf(maps: readonly RootConfigMap[], namespace: string): RootConfigMap | undefined {
  return maps.find((map) => map.namespace === namespace && map.certificates.length > 0);
}

/** Whether this istiod signs certificates itself, with the CA in its Secret. */
export function isAuthority(env: ControlPlane['env']): boolean {
  return (
    env['ENABLE_CA_SERVER'] !== 'false' && (env['EXTERNAL_CA'] ?? '') === '' && ['', 'istiod'].includes(env['PILOT_CERT_PROVIDER'] ?? '')
  );
}

/** Clusters that the istiods of a primary serve. */
export function servedBy(mesh: Mesh, primary: ClusterName): ClusterName[] {
  return mesh.couples
    .filter(({ controlPlane, serves }) => clusterName(controlPlane.cluster) === primary && valueOf(serves) === true)
    .map(({ member }) => member);
}

/** The day of a moment, as people write it. */
export function dayOf(moment: string): string {
  return moment.slice(0, 10);
}

/** Whether this istiod hands its root out in another way: what lies under the usual name is then left from before. */
export function handsOutElsewhere({ env }: ControlPlane): boolean {
  const name = env['PILOT_CA_CERT_CONFIGMAP'] ?? '';
  return env['ENABLE_CLUSTER_TRUST_BUNDLE_API'] === 'true' || (name !== '' && name !== names.rootConfigMap);
}

/** What one primary signs with, and whom its workloads trust. */
export interface Side {
  readonly name: ClusterName;
  readonly id: string;
  readonly map: RootConfigMap | undefined;
  readonly roots: Bundle;
  /** With the further roots of its mesh configuration. */
  readonly trusted: Bundle;
}

interface View {
  readonly name: ClusterName;
  readonly rootConfigMaps: readonly RootConfigMap[];
  readonly meshConfigs: Fact<readonly MeshConfig[]>;
  readonly isComplete: (fact: 'rootConfigMaps' | 'meshConfigs') => boolean;
}

export function sideOf(view: View, { systemNamespace, clusterId }: Member): Side {
  const map = rootMapOf(view.rootConfigMaps, systemNamespace);
  const further = configsOf(view, systemNamespace).flatMap((config) => config.caCertificates);
  const own = map?.certificates ?? [];
  return { name: view.name, id: valueOf(clusterId) ?? '', map, roots: bundleOf(own), trusted: bundleOf([...own, ...further]) };
}

/** What could show further roots of a primary. */
export function gapsOf(view: View, { systemNamespace }: Member): { cluster: ClusterName; fact: FactName }[] {
  const hasMap = rootMapOf(view.rootConfigMaps, systemNamespace) !== undefined || view.isComplete('rootConfigMaps');
  const hasConfig = configsOf(view, systemNamespace).some((config) => !config.unreadable) || view.isComplete('meshConfigs');
  return [
    ...(hasMap ? [] : [{ cluster: view.name, fact: 'rootConfigMaps' as const }]),
    ...(hasConfig ? [] : [{ cluster: view.name, fact: 'meshConfigs' as const }]),
  ];
}

function configsOf({ meshConfigs }: View, namespace: string): readonly MeshConfig[] {
  return listOf(meshConfigs).filter((config) => config.namespace === namespace);
}

/** The root that was made later first; for two of one time the order of cluster IDs, which no name of the user changes. */
export function youngestFirst(a: Side, b: Side): number {
  const born = ({ roots }: Side): string => [...roots.values()][0]?.notBefore ?? '';
  return compareText(born(b), born(a)) || compareText(b.id, a.id);
}

/** Commands that plug an intermediate CA into istiod. */
export function pluggingIn(cluster: ClusterName, namespace: string): string[] {
  const kubectl = `kubectl --context ${shellWord(cluster)} -n ${shellWord(namespace)}`;
  const files = ['ca-cert.pem', 'ca-key.pem', 'root-cert.pem', 'cert-chain.pem'].map((file) => `--from-file=${file}`).join(' ');
  return [
    `${kubectl} create secret generic cacerts ${files} --dry-run=client -o yaml | ${kubectl} apply -f -`,
    `${kubectl} rollout restart deployment -l app=istiod`,
  ];
}

/** `O=cluster.local (1a2b3c4d…)`: a root by what a person can compare. */
export function rootName(certificate: Certificate | undefined): string {
  return certificate === undefined
    ? 'no certificate'
    : `${certificate.subject.replaceAll('\n', ', ')} (SHA-256 ${certificate.fingerprint.slice(0, 12)}…)`;
}
