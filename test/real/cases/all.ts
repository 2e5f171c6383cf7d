import { accessCases } from './access.ts';
import type { Case } from './case.ts';
import { contractCases } from './contract.ts';
import { formCases } from './forms.ts';

export const cases: readonly Case[] = [...accessCases, ...contractCases, ...formCases];
