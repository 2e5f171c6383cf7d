import type { Fault } from './fault.ts';
import { primaryRemoteFaults } from './primary-remote.ts';

export const faults: readonly Fault[] = [...primaryRemoteFaults];
