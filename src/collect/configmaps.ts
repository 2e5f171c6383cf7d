import { annotations as annotation, names } from '../istio/labels.ts';
import {
  defined,
  type Fields,
  fields,
  filled,
  optionalFields,
  parsedFields,
  scalarText,
  text,
  time,
  type Tally,
  whole,
} from '../model/decode.ts';
import type { Certificate, InjectorValues, LeaderElection, RootConfigMap } from '../model/facts.ts';
import { clusterId, networkId, revision } from '../model/ids.ts';
import type { ReducedObject } from '../model/snapshot.ts';
import { certificatesIn, recordedCertificates } from './certificates.ts';
import { defineFact, namespacedEntity, type Projection, uncounted } from './fact.ts';
import { defineKind } from './kind.ts';
import { projectMeshConfig, reduceMeshConfig } from './mesh-config.ts';
import { readYaml } from './yaml.ts';

const meshConfigName = 'istio';
const injectorName = 'istio-sidecar-injector';
const rootKey = 'root-cert.pem';
const apiServerCaKey = 'ca.crt';

/** A ConfigMap becomes one of a few closed types; of all others only metadata are kept. */
export const configMaps = defineKind({
  resource: 'configmaps',
  kind: 'ConfigMap',
  // Applications keep megabytes in theirs: roots are found by name and, where istiod was told another name, by its label.
  asks: [
    { namespace: { place: 'system' } },
    { fieldSelector: `metadata.name=${names.rootConfigMap}` },
    { labelSelector: 'istio.io/config=true' },
    { namespace: 'kube-system', fieldSelector: `metadata.name=${names.apiServerCaConfigMap}` },
  ],
  reduce(object, odd) {
    const metadata = fields(odd, object['metadata']);
    const name = text(odd, metadata['name']) ?? '';
    const data = fields(odd, object['data']);
    const leader = reduceLeader(odd, optionalFields(odd, metadata['annotations'])?.[annotation.leader]);
    return {
      ...(leader === undefined ? undefined : { leader }),
      ...(isMeshConfigName(name) && Object.hasOwn(data, 'mesh') ? { mesh: reduceMeshConfig(odd, data) } : undefined),
      ...(revisionAfter(injectorName, name) !== undefined && Object.hasOwn(data, 'values')
        ? { values: reduceValues(odd, text(odd, data['values'])) }
        : undefined),
      ...(name === names.apiServerCaConfigMap ? { apiServerCa: certificatesIn(odd, text(odd, data[apiServerCaKey])) } : undefined),
      ...(isRootConfigMap(odd, name, metadata, data) ? { roots: certificatesIn(odd, text(odd, data[rootKey])) } : undefined),
    };
  },
});

function isMeshConfigName(name: string): boolean {
  return revisionAfter(meshConfigName, name) !== undefined && revisionAfter(injectorName, name) === undefined;
}

/** Revision behind a name istiod derives: `default` for the plain name, `1-31-0` for `istio-1-31-0`. */
function revisionAfter(plain: string, name: string): string | undefined {
  if (name === plain) return names.defaultRevision;
  return name.startsWith(`${plain}-`) && name.length > plain.length + 1 ? name.slice(plain.length + 1) : undefined;
}

function isRootConfigMap(odd: Tally, name: string, metadata: Fields, data: Fields): boolean {
  if (name === names.rootConfigMap) return true;
  return Object.hasOwn(data, rootKey) && optionalFields(odd, metadata['labels'])?.['istio.io/config'] === 'true';
}

function reduceLeader(odd: Tally, value: unknown): Fields | undefined {
  const leader = parsedFields(odd, text(odd, value));
  if (leader === undefined) return undefined;
  return defined({
    holderIdentity: text(odd, leader['holderIdentity']) ?? '',
    holderKey: text(odd, leader['holderKey']) ?? '',
    acquireTime: time(odd, leader['acquireTime']),
    renewTime: time(odd, leader['renewTime']),
    leaseDurationSeconds: whole(odd, leader['leaseDurationSeconds']) ?? 0,
    leaderTransitions: whole(odd, leader['leaderTransitions']) ?? 0,
  });
}

function reduceValues(odd: Tally, value: string | undefined): Fields {
  const read = value === undefined ? undefined : readYaml(value);
  if (read === undefined || 'invalid' in read) {
    odd.odd++;
    return {};
  }
  const root = fields(odd, read.value);
  const global = fields(odd, root['global']);
  return defined({
    clusterName: filled(odd, scalarText(odd, optionalFields(odd, global['multiCluster'])?.['clusterName'])),
    network: filled(odd, scalarText(odd, global['network'])),
    meshId: filled(odd, scalarText(odd, global['meshID'])),
    caAddress: filled(odd, global['caAddress']),
    clusterDomain: filled(odd, optionalFields(odd, global['proxy'])?.['clusterDomain']),
    revision: filled(odd, scalarText(odd, root['revision'])),
  });
}

export const leaderElectionsFact = defineFact({
  fact: 'leaderElections',
  reads: [configMaps],
  place: 'system',
  project: (items, projection): readonly LeaderElection[] =>
    items
      .filter((object) => object['leader'] !== undefined)
      .map((object) => {
        const leader = fields(uncounted, object['leader']);
        return Object.assign(
          namespacedEntity(projection, object),
          defined({
            holderIdentity: text(uncounted, leader['holderIdentity']) ?? '',
            holderKey: text(uncounted, leader['holderKey']) ?? '',
            acquireTime: time(uncounted, leader['acquireTime']),
            renewTime: time(uncounted, leader['renewTime']),
            leaseDurationSeconds: whole(uncounted, leader['leaseDurationSeconds']) ?? 0,
            leaderTransitions: whole(uncounted, leader['leaderTransitions']) ?? 0,
          }),
        );
      }),
});

export const meshConfigsFact = defineFact({
  fact: 'meshConfigs',
  reads: [configMaps],
  place: 'system',
  project: (items, projection) =>
    items
      .filter((object) => object['mesh'] !== undefined && projection.systemNamespaces.has(object.metadata.namespace ?? ''))
      .map((object) =>
        Object.assign(namespacedEntity(projection, object), projectMeshConfig(fields(uncounted, object['mesh'])), {
          revision: revision(revisionAfter(meshConfigName, object.metadata.name) ?? names.defaultRevision),
        }),
      ),
});

export const injectorValuesFact = defineFact({
  fact: 'injectorValues',
  reads: [configMaps],
  place: 'system',
  project: (items, projection): readonly InjectorValues[] =>
    items.filter((object) => object['values'] !== undefined).map((object) => projectValues(object, projection)),
});

function projectValues(object: ReducedObject, projection: Projection): InjectorValues {
  const entity = namespacedEntity(projection, object);
  const values = fields(uncounted, object['values']);
  const cluster = filled(uncounted, values['clusterName']);
  const network = filled(uncounted, values['network']);
  return Object.assign(
    entity,
    defined({
      revision: revision(filled(uncounted, values['revision']) ?? revisionAfter(injectorName, entity.name) ?? names.defaultRevision),
      clusterName: cluster === undefined ? undefined : clusterId(cluster),
      network: network === undefined ? undefined : networkId(network),
      meshId: filled(uncounted, values['meshId']),
      caAddress: filled(uncounted, values['caAddress']),
      clusterDomain: filled(uncounted, values['clusterDomain']),
    }),
  );
}

export const rootConfigMapsFact = defineFact({
  fact: 'rootConfigMaps',
  reads: [configMaps],
  place: 'all',
  project: (items, projection): readonly RootConfigMap[] =>
    items
      .filter((object) => object['roots'] !== undefined)
      .map((object) => {
        const certificates = recordedCertificates(object['roots']);
        return Object.assign(namespacedEntity(projection, object), { certificates, unreadable: certificates.length === 0 });
      }),
});

export const apiServerCaFact = defineFact({
  fact: 'apiServerCa',
  reads: [configMaps],
  place: 'all',
  /** The same bundle lies in every namespace: the first that holds one is enough. */
  project(items): readonly Certificate[] {
    for (const object of items) {
      const certificates = object['apiServerCa'] === undefined ? [] : recordedCertificates(object['apiServerCa']);
      if (certificates.length > 0) return certificates;
    }
    return [];
  },
});
