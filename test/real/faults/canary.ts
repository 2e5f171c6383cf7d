import type { Fault } from './fault.ts';

export const canaryFaults: readonly Fault[] = [];
