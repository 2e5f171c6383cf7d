import { accessCases } from './access.ts';
import type { Case } from './case.ts';
import { contractCases } from './contract.ts';

export const cases: readonly Case[] = [...accessCases, ...contractCases];
