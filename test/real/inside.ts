import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startLab } from './lab/lab.ts';
import { topologyNamed } from './topologies/all.ts';

/*
 * First process of a run that somebody keeps: builds one topology and stays until it is ended. Arguments: topology, folder. On a socket in the folder it
 * takes the path of a module, whose `work(lab, args, say)` it runs: what is being written can be tried on a mesh that is there.
 */

async function main(): Promise<void> {
  const [name = '', folder = ''] = process.argv.slice(2);
  const topology = topologyNamed(name);
  try {
    const lab = await startLab(folder, topology.clusters);
    await topology.build(lab);
    const server = createServer((request, response) => {
      const given = new URL(request.url ?? '/', 'http://run');
      const say = (line: string): void => void response.write(`${line}\n`);
      const works = async (): Promise<void> => {
        // Bundled from work.ts a moment ago.
        const module = (await import(pathToFileURL(given.pathname).href)) as typeof import('./work.ts');
        await module.work(lab, given.searchParams.getAll('arg'), say);
      };
      works()
        .catch((error: unknown) => say(error instanceof Error ? (error.stack ?? error.message) : String(error)))
        .finally(() => response.end());
    });
    server.listen(join(folder, 'work.sock'));
    writeFileSync(join(folder, 'ready'), '');
  } catch (error) {
    writeFileSync(join(folder, 'failure'), error instanceof Error ? error.message : String(error));
  }
  // Until somebody ends us.
  setInterval(() => undefined, 3_600_000);
}

await main();
