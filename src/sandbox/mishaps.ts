/*
 * What goes wrong in a mesh whose objects are as they should be: in load balancers, on the way to pods, in processes. Each is staged as
 * it looks to whoever calls, and lasts until others are staged.
 */

export type Mishap =
  /** What stands at an address of a gateway, before its pods: takes no connection; ends it at once (no healthy target, or the PROXY protocol is spoken to the gateway); says nothing; ends TLS with a certificate of its own; wants another protocol by ALPN than is offered. */
  | {
      readonly on: 'address';
      readonly cluster: string;
      readonly port?: number;
      readonly does: 'refuse' | 'end' | 'hold' | 'terminate' | 'other-protocol';
      /** The newest TLS that it speaks. */
      readonly most?: 'TLSv1.2';
      /** Whose certificate it ends TLS with, if not its own: it was given that of the gateway. */
      readonly as?: 'gateway';
    }
  /** Pods of gateways: listen on no such port; know no such name; hold calls since they get through to no pod; answer without TLS; end TLS for whoever calls, without asking for a certificate; have no configuration yet, so that nothing but 15021 listens. */
  | {
      readonly on: 'gateway';
      readonly cluster: string;
      readonly port?: number;
      readonly does: 'close' | 'end' | 'stall' | 'plain' | 'unguarded' | 'wait';
    }
  /** Workloads present a certificate of another identity, or of another root; speak no newer TLS than 1.2. */
  | {
      readonly on: 'workload';
      readonly cluster: string;
      readonly trustDomain?: string;
      readonly serviceAccount?: string;
      readonly root?: 'other';
      readonly most?: 'TLSv1.2';
    }
  /** istiod: says that it is not ready; presents a certificate for another name, or of another root; agrees on no protocol by ALPN, as behind what ends TLS for it. */
  | { readonly on: 'istiod'; readonly cluster: string; readonly does: 'wait' | 'other-name' | 'other-root' | 'no-protocol' }
  /** Agents of sidecars: have no table yet; have an old one without `name`, or with another address of it; ask a DNS that does not answer. */
  | {
      readonly on: 'sidecar-dns';
      readonly cluster: string;
      readonly does: 'no-table' | 'old-table' | 'other-address' | 'dead-upstream';
      /** `abc.shop`; of a dead upstream: what the table lacks. */
      readonly name?: string;
    }
  /** istiod sends proxies of this cluster no name table, as to those that do not capture DNS, which then do not answer either. */
  | { readonly on: 'name-table'; readonly cluster: string }
  /** Proxies: hold what they had when this was staged, certificates included, since nothing that istiod sends gets to them any more: neither side notices; they are connected to no istiod. */
  | { readonly on: 'proxy'; readonly cluster: string; readonly does: 'keep' | 'lose' }
  /** Proxies: were led to the istiod of another cluster, since the endpoints of its Service are merged over clusters. */
  | { readonly on: 'proxy'; readonly cluster: string; readonly does: 'stray'; readonly to: string }
  /** Nodes of this cluster do not get to the gateways of another, to which others get: are refused; hear nothing. */
  | { readonly on: 'node'; readonly cluster: string; readonly to: string; readonly does: 'refuse' | 'drop' }
  /** The istiods of this cluster do not get to the API server of another any more. */
  | { readonly on: 'api-server'; readonly cluster: string; readonly to: string };

/** Mishaps that are staged, live. */
export class Mishaps {
  #staged: readonly Mishap[] = [];

  stage(mishaps: readonly Mishap[]): void {
    this.#staged = mishaps;
  }

  /** The first of its kind in a cluster, and for a port where it names one. */
  find<K extends Mishap['on']>(on: K, cluster: string, port?: number): Extract<Mishap, { readonly on: K }> | undefined {
    return this.#staged.find(
      (one): one is Extract<Mishap, { readonly on: K }> =>
        one.on === on && one.cluster === cluster && (!('port' in one) || one.port === undefined || one.port === port),
    );
  }

  /** What befalls the way from one cluster to another. */
  between<K extends 'node' | 'api-server'>(on: K, cluster: string, to: string): Extract<Mishap, { readonly on: K }> | undefined {
    return this.#staged.find(
      (one): one is Extract<Mishap, { readonly on: K }> => one.on === on && one.cluster === cluster && 'to' in one && one.to === to,
    );
  }
}
