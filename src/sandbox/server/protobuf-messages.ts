/*
 * The messages that Go clients send as protobuf: what `kubectl create KIND` and `kubectl auth` are made of. A field is its number, its name
 * in JSON and what it holds:
 *
 *   text, number, flag    left out when empty, as JSON does with values that are no pointers
 *   number?, flag?        kept whatever it is
 *   texts, map, bytes     repeated texts; texts by text; base64 by text
 *   intOrString           a number or a text
 *   time                  RFC 3339
 *   ignored               what a server makes itself
 *   Message, Message[]    another message, or several
 */

type Field = readonly [number: number, name: string, holds: string];

const metadata: Field = [1, 'metadata', 'ObjectMeta'];

export const messages: Readonly<Record<string, readonly Field[]>> = {
  ObjectMeta: [
    [1, 'name', 'text'],
    [2, 'generateName', 'text'],
    [3, 'namespace', 'text'],
    [5, 'uid', 'text'],
    [6, 'resourceVersion', 'text'],
    [7, 'generation', 'number'],
    [8, 'creationTimestamp', 'time'],
    [11, 'labels', 'map'],
    [12, 'annotations', 'map'],
    [13, 'ownerReferences', 'OwnerReference[]'],
    [14, 'finalizers', 'texts'],
  ],
  OwnerReference: [
    [1, 'kind', 'text'],
    [3, 'name', 'text'],
    [4, 'uid', 'text'],
    [5, 'apiVersion', 'text'],
    [6, 'controller', 'flag?'],
    [7, 'blockOwnerDeletion', 'flag?'],
  ],
  LabelSelector: [
    [1, 'matchLabels', 'map'],
    [2, 'matchExpressions', 'LabelSelectorRequirement[]'],
  ],
  LabelSelectorRequirement: [
    [1, 'key', 'text'],
    [2, 'operator', 'text'],
    [3, 'values', 'texts'],
  ],
  DeleteOptions: [
    [1, 'gracePeriodSeconds', 'number?'],
    [2, 'preconditions', 'Preconditions'],
    [3, 'orphanDependents', 'flag?'],
    [4, 'propagationPolicy', 'text'],
    [5, 'dryRun', 'texts'],
  ],
  Preconditions: [
    [1, 'uid', 'text'],
    [2, 'resourceVersion', 'text'],
  ],

  Namespace: [metadata, [2, 'spec', 'NamespaceSpec'], [3, 'status', 'ignored']],
  NamespaceSpec: [[1, 'finalizers', 'texts']],
  ConfigMap: [metadata, [2, 'data', 'map'], [3, 'binaryData', 'bytes'], [4, 'immutable', 'flag?']],
  Secret: [metadata, [2, 'data', 'bytes'], [3, 'type', 'text'], [4, 'stringData', 'map'], [5, 'immutable', 'flag?']],
  ServiceAccount: [
    metadata,
    [2, 'secrets', 'ObjectReference[]'],
    [3, 'imagePullSecrets', 'LocalObjectReference[]'],
    [4, 'automountServiceAccountToken', 'flag?'],
  ],
  LocalObjectReference: [[1, 'name', 'text']],
  ObjectReference: [
    [1, 'kind', 'text'],
    [2, 'namespace', 'text'],
    [3, 'name', 'text'],
    [4, 'uid', 'text'],
    [5, 'apiVersion', 'text'],
    [6, 'resourceVersion', 'text'],
    [7, 'fieldPath', 'text'],
  ],
  Service: [metadata, [2, 'spec', 'ServiceSpec'], [3, 'status', 'ignored']],
  ServiceSpec: [
    [1, 'ports', 'ServicePort[]'],
    [2, 'selector', 'map'],
    [3, 'clusterIP', 'text'],
    [4, 'type', 'text'],
    [5, 'externalIPs', 'texts'],
    [7, 'sessionAffinity', 'text'],
    [8, 'loadBalancerIP', 'text'],
    [9, 'loadBalancerSourceRanges', 'texts'],
    [10, 'externalName', 'text'],
    [11, 'externalTrafficPolicy', 'text'],
    [12, 'healthCheckNodePort', 'number'],
    [13, 'publishNotReadyAddresses', 'flag'],
    [17, 'ipFamilyPolicy', 'text'],
    [18, 'clusterIPs', 'texts'],
    [19, 'ipFamilies', 'texts'],
    [20, 'allocateLoadBalancerNodePorts', 'flag?'],
    [21, 'loadBalancerClass', 'text'],
    [22, 'internalTrafficPolicy', 'text'],
    [23, 'trafficDistribution', 'text'],
  ],
  ServicePort: [
    [1, 'name', 'text'],
    [2, 'protocol', 'text'],
    [3, 'port', 'number'],
    [4, 'targetPort', 'intOrString'],
    [5, 'nodePort', 'number'],
    [6, 'appProtocol', 'text'],
  ],

  Deployment: [metadata, [2, 'spec', 'DeploymentSpec'], [3, 'status', 'ignored']],
  DeploymentSpec: [
    [1, 'replicas', 'number?'],
    [2, 'selector', 'LabelSelector'],
    [3, 'template', 'PodTemplateSpec'],
    [4, 'strategy', 'DeploymentStrategy'],
    [5, 'minReadySeconds', 'number'],
    [6, 'revisionHistoryLimit', 'number?'],
    [7, 'paused', 'flag'],
    [9, 'progressDeadlineSeconds', 'number?'],
  ],
  DeploymentStrategy: [
    [1, 'type', 'text'],
    [2, 'rollingUpdate', 'RollingUpdateDeployment'],
  ],
  RollingUpdateDeployment: [
    [1, 'maxUnavailable', 'intOrString'],
    [2, 'maxSurge', 'intOrString'],
  ],
  PodTemplateSpec: [metadata, [2, 'spec', 'PodSpec']],
  PodSpec: [
    [2, 'containers', 'Container[]'],
    [3, 'restartPolicy', 'text'],
    [4, 'terminationGracePeriodSeconds', 'number?'],
    [6, 'dnsPolicy', 'text'],
    [7, 'nodeSelector', 'map'],
    [8, 'serviceAccountName', 'text'],
    [9, 'serviceAccount', 'text'],
    [10, 'nodeName', 'text'],
    [11, 'hostNetwork', 'flag'],
    [12, 'hostPID', 'flag'],
    [13, 'hostIPC', 'flag'],
    [15, 'imagePullSecrets', 'LocalObjectReference[]'],
    [16, 'hostname', 'text'],
    [17, 'subdomain', 'text'],
    [19, 'schedulerName', 'text'],
    [20, 'initContainers', 'Container[]'],
    [21, 'automountServiceAccountToken', 'flag?'],
    [24, 'priorityClassName', 'text'],
  ],
  Container: [
    [1, 'name', 'text'],
    [2, 'image', 'text'],
    [3, 'command', 'texts'],
    [4, 'args', 'texts'],
    [5, 'workingDir', 'text'],
    [6, 'ports', 'ContainerPort[]'],
    [7, 'env', 'EnvVar[]'],
    [13, 'terminationMessagePath', 'text'],
    [14, 'imagePullPolicy', 'text'],
    [16, 'stdin', 'flag'],
    [17, 'stdinOnce', 'flag'],
    [18, 'tty', 'flag'],
    [20, 'terminationMessagePolicy', 'text'],
  ],
  ContainerPort: [
    [1, 'name', 'text'],
    [2, 'hostPort', 'number'],
    [3, 'containerPort', 'number'],
    [4, 'protocol', 'text'],
    [5, 'hostIP', 'text'],
  ],
  EnvVar: [
    [1, 'name', 'text'],
    [2, 'value', 'text'],
  ],

  Role: [metadata, [2, 'rules', 'PolicyRule[]']],
  ClusterRole: [metadata, [2, 'rules', 'PolicyRule[]'], [3, 'aggregationRule', 'AggregationRule']],
  AggregationRule: [[1, 'clusterRoleSelectors', 'LabelSelector[]']],
  RoleBinding: [metadata, [2, 'subjects', 'Subject[]'], [3, 'roleRef', 'RoleRef']],
  ClusterRoleBinding: [metadata, [2, 'subjects', 'Subject[]'], [3, 'roleRef', 'RoleRef']],
  PolicyRule: [
    [1, 'verbs', 'texts'],
    [2, 'apiGroups', 'texts'],
    [3, 'resources', 'texts'],
    [4, 'resourceNames', 'texts'],
    [5, 'nonResourceURLs', 'texts'],
  ],
  Subject: [
    [1, 'kind', 'text'],
    [2, 'apiGroup', 'text'],
    [3, 'name', 'text'],
    [4, 'namespace', 'text'],
  ],
  RoleRef: [
    [1, 'apiGroup', 'text'],
    [2, 'kind', 'text'],
    [3, 'name', 'text'],
  ],

  SelfSubjectAccessReview: [metadata, [2, 'spec', 'SelfSubjectAccessReviewSpec'], [3, 'status', 'ignored']],
  SelfSubjectAccessReviewSpec: [
    [1, 'resourceAttributes', 'ResourceAttributes'],
    [2, 'nonResourceAttributes', 'NonResourceAttributes'],
  ],
  ResourceAttributes: [
    [1, 'namespace', 'text'],
    [2, 'verb', 'text'],
    [3, 'group', 'text'],
    [4, 'version', 'text'],
    [5, 'resource', 'text'],
    [6, 'subresource', 'text'],
    [7, 'name', 'text'],
  ],
  NonResourceAttributes: [
    [1, 'path', 'text'],
    [2, 'verb', 'text'],
  ],
  SelfSubjectRulesReview: [metadata, [2, 'spec', 'SelfSubjectRulesReviewSpec'], [3, 'status', 'ignored']],
  SelfSubjectRulesReviewSpec: [[1, 'namespace', 'text']],
  SelfSubjectReview: [metadata, [2, 'status', 'ignored']],
  TokenRequest: [metadata, [2, 'spec', 'TokenRequestSpec'], [3, 'status', 'ignored']],
  TokenRequestSpec: [
    [1, 'audiences', 'texts'],
    [3, 'boundObjectRef', 'BoundObjectReference'],
    [4, 'expirationSeconds', 'number?'],
  ],
  BoundObjectReference: [
    [1, 'kind', 'text'],
    [2, 'apiVersion', 'text'],
    [3, 'name', 'text'],
    [4, 'uid', 'text'],
  ],
};
