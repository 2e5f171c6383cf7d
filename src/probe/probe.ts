import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { Changed, Read } from '../kube/connection.ts';
import type { ClusterFacts } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { Footprint } from '../base/footprint.ts';
import type { ClusterObservations } from '../model/observations.ts';
import type { ObjectRef } from '../model/refs.ts';
import type { Topology } from '../mesh/topology.ts';
import type { Alarm } from './pace.ts';

/** What probes may touch: clusters through their API servers, and addresses that objects name. Everything else is out of reach. */
export interface ProbeIo {
  /** A byte stream to a port of a pod by port-forward; it arrives there from loopback. */
  forward(
    cluster: ClusterName,
    pod: { readonly namespace: string; readonly name: string },
    port: number,
    signal: AbortSignal,
  ): Promise<Read<Duplex>>;
  /** TCP from this machine to an address that an object names, through `--resolve`. Rejects with the socket's error. `connectedTo` is the IP dialled. */
  connect(
    address: { readonly host: string; readonly port: number },
    signal: AbortSignal,
  ): Promise<{ readonly socket: Socket; readonly connectedTo: string }>;
  /** GET of one object. */
  get(cluster: ClusterName, path: string, resource: string, signal: AbortSignal): Promise<Read<unknown>>;
  /** Asks an API server to create a pod as if it kept it: server-side dry-run. Not there where the run was not allowed to. */
  readonly tryCreatePod?: (cluster: ClusterName, namespace: string, pod: object, signal: AbortSignal) => Promise<Read<Changed>>;
  /** Pods of meshdoctor's own. Not there where the run was not allowed to make any. */
  readonly pods?: OwnPods;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** What ends questions that take too long, by the same clock; without it the clock of this machine. */
  readonly after?: Alarm;
}

/** The life of a pod. What makes and takes it away is not cut short when the run ends: nothing may stay behind. */
export interface OwnPods {
  create(cluster: ClusterName, namespace: string, pod: object): Promise<Read<Changed>>;
  get(cluster: ClusterName, namespace: string, name: string, signal: AbortSignal): Promise<Read<unknown>>;
  log(cluster: ClusterName, namespace: string, name: string, container: string, signal: AbortSignal): Promise<Read<string>>;
  remove(cluster: ClusterName, namespace: string, name: string): Promise<Read<Changed>>;
}

export interface ProbeOptions {
  /** Where pods of its own are made, of which image; without one, of the image of the cluster's sidecars. */
  readonly pod?: { readonly namespace: string; readonly image?: string };
  readonly footprint: Footprint;
  /** Names given with `--service`; empty = names that live in one cluster only are chosen. */
  readonly services: readonly { readonly namespace: string; readonly name: string; readonly port?: number }[];
  /** The pod whose call of these names the run is about: what has no part in it is not asked. */
  readonly caller?: ObjectRef | undefined;
  /** Services that are tried at each address of a gateway; absent: as `mostTargets` says. */
  readonly maxTargets?: number;
  /** Longest that one question may take, in milliseconds. */
  readonly timeout: number;
  /** Milliseconds after which the counters of istiods are read once more; absent: they are read once. */
  readonly sample?: number;
  readonly signal: AbortSignal;
  /** Told as probes are planned and done, for progress. */
  readonly onProgress?: (progress: { readonly cluster: ClusterName; readonly done: number; readonly planned: number }) => void;
}

/** What a run of all probes is given and gives: `observe` of `run.ts`. Every cluster of `facts` has an entry, in their order. */
export type Observe = (
  facts: ReadonlyMap<ClusterName, ClusterFacts>,
  topology: Topology,
  io: ProbeIo,
  options: ProbeOptions,
) => Promise<readonly ClusterObservations[]>;
