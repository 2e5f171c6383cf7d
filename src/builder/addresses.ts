/** Addresses of one cluster. Every cluster of a mesh has ranges of its own, told by its number. */
export interface Addresses {
  readonly pod: () => string;
  readonly service: () => string;
  readonly nodePort: () => number;
  /** How many were given so far: hand it to `addressesOf` to go on from there. */
  readonly used: () => number;
}

export const nodeAddress = (number: number): string => `10.${number}.0.10`;
export const apiServerAddress = (number: number): string => `10.${number}.0.1`;
export const loadBalancerAddress = (number: number, host: number): string => `10.200.${number}.${host}`;
/** ClusterIP of Service `kubernetes`, the first of the range. */
export const firstServiceAddress = (number: number): string => `10.${serviceRange(number)}.0.1`;

/** Gives addresses one after the other, each of them once. */
export function addressesOf(number: number, from = 0): Addresses {
  let used = from;
  return {
    pod: () => {
      used += 1;
      return `10.${number}.${1 + Math.floor(used / 250)}.${(used % 250) + 1}`;
    },
    service: () => {
      used += 1;
      // 40503 and the size of the range have no common factor: scattered as an API server does it, yet never twice.
      const host = 256 + ((used * 40_503) % 65_000);
      return `10.${serviceRange(number)}.${host >> 8}.${host & 255}`;
    },
    nodePort: () => {
      used += 1;
      return 30_000 + ((used * 977) % 2_767);
    },
    used: () => used,
  };
}

function serviceRange(number: number): number {
  return 95 + number;
}
