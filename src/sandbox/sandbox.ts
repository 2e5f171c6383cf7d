import type { Duplex } from 'node:stream';
import type { KubeObject, MeshObjects } from '../model/kube.ts';
import type { Mishap } from './mishaps.ts';

/*
 * Simulated clusters in one process: API servers as real ones are, over TLS on loopback, and behind port-forward and beside it the
 * ports of a mesh. This file is the contract between its halves: `server` (API servers over a store) and `world` (what controllers,
 * istiod and proxies make of the store).
 */

export interface SandboxOptions {
  /** RFC 3339: the present of the mesh when it starts; its clocks run on from there. Default: now, with all times of the objects moved along so that they are as long ago as they were at `takenAt`. */
  readonly clock?: string;
  /** RFC 3339: when the mesh was as its objects say. */
  readonly takenAt?: string;
  /** Certificates of the mesh are made anew, with keys, so that TLS listeners can present what the objects promise; default true. Off: objects are served to the letter. */
  readonly mintCertificates?: boolean;
  /** Controllers and istiod play along; default true. Off: the store changes only by what clients write. */
  readonly reconcile?: boolean;
  /** How the mesh was before its objects became what they are, which is what lives in the memory of istiods and proxies: they met all that changed since as a change. */
  readonly past?: {
    /** The same clusters. */
    readonly mesh: MeshObjects;
    /** What goes wrong from then on, and still does. */
    readonly mishaps?: readonly Mishap[];
  };
}

/** One simulated mesh that is running. */
export interface Sandbox {
  readonly clusters: ReadonlyMap<string, SandboxCluster>;
  /** A kubeconfig with a context for each cluster, named as the cluster; user `admin` with a token of its own each. YAML. */
  kubeconfig(options?: { readonly user?: string }): string;
  /** Documentation addresses of objects → where their listeners are: values for `--resolve ADDR:PORT=HOST:PORT`. */
  readonly resolve: readonly {
    readonly from: { readonly host: string; readonly port: number };
    readonly to: { readonly host: string; readonly port: number };
  }[];
  /** What the store of a cluster holds now. */
  objects(): MeshObjects;
  /** Waits until controllers have nothing more to do. */
  settled(): Promise<void>;
  /** What goes wrong beside the objects from now on, instead of what did; none: all is well again. */
  stage(mishaps: readonly Mishap[]): Promise<void>;
  /** Connections that are open at the addresses of gateways. */
  readonly openCalls: () => number;
  close(): Promise<void>;
}

export interface SandboxCluster {
  readonly name: string;
  /** https://127.0.0.1:PORT */
  readonly server: string;
  /** CA of the API server's certificate. */
  readonly ca: string;
  /** Users of this cluster by name; `admin` may do everything. Add more with `addUser`. */
  readonly tokens: ReadonlyMap<string, string>;
  /** A user with rules as a ClusterRole has them; gives its token. */
  addUser(name: string, rules: readonly PolicyRule[]): string;
  /** A client certificate (PEM) for a user. */
  clientCertificate(name: string): Promise<{ readonly cert: string; readonly key: string }>;
  /** Every request so far, in order. */
  readonly requests: readonly SandboxRequest[];
  /** TLS handshakes so far. */
  readonly handshakes: () => number;
  /** What clients have open at this moment: TCP connections to the API server, and port-forwards over them. */
  readonly open: () => { readonly connections: number; readonly forwards: number };
  /** What goes wrong with requests from now on; null ends it. */
  setFault(fault: Fault | null): void;
  /** What istiods of this cluster answer over HTTP instead of what they would, from now on; null ends it. */
  setAnswer(answer: OwnAnswer | null): void;
}

/** An answer over HTTP: JSON, or text. */
export type HttpAnswer = { readonly status: number } & ({ readonly json: unknown } | { readonly text: string });

/** Gives nothing where an istiod answers for itself; a promise that stays open is an istiod that does not answer. */
export type OwnAnswer = (asked: {
  readonly pod: string;
  readonly port: number;
  readonly path: string;
  readonly query: URLSearchParams;
  /** What it would answer for itself. */
  readonly usual: () => HttpAnswer;
}) => Promise<HttpAnswer> | HttpAnswer | undefined;

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

export interface SandboxRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Who it came from; empty when nobody was recognised. */
  readonly user: string;
  /** 0 until answered. */
  readonly status: number;
}

/** How an API server misbehaves. `match`: only requests whose path it matches; `times`: only so often (default: always). */
export type Fault = { readonly match?: RegExp; readonly times?: number } & (
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly body?: string;
      readonly contentType?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** 410 for continue tokens; with or without a token for the inconsistent rest. */
  | { readonly kind: 'expired'; readonly resumable: boolean }
  /** The body ends early: by a reset, or cleanly although more was announced, or cleanly in chunked encoding. */
  | { readonly kind: 'cut'; readonly by: 'reset' | 'close' | 'chunk-end' }
  /** Nothing comes for so long; `body`: headers come, the body stalls. */
  | { readonly kind: 'stall'; readonly milliseconds: number; readonly phase: 'headers' | 'body' }
  /** The connection is reset at once. */
  | { readonly kind: 'reset' }
);

/** How `server` lets `world` take part. */
export interface Store {
  readonly cluster: string;
  /** All objects, or those of a kind: `Gateway` of every group, `Gateway.networking.istio.io` of one, in all methods. Live values: never change one. */
  list(kind?: string): readonly KubeObject[];
  get(kind: string, namespace: string | undefined, name: string): KubeObject | undefined;
  /** Creates or replaces, as a controller does; sets uid, resourceVersion, creationTimestamp and generation. Nothing happens when nothing changes. */
  put(object: KubeObject): KubeObject;
  remove(kind: string, namespace: string | undefined, name: string): boolean;
  /** Called after every change, once per event-loop turn. */
  onChange(listener: () => void): void;
}

/** A port of a pod: what port-forward leads to. Nothing there: undefined, as a port nobody listens on. */
export type PodPorts = (cluster: string, pod: KubeObject, port: number) => ((stream: Duplex) => void) | undefined;

/** What becomes of a pod that a client creates before it is kept: as admission leaves it, or the words of the webhook that could not be called. */
export type Admission = (cluster: string, pod: KubeObject) => { readonly pod: KubeObject } | { readonly refused: string };

/** What a container of a pod has written to its log. */
export type PodLogs = (cluster: string, pod: KubeObject, container: string) => Promise<string>;
