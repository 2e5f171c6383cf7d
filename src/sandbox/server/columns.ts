import type { KubeObject } from '../../model/kube.ts';
import { columnValue, fieldsAt, itemsAt, numberAt, scalar, textAt, valueAt } from './json-path.ts';
import { type Resource, typeKey } from './resources.ts';

/** A column of `kubectl get`. `priority` above 0: only with `-o wide`. */
export interface Column {
  readonly name: string;
  readonly type?: string;
  readonly priority?: number;
  readonly cell: (object: KubeObject, now: string) => string | number;
}

const name: Column = { name: 'Name', cell: ({ metadata }) => metadata.name };
const age: Column = { name: 'Age', cell: ({ metadata }, now) => sinceText(metadata.creationTimestamp, now) };

const text = (column: string, ...path: readonly string[]): Column => ({
  name: column,
  cell: (object) => textAt(object, ...path) || '<none>',
});
const count = (column: string, ...path: readonly string[]): Column => ({
  name: column,
  type: 'integer',
  cell: (object) => numberAt(object, ...path),
});
const wide = (column: Column): Column => ({ ...column, priority: 1 });
const size = (column: string, key: string): Column => ({
  name: column,
  type: 'integer',
  cell: (object) => Object.keys(fieldsAt(object, key)).length,
});

const containers: Column = wide({ name: 'Containers', cell: (object) => templateContainers(object, 'name') });
const images: Column = wide({ name: 'Images', cell: (object) => templateContainers(object, 'image') });
const selector: Column = wide({ name: 'Selector', cell: (object) => labelsText(fieldsAt(object, 'spec', 'selector', 'matchLabels')) });

const own: Readonly<Record<string, readonly Column[]>> = {
  '/ConfigMap': [size('Data', 'data'), age],
  '/Endpoints': [{ name: 'Endpoints', cell: endpointsText }, age],
  '/Event': [text('Type', 'type'), text('Reason', 'reason'), text('Message', 'message'), age],
  '/Namespace': [text('Status', 'status', 'phase'), age],
  '/Node': [
    { name: 'Status', cell: (object) => (conditionStatus(object, 'Ready') === 'True' ? 'Ready' : 'NotReady') },
    age,
    text('Version', 'status', 'nodeInfo', 'kubeletVersion'),
  ],
  '/Pod': [
    { name: 'Ready', cell: podReady },
    { name: 'Status', cell: podStatus },
    {
      name: 'Restarts',
      cell: (object) => String(containerStatuses(object).reduce((sum, status) => sum + numberAt(status, 'restartCount'), 0)),
    },
    age,
    wide(text('IP', 'status', 'podIP')),
    wide(text('Node', 'spec', 'nodeName')),
  ],
  '/Secret': [text('Type', 'type'), size('Data', 'data'), age],
  '/Service': [
    text('Type', 'spec', 'type'),
    text('Cluster-IP', 'spec', 'clusterIP'),
    { name: 'External-IP', cell: externalAddresses },
    { name: 'Port(s)', cell: portsText },
    age,
    wide({ name: 'Selector', cell: (object) => labelsText(fieldsAt(object, 'spec', 'selector')) }),
  ],
  '/ServiceAccount': [{ name: 'Secrets', type: 'integer', cell: (object) => itemsAt(object, 'secrets').length }, age],
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': [
    { name: 'Webhooks', type: 'integer', cell: (object) => itemsAt(object, 'webhooks').length },
    age,
  ],
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': [
    { name: 'Webhooks', type: 'integer', cell: (object) => itemsAt(object, 'webhooks').length },
    age,
  ],
  'apiextensions.k8s.io/CustomResourceDefinition': [{ name: 'Created At', cell: ({ metadata }) => metadata.creationTimestamp ?? '' }],
  'apps/DaemonSet': [
    count('Desired', 'status', 'desiredNumberScheduled'),
    count('Current', 'status', 'currentNumberScheduled'),
    count('Ready', 'status', 'numberReady'),
    count('Up-to-date', 'status', 'updatedNumberScheduled'),
    count('Available', 'status', 'numberAvailable'),
    age,
    containers,
    images,
    selector,
  ],
  'apps/Deployment': [
    { name: 'Ready', cell: (object) => `${numberAt(object, 'status', 'readyReplicas')}/${numberAt(object, 'spec', 'replicas')}` },
    count('Up-to-date', 'status', 'updatedReplicas'),
    count('Available', 'status', 'availableReplicas'),
    age,
    containers,
    images,
    selector,
  ],
  'apps/ReplicaSet': [
    count('Desired', 'spec', 'replicas'),
    count('Current', 'status', 'replicas'),
    count('Ready', 'status', 'readyReplicas'),
    age,
    containers,
    images,
    selector,
  ],
  'apps/StatefulSet': [
    { name: 'Ready', cell: (object) => `${numberAt(object, 'status', 'readyReplicas')}/${numberAt(object, 'spec', 'replicas')}` },
    age,
    containers,
    images,
  ],
  'coordination.k8s.io/Lease': [text('Holder', 'spec', 'holderIdentity'), age],
  'discovery.k8s.io/EndpointSlice': [
    text('AddressType', 'addressType'),
    {
      name: 'Ports',
      cell: (object) =>
        itemsAt(object, 'ports')
          .map((port) => textAt(port, 'port'))
          .join(',') || '<unset>',
    },
    { name: 'Endpoints', cell: sliceAddresses },
    age,
  ],
  'rbac.authorization.k8s.io/ClusterRole': [{ name: 'Created At', cell: ({ metadata }) => metadata.creationTimestamp ?? '' }],
  'rbac.authorization.k8s.io/ClusterRoleBinding': [{ name: 'Role', cell: roleText }, age],
  'rbac.authorization.k8s.io/Role': [{ name: 'Created At', cell: ({ metadata }) => metadata.creationTimestamp ?? '' }],
  'rbac.authorization.k8s.io/RoleBinding': [{ name: 'Role', cell: roleText }, age],
};

/** Columns of a kind: its own, those its definition asks for, or name and age. */
export function columnsOf(resource: Resource): readonly Column[] {
  const known = own[typeKey(resource)];
  if (known !== undefined) return [name, ...known];
  return resource.columns.length === 0 ? [name, age] : [name, ...resource.columns.map(customColumn)];
}

function customColumn({ name: title, type, jsonPath }: Resource['columns'][number]): Column {
  return {
    name: title,
    // A time is shown as an age, which is a text.
    type: type === 'date' ? 'string' : type,
    cell: (object, now) => {
      const value = columnValue(object, jsonPath);
      if (type === 'date') return sinceText(scalar(value) || undefined, now);
      if (typeof value === 'number') return value;
      return typeof value === 'object' && value !== null ? JSON.stringify(value) : scalar(value);
    },
  };
}

/** How long ago a time was, as kubectl shortens it: `45s`, `3m7s`, `5h`, `12d`, `2y`. */
export function sinceText(time: string | undefined, now: string): string {
  if (time === undefined) return '<unknown>';
  const seconds = Math.floor((Date.parse(now) - Date.parse(time)) / 1000);
  if (Number.isNaN(seconds)) return '<unknown>';
  if (seconds < 0) return seconds < -1 ? '<invalid>' : '0s';
  const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3600), Math.floor(seconds / 86_400)];
  const and = (rest: number, unit: string) => (rest === 0 ? '' : `${rest}${unit}`);
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return `${minutes}m${and(seconds % 60, 's')}`;
  if (hours < 3) return `${minutes}m`;
  if (hours < 8) return `${hours}h${and(minutes % 60, 'm')}`;
  if (hours < 48) return `${hours}h`;
  if (days < 8) return `${days}d${and(hours % 24, 'h')}`;
  if (days < 730) return `${days}d`;
  const years = Math.floor(days / 365);
  return years < 8 ? `${years}y${and(days % 365, 'd')}` : `${years}y`;
}

function containerStatuses(object: KubeObject) {
  return itemsAt(object, 'status', 'containerStatuses');
}

function podReady(object: KubeObject): string {
  return `${containerStatuses(object).filter((status) => status['ready'] === true).length}/${itemsAt(object, 'spec', 'containers').length}`;
}

function podStatus(object: KubeObject): string {
  if (object.metadata.deletionTimestamp !== undefined) return 'Terminating';
  const waiting = [...itemsAt(object, 'status', 'initContainerStatuses'), ...containerStatuses(object)]
    .map((status) => textAt(status, 'state', 'waiting', 'reason') || textAt(status, 'state', 'terminated', 'reason'))
    .find((reason) => reason !== '' && reason !== 'Completed');
  return waiting ?? (textAt(object, 'status', 'reason') || textAt(object, 'status', 'phase') || '<unknown>');
}

function conditionStatus(object: KubeObject, type: string): string {
  return textAt(
    itemsAt(object, 'status', 'conditions').find((condition) => condition['type'] === type),
    'status',
  );
}

function externalAddresses(object: KubeObject): string {
  const given = valueAt(object, ['spec', 'externalIPs']);
  const external: readonly unknown[] = Array.isArray(given) ? given : [];
  const ingress = itemsAt(object, 'status', 'loadBalancer', 'ingress').map((one) => textAt(one, 'ip') || textAt(one, 'hostname'));
  const shown = [...ingress, ...external.map(scalar)].filter((address) => address !== '');
  if (shown.length > 0) return shown.join(',');
  switch (textAt(object, 'spec', 'type')) {
    case 'LoadBalancer':
      return '<pending>';
    case 'ExternalName':
      return textAt(object, 'spec', 'externalName');
    default:
      return '<none>';
  }
}

function portsText(object: KubeObject): string {
  const ports = itemsAt(object, 'spec', 'ports').map((port) => {
    const node = textAt(port, 'nodePort');
    return `${textAt(port, 'port')}${node === '' ? '' : `:${node}`}/${textAt(port, 'protocol') || 'TCP'}`;
  });
  return ports.join(',') || '<none>';
}

function endpointsText(object: KubeObject): string {
  const all = itemsAt(object, 'subsets').flatMap((subset) => {
    const ports = itemsAt(subset, 'ports').map((port) => textAt(port, 'port'));
    return itemsAt(subset, 'addresses').flatMap((address) => ports.map((port) => `${textAt(address, 'ip')}:${port}`));
  });
  return shortened(all, '<none>');
}

function sliceAddresses(object: KubeObject): string {
  const all = itemsAt(object, 'endpoints').flatMap((endpoint) => {
    const addresses: unknown = endpoint['addresses'];
    return Array.isArray(addresses) ? addresses.map(scalar) : [];
  });
  return shortened(all, '<unset>');
}

function shortened(all: readonly string[], none: string): string {
  return all.length === 0 ? none : all.length <= 3 ? all.join(',') : `${all.slice(0, 3).join(',')} + ${all.length - 3} more...`;
}

function labelsText(labels: Readonly<Record<string, unknown>>): string {
  return (
    Object.entries(labels)
      .map(([key, value]) => `${key}=${scalar(value)}`)
      .join(',') || '<none>'
  );
}

function roleText(object: KubeObject): string {
  return `${textAt(object, 'roleRef', 'kind')}/${textAt(object, 'roleRef', 'name')}`;
}

function templateContainers(object: KubeObject, key: string): string {
  return itemsAt(object, 'spec', 'template', 'spec', 'containers')
    .map((container) => textAt(container, key))
    .join(',');
}
