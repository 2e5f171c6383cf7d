import type { KubeObject } from '../../model/kube.ts';
import { columnsOf } from './columns.ts';
import type { Resource } from './resources.ts';
import { metadataText, objectText } from './wire.ts';

/** How much of each object stands beside its row. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface TableOptions {
  readonly resource: Resource;
  readonly version: string;
  readonly metaVersion: string;
  readonly include: IncludeObject;
  /** RFC 3339, for ages. */
  readonly now: string;
  /** The first table of a watch defines the columns, the others need not. */
  readonly withoutColumns?: boolean;
}

/** Objects as rows that `kubectl get` prints. `metadata` is that of the list, or the resourceVersion of the one object. */
export function tableText(objects: readonly KubeObject[], metadata: object, options: TableOptions): string {
  const columns = columnsOf(options.resource);
  const definitions = columns.map(({ name, type = 'string', priority = 0 }) => ({
    name,
    type,
    format: name === 'Name' ? 'name' : '',
    description: `${name} of the object.`,
    priority,
  }));
  const rows = objects.map((object) => {
    const cells = columns.map(({ cell }) => cell(object, options.now));
    return `{"cells":${JSON.stringify(cells)},"object":${includedText(object, options)}}`;
  });
  const head = `"kind":"Table","apiVersion":"meta.k8s.io/${options.metaVersion}","metadata":${JSON.stringify(metadata)}`;
  return `{${head},"columnDefinitions":${JSON.stringify(options.withoutColumns === true ? null : definitions)},"rows":[${rows.join(',')}]}`;
}

function includedText(object: KubeObject, { include, resource, version, metaVersion }: TableOptions): string {
  if (include === 'None') return 'null';
  return include === 'Object' ? objectText(object, resource, version) : metadataText(object, metaVersion);
}
