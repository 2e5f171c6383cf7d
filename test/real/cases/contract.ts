import type { Case } from './case.ts';

export const contractCases: readonly Case[] = [];
