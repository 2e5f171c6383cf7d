import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { Read } from '../kube/connection.ts';
import type { ClusterFacts } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { ClusterObservations } from '../model/observations.ts';
import type { ObjectRef } from '../model/refs.ts';
import type { Topology } from '../mesh/topology.ts';

/** How far probes may go, each including the ones before it; what the run was permitted. */
export type Footprint = 'off' | 'connect' | 'query';

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
  /** Milliseconds of a monotonic clock. */
  now(): number;
}

export interface ProbeOptions {
  readonly footprint: Footprint;
  /** Names given with `--service`; empty = names that live in one cluster only are chosen. */
  readonly services: readonly { readonly namespace: string; readonly name: string; readonly port?: number }[];
  /** The pod whose call of these names the run is about: what has no part in it is not asked. */
  readonly caller?: ObjectRef | undefined;
  /** Longest that one question may take, in milliseconds. */
  readonly timeout: number;
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
