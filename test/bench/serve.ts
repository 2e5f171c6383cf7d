// Serves a large mesh as API servers over TLS until its standard input ends; prints where the kubeconfig is once it is ready.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { largeMesh } from '../../src/builder/mesh.ts';
import { takenAt } from '../../src/builder/timeline.ts';
import { startSandbox } from '../../src/sandbox/start.ts';

const [services = 2_500, pods = 10_000] = process.argv.slice(2).map(Number);
const sandbox = await startSandbox(largeMesh({ services, pods, managedFields: true }), {
  takenAt,
  reconcile: false,
  mintCertificates: false,
});
const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-bench-'));
const kubeconfig = join(folder, 'kubeconfig');
writeFileSync(kubeconfig, sandbox.kubeconfig(), { mode: 0o600 });
console.log(JSON.stringify({ kubeconfig, contexts: [...sandbox.clusters.keys()] }));
process.stdin.resume();
process.stdin.once('end', () => {
  rmSync(folder, { recursive: true });
  void sandbox.close().then(() => process.exit(0));
});
