import { isDeepStrictEqual } from 'node:util';
import { type KindCollector, reduceObject } from '../../../src/collect/kind.ts';
import { kinds } from '../../../src/collect/kinds.ts';
import { openConnection } from '../../../src/kube/connect.ts';
import type { Connection } from '../../../src/kube/connection.ts';
import { type Fields, tally } from '../../../src/model/decode.ts';
import type { Lab } from '../lab/lab.ts';
import { until } from '../lab/processes.ts';
import type { Case } from './case.ts';

export const formCases: readonly Case[] = [
  {
    name: 'protobuf-says-the-same',
    topology: 'primary-remote',
    run: async (lab) => {
      const both = kinds.filter(({ message }) => message !== undefined);
      for (const { cluster } of lab.clusters()) for (const kind of both) await saysTheSame(lab, cluster.name, kind);
    },
  },
];

/** What is read of the objects of a kind is the same in both forms: whatever else is in the messages, nothing that counts is missed. */
async function saysTheSame(lab: Lab, name: string, kind: KindCollector): Promise<void> {
  const { server, ca, tokens } = lab.cluster(name).cluster;
  const connection = openConnection(
    {
      name,
      server,
      certificateAuthority: { pem: ca },
      insecureSkipTlsVerify: false,
      disableCompression: false,
      credential: { kind: 'token', token: tokens.admin },
    },
    { env: {} },
  );
  try {
    await until(`${kind.id} of ${name} in protobuf and in JSON`, async () => {
      const [protobuf, json] = [await reducedList(connection, kind, true), await reducedList(connection, kind, false)];
      if (json.length === 0) throw new Error(`${name} has no ${kind.id}.`);
      // Something may have changed in between.
      return isDeepStrictEqual(protobuf, json) ? true : undefined;
    });
  } finally {
    await connection.close();
  }
}

async function reducedList(connection: Connection, kind: KindCollector, isProtobuf: boolean): Promise<readonly unknown[]> {
  const { group, resource, message } = kind;
  const found: unknown[] = [];
  const odd = tally();
  const request = { group, version: kind.versions[0] ?? 'v1', resource, kind: kind.kind };
  const read = await connection.list(isProtobuf && message !== undefined ? { ...request, message } : request, {
    item: (object: Fields) => void found.push(reduceObject(kind, object, odd)),
    restart: () => void found.splice(0),
  });
  if (read.status !== 'read') throw new Error(`${resource}: ${JSON.stringify(read)}`);
  if (isProtobuf && read.value.pages !== 1) throw new Error(`${resource} came in ${read.value.pages} pages, not as one answer.`);
  return [...found, odd];
}
