import { textAt } from '../../builder/edits/json.ts';
import { names } from '../../istio/labels.ts';
import type { KubeObject } from '../../model/kube.ts';
import { fingerprintOf, pemBlocks } from './authorities.ts';
import type { IstiodProcess } from './istiods.ts';
import type { Reader, WorldState } from './state.ts';

/** What an istiod signs with. */
export interface Ca {
  /** What it hands out as root: one PEM certificate or several. */
  readonly root: string;
  /** PEM of the certificate whose key it signs with. */
  readonly signing: string;
  /** PEM of those between that one and the root, nearest first. */
  readonly chain: readonly string[];
}

/** Secrets an istiod takes its certificate from, the first that is there. */
export const pluggedInSecret = 'cacerts';
export const selfSignedSecret = 'istio-ca-secret';

/**
 * The CA of a process that starts: Secret `cacerts` beside it, else `istio-ca-secret` where its configuration is. One that was `found`
 * running hands out what proxies were given, whatever the Secrets have become since. Nothing: it has to make one.
 */
export function caOf(
  state: WorldState,
  process: Pick<IstiodProcess, 'cluster' | 'config' | 'controlPlane'>,
  how: 'found' | 'started',
): Ca | undefined {
  const { namespace } = process.controlPlane;
  const home = state.clusters.get(process.cluster)?.objects;
  const config = state.clusters.get(process.config)?.objects;
  const fromSecret =
    ofSecret(home?.get('Secret', namespace, pluggedInSecret)) ?? ofSecret(config?.get('Secret', namespace, selfSignedSecret));
  const given = how === 'found' ? distributed(config, namespace) : undefined;
  if (given === undefined) return fromSecret;
  const isSame = fromSecret !== undefined && holdsSame(fromSecret.root, given);
  const [first = given] = pemBlocks(given);
  return isSame ? { ...fromSecret, root: given } : { root: given, signing: first, chain: [] };
}

/** The root that proxies of the system namespace were given. */
function distributed(objects: Reader | undefined, namespace: string): string | undefined {
  const root = textAt(objects?.get('ConfigMap', namespace, names.rootConfigMap), 'data', 'root-cert.pem');
  return root !== undefined && pemBlocks(root).length > 0 ? root : undefined;
}

function ofSecret(secret: KubeObject | undefined): Ca | undefined {
  const plain = (key: string): string => Buffer.from(textAt(secret, 'data', key) ?? '', 'base64').toString('latin1');
  const isTls = plain('ca-cert.pem') === '' && plain('tls.crt') !== '';
  const [signing, ...more] = pemBlocks(isTls ? plain('tls.crt') : plain('ca-cert.pem'));
  if (signing === undefined) return undefined;
  const roots = pemBlocks(plain(isTls ? 'ca.crt' : 'root-cert.pem'));
  const root = roots.length > 0 ? `${roots.join('\n')}\n` : `${signing}\n`;
  const known = new Set([signing, ...roots].map(fingerprintOf));
  const chain = [...more, ...pemBlocks(plain('cert-chain.pem'))].filter((pem) => !known.has(fingerprintOf(pem)));
  return { root, signing, chain };
}

/** Whether two bundles have a certificate in common. */
export function holdsSame(a: string, b: string): boolean {
  const known = new Set(pemBlocks(a).map(fingerprintOf));
  return pemBlocks(b).some((pem) => known.has(fingerprintOf(pem)));
}
