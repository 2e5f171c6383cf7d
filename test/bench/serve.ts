// Serves a mesh as API servers over TLS until its standard input ends; prints where the kubeconfig is once it is ready. A large one whose pods
// nobody asks, or with `probed` one of three clusters whose istiods, sidecars and gateways answer.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { largeMesh, mesh } from '../../src/builder/mesh.ts';
import { takenAt } from '../../src/builder/timeline.ts';
import { startSandbox } from '../../src/sandbox/start.ts';

const isProbed = process.argv[2] === 'probed';
const [services = 2_500, pods = 10_000] = isProbed ? [] : process.argv.slice(2).map(Number);
const sandbox = await startSandbox(isProbed ? threeClusters() : largeMesh({ services, pods, managedFields: true }), {
  takenAt,
  reconcile: false,
  mintCertificates: isProbed,
});

/** Forty services in a primary and two remotes, each on a network of its own, as applications have them. */
function threeClusters() {
  let built = mesh().primaryRemote('east', ['west', 'south'], { networks: 2 }).namespace('shop', { injected: true }).withManagedFields();
  for (let at = 0; at < 40; at++) built = built.service(`app-${at}.shop`, { in: [['east', 'west', 'south'][at % 3] ?? 'east'] });
  return built.objects();
}

const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-bench-'));
const kubeconfig = join(folder, 'kubeconfig');
writeFileSync(kubeconfig, sandbox.kubeconfig(), { mode: 0o600 });
console.log(JSON.stringify({ kubeconfig, contexts: [...sandbox.clusters.keys()], resolve: sandbox.resolve }));
process.stdin.resume();
process.stdin.once('end', () => {
  rmSync(folder, { recursive: true });
  void sandbox.close().then(() => process.exit(0));
});
