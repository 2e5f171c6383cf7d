import { isDeepEqual } from '../../base/equal.ts';
import type { KubeObject } from '../../model/kube.ts';
import { fieldsAt, itemsAt, scalar, textAt, valueAt } from './json-path.ts';
import { type Resource, typeKey } from './resources.ts';
import { type Invalid, invalid } from './status.ts';

/** Throws 422 for an object that Kubernetes would not take: names, labels, and what cannot be changed once it is there. */
export function validate(resource: Resource, object: KubeObject, existing: KubeObject | undefined): void {
  const problems = [
    ...namesOf(resource, object),
    ...labelsOf(object),
    ...(existing === undefined ? incomplete(resource, object) : unchangeable(resource, object, existing)),
  ];
  if (problems.length > 0) throw invalid(resource, object.metadata.name, problems);
}

const subdomain = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const label = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;

function namesOf(resource: Resource, { metadata: { name } }: KubeObject): readonly Invalid[] {
  const isPathSegment = resource.group === 'rbac.authorization.k8s.io';
  if (isPathSegment) return /[/%]/.test(name) ? [wrong('metadata.name', name, "may not contain '/' or '%'")] : [];
  const isLabel = ['/Namespace', '/Service'].includes(typeKey(resource));
  const isFit = isLabel ? label.test(name) && name.length <= 63 : subdomain.test(name) && name.length <= 253;
  return isFit ? [] : [wrong('metadata.name', name, isLabel ? labelRule : subdomainRule)];
}

const labelRule =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const labelValueRule =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

function labelsOf({ metadata: { labels = {} } }: KubeObject): readonly Invalid[] {
  return Object.values(labels).flatMap((value): readonly Invalid[] => {
    if (typeof value === 'string' && value.length <= 63 && /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/.test(value)) return [];
    return [wrong('metadata.labels', scalar(value), labelValueRule)];
  });
}

function incomplete(resource: Resource, object: KubeObject): readonly Invalid[] {
  const type = typeKey(resource);
  if (type === '/Pod') return containersOf(object, 'spec');
  if (type === '/Service') return itemsAt(object, 'spec', 'ports').length > 0 || isPortless(object) ? [] : [required('spec.ports')];
  if (resource.group !== 'apps' || valueAt(object, ['spec', 'template']) === undefined) return [];
  const selector = fieldsAt(object, 'spec', 'selector', 'matchLabels');
  const labels = fieldsAt(object, 'spec', 'template', 'metadata', 'labels');
  const isSelected = Object.entries(selector).every(([key, value]) => labels[key] === value);
  const hasSelector = Object.keys(fieldsAt(object, 'spec', 'selector')).length > 0;
  return [
    ...(hasSelector ? [] : [required('spec.selector')]),
    ...(isSelected ? [] : [wrong('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')]),
    ...containersOf(object, 'spec', 'template', 'spec'),
  ];
}

function isPortless(object: KubeObject): boolean {
  return textAt(object, 'spec', 'clusterIP') === 'None' || textAt(object, 'spec', 'type') === 'ExternalName';
}

function containersOf(object: KubeObject, ...path: readonly string[]): readonly Invalid[] {
  return itemsAt(object, ...path, 'containers').length > 0 ? [] : [required(`${path.join('.')}.containers`)];
}

function unchangeable(resource: Resource, object: KubeObject, existing: KubeObject): readonly Invalid[] {
  const fixed = (...path: readonly string[]): readonly Invalid[] => {
    const value = valueAt(object, path);
    return isDeepEqual(value, valueAt(existing, path)) ? [] : [wrong(path.join('.'), value, 'field is immutable')];
  };
  switch (typeKey(resource)) {
    case 'apps/DaemonSet':
    case 'apps/Deployment':
    case 'apps/ReplicaSet':
    case 'apps/StatefulSet':
      return fixed('spec', 'selector');
    case 'discovery.k8s.io/EndpointSlice':
      return fixed('addressType');
    case 'rbac.authorization.k8s.io/ClusterRoleBinding':
    case 'rbac.authorization.k8s.io/RoleBinding':
      return fixed('roleRef').map(() => wrong('roleRef', object['roleRef'], 'cannot change roleRef'));
    case '/Secret':
      return [...fixed('type'), ...(existing['immutable'] === true ? fixed('data') : [])];
    case '/ConfigMap':
      return existing['immutable'] === true ? [...fixed('data'), ...fixed('binaryData')] : [];
    case '/Service':
      return textAt(existing, 'spec', 'clusterIP') === '' || textAt(object, 'spec', 'type') === 'ExternalName'
        ? []
        : fixed('spec', 'clusterIP').map(() =>
            wrong('spec.clusterIPs[0]', valueAt(object, ['spec', 'clusterIP']), 'may not change once set'),
          );
    case '/Pod':
      return isDeepEqual(comparable(object), comparable(existing)) ? [] : [forbiddenPodChange];
    default:
      return [];
  }
}

const forbiddenPodChange: Invalid = {
  field: 'spec',
  reason: 'FieldValueForbidden',
  message:
    'Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
};

/** The part of a pod's specification that stays as it was created. */
function comparable(pod: KubeObject): object {
  const {
    activeDeadlineSeconds: _deadline,
    tolerations: _tolerations,
    terminationGracePeriodSeconds: _grace,
    ...spec
  } = fieldsAt(pod, 'spec');
  const named = (key: string) => itemsAt(pod, 'spec', key).map(({ image: _image, ...container }) => container);
  return { ...spec, containers: named('containers'), initContainers: named('initContainers') };
}

function required(field: string): Invalid {
  return { field, reason: 'FieldValueRequired', message: 'Required value' };
}

function wrong(field: string, value: unknown, why: string): Invalid {
  const shown = typeof value === 'object' ? JSON.stringify(value) : JSON.stringify(scalar(value));
  return { field, reason: 'FieldValueInvalid', message: `Invalid value: ${shown}: ${why}` };
}
