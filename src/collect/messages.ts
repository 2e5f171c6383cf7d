import type { Field, Message } from '../model/protobuf.ts';

/*
 * What is read of the kinds of which a cluster has thousands, by the field numbers of generated.proto in k8s.io/api and k8s.io/apimachinery.
 * Whatever `reduce` of such a kind comes to read has to be named here as well: the tests of the real tier compare both forms of real objects.
 */

const text = (name: string): Field => ({ name, holds: 'text' });
const texts = (name: string): Field => ({ name, holds: 'text', isList: true });
const flag = (name: string): Field => ({ name, holds: 'flag' });
const optionalFlag = (name: string): Field => ({ name, holds: 'optional flag' });
const number = (name: string): Field => ({ name, holds: 'number' });
const time = (name: string): Field => ({ name, holds: 'time' });
const textMap = (name: string): Field => ({ name, holds: 'text map' });
const one = (name: string, holds: Message): Field => ({ name, holds });
const several = (name: string, holds: Message): Field => ({ name, holds, isList: true });

// ObjectMeta
const metadata: Message = {
  1: text('name'),
  3: text('namespace'),
  5: text('uid'),
  6: text('resourceVersion'),
  8: time('creationTimestamp'),
  9: time('deletionTimestamp'),
  11: textMap('labels'),
  12: textMap('annotations'),
  13: several('ownerReferences', { 1: text('kind'), 3: text('name'), 6: flag('controller') }),
};
/** The same with who wrote. */
const metadataAndManagers: Message = {
  ...metadata,
  17: several('managedFields', { 1: text('manager'), 2: text('operation'), 4: time('time') }),
};

// Container
const container: Message = {
  1: text('name'),
  2: text('image'),
  4: texts('args'),
  7: several('env', { 1: text('name'), 2: text('value'), 3: one('valueFrom', {}) }),
  9: several('volumeMounts', { 1: text('name'), 3: text('mountPath') }),
};

// ContainerStatus
const containerStatus: Message = {
  2: one('state', { 1: one('waiting', { 1: text('reason') }) }),
  3: one('lastState', { 3: one('terminated', { 3: text('reason'), 6: time('finishedAt') }) }),
  5: number('restartCount'),
};

export const podMessage: Message = {
  1: one('metadata', metadata),
  // PodSpec
  2: one('spec', {
    2: { ...several('containers', container), repeats: true },
    8: text('serviceAccountName'),
    10: text('nodeName'),
    11: flag('hostNetwork'),
    20: { ...several('initContainers', container), repeats: true },
  }),
  // PodStatus
  3: one('status', {
    1: text('phase'),
    2: several('conditions', { 1: text('type'), 2: text('status') }),
    6: text('podIP'),
    7: time('startTime'),
    8: several('containerStatuses', containerStatus),
    10: several('initContainerStatuses', containerStatus),
    12: several('podIPs', { 1: text('ip') }),
  }),
};

export const serviceMessage: Message = {
  1: one('metadata', metadataAndManagers),
  // ServiceSpec
  2: one('spec', {
    1: several('ports', {
      1: text('name'),
      2: text('protocol'),
      3: number('port'),
      4: { name: 'targetPort', holds: 'number or text' },
      5: number('nodePort'),
      6: text('appProtocol'),
    }),
    2: textMap('selector'),
    3: text('clusterIP'),
    4: text('type'),
    5: texts('externalIPs'),
    9: texts('loadBalancerSourceRanges'),
    10: text('externalName'),
    11: text('externalTrafficPolicy'),
    13: flag('publishNotReadyAddresses'),
    18: texts('clusterIPs'),
    21: text('loadBalancerClass'),
    22: text('internalTrafficPolicy'),
  }),
  // ServiceStatus
  3: one('status', { 1: one('loadBalancer', { 1: several('ingress', { 1: text('ip'), 2: text('hostname') }) }) }),
};

/** Of discovery.k8s.io/v1. */
export const endpointSliceMessage: Message = {
  1: one('metadata', metadataAndManagers),
  // Endpoint
  2: several('endpoints', {
    1: texts('addresses'),
    2: one('conditions', { 1: optionalFlag('ready'), 2: optionalFlag('serving'), 3: optionalFlag('terminating') }),
    4: one('targetRef', { 1: text('kind'), 3: text('name') }),
    6: text('nodeName'),
  }),
  // EndpointPort
  3: several('ports', { 1: text('name'), 2: text('protocol'), 3: number('port') }),
  4: text('addressType'),
};
