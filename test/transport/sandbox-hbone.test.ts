import { connect, type ConnectionOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mesh } from '../../src/builder/mesh.ts';
import { takenAt } from '../../src/builder/timeline.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';

/*
 * What the gateway of ambient in the sandbox does with who comes to 15008: as the real one was seen to (test/real/cases/ambient-questions.ts), without it.
 */

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox(mesh().ambient('east', 'west').objects(), { takenAt, reconcile: false });
}, 60_000);

afterAll(async () => await sandbox.close());

describe('port 15008 of an ambient gateway', () => {
  test.each<readonly [string, ConnectionOptions, string]>([
    ['as a ztunnel calls', { ALPNProtocols: ['h2'] }, 'TLSv1.3 h2'],
    ['without a protocol', {}, 'TLSv1.3 false'],
    ['in HTTP/1.1, on which it does not agree and goes on', { ALPNProtocols: ['http/1.1'] }, 'TLSv1.3 false'],
    ['in TLS 1.2 at most', { ALPNProtocols: ['h2'], maxVersion: 'TLSv1.2' }, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'],
  ])('%s', async (_how, options, said) => expect(await met(options)).toBe(said));
});

function met(options: ConnectionOptions): Promise<string> {
  const door = sandbox.resolve.find(({ from }) => from.port === 15_008);
  return new Promise((done) => {
    const socket = connect({ ...door?.to, ...options, rejectUnauthorized: false, checkServerIdentity: () => undefined }, () => {
      done(`${socket.getProtocol()} ${socket.alpnProtocol}`);
      socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
  });
}
