import { Duplex } from 'node:stream';
import { connect, type ConnectionOptions } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { peekClientHello } from './client-hello.ts';

/** What a TLS client sends first, as bytes. */
async function hello(options: ConnectionOptions): Promise<Buffer> {
  return await new Promise((done) => {
    const stream = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, next) => {
        done(chunk);
        next();
      },
    });
    connect({ socket: stream, rejectUnauthorized: false, ...options }).on('error', () => undefined);
  });
}

describe('peekClientHello', () => {
  it('reads server name and protocols', async () => {
    const name = 'outbound_.5000_._.abc.shop.svc.cluster.local';
    expect(peekClientHello(await hello({ servername: name, ALPNProtocols: ['istio', 'h2'] }))).toEqual({
      serverName: name,
      protocols: ['istio', 'h2'],
    });
    expect(peekClientHello(await hello({}))).toEqual({ protocols: [] });
    expect(peekClientHello(await hello({ servername: 'old.example', maxVersion: 'TLSv1.2' }))).toEqual({
      serverName: 'old.example',
      protocols: [],
    });
  });

  it('waits for what has not come yet, byte by byte', async () => {
    const bytes = await hello({ servername: 'a.example', ALPNProtocols: ['istio'] });
    for (let length = 0; length < bytes.length; length++) expect(peekClientHello(bytes.subarray(0, length))).toBe('more');
    // What follows the ClientHello is not its business.
    expect(peekClientHello(Buffer.concat([bytes, Buffer.from('more')]))).toMatchObject({ serverName: 'a.example' });
  });

  it('puts together what is spread over records', async () => {
    const bytes = await hello({ servername: 'a.example' });
    const message = bytes.subarray(5);
    const record = (part: Buffer): Buffer =>
      Buffer.concat([bytes.subarray(0, 3), Buffer.from([part.length >> 8, part.length & 0xff]), part]);
    const spread = Buffer.concat([record(message.subarray(0, 3)), record(message.subarray(3, 90)), record(message.subarray(90))]);
    expect(peekClientHello(spread)).toMatchObject({ serverName: 'a.example' });
  });

  it('takes nothing else for one', async () => {
    const bytes = await hello({ servername: 'a.example' });
    expect(peekClientHello(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toBe('none');
    expect(peekClientHello(Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0]))).toBe('none');
    const cut = Buffer.concat([bytes.subarray(0, 5), Buffer.from([1, 0, 0, 8]), bytes.subarray(9, 17)]);
    cut.writeUInt16BE(12, 3);
    expect(peekClientHello(cut)).toBe('none');
    expect(peekClientHello(Buffer.alloc(80_000, Buffer.from([22, 3, 1, 64, 0])))).toBe('none');
  });
});
