import { mintCertificate } from '../certificates.ts';
import { type ApiAddresses, apiAddresses } from './access.ts';
import type { Authorities } from './authorities.ts';
import { selfSignedSecret } from './ca.ts';
import { deployments, firstRollouts, type Rollouts } from './deployments.ts';
import { daemonSets, firstDaemons } from './daemon-sets.ts';
import { renewedLocks } from './elections.ts';
import { type Fates, firstFates, kubelets } from './fates.ts';
import { foundIstiods, type IsCut, isSameIstiods, type Istiods, type IstiodProcess, steppedIstiods } from './istiods.ts';
import type { Knowledge } from './knowledge.ts';
import { meshConfigOf } from './knowledge.ts';
import { firstWriting, leaders, type Writing } from './leaders.ts';
import { type Accounts, firstAccounts, namespaceKeepers } from './namespaces.ts';
import { endpoints } from './services.ts';
import type { Change, WorldState } from './state.ts';

/** What is not in the objects: the memory of processes, and what controllers made of things before. */
export interface Memory {
  readonly istiods: Istiods;
  /** Where API servers were reached when the world began. */
  readonly addresses: ApiAddresses;
  /** Of Deployments. */
  readonly rollouts: Rollouts;
  /** Of DaemonSets. */
  readonly daemons: Rollouts;
  readonly fates: Fates;
  readonly accounts: Accounts;
  readonly writing: Writing;
}

/** What everybody remembers of a mesh that was running before anybody looked at it. */
export function firstMemory(state: WorldState): Memory {
  const addresses = apiAddresses(state);
  const istiods = foundIstiods(state, addresses);
  const knowledge = { state, istiods };
  return {
    istiods,
    addresses,
    rollouts: firstRollouts(knowledge),
    daemons: firstDaemons(knowledge),
    fates: firstFates(knowledge),
    accounts: firstAccounts(knowledge),
    writing: firstWriting(knowledge),
  };
}

/**
 * What Kubernetes' controllers and istiods make of the objects now: what they want to be otherwise, and what they remember of it. Nothing
 * changes in the objects until somebody applies the changes; when there are none, everybody is content.
 */
export function reconcile(
  state: WorldState,
  before: Memory,
  isCut?: IsCut,
): { readonly changes: readonly Change[]; readonly memory: Memory } {
  const istiods = istiodsAfter(before, state, isCut);
  const knowledge: Knowledge = { state, istiods };
  const kept = namespaceKeepers(knowledge, before.accounts);
  const rolled = deployments(knowledge, before.rollouts);
  const spread = daemonSets(knowledge, before.daemons);
  const started = kubelets(knowledge, before.fates);
  const written = leaders(knowledge, before.writing, before.istiods);
  return {
    changes: [...kept.changes, ...rolled.changes, ...spread.changes, ...started.changes, ...endpoints(knowledge), ...written.changes],
    memory: {
      istiods,
      addresses: before.addresses,
      accounts: kept.accounts,
      rollouts: rolled.rollouts,
      daemons: spread.daemons,
      fates: started.fates,
      writing: written.writing,
    },
  };
}

/** The same when no object but locks changed: time has passed, and that only istiods notice. */
export function reconcileIstiods(
  state: WorldState,
  before: Memory,
  isCut?: IsCut,
): { readonly changes: readonly Change[]; readonly memory: Memory } {
  const istiods = istiodsAfter(before, state, isCut);
  if (istiods !== before.istiods) return reconcile(state, before, isCut);
  const written = leaders({ state, istiods }, before.writing, before.istiods);
  return { changes: written.changes, memory: { ...before, istiods, writing: written.writing } };
}

/** Locks that are renewed now. */
export function renewals(state: WorldState, { istiods, writing }: Memory): readonly Change[] {
  return renewedLocks({ state, istiods }, writing.held);
}

/** Secrets of the certificates that istiods make for themselves when they start and find none. */
export async function madeAuthorities(state: WorldState, { istiods }: Memory, authorities: Authorities): Promise<readonly Change[]> {
  const needy = [...istiods.values()].filter((process) => process.ca === undefined);
  const made = new Map<string, Change>();
  for (const process of needy) {
    const place = `${process.config}/${process.controlPlane.namespace}`;
    if (!made.has(place)) made.set(place, await selfSigned(process, state, authorities));
  }
  return [...made.values()];
}

const tenYears = 10 * 365 * 86_400_000;

async function selfSigned(process: IstiodProcess, state: WorldState, authorities: Authorities): Promise<Change> {
  const now = Date.parse(state.now);
  const authority = await mintCertificate({
    subject: [['O', meshConfigOf(process, state)?.trustDomain ?? 'cluster.local']],
    isAuthority: true,
    notBefore: new Date(now - 120_000),
    notAfter: new Date(now + tenYears),
  });
  authorities.add(authority);
  const encoded = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
  const data = {
    'ca-cert.pem': encoded(authority.cert),
    'ca-key.pem': encoded(authority.key),
    'cert-chain.pem': '',
    'key.pem': '',
    'root-cert.pem': encoded(authority.cert),
  };
  const metadata = { name: selfSignedSecret, namespace: process.controlPlane.namespace };
  return { cluster: process.config, put: { apiVersion: 'v1', kind: 'Secret', metadata, type: 'istio.io/ca-root', data } };
}

/** The same as before where nothing is new to them. */
function istiodsAfter(before: Memory, state: WorldState, isCut: IsCut | undefined): Memory['istiods'] {
  const stepped = steppedIstiods(before.istiods, state, before.addresses, isCut);
  return isSameIstiods(before.istiods, stepped) ? before.istiods : stepped;
}
