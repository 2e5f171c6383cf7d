import { shellWord } from '../base/text.ts';
import type { ClusterName } from '../model/ids.ts';
import { type Json, type KubeObject, toJson } from '../model/kube.ts';
import type { Pod } from '../model/facts.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';

/** What kind of act a remedy is. `installer` and `command` cannot be expressed as a patch of one object. */
export type RemedyAction = 'label' | 'annotate' | 'patch' | 'apply' | 'delete' | 'restart' | 'scale' | 'installer' | 'command';

/** One way to put a finding right. The command line is derived from it, never the other way round. */
export interface Remedy {
  readonly cluster: ClusterName;
  readonly action: RemedyAction;
  /** The object it changes; absent for installers, and where `refs` says that there are several. */
  readonly ref?: ObjectRef;
  /** Workloads that are restarted, or namespaces of which all are, where there are several. */
  readonly refs?: readonly ObjectRef[];
  /** JSON merge patch (RFC 7386), or the whole object for `apply`. */
  readonly patch?: Json;
  /** `patch` is a strategic merge patch instead: members of lists are told by their names. */
  readonly isStrategic?: true;
  /** Complete command lines, in order. Contexts are the user's own names of the clusters. */
  readonly command: readonly string[];
  /** What is said behind the command: it changes the cluster, restarts pods … */
  readonly note: string;
  /** Restarts or interrupts something. */
  readonly disruptive: boolean;
}

type Values = Readonly<Record<string, string | null>>;

/** Constructors of remedies: each takes references and values and derives patch and command line. */
export const remedy = {
  /** Sets labels (null removes one). */
  label: (ref: ObjectRef, values: Values, note = ''): Remedy => metadata('label', 'labels', ref, values, note),
  /** The same for a Gateway of Kubernetes, of which a reference says no more than of one of Istio. */
  labelKubeGateway: (ref: ObjectRef, values: Values, note = ''): Remedy => metadata('label', 'labels', ref, values, note, kubeGateways),
  /** Sets annotations (null removes one). */
  annotate: (ref: ObjectRef, values: Values, note = ''): Remedy => metadata('annotate', 'annotations', ref, values, note),
  /** Applies a JSON merge patch to one object. */
  patch: (ref: ObjectRef, patch: Json, options: { note?: string; disruptive?: boolean } = {}): Remedy => ({
    cluster: ref.cluster,
    action: 'patch',
    ref,
    patch,
    command: [`${kubectl(ref)} patch ${target(ref)} --type=merge -p ${shellWord(JSON.stringify(patch))}`],
    note: changes(options.note, options.disruptive),
    disruptive: options.disruptive ?? false,
  }),
  /** Creates or replaces an object. */
  apply: (cluster: ClusterName, object: KubeObject, note = ''): Remedy => ({
    cluster,
    action: 'apply',
    ref: {
      cluster,
      kind: object.kind,
      ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
      name: object.metadata.name,
    },
    patch: toJson(object),
    command: [`printf '%s' ${shellWord(JSON.stringify(object))} | kubectl --context ${shellWord(cluster)} apply -f -`],
    note: changes(note),
    disruptive: false,
  }),
  /** Deletes an object. */
  delete: (ref: ObjectRef, options: { note?: string; disruptive?: boolean } = {}): Remedy => ({
    cluster: ref.cluster,
    action: 'delete',
    ref,
    command: [`${kubectl(ref)} delete ${target(ref)}`],
    note: changes(options.note, options.disruptive),
    disruptive: options.disruptive ?? false,
  }),
  /** Restarts a workload, or all Deployments of a namespace when `ref` is a Namespace. */
  restart: (ref: ObjectRef, note = ''): Remedy => ({
    cluster: ref.cluster,
    action: 'restart',
    ref,
    command: [
      ref.kind === 'Namespace'
        ? `kubectl --context ${shellWord(ref.cluster)} -n ${shellWord(ref.name)} rollout restart deployment`
        : `${kubectl(ref)} rollout restart ${target(ref)}`,
    ],
    note: changes(note === '' ? 'restarts pods' : `restarts pods; ${note}`),
    disruptive: true,
  }),
  /** Restarts the workloads of pods, so that these are made anew: one by one, or those of whole namespaces where there are many. */
  restartPods: (pods: readonly Pod[], note = ''): Remedy[] => {
    const workloads = distinctRefs(pods.flatMap((pod) => workloadOf(pod) ?? []));
    const namespaces = distinctRefs(pods.map(({ ref }) => ({ cluster: ref.cluster, kind: 'Namespace', name: ref.namespace ?? '' })));
    const refs = workloads.length > mostNamed ? namespaces : workloads;
    const [first, ...others] = refs.map((ref) => remedy.restart(ref, note));
    if (first === undefined) return [];
    if (others.length === 0) return [first];
    const { ref: _one, ...common } = first;
    return [{ ...common, refs, command: [first, ...others].flatMap(({ command }) => command) }];
  },
  /** Sets variables of a container (null removes one), of all pods of a workload. `isNamed`: the command names the container, since there are others. */
  setEnv: (ref: ObjectRef, container: string, values: Values, options: { note?: string; isNamed?: boolean } = {}): Remedy => {
    const env = Object.entries(values).map(([name, value]) =>
      value === null ? { name, $patch: 'delete' } : { name, value, valueFrom: null },
    );
    const words = Object.entries(values).map(([name, value]) => (value === null ? `${name}-` : `${name}=${shellWord(value)}`));
    const flag = options.isNamed === true ? `-c ${shellWord(container)} ` : '';
    const command = `${kubectl(ref)} set env ${resource(ref.kind)}/${shellWord(ref.name)} ${flag}${words.join(' ')}`;
    return strategic(
      ref,
      { spec: { template: { spec: { containers: [{ name: container, env }] } } } },
      { ...options, disruptive: true },
      command,
    );
  },
  /** Applies a strategic merge patch to one object: of Kubernetes' own kinds, whose lists it merges by names. */
  strategic: (ref: ObjectRef, patch: Json, options: { note?: string; disruptive?: boolean } = {}): Remedy =>
    strategic(ref, patch, options, `${kubectl(ref)} patch ${target(ref)} -p ${shellWord(JSON.stringify(patch))}`),
  /** Scales a workload. */
  scale: (ref: ObjectRef, replicas: number, note = ''): Remedy => ({
    cluster: ref.cluster,
    action: 'scale',
    ref,
    patch: { spec: { replicas } },
    command: [`${kubectl(ref)} scale ${target(ref)} --replicas=${replicas}`],
    note: changes(note),
    disruptive: false,
  }),
  /** Something istioctl or Helm has to do; `commands` are complete. */
  installer: (cluster: ClusterName, commands: readonly string[], note: string): Remedy => ({
    cluster,
    action: 'installer',
    command: commands,
    note: changes(note, true),
    disruptive: true,
  }),
  /** A complete command line that fits no other kind, such as a pipe of istioctl into kubectl. */
  command: (
    cluster: ClusterName,
    commands: readonly string[],
    options: { note?: string; disruptive?: boolean; ref?: ObjectRef } = {},
  ): Remedy => ({
    cluster,
    action: 'command',
    ...(options.ref === undefined ? {} : { ref: options.ref }),
    command: commands,
    note: changes(options.note, options.disruptive),
    disruptive: options.disruptive ?? false,
  }),
} as const;

/** Workloads that are named one by one in what restarts them. */
const mostNamed = 6;

function strategic(ref: ObjectRef, patch: Json, options: { note?: string; disruptive?: boolean }, command: string): Remedy {
  return {
    cluster: ref.cluster,
    action: 'patch',
    ref,
    patch,
    isStrategic: true,
    command: [command],
    note: changes(options.note, options.disruptive),
    disruptive: options.disruptive ?? false,
  };
}

function distinctRefs(refs: readonly ObjectRef[]): ObjectRef[] {
  return [...new Map(refs.map((ref) => [refKey(ref), ref])).values()];
}

const restartable = ['Deployment', 'StatefulSet', 'DaemonSet'];

/** The workload that a restart of makes a pod anew; nothing for a pod of a Job, of another controller, or of nobody. */
export function workloadOf({ ref, owner }: Pod): ObjectRef | undefined {
  return owner === undefined || !restartable.includes(owner.kind) ? undefined : { ...ref, kind: owner.kind, name: owner.name };
}

/** `kubectl --context west -n istio-system`: how a command line about `ref` begins. */
export function kubectl(ref: ObjectRef): string {
  const namespace = ref.namespace === undefined ? '' : ` -n ${shellWord(ref.namespace)}`;
  return `kubectl --context ${shellWord(ref.cluster)}${namespace}`;
}

/** Said with every remedy that installs again: an unnamed IstioOperator prunes what another unnamed one installed (seen with 1.24.6 and 1.31). */
export const installAgain =
  'installing again from an IstioOperator without metadata.name removes gateways that another unnamed one installed: give each a name';

/** What a script writes, installed only if it wrote it: given nothing, istioctl installs its default profile over the Istio that is there. */
export function installWritten(cluster: ClusterName, generate: string): string {
  const file = 'eastwest-gateway.yaml';
  return `${generate} > ${file} && istioctl install --context ${shellWord(cluster)} -y -f ${file}`;
}

/**
 * Installs an east-west gateway as Istio's sample makes it. `revisions`: those that serve the cluster. The sample asks for the injector of the default
 * revision unless told another one. `before`: commands that make room for it.
 */
export function installGateway(
  cluster: ClusterName,
  network: string,
  revisions: readonly string[],
  note = '',
  before: readonly string[] = [],
): Remedy {
  const [revision = 'default', ...more] = revisions;
  const isSure = revisions.length > 0 && more.length === 0;
  const flags = [`--network ${shellWord(network)}`, ...(isSure && revision !== 'default' ? [`--revision ${shellWord(revision)}`] : [])];
  const generate = `samples/multicluster/gen-eastwest-gateway.sh ${flags.join(' ')}`;
  const notes = [note, isSure ? '' : 'add --revision where the mesh has one', 'the script is part of the release'];
  return remedy.installer(cluster, [...before, installWritten(cluster, generate)], notes.filter((text) => text !== '').join('; '));
}

/** Makes the Secret by which `reader` reads `read` under its cluster ID, as one pipe. `more`: further flags of istioctl. */
export function createRemoteSecret(reader: ClusterName, namespace: string, read: ClusterName, id: string, more = ''): string {
  const flags = [`--context=${shellWord(read)}`, `--name=${shellWord(id)}`, `-i ${shellWord(namespace)}`, ...(more === '' ? [] : [more])];
  return `istioctl create-remote-secret ${flags.join(' ')} | kubectl --context ${shellWord(reader)} -n ${shellWord(namespace)} apply -f -`;
}

/** The same of an ambient mesh, where it is a Gateway of Kubernetes for which istiod makes the rest. */
export function installAmbientGateway(cluster: ClusterName, network: string): Remedy {
  const generate = `samples/multicluster/gen-eastwest-gateway.sh --network ${shellWord(network)} --ambient`;
  return remedy.installer(
    cluster,
    [`${generate} | kubectl --context ${shellWord(cluster)} apply -f -`],
    'the script is part of the release',
  );
}

const kubeGateways = 'gateways.gateway.networking.k8s.io';

function metadata(
  action: 'label' | 'annotate',
  field: 'labels' | 'annotations',
  ref: ObjectRef,
  values: Values,
  note: string,
  kind = resource(ref.kind),
): Remedy {
  const words = Object.entries(values).map(([key, value]) => (value === null ? `${key}-` : shellWord(`${key}=${value}`)));
  const overwrite = Object.values(values).some((value) => value !== null) ? ' --overwrite' : '';
  return {
    cluster: ref.cluster,
    action,
    ref,
    patch: { metadata: { [field]: values } },
    command: [`${kubectl(ref)} ${action} ${kind} ${shellWord(ref.name)} ${words.join(' ')}${overwrite}`],
    note: changes(note),
    disruptive: false,
  };
}

function target(ref: ObjectRef): string {
  return `${resource(ref.kind)} ${shellWord(ref.name)}`;
}

/** kubectl's word for a kind; ambiguous kinds carry their group. */
function resource(kind: string): string {
  return kind === 'Gateway' ? 'gateways.networking.istio.io' : kind.toLowerCase();
}

/** Every note begins with what the remedy does to the cluster; where pods may be restarted and the note does not say so itself, with that. */
function changes(note = '', disruptive = false): string {
  const what = disruptive && !note.includes('restarts') ? 'changes the cluster and may restart pods' : 'changes the cluster';
  return note === '' ? what : `${what}; ${note}`;
}
