import type { Field, Message } from '../model/protobuf.ts';

/*
 * What is read of a pod, by the field numbers of k8s.io/api/core/v1/generated.proto and k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto.
 * Whatever `reduce` of pods comes to read has to be named here as well: the tests of the real tier compare both forms of real pods.
 */

const text = (name: string): Field => ({ name, holds: 'text' });
const texts = (name: string): Field => ({ name, holds: 'text', isList: true });
const flag = (name: string): Field => ({ name, holds: 'flag' });
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

// Container
const container: Message = {
  1: text('name'),
  2: text('image'),
  4: texts('args'),
  7: several('env', { 1: text('name'), 2: text('value'), 3: one('valueFrom', {}) }),
  9: several('volumeMounts', { 1: text('name'), 3: text('mountPath') }),
};

// ContainerStatus
const containerStatus: Message = { 2: one('state', { 1: one('waiting', { 1: text('reason') }) }) };

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
