/** A fault that is not found, or beside which something else is said, and why that is right or not yet mended. */
export interface KnownMiss {
  readonly fault: string;
  /** Of `meshes.ts`, or a recording. */
  readonly mesh: string;
  readonly why: string;
}

/** On built meshes. The tests compare this list with what happens: neither more nor less. */
export const knownMisses: readonly KnownMiss[] = [];

/** Faults that are found, with something beside them that is no consequence of them. */
export const knownStrangers: readonly KnownMiss[] = [];

const tooYoung = 'The mesh was recorded within minutes of its installation, when a load balancer may still be waiting for its address.';

const namedByRevision =
  'The recorded mesh has a revision, and its route to istiod names it: a route for every name comes after that and takes nothing away.';

/** In recordings of real meshes. */
export const knownMissesInRecordings: readonly KnownMiss[] = [
  { fault: 'gateway-address-pending', mesh: 'primary-remote', why: tooYoung },
  { fault: 'gateway-of-primary-pending', mesh: 'primary-remote', why: tooYoung },
  { fault: 'gateway-address-pending', mesh: 'multi-primary', why: tooYoung },
  { fault: 'gateway-of-primary-pending', mesh: 'primary-remote-one-network', why: tooYoung },
  { fault: 'nothing-gives-addresses', mesh: 'primary-remote', why: tooYoung },
  { fault: 'nothing-gives-addresses', mesh: 'multi-primary', why: tooYoung },
  { fault: 'second-route-for-every-name', mesh: 'primary-remote', why: namedByRevision },
  { fault: 'route-of-before-takes-every-name', mesh: 'primary-remote', why: namedByRevision },
  {
    fault: 'pod-networks-replaced-in-old-release',
    mesh: 'canary',
    why: 'The revisions of the recorded mesh are of releases that keep the whole list.',
  },
  {
    fault: 'gateways-overlap-in-a-namespace',
    mesh: 'primary-remote',
    why: 'The recorded mesh has no service in that namespace that both Gateways could let through.',
  },
];
