import type { ClusterName } from '../model/ids.ts';
import type { Json } from '../model/kube.ts';
import { type ConnectionOptions, isRead, openChannel } from './connect.ts';
import type { Read } from './connection.ts';
import type { ClusterTarget } from './target.ts';

/*
 * The only module that changes clusters. Who may import it is a list in test/architecture: everything else can do no more than read.
 */

/** One change of one object. `path`: of the object; of its list for `create`. `resource`: as refusals name it. */
export type Write = {
  readonly path: string;
  readonly resource: string;
} /** A JSON merge patch, or a strategic merge patch of one of Kubernetes' own kinds. */ & (
  | { readonly verb: 'patch'; readonly patch: Json; readonly isStrategic?: true }
  | { readonly verb: 'create'; readonly object: Json }
  /** `uid`: only this very object. */
  | { readonly verb: 'delete'; readonly uid?: string }
);

/** One API server, and the right to write to it. A change is sent once: none is tried again, since nobody knows what became of the first try. */
export interface Writer {
  readonly name: ClusterName;
  /** The whole object, or list; of each its metadata alone where that is all that may be seen. */
  get(path: string, resource: string, isMetadataOnly?: boolean): Promise<Read<unknown>>;
  /** Gives the object as the server has it, or would have it: `isTrial` asks for everything but the change itself. */
  write(change: Write, isTrial: boolean): Promise<Read<unknown>>;
  close(): Promise<void>;
}

/** An old API server gives the whole objects all the same. */
const metadataOnly = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';
const methods = { patch: 'PATCH', create: 'POST', delete: 'DELETE' } as const;

export function openWriter(target: ClusterTarget, options: ConnectionOptions = {}): Writer {
  const { name, caller, failed, refused, close } = openChannel(target, { ...options, maxRetries: 0 });
  return {
    name,
    async get(path, resource, isMetadataOnly = false) {
      try {
        const said = await caller.call({ method: 'GET', path, headers: { Accept: isMetadataOnly ? metadataOnly : 'application/json' } });
        return isRead(said) ? { status: 'read', value: said.json } : refused(said, { verb: 'get', resource });
      } catch (error) {
        return failed(error);
      }
    },
    async write(change, isTrial) {
      const query = `?fieldManager=meshdoctor${isTrial ? '&dryRun=All' : ''}`;
      try {
        const said = await caller.call({
          method: methods[change.verb],
          path: `${change.path}${change.verb === 'delete' ? '' : query}`,
          headers: { Accept: 'application/json', 'Content-Type': typeOf(change) },
          body: JSON.stringify(bodyOf(change, isTrial)),
        });
        return isRead(said) ? { status: 'read', value: said.json } : refused(said, { verb: change.verb, resource: change.resource });
      } catch (error) {
        return failed(error);
      }
    },
    close,
  };
}

function typeOf(change: Write): string {
  if (change.verb !== 'patch') return 'application/json';
  return change.isStrategic === true ? 'application/strategic-merge-patch+json' : 'application/merge-patch+json';
}

function bodyOf(change: Write, isTrial: boolean): Json {
  switch (change.verb) {
    case 'patch':
      return change.patch;
    case 'create':
      return change.object;
    case 'delete':
      return {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        // Of a deletion with a body the API server reads no query (apiserver/pkg/endpoints/handlers/delete.go): asked there, a trial would delete.
        ...(isTrial ? { dryRun: ['All'] } : {}),
        ...(change.uid === undefined ? {} : { preconditions: { uid: change.uid } }),
      };
    default:
      return change satisfies never;
  }
}
