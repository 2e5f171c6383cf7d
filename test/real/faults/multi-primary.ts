import type { Fault } from './fault.ts';

export const multiPrimaryFaults: readonly Fault[] = [];
