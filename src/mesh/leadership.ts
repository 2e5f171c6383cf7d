import { names } from '../istio/labels.ts';
import type { Clock, ControlPlane, Fact, FactName, LeaderElection, Pod } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { ObjectRef } from '../model/refs.ts';
import { flag } from './istiod-view.ts';

/** Whether some istiod of a control plane manages a cluster: writes its root certificate everywhere and keeps caBundles right. */
export type Leadership = { readonly evidence: readonly LeadershipEvidence[]; readonly election?: LeaderElection } & (
  | { readonly state: 'led'; readonly holder: Pod }
  /** never: no election was ever held; given-up: the last leader stopped and nobody took over; expired: it no longer renews. */
  | { readonly state: 'stale'; readonly how: 'never' | 'given-up' | 'expired' }
  | {
      readonly state: 'unknown';
      readonly because: string;
      readonly missing: readonly { readonly cluster: ClusterName; readonly fact: FactName }[];
    }
);

/** One thing that was read of the election and what it says. */
export interface LeadershipEvidence {
  readonly ref: ObjectRef;
  readonly field: string;
  readonly observed: string;
  readonly expected: string;
}

export interface LeadershipInput {
  readonly controlPlane: Pick<ControlPlane, 'namespace' | 'env' | 'withoutStatus'>;
  /** Cluster in which that istiod runs, and its pods. */
  readonly primary: ClusterName;
  readonly pods: Fact<readonly Pod[]>;
  /** Elections of that cluster: how lately its istiod was alive when they were read. Without them the clock alone decides. */
  readonly heartbeats?: Fact<readonly LeaderElection[]>;
  /** Cluster that is to be led, its elections and its present. */
  readonly member: ClusterName;
  readonly elections: Fact<readonly LeaderElection[]>;
  readonly clock: Fact<Clock>;
}

/** A record as Istio writes it: 30 s, unless the holder gave up, which leaves 1 s. */
const usualLease = 30;
/** A clock that is further behind the last renewal than this is not the clock of that moment. */
const saneAhead = 600;

/**
 * Reads the election `istio-namespace-controller-election` of a cluster. Its holder may be an istiod of any revision of the control
 * plane: `^revision` in a remote, `revision` in the cluster whose configuration it reads (pilot/pkg/leaderelection). Only a renewal
 * that is fresh by the cluster's clock, by a pod that exists, proves a leader; only an old one, or no election at all, proves that
 * there is none.
 */
export function leadershipOf(input: LeadershipInput): Leadership {
  const { controlPlane, primary, member, elections, clock, pods } = input;
  if (elections.status !== 'collected') return open('the election could not be read', [{ cluster: member, fact: 'leaderElections' }]);
  const election = elections.value.find(
    (candidate) => candidate.name === names.namespaceElection && candidate.namespace === controlPlane.namespace,
  );
  const isElectionless = leadsWithoutElection(controlPlane);
  if (election === undefined) {
    if (elections.partial === true) return open('the directory does not hold the election', [{ cluster: member, fact: 'leaderElections' }]);
    if (controlPlane.withoutStatus === true) return open('manifests without status show no election', []);
    return isElectionless ? open('istiod is set to do without elections', []) : { state: 'stale', how: 'never', evidence: [] };
  }
  if (clock.status !== 'collected') return open('without a clock a lease proves nothing', [{ cluster: member, fact: 'clock' }], election);
  const age = secondsBetween(election.renewTime, clock.value.takenAt);
  if (age === undefined || age < -saneAhead) return open('the election was renewed at no time that fits the clock', [], election);
  const evidence = [evidenceOf(election, age)];
  const isHeld = election.holderIdentity !== '';
  const lease = isHeld && election.leaseDurationSeconds > 0 ? election.leaseDurationSeconds : usualLease;
  if (age >= 2 * lease) {
    if (isElectionless) return open('istiod is set to do without elections', [], election);
    const lag = lagOf(input, clock.value);
    if (lag === undefined)
      return open('the elections of istiod itself could not be read', [{ cluster: primary, fact: 'leaderElections' }], election);
    if (age - lag < 2 * lease) return open('the elections of istiod itself are as old', [], election);
    return { state: 'stale', how: isHeld ? 'expired' : 'given-up', election, evidence };
  }
  if (!isHeld) return open('the election was given up moments ago', [], election);
  if (pods.status !== 'collected') return open('the pods of istiod could not be read', [{ cluster: primary, fact: 'pods' }], election);
  const holder = pods.value.find((pod) => pod.name === election.holderIdentity && pod.namespace === controlPlane.namespace);
  if (holder !== undefined) return { state: 'led', holder, election, evidence };
  return open(
    `${election.holderIdentity} leads, and is no pod of ${primary}`,
    pods.partial === true ? [{ cluster: primary, fact: 'pods' }] : [],
    election,
  );
}

/**
 * By how many seconds the clock is ahead of the last sign of life of that istiod in its own cluster: where ConfigMaps were read long
 * before the rest of a dump, or istiod stands still, old leases prove nothing more. Nothing where it could not be read.
 */
function lagOf({ controlPlane, heartbeats }: LeadershipInput, clock: Clock): number | undefined {
  if (heartbeats === undefined) return 0;
  if (heartbeats.status !== 'collected') return undefined;
  const own = heartbeats.value.filter(({ namespace, holderKey }) => namespace === controlPlane.namespace && !holderKey.startsWith('^'));
  const same = own.filter(({ name }) => name === names.namespaceElection);
  if (same.length === 0 && heartbeats.partial === true) return undefined;
  const lags = (same.length > 0 ? same : own).flatMap(({ renewTime }) => secondsBetween(renewTime, clock.takenAt) ?? []);
  return lags.length > 0 ? Math.max(0, Math.min(...lags)) : 0;
}

/** Such an istiod writes no election record: elections are off, or it distributes no root because it is no CA (pilot/pkg/bootstrap: shouldStartNsController). */
function leadsWithoutElection({ env }: Pick<ControlPlane, 'env'>): boolean {
  return !flag(env, 'ENABLE_LEADER_ELECTION', true) || !flag(env, 'ENABLE_CA_SERVER', true) || env['PILOT_CERT_PROVIDER'] === 'none';
}

function open(
  because: string,
  missing: readonly { readonly cluster: ClusterName; readonly fact: FactName }[],
  election?: LeaderElection,
): Leadership {
  return { state: 'unknown', because, missing, evidence: [], ...(election === undefined ? undefined : { election }) };
}

function evidenceOf(election: LeaderElection, age: number): LeadershipEvidence {
  const holder = election.holderIdentity === '' ? 'held by nobody' : `held by ${election.holderIdentity} (${election.holderKey})`;
  return {
    ref: election.ref,
    field: '.metadata.annotations["control-plane.alpha.kubernetes.io/leader"]',
    observed: `${holder}, renewed ${spelled(age)}`,
    expected: 'renewed by a running istiod within the last minute',
  };
}

function spelled(age: number): string {
  if (age < 120) return `${Math.max(0, Math.round(age))} s ago`;
  if (age < 7200) return `${Math.round(age / 60)} min ago`;
  return age < 172_800 ? `${Math.round(age / 3600)} h ago` : `${Math.round(age / 86_400)} days ago`;
}

function secondsBetween(from: string | undefined, to: string): number | undefined {
  const seconds = from === undefined ? Number.NaN : (Date.parse(to) - Date.parse(from)) / 1000;
  return Number.isNaN(seconds) ? undefined : seconds;
}
