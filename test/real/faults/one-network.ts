import type { Fault } from './fault.ts';

export const oneNetworkFaults: readonly Fault[] = [];
