import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';

/** What a pod does with a forwarded port, over the channels as kubelet speaks them. */
export interface PodSide {
  readonly path: string;
  /** What came on the data channel, one entry per frame. */
  readonly received: Buffer[];
  readonly socket: WebSocket;
  send(data: Buffer | string): void;
  /** Words on the error channel. */
  complain(text: string): void;
}

/** Serves port-forward upgrades; `onPod` is called when one is open and both channels have said their port. */
export function podForwarder(onPod: (pod: PodSide) => void, onData?: (pod: PodSide, data: Buffer) => void) {
  const pods: PodSide[] = [];
  const server = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has('v4.channel.k8s.io') ? 'v4.channel.k8s.io' : false),
  });
  return {
    pods,
    onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
      server.handleUpgrade(request, socket, head, (open) => {
        const port = Buffer.alloc(2);
        port.writeUInt16LE(Number(new URL(request.url ?? '', 'http://x').searchParams.get('ports')));
        const received: Buffer[] = [];
        const pod: PodSide = {
          path: request.url ?? '',
          received,
          socket: open,
          send: (data) => open.send(Buffer.concat([Buffer.of(0), Buffer.from(data)])),
          complain: (text) => open.send(Buffer.concat([Buffer.of(1), Buffer.from(text)])),
        };
        pods.push(pod);
        for (const channel of [0, 1]) open.send(Buffer.concat([Buffer.of(channel), port]));
        open.on('message', (message) => {
          const frame = message as Buffer;
          received.push(frame.subarray(1));
          onData?.(pod, frame.subarray(1));
        });
        onPod(pod);
      });
    },
  };
}

/** Refuses an upgrade as API servers do. */
export function refuseUpgrade(socket: Duplex, status: number, body: string, contentType = 'application/json', more = ''): void {
  socket.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: ${contentType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${more}connection: close\r\n\r\n${body}`,
  );
}
