import type { Admission, PodLogs, PodPorts } from '../sandbox.ts';
import type { ObjectStore } from '../store.ts';
import type { Authorizer } from './authorize.ts';
import { type Catalogue, catalogueOf, definitionType } from './resources.ts';
import type { Users } from './users.ts';

/** What every handler of one API server works with. */
export interface Context {
  readonly cluster: string;
  readonly store: ObjectStore;
  readonly users: Users;
  readonly authorizer: Authorizer;
  /** RFC 3339. */
  readonly clock: () => string;
  readonly ports: PodPorts;
  readonly admission: Admission;
  readonly logs: PodLogs;
  /** Of Kubernetes: 1.`minor`. */
  readonly minor: number;
  /** What is served now. */
  readonly catalogue: () => Catalogue;
}

/** Answers with the kinds that the definitions in a store ask for, made anew only when one of those changes. */
export function catalogueOfStore(store: ObjectStore): () => Catalogue {
  let known = { definitions: store.all(definitionType), catalogue: catalogueOf(store.all(definitionType)) };
  return () => {
    const definitions = store.all(definitionType);
    if (definitions !== known.definitions) known = { definitions, catalogue: catalogueOf(definitions) };
    return known.catalogue;
  };
}

/** What a handler answers: JSON text, or plain text where real servers answer with that. */
export interface Answer {
  readonly code: number;
  readonly contentType: string;
  /** Text or its bytes. */
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export function jsonAnswer(value: object, code = 200): Answer {
  return { code, contentType: 'application/json', body: JSON.stringify(value) };
}

export function textAnswer(text: string, code = 200): Answer {
  return { code, contentType: 'text/plain; charset=utf-8', body: text };
}
