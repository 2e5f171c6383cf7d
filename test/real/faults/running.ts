import type { Fault } from './fault.ts';

export const runningFaults: readonly Fault[] = [];
