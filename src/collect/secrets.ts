import { compareText } from '../base/sort.ts';
import { defined, type Fields, fields, filled, objects, optionalFields, text, texts, type Tally, tally } from '../model/decode.ts';
import { labels as label, names } from '../istio/labels.ts';
import type { CaSecret, Entity, RemoteSecret, ServiceAccountToken } from '../model/facts.ts';
import type { ReducedObject } from '../model/snapshot.ts';
import { certificatesIn, recordedCertificates, rootsBehind } from './certificates.ts';
import { decodeBase64, recordedToken, tokenFacts } from './credentials.ts';
import { defineFact, namespacedEntity, type Projection, uncounted } from './fact.ts';
import { defineKind } from './kind.ts';
import { looksLikeKubeconfig, recordedKubeconfig, reduceKubeconfig } from './kubeconfigs.ts';

const accountTokenType = 'kubernetes.io/service-account-token';
const pluggedCa = 'cacerts';
const ownCa = 'istio-ca-secret';
const caSecretNames: ReadonlySet<string> = new Set([pluggedCa, ownCa]);

/** Types of Secrets that hold neither a kubeconfig nor a certificate authority nor a service account's token. Helm's are as large as its charts. */
const foreignTypes = [
  'helm.sh/release.v1',
  'kubernetes.io/dockerconfigjson',
  'kubernetes.io/dockercfg',
  'kubernetes.io/basic-auth',
  'kubernetes.io/ssh-auth',
  'bootstrap.kubernetes.io/token',
];

/** A Secret becomes one of a few closed types; of all others only type, labels and annotations are kept. */
export const secrets = defineKind({
  resource: 'secrets',
  kind: 'Secret',
  // istiod reads remote secrets by their label, whatever their type.
  asks: [{ fieldSelector: foreignTypes.map((type) => `type!=${type}`).join(',') }, { labelSelector: label.multiCluster }],
  reduce(object, odd) {
    const type = filled(odd, object['type']) ?? 'Opaque';
    const metadata = fields(odd, object['metadata']);
    const name = text(odd, metadata['name']) ?? '';
    const read = values(odd, object);
    if (type === accountTokenType) return { type, accountToken: reduceAccountToken(read) };
    if (caSecretNames.has(name)) return { type, ca: reduceCa(odd, name, read) };
    if (isRemoteSecret(name, type, metadata, object)) return { type, kubeconfigs: reduceKubeconfigs(odd, read), ...heldBack(read) };
    return { type };
  },
});

/** Marks a Secret whose kubeconfigs somebody kept from us: which clusters the Secrets of its cluster open is then not all known. */
function heldBack(read: Values): { readonly withheld?: true } {
  return read.keys.length === 0 || read.keys.some((key) => read.isWithheld(key)) ? { withheld: true } : {};
}

/** What stands for a value in a dump that was cleaned or a file that is filled in or decrypted later: `****`, `<redacted>`, `${TOKEN}`, `ENC[…]`. */
const placeholder =
  /^(?:[*x•.-]{3,}|[<[({$%#_]*(?:redacted|removed|masked|hidden|omitted|stripped|sanitized|censored)\W*|ENC\[.*\]|<[^>\n]*>|\$\{.*\}|\{\{.*\}\})$/i;

/** Values of a Secret by key, decoded when asked for. `stringData`, which only manifests have, wins over `data`. */
interface Values {
  readonly keys: readonly string[];
  readonly get: (key: string) => string | undefined;
  /** Whether something else stands where the value was. */
  readonly isWithheld: (key: string) => boolean;
}

function values(odd: Tally, object: Fields): Values {
  const data = fields(odd, object['data']);
  const plain = fields(odd, object['stringData']);
  return {
    keys: [...new Set([...Object.keys(data), ...Object.keys(plain)])].sort(compareText),
    get(key) {
      if (Object.hasOwn(plain, key)) return text(odd, plain[key]);
      const encoded = Object.hasOwn(data, key) ? (text(odd, data[key]) ?? '') : '';
      return decodeBase64(odd, encoded);
    },
    isWithheld(key) {
      const kept = text(tally(), plain[key]) ?? text(tally(), data[key]) ?? '';
      return placeholder.test(kept.trim()) || (kept.length < 100 && placeholder.test(decodeBase64(tally(), kept)?.trim() ?? ''));
    },
  };
}

/** Such a token is always signed claims: anything else was put there by whoever redacted a dump, and says nothing. */
function reduceAccountToken(read: Values): Fields {
  const token = read.get('token');
  const facts = token === undefined || token === '' ? undefined : tokenFacts(token);
  return facts?.subject === undefined ? {} : { token: facts };
}

/** `cacerts` is plugged in unless istiod marked it as its own; roots and signing certificates may be in either of two layouts. */
function reduceCa(odd: Tally, name: string, read: Values): Fields {
  const isSelfSigned = name === ownCa || read.keys.includes('istio-generated');
  const first = (...keys: readonly string[]): readonly unknown[] => {
    for (const key of keys) {
      const certificates = certificatesIn(odd, read.get(key));
      if (certificates.length > 0) return certificates;
    }
    return [];
  };
  const signing = ['ca-cert.pem', 'tls.crt'];
  const roots = isSelfSigned ? ['root-cert.pem', 'ca-cert.pem'] : ['root-cert.pem', 'ca.crt'];
  const pemOf = (...keys: readonly string[]): string | undefined =>
    keys.map((key) => read.get(key)).find((pem) => pem?.includes('-----BEGIN') === true);
  // Files of the TLS style hold the chain behind the certificate itself.
  const chain = pemOf('cert-chain.pem') ?? pemOf('tls.crt');
  return {
    source: isSelfSigned ? 'self-signed' : 'plugged-in',
    keys: read.keys,
    roots: first(...roots),
    signing: first(...signing),
    chain: certificatesIn(odd, chain),
    leadsTo: rootsBehind(pemOf(...signing), chain, pemOf(...roots)),
  };
}

function isRemoteSecret(name: string, type: string, metadata: Fields, object: Fields): boolean {
  const odd = tally(); // Most Secrets are none of our business: what is odd in them is not counted.
  if (optionalFields(odd, metadata['labels'])?.[label.multiCluster] !== undefined) return true;
  if (name.startsWith('istio-remote-secret-') || name === names.externalKubeconfigSecret) return true;
  if (type !== 'Opaque') return false;
  const read = values(odd, object);
  return read.keys.some((key) => {
    const value = read.get(key);
    return value !== undefined && looksLikeKubeconfig(value) && reduceKubeconfig(odd, key, value).invalid === undefined;
  });
}

function reduceKubeconfigs(odd: Tally, read: Values): readonly unknown[] {
  return read.keys.filter((key) => !read.isWithheld(key)).map((key) => reduceKubeconfig(odd, key, read.get(key)));
}

export const remoteSecretsFact = defineFact({
  fact: 'remoteSecrets',
  reads: [secrets],
  place: 'system',
  project: (items, projection): readonly RemoteSecret[] =>
    items
      .filter((object) => object['kubeconfigs'] !== undefined)
      .map((object) => {
        const entity = namespacedEntity(projection, object);
        const multiClusterLabel = entity.labels[label.multiCluster];
        return Object.assign(
          entity,
          defined({ multiClusterLabel, entries: objects(uncounted, object['kubeconfigs']).map(recordedKubeconfig) }),
        );
      }),
});

export const serviceAccountTokensFact = defineFact({
  fact: 'serviceAccountTokens',
  reads: [secrets],
  place: 'system',
  project: (items, projection): readonly ServiceAccountToken[] =>
    items
      .filter((object) => object['accountToken'] !== undefined)
      .map((object) => {
        const entity = namespacedEntity(projection, object);
        return Object.assign(
          entity,
          defined({
            serviceAccount: entity.annotations['kubernetes.io/service-account.name'] ?? '',
            serviceAccountUid: entity.annotations['kubernetes.io/service-account.uid'],
            token: recordedToken(fields(uncounted, object['accountToken'])['token']),
          }),
        );
      }),
});

export const caSecretsFact = defineFact({
  fact: 'caSecrets',
  reads: [secrets],
  place: 'system',
  project: (items, projection): readonly CaSecret[] =>
    items
      .filter((object) => isCaSecret(object, projection))
      .map((object) => Object.assign(namespacedEntity(projection, object), caOf(object))),
});

/** `cacerts` is also what people call the trust store of an application: only where an istiod is does it mean a CA. */
function isCaSecret(object: ReducedObject, projection: Projection): boolean {
  return object['ca'] !== undefined && (object.metadata.name === ownCa || projection.systemNamespaces.has(object.metadata.namespace ?? ''));
}

function caOf(object: ReducedObject): Omit<CaSecret, keyof Entity | 'namespace' | 'name'> {
  const ca = fields(uncounted, object['ca']);
  return defined({
    source: ca['source'] === 'self-signed' ? ('self-signed' as const) : ('plugged-in' as const),
    keys: texts(uncounted, ca['keys']),
    roots: recordedCertificates(ca['roots']),
    signing: recordedCertificates(ca['signing']),
    chain: ca['chain'] === undefined ? undefined : recordedCertificates(ca['chain']),
    leadsTo: ca['leadsTo'] === undefined ? undefined : texts(uncounted, ca['leadsTo']),
  });
}
