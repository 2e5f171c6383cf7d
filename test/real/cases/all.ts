import { accessCases } from './access.ts';
import type { Case } from './case.ts';
import { chartCases } from './chart.ts';
import { contractCases } from './contract.ts';
import { formCases } from './forms.ts';
import { pathCases } from './path.ts';
import { probeCases } from './probes.ts';

export const cases: readonly Case[] = [...accessCases, ...chartCases, ...contractCases, ...formCases, ...pathCases, ...probeCases];
