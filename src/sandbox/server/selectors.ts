import type { Fields } from '../../model/decode.ts';
import type { KubeObject } from '../../model/kube.ts';
import { valueAt } from './json-path.ts';
import type { Resource } from './resources.ts';
import { badRequest } from './status.ts';

export type Selector = (object: KubeObject) => boolean;

/** What `labelSelector` and `fieldSelector` of a query select; nothing when they are not there. Throws 400 for what is not understood. */
export function selectorOf(resource: Resource, query: URLSearchParams): Selector | undefined {
  const labels = labelSelector(query.get('labelSelector') ?? '');
  const fields = fieldSelector(resource, query.get('fieldSelector') ?? '');
  if (labels.length === 0 && fields.length === 0) return undefined;
  return (object) => labels.every((matches) => matches(object.metadata.labels ?? {})) && fields.every((matches) => matches(object));
}

type LabelRequirement = (labels: Readonly<Record<string, string>>) => boolean;

const keyPattern = '[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?';
const exists = new RegExp(`^(!?)\\s*(${keyPattern})$`);
const compares = new RegExp(`^(${keyPattern})\\s*(==|=|!=|<|>)\\s*([-A-Za-z0-9_.]*)$`);
const isIn = new RegExp(`^(${keyPattern})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);

/** `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`: all of them hold. */
function labelSelector(text: string): readonly LabelRequirement[] {
  if (text.trim() === '') return [];
  return text.split(/,(?![^()]*\))/).map((part) => requirementOf(part.trim()));
}

function requirementOf(part: string): LabelRequirement {
  const existence = exists.exec(part);
  if (existence !== null) {
    const [, not = '', key = ''] = existence;
    return (labels) => (labels[key] !== undefined) === (not === '');
  }
  const comparison = compares.exec(part);
  if (comparison !== null) {
    const [, key = '', operator = '', value = ''] = comparison;
    return (labels) => holds(labels[key], operator, value);
  }
  const membership = isIn.exec(part);
  if (membership !== null) {
    const [, key = '', operator, list = ''] = membership;
    const values = list.split(',').map((value) => value.trim());
    return (labels) => {
      const value = labels[key];
      return (value !== undefined && values.includes(value)) === (operator === 'in');
    };
  }
  throw badRequest(`unable to parse requirement: found '${part}'`);
}

function holds(label: string | undefined, operator: string, value: string): boolean {
  switch (operator) {
    case '!=':
      return label !== value;
    case '<':
      return label !== undefined && label !== '' && Number(label) < Number(value);
    case '>':
      return label !== undefined && label !== '' && Number(label) > Number(value);
    default:
      return label === value;
  }
}

/** Fields that may be selected by, beside name and namespace. */
const selectable: Readonly<Record<string, readonly string[]>> = {
  '/Event': [
    'involvedObject.kind',
    'involvedObject.name',
    'involvedObject.namespace',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.fieldPath',
    'involvedObject.resourceVersion',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  '/Namespace': ['status.phase'],
  '/Node': ['spec.unschedulable'],
  '/Pod': [
    'spec.hostNetwork',
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'status.nominatedNodeName',
    'status.phase',
    'status.podIP',
  ],
  '/Secret': ['type'],
  '/Service': ['spec.clusterIP', 'spec.type'],
  'apps/ReplicaSet': ['status.replicas'],
};

/** `a=b,c!=d`; commas, equals signs and backslashes in a value are escaped by a backslash. */
function fieldSelector(resource: Resource, text: string): readonly Selector[] {
  if (text.trim() === '') return [];
  const allowed = ['metadata.name', 'metadata.namespace', ...(selectable[`${resource.group}/${resource.kind}`] ?? [])];
  return text
    .split(/(?<!\\),/)
    .filter((part) => part !== '')
    .map((part) => {
      const match = /^([^=!]+)(==|=|!=)((?:[^\\=]|\\[\\,=])*)$/s.exec(part);
      if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
      const [, field = '', operator, escaped = ''] = match;
      if (!allowed.includes(field)) throw badRequest(`field label not supported: ${field}`);
      const value = escaped.replace(/\\([\\,=])/g, '$1');
      return (object) => (fieldText(object, field) === value) === (operator !== '!=');
    });
}

function fieldText(object: Fields, field: string): string {
  const value = valueAt(object, field.split('.'));
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : defaultOf(field);
}

/** What an absent field counts as: false for truth values, else the empty text. */
function defaultOf(field: string): string {
  return field === 'spec.unschedulable' || field === 'spec.hostNetwork' ? 'false' : '';
}
