import type { PathReport } from '../../../src/report/path/schema.ts';
import type { Lab } from '../lab/lab.ts';
import type { Case } from './case.ts';

/** What is predicted of a call is what the Envoy of the caller holds, and the one who answers behind the gateway is trusted by it. */
export const pathCases: readonly Case[] = [
  {
    name: 'path-agrees-with-envoy',
    topology: 'primary-remote',
    run: async (lab) => {
      await agrees(lab, 'cluster1/sample/client', 'def.sample:5000');
      await agrees(lab, 'cluster2/sample/client', 'abc.sample:5000');
    },
  },
];

async function agrees(lab: Lab, from: string, to: string): Promise<void> {
  const ran = await lab.meshdoctor(['path', from, to, '--all-contexts', '-o', 'json']);
  if (ran.code !== 0) throw new Error(`path ${from} ${to} ended with ${ran.code}: ${ran.stderr}${ran.stdout.slice(0, 2000)}`);
  // Its own schema; the program under test wrote it.
  const { ways } = JSON.parse(ran.stdout) as PathReport;
  const [way] = ways;
  for (const name of ['endpoints', 'mtls'] as const) {
    const hop = way?.hops.find((one) => one.hop === name);
    const said = hop?.measured.filter(({ by, decisive }) => by.startsWith('Envoy of ') && decisive) ?? [];
    if (said.length === 0 || said.some(({ verdict }) => verdict !== 'works'))
      throw new Error(`path ${from} ${to}: Envoy does not hold at ${name} what is predicted: ${JSON.stringify(hop)}`);
  }
}
