import { connect } from 'node:tls';
import { expect, test, vi } from 'vitest';
import { mesh } from '../../src/builder/mesh.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { checkLive, loud } from '../support/live-check.ts';

/* What operating systems trust cannot be signed by here: the certificate that the sandbox presents under a public name is made one of them. */

const trusted = vi.hoisted((): string[] => []);
vi.mock('node:tls', async (original) => ({ ...(await original<typeof import('node:tls')>()), rootCertificates: trusted }));

const built = mesh()
  .externalControlPlane('outside', 'config')
  .namespace('shop', { injected: true })
  .workload('caller.shop', { in: ['config'] });

/** PEM of what answers under the public name of istiod. */
async function presented({ resolve }: Sandbox): Promise<string> {
  const at = resolve.find(({ from }) => from.port === 15012 && /[a-z]/.test(from.host));
  if (at === undefined) throw new Error('istiod has no public name');
  return await new Promise((done, failed) => {
    const socket = connect({ ...at.to, servername: at.from.host, ALPNProtocols: ['h2'], rejectUnauthorized: false });
    socket.once('error', failed);
    socket.once('secureConnect', () => {
      const leaf = socket.getPeerX509Certificate();
      socket.destroy();
      if (leaf === undefined) failed(new Error('no certificate'));
      else done(leaf.toString());
    });
  });
}

test('15012 under a public name, with a certificate of a public authority: told as context, and nothing is wrong', {
  timeout: 120_000,
}, async () => {
  const sandbox = await startSandbox(built.objects(), { takenAt: built.takenAt, reconcile: false });
  try {
    trusted.push(await presented(sandbox));
    const { report } = await checkLive(sandbox);
    expect(loud(report)).toEqual([]);
    const codes = report.findings.map(({ code, severity, certainty }) => `${code} ${severity} ${certainty}`);
    expect(codes).toContain('foreign-istiod-certificate/publicAuthority info possible');
  } finally {
    await sandbox.close();
  }
});
