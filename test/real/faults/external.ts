import type { Fault } from './fault.ts';

export const externalFaults: readonly Fault[] = [];
