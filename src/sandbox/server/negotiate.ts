import { protobufType } from '../../model/protobuf.ts';
import { notAcceptable } from './status.ts';

/** In which form a client wants objects. */
export interface Form {
  readonly as: 'object' | 'metadata' | 'table' | 'protobuf';
  /** Version of meta.k8s.io, of tables and metadata. */
  readonly metaVersion: 'v1' | 'v1beta1';
  readonly isYaml: boolean;
}

interface MediaRange {
  readonly type: string;
  readonly quality: number;
  readonly parameters: ReadonlyMap<string, string>;
}

const accepted = ['application/json', 'application/yaml'] as const;

/**
 * The first form of an `Accept` header that can be given; 406 when there is none. `isList` tells lists from single objects, `hasMessage` whether
 * it can be said in protobuf.
 */
export function formOf(accept: string | undefined, isList: boolean, hasMessage = false): Form {
  for (const range of rangesOf(accept)) {
    const form = rangeForm(range, isList);
    if (form !== undefined) return form;
  }
  if (hasMessage && wantsProtobuf(accept)) return { as: 'protobuf', metaVersion: 'v1', isYaml: false };
  throw notAcceptable(accepted);
}

/** Which kind and version of aggregated discovery is asked for, when it is. */
export function discoveryVersionOf(accept: string | undefined): string | undefined {
  for (const { parameters } of rangesOf(accept)) {
    const isAggregated = parameters.get('as') === 'APIGroupDiscoveryList' && parameters.get('g') === 'apidiscovery.k8s.io';
    const version = parameters.get('v') ?? '';
    if (isAggregated && ['v2', 'v2beta1'].includes(version)) return version;
  }
  return undefined;
}

/** Whether a client takes nothing but protobuf. Go clients take JSON as well and get that, for it says more here. */
export function wantsProtobuf(accept: string | undefined): boolean {
  return rangesOf(accept).every(isProtobuf);
}

function isProtobuf({ type, parameters }: MediaRange): boolean {
  return type === protobufType && !parameters.has('as');
}

function rangeForm({ type, parameters }: MediaRange, isList: boolean): Form | undefined {
  const isYaml = type === 'application/yaml';
  if (!isYaml && !['application/json', 'application/*', '*/*'].includes(type)) return undefined;
  const as = parameters.get('as');
  if (as === undefined) return { as: 'object', metaVersion: 'v1', isYaml };
  const metaVersion = parameters.get('v');
  if (parameters.get('g') !== 'meta.k8s.io' || (metaVersion !== 'v1' && metaVersion !== 'v1beta1')) return undefined;
  if (as === 'Table') return { as: 'table', metaVersion, isYaml };
  if (as === (isList ? 'PartialObjectMetadataList' : 'PartialObjectMetadata')) return { as: 'metadata', metaVersion, isYaml };
  return undefined;
}

/** Media ranges, best first; equally good ones in their order. */
function rangesOf(accept = '*/*'): readonly MediaRange[] {
  const ranges = accept.split(',').map((part): MediaRange => {
    const [type = '', ...rest] = part.split(';').map((piece) => piece.trim());
    const parameters = new Map(
      rest.map((parameter): [string, string] => {
        const at = parameter.indexOf('=');
        return at < 0 ? [parameter, ''] : [parameter.slice(0, at).trim(), parameter.slice(at + 1).trim()];
      }),
    );
    return { type: type.toLowerCase(), quality: Number(parameters.get('q') ?? 1), parameters };
  });
  return ranges.sort((a, b) => b.quality - a.quality);
}

/** Whether the client takes gzip. */
export function takesGzip(header: string | undefined): boolean {
  return (header ?? '').split(',').some((coding) => /^\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/.test(coding));
}
