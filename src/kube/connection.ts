import type { Duplex } from 'node:stream';
import type { FailureCode } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { Message } from '../model/protobuf.ts';
import type { Place } from './protobuf.ts';

/** What a request to an API server gave. The states are those of a fact: nothing that can go wrong with a cluster is an exception. */
export type Read<T> =
  | { readonly status: 'read'; readonly value: T }
  /** 401 and 403: the right that is missing. */
  | { readonly status: 'forbidden'; readonly verb: string; readonly resource: string }
  /** The path is not served: no such API group, version or resource; for a single object, no such object. */
  | { readonly status: 'absent' }
  /** `reason` is one plain sentence part without full stop and without anything secret: "TLS handshake timeout after 5s". */
  | { readonly status: 'failed'; readonly code: FailureCode; readonly reason: string };

/** A resource as API paths and RBAC rules name it. */
export interface ApiResource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural: `pods`. */
  readonly resource: string;
}

export interface ListRequest extends ApiResource {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Only metadata is asked for (PartialObjectMetadataList); items keep the kind of the resource. */
  readonly metadataOnly?: boolean;
  /** Nobody reads who wrote what: managedFields are left out, where that is less work than to read them. */
  readonly withoutManagedFields?: boolean;
  /** What is read of an item in protobuf: the list is asked for in that form and as a whole, in pages of JSON where the server refuses. */
  readonly message?: Message;
  /** Kind of one item, for items that do not say it themselves. */
  readonly kind: string;
}

/** Where the items of a list go, page after page. Every item has apiVersion and kind, whatever the server left out. */
export interface ListSink {
  item(object: Readonly<Record<string, unknown>>): void;
  /** The list begins again from its start (an expired continue token): forget what was given. */
  restart(): void;
  /** Somebody who reads the rest of a long list in protobuf beside this thread and takes its items there; nothing when there is nobody. */
  aside?(): Aside | undefined;
}

/** A reader of the rest of one list, in a thread of its own. */
export interface Aside {
  /** It is there: from now on it may be given what comes. */
  isReady(): boolean;
  begin(place: Place): void;
  /** The piece is copied. A promise where what came before is to be read first. */
  write(piece: Uint8Array): Promise<void> | undefined;
  /** What the list comes to without its items, and how many of those were taken. @throws SyntaxError when it is none or was cut */
  end(): Promise<{ readonly list: unknown; readonly items: number }>;
  /** Ends at once; nothing more is taken. */
  close(): void;
}

/** One request as it was sent: for `--stats`, `-vv` and tests. Never a header, a body or a query value that could hold a secret. */
export interface RequestRecord {
  readonly cluster: ClusterName;
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  /** HTTP status; 101 for an upgrade; 0 when there was no answer. */
  readonly status: number;
  /** Bytes of the body as they came over the wire. */
  readonly bytes: number;
  readonly milliseconds: number;
  /** Which try it was, from 1. */
  readonly attempt: number;
}

/** done: the object as the server has it, or would have it; denied: who asks may ask, and admission or the object itself does not allow it. */
export type Changed =
  | { readonly is: 'done'; readonly object: unknown }
  /** `code`: HTTP status. `message`: the server's words, without anything secret. */
  | { readonly is: 'denied'; readonly code: number; readonly message: string };

/** One API server with one credential. Nothing is contacted before the first call. */
export interface Connection {
  readonly name: ClusterName;
  /** URL as the kubeconfig has it. */
  readonly server: string;
  /** GET of any path, parsed as JSON. `resource` names the right in a refusal: `pods`. `accept` instead of application/json. */
  get(
    path: string,
    options?: { readonly resource?: string; readonly accept?: string; readonly signal?: AbortSignal | undefined },
  ): Promise<Read<unknown>>;
  /** GET of what is plain text: the log of a container. */
  text(path: string, options: { readonly resource: string; readonly signal?: AbortSignal | undefined }): Promise<Read<string>>;
  /** Every page of a list. `read` only when it came to its end. */
  list(request: ListRequest, sink: ListSink, signal?: AbortSignal): Promise<Read<{ readonly items: number; readonly pages: number }>>;
  /** SelfSubjectAccessReview. */
  mayI(
    right: {
      readonly verb: string;
      readonly group?: string;
      readonly resource: string;
      readonly subresource?: string;
      readonly namespace?: string;
    },
    signal?: AbortSignal,
  ): Promise<Read<boolean>>;
  /** A byte stream to a port of a pod, as `kubectl port-forward` gives it; it arrives there from loopback. Ends with an error event when the pod does not listen. */
  forward(pod: { readonly namespace: string; readonly name: string }, port: number, signal?: AbortSignal): Promise<Read<Duplex>>;
  /** RFC 3339: the server's own present by the `Date` header of its newest answer, and how far this machine's clock is ahead of it, in seconds. */
  clock(): { readonly now: string; readonly aheadSeconds: number } | undefined;
  /** Ends what is open. */
  close(): Promise<void>;
}
