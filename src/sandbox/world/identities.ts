import type { Pod } from '../../model/facts.ts';
import { type Certificate, mintCertificate } from '../certificates.ts';
import type { Mishaps } from '../mishaps.ts';
import type { Authorities } from './authorities.ts';
import type { Ca } from './ca.ts';
import { pemBlocks } from './authorities.ts';
import type { IstiodProcess } from './istiods.ts';
import { dnsNamesOf } from './reach.ts';
import type { Knowledge } from './knowledge.ts';
import { meshConfigOf } from './knowledge.ts';

/** A certificate that is presented: leaf first, without the root, and its key. */
export interface Presented {
  readonly chain: readonly string[];
  readonly key: string;
  readonly roots: readonly string[];
}

/** Certificates of workloads and istiods, made when they are first asked for. */
export interface Identities {
  /** SPIFFE identity of a pod, signed by the istiod it belongs to. */
  ofPod(pod: Pod, process: IstiodProcess, knowledge: Knowledge): Promise<Presented | undefined>;
  /** What istiod presents on 15012 and 15017. */
  ofIstiod(process: IstiodProcess, knowledge: Knowledge): Promise<Presented | undefined>;
}

const day = 86_400_000;

export function openIdentities(authorities: Authorities, now: () => number, mishaps: Mishaps): Identities {
  const made = new Map<string, { readonly until: number; readonly presented: Promise<Presented> }>();
  const present = (ca: Ca, names: { readonly uris?: readonly string[]; readonly dnsNames?: readonly string[] }): Promise<Presented> => {
    const key = JSON.stringify([ca, names]);
    const found = made.get(key);
    if (found !== undefined && found.until > now()) return found.presented;
    const presented = sign(authorities, ca, names, now());
    made.set(key, { until: now() + day / 2, presented });
    return presented;
  };
  const caOf = async ({ ca }: IstiodProcess, isOther: boolean): Promise<Ca | undefined> => {
    if (ca === undefined || !isOther) return ca;
    const { cert } = await authorities.stranger();
    return { root: ca.root, signing: cert, chain: [] };
  };
  return {
    ofPod: async (pod, process, { state }) => {
      const mishap = mishaps.find('workload', pod.ref.cluster);
      const trustDomain = mishap?.trustDomain ?? pod.proxy?.trustDomain ?? meshConfigOf(process, state)?.trustDomain ?? 'cluster.local';
      const uri = `spiffe://${trustDomain}/ns/${pod.namespace}/sa/${mishap?.serviceAccount ?? pod.serviceAccount}`;
      const ca = await caOf(process, mishap?.root === 'other');
      return ca === undefined ? undefined : await present(ca, { uris: [uri] });
    },
    ofIstiod: async (process, knowledge) => {
      const does = mishaps.find('istiod', process.cluster)?.does;
      const ca = await caOf(process, does === 'other-root');
      const own = dnsNamesOf(process, knowledge);
      const dnsNames = does === 'other-name' ? [`istiod-other.${process.controlPlane.namespace}.svc`] : own;
      return ca === undefined ? undefined : await present(ca, { dnsNames });
    },
  };
}

async function sign(
  authorities: Authorities,
  ca: Ca,
  names: { readonly uris?: readonly string[]; readonly dnsNames?: readonly string[] },
  now: number,
): Promise<Presented> {
  const issuer: Certificate = await authorities.of(ca.signing);
  const leaf = await mintCertificate({
    // A workload certificate has no subject; its name is in the extension.
    subject: [],
    issuer,
    ...names,
    // A mesh whose clock was set is met by clients that go by the world's.
    notBefore: new Date(Math.min(now, Date.now()) - 2 * 60_000),
    notAfter: new Date(Math.max(now, Date.now()) + day),
  });
  const roots = pemBlocks(ca.root);
  const isRoot = roots.some((root) => root.trim() === ca.signing.trim());
  return { chain: [leaf.cert, ...(isRoot ? [] : [issuer.cert]), ...ca.chain.map((pem) => `${pem}\n`)], key: leaf.key, roots };
}
