import type { IncomingMessage } from 'node:http';
import { readYaml } from '../../collect/yaml.ts';
import { protobufObject } from './protobuf.ts';
import { ApiError, badRequest, failure, unsupportedMediaType } from './status.ts';

const mostBytes = 3 * 1024 * 1024;

export const objectTypes = ['application/json', 'application/yaml'] as const;
export const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/** Media type of a request's body, without its parameters; JSON when it says nothing. */
export function contentTypeOf({ headers }: IncomingMessage): string {
  return (headers['content-type'] ?? 'application/json').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** The body of a request as text. Throws 413 for one that is too large. */
export async function bodyText(message: IncomingMessage): Promise<string> {
  return (await bodyBytes(message)).toString();
}

async function bodyBytes(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message) {
    const data: unknown = chunk;
    if (!Buffer.isBuffer(data)) continue;
    bytes += data.length;
    if (bytes > mostBytes) throw tooLarge();
    chunks.push(data);
  }
  return Buffer.concat(chunks);
}

/** The body of a request as a value; undefined when it is empty. */
export async function bodyValue(message: IncomingMessage): Promise<unknown> {
  const bytes = await bodyBytes(message);
  if (bytes.length === 0) return undefined;
  switch (contentTypeOf(message)) {
    case 'application/json':
      return jsonValue(bytes.toString());
    case 'application/yaml':
      return yamlValue(bytes.toString());
    case 'application/vnd.kubernetes.protobuf': {
      const object = protobufObject(bytes);
      if (object !== undefined) return object;
      throw unsupportedMediaType(objectTypes);
    }
    default:
      throw unsupportedMediaType(objectTypes);
  }
}

export function jsonValue(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    throw badRequest("the object provided is unrecognized: couldn't get version/kind; json parse error");
  }
}

export function yamlValue(text: string): unknown {
  const read = readYaml(text);
  if ('invalid' in read) throw badRequest(`error decoding YAML: ${read.invalid}`);
  return read.value;
}

function tooLarge(): ApiError {
  const message = `Request entity too large: limit is ${mostBytes}`;
  return new ApiError(413, { status: failure(413, 'RequestEntityTooLarge', message) }, message);
}
