import { isWellKnown, ownDomain } from './well-known.ts';
import { addressBook, type Category, categoryOrder, pseudonymsOf, replaceWords } from './pseudonyms.ts';
import { type Recording, rewritten } from './recording.ts';

/*
 * A recording whose names are somebody else's. What the names are is found by where they stand; then each is replaced wherever it occurs, in
 * whatever text. Words that are Istio's or Kubernetes' own stay.
 */

/** A recording under pseudonyms. `key`: anything random; who has it could tell addresses apart by trying. */
export function anonymized(recording: Recording, key: string): Recording {
  const words = new Map<string, Category>();
  for (const revision of revisionsOf(recording.snapshot)) add(words, revision, 'revision');
  for (const { name } of recording.snapshot.clusters) add(words, name, 'cluster', true);
  collect(recording.snapshot, words);
  for (const { namespace, name } of recording.asked.services) {
    add(words, namespace, 'namespace');
    add(words, name, 'name');
  }
  const names = pseudonymsOf(words);
  const addresses = addressBook(key);
  const text = (value: string): string => outsideOwnHosts(value, (part) => replaceWords(addresses(part), names));
  return rewritten(recording, (value) => replaced(value, text, ''));
}

/** Names of revisions and tags, wherever a label says one. Numbers are everybody's: they tell a release. */
function revisionsOf(value: unknown, field = ''): readonly string[] {
  if (typeof value === 'string') return field === 'istio.io/rev' || field === 'istio.io/tag' ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item: unknown) => revisionsOf(item));
  return Object.entries(value).flatMap(([key, item]: [string, unknown]) => revisionsOf(item, key));
}

/** Values of these fields are words of a schema. */
const enums: ReadonlySet<string> = new Set(
  'action apiVersion at because code fields health kind mode operation operator phase protocol purpose rcode resource schema source stage state status time tlsMode type verb version via fingerprint chain verifiedBy rootsTried uid'.split(
    ' ',
  ),
);
/** Maps whose keys are somebody's. */
const named: ReadonlySet<string> = new Set(['labels', 'annotations', 'matchLabels', 'selector', 'nodeSelector', 'clusters']);

function replaced(value: unknown, text: (value: string) => string, field: string): unknown {
  if (typeof value === 'string') return enums.has(field) ? value : text(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => replaced(item, text, field));
  return Object.fromEntries(
    withoutFiles(value).map(([key, item]: [string, unknown]) => [
      named.has(field) || (field !== 'kinds' && field !== 'oddities' && /[./]/.test(key)) ? text(key) : key,
      replaced(item, text, key),
    ]),
  );
}

/** Where on somebody's machine a file was is nobody's business. */
function withoutFiles(value: object): [string, unknown][] {
  return Object.entries(value).filter(
    ([key, item]: [string, unknown]) => key !== 'origin' || typeof item !== 'object' || item === null || !('file' in item),
  );
}

/** Fields whose words are names of somebody's, by what they name. */
const categories: Readonly<Record<string, Category>> = {
  name: 'name',
  manager: 'name',
  namespace: 'namespace',
  cluster: 'cluster',
  clusterId: 'cluster',
  clusterName: 'cluster',
  context: 'cluster',
  network: 'network',
  meshId: 'name',
  meshID: 'name',
  trustDomain: 'host',
  clusterDomain: 'host',
  server: 'host',
  host: 'host',
  hostname: 'host',
  nodeName: 'name',
  serviceAccount: 'name',
  serviceAccountName: 'name',
  region: 'name',
  zone: 'name',
  subject: 'name',
  issuer: 'name',
  user: 'name',
  image: 'name',
};

/** Labels and annotations of Istio's and Kubernetes' own whose values are names of somebody's. */
const nameLabels: Readonly<Record<string, Category>> = {
  'topology.istio.io/network': 'network',
  'topology.istio.io/cluster': 'cluster',
  'topology.istio.io/controlPlaneClusters': 'cluster',
  'networking.istio.io/cluster': 'cluster',
  'istio.io/use-waypoint': 'name',
  'istio.io/use-waypoint-namespace': 'namespace',
  'kubernetes.io/service-name': 'name',
  'kubernetes.io/hostname': 'name',
  'topology.kubernetes.io/region': 'name',
  'topology.kubernetes.io/zone': 'name',
  'failure-domain.beta.kubernetes.io/region': 'name',
  'failure-domain.beta.kubernetes.io/zone': 'name',
};

/** Who writes objects of Kubernetes, of Istio, or by tools that everybody has. */
const ownManager =
  /^(?:kubectl|kube|istio|pilot|helm|argocd|kustomize|flux|Go-http-client|node|unknown|before-first-apply|[a-z-]+-controller$|k3s|rancher|fleet)/;

const hostLike = /(?<![\w@.-])(?:[A-Za-z0-9_-]+\.)+[A-Za-z][A-Za-z0-9-]+(?![\w-])/g;

/** A text rewritten but for the names that Istio, Kubernetes and the like give to groups, labels and images. */
function outsideOwnHosts(text: string, rewrite: (part: string) => string): string {
  let at = 0;
  let result = '';
  for (const match of text.matchAll(hostLike)) {
    if (!isOwnHost(match[0])) continue;
    result += rewrite(text.slice(at, match.index)) + match[0];
    at = match.index + match[0].length;
  }
  return result + rewrite(text.slice(at));
}

/** `NAME.cluster.local` is somebody's in its first parts. */
function isOwnHost(host: string): boolean {
  return ownDomain.test(host) && !host.endsWith('.cluster.local');
}

function collect(value: unknown, words: Map<string, Category>, path: readonly string[] = [], isOwnSpec = false): void {
  const field = path.at(-1) ?? '';
  if (typeof value === 'string') {
    collectText(value, words, path, isOwnSpec);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) collect(item, words, path, isOwnSpec);
    return;
  }
  const kind = 'apiVersion' in value && typeof value.apiVersion === 'string' ? value.apiVersion : '';
  const isIstio = kind.includes('istio.io/') || kind.startsWith('gateway.networking.k8s.io/');
  for (const [key, item] of Object.entries(value)) {
    if (named.has(field) && /[./]/.test(key)) for (const host of key.match(hostLike) ?? []) addHost(words, host);
    collect(item, words, [...path, key], isOwnSpec || (isIstio && key === 'spec'));
  }
}

function collectText(text: string, words: Map<string, Category>, path: readonly string[], isOwnSpec: boolean): void {
  const [parent = '', field = ''] = path.slice(-2);
  // Names of metrics and of their labels are istiod's; of the values one names a cluster.
  if (path.includes('metrics') || path.includes('istiodSamples')) {
    if (field === 'cluster') add(words, text, 'cluster', true);
    return;
  }
  for (const host of text.match(hostLike) ?? []) addHost(words, host);
  if (parent === 'labels' || parent === 'matchLabels' || parent === 'selector' || parent === 'annotations' || parent === 'nodeSelector') {
    const category = nameLabels[field] ?? (ownDomain.test(field.split('/')[0] ?? '') || parent === 'annotations' ? undefined : 'name');
    if (category !== undefined) add(words, text, category);
    return;
  }
  if (enums.has(field) || (field === 'manager' && ownManager.test(text))) return;
  const category = categories[field];
  // Of containers, ports, conditions and fields of certificates the names are of no account, but they are names.
  if (category !== undefined) add(words, text, category, category === 'cluster');
  else if (isOwnSpec) add(words, text, 'name');
}

function addHost(words: Map<string, Category>, host: string): void {
  if (ownDomain.test(host) || /\.(?:ya?ml|json|go|pem|crt|key|sh)$/.test(host)) return;
  for (const label of host.split('.')) add(words, label, 'host');
}

/** Adds the words of a text, but for those that everybody knows; `withNumbers`: numbers too, where they tell whose it is. */
function add(words: Map<string, Category>, text: string, category: Category, withNumbers = false): void {
  if (/^system:(?!serviceaccount)/.test(text)) return;
  const somebodys = text.replaceAll(hostLike, (host) => (isOwnHost(host) ? '' : host));
  for (const word of somebodys.match(/[A-Za-z0-9][A-Za-z0-9_-]*/g) ?? []) {
    if (isNumber(word) && !(withNumbers && word.length >= 5)) continue;
    if (isWellKnown(word) || isOfRevision(word, words)) continue;
    const known = words.get(word);
    if (known === undefined || categoryOrder.indexOf(category) < categoryOrder.indexOf(known)) words.set(word, category);
  }
}

/** `istio-REVISION`: mesh configuration is found by it. */
function isOfRevision(word: string, words: ReadonlyMap<string, Category>): boolean {
  const [, revision] = /^istio-(.+)$/.exec(word) ?? [];
  return revision !== undefined && (isNumber(revision) || words.get(revision) === 'revision');
}

function isNumber(word: string): boolean {
  return /^v?\d+(?:-\d+)*$/.test(word);
}
