import type { Fault } from './fault.ts';

export const ambientFaults: readonly Fault[] = [];
