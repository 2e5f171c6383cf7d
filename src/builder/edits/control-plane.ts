import { annotations, labels, names } from '../../istio/labels.ts';
import type { KubeObject } from '../../model/kube.ts';
import { agoIn, timeText } from './clock.ts';
import { annotate, annotationsOf, changeAny, clusterOf, type Edit, find, labelsOf, type Objects, put } from './edit.ts';
import {
  clusterIdOf,
  isElection,
  isInjector,
  isIstiod,
  isRootConfigMap,
  isSidecarPod,
  isSystemNamespace,
  istiodEnv,
  systemNamespaceOf,
} from './find.ts';
import { edited, itemsAt, mapAt, textAt } from './json.ts';
import { neverStarted, ownedBy, rollOut, setEnv, takenOver } from './workload.ts';

// What a running istiod does to the clusters it manages, and what stays behind when it no longer does.

/**
 * What a leader that stops leaves in the election ConfigMap of a remote.
 * `expired`: its own record with the last time it renewed (killed, or its rights are gone).
 * `released`: no holder, a lease of one second (istiod gave it up itself: ReleaseOnCancel, pilot/pkg/leaderelection).
 */
export type Left = 'expired' | 'released';

/** Minutes before the present at which edits let things happen, unless they are told otherwise. */
export const someMinutes = 4;

/**
 * The election of a remote after its leader, an istiod of another cluster, stopped at `time`. Nothing that the leader wrote before is
 * touched: root ConfigMaps and caBundles stay. A cluster that leads itself is not concerned.
 */
export function abandoned(objects: Objects, time: number, left: Left = 'expired'): Objects {
  const isLedFromOutside = (object: KubeObject): boolean =>
    isElection(object) && (annotationsOf(object)[annotations.leader] ?? '').includes('"holderKey":"^');
  return changeAny(objects, isLedFromOutside, (election) => {
    const record = annotationsOf(election)[annotations.leader] ?? '';
    const transitions = /"leaderTransitions":(\d+)/.exec(record)?.[1] ?? '0';
    const expired = record.replace(/"renewTime":"[^"]*"/, `"renewTime":"${timeText(time - 3_000)}"`);
    const released = `{"holderIdentity":"","holderKey":"","leaseDurationSeconds":1,"acquireTime":"${timeText(time)}","renewTime":"${timeText(time)}","leaderTransitions":${transitions}}`;
    return annotate(election, annotations.leader, left === 'expired' ? expired : released);
  });
}

export interface IstiodRestart {
  /** The cluster whose istiod restarts. */
  readonly cluster: string;
  readonly left?: Left;
  /** Remotes the new istiod cannot manage, whatever their annotation says: their API server refuses it. */
  readonly lost?: readonly string[];
  /** A change of the pod template that made the rollout; a plain `kubectl rollout restart` otherwise. */
  readonly template?: (template: unknown) => unknown;
  /** Four unless given. */
  readonly minutesAgo?: number;
}

/**
 * istiod of one cluster rolls out: new ReplicaSet, new pod with another name, address and start time, slices and Endpoints follow,
 * the elections of its own cluster are held by the new pod. In every remote that the old pod led the decision is taken again
 * (EXTERNAL_ISTIOD, a remote secret, and the annotation, read once): the new pod holds the election there, or nobody does and the
 * old record is left. What was written before (roots, caBundles) stays in both cases.
 */
export function istiodRestarted(options: IstiodRestart): Edit {
  return (mesh) => {
    const before = clusterOf(mesh, options.cluster);
    const time = agoIn(mesh, options.minutesAgo ?? someMinutes);
    const istiod = find(before, isIstiod, 'istiod');
    const old = ownedBy(before, istiod).pods.map((pod) => pod.metadata.name);
    const after = rollOut(before, istiod, { at: time, ...(options.template === undefined ? {} : { template: options.template }) });
    const holder = ownedBy(after, istiod).pods[0]?.metadata.name ?? '';
    const result = new Map(mesh).set(options.cluster, after);
    for (const [name, objects] of mesh) {
      if (name === options.cluster || !old.some((pod) => isHeldBy(objects, pod))) continue;
      const leads = options.lost?.includes(name) !== true && isChosen(after, objects);
      result.set(name, leads ? handedOver(objects, holder, time) : abandoned(objects, time, options.left));
    }
    return result;
  };
}

/** Changes the environment of istiod's discovery container, and with it rolls istiod out. */
export function withIstiodEnv(
  cluster: string,
  variables: Readonly<Record<string, string | undefined>>,
  options: { left?: Left; lost?: readonly string[] } = {},
): Edit {
  return istiodRestarted({
    cluster,
    ...options,
    template: (template) =>
      edited(template, ['spec'], (spec) =>
        Object.entries(variables).reduce((next, [name, value]) => setEnv(next, 'discovery', name, value), spec),
      ),
  });
}

/** Whether istiod of `primary` would lead a cluster, as checkShouldLead of Istio decides: parts of the annotation are split on commas and never trimmed. */
export function isChosen(primary: Objects, remote: Objects): boolean {
  const value = annotationsOf(find(remote, isSystemNamespace(remote), 'system namespace'))[annotations.controlPlaneClusters];
  const own = clusterIdOf(primary);
  const isWatched = primary.some(
    (object) =>
      object.kind === 'Secret' &&
      labelsOf(object)[labels.multiCluster] === 'true' &&
      object.metadata.namespace === systemNamespaceOf(primary) &&
      Object.keys(mapAt(object, 'data')).some((key) => key !== own),
  );
  return (
    istiodEnv(primary, 'EXTERNAL_ISTIOD') === 'true' &&
    isWatched &&
    value !== undefined &&
    value.split(',').some((part) => part === '*' || part === own)
  );
}

/**
 * A remote that no istiod ever led, as after an installation with the mistake in it: no election, no istio-ca-root-cert (nor CRL) in
 * any namespace, empty caBundles in its injectors. The API server then cannot verify the injector, so that no pod that asks for
 * injection was ever created: Deployments without pods, gateway included.
 */
export function neverLed(objects: Objects): Objects {
  const injected = objects.filter(
    (object) =>
      object.kind === 'Deployment' &&
      ownedBy(objects, object).pods.some((pod) => isSidecarPod(pod) || annotationsOf(pod)['inject.istio.io/templates'] !== undefined),
  );
  const bare = objects.filter(
    (object) =>
      !isElection(object) && !isRootConfigMap(object) && !(object.kind === 'ConfigMap' && object.metadata.name === 'istio-ca-crl'),
  );
  const unpatched = changeAny(bare, isInjector, (injector) => put(injector, ['webhooks', '*', 'clientConfig', 'caBundle'], undefined));
  const refusal = webhookRefusal(objects, 'tls: failed to verify certificate: x509: certificate signed by unknown authority');
  return injected.reduce<Objects>((result, deployment) => neverStarted(result, deployment, refusal), unpatched);
}

/** The API server's words for an injector that it cannot call. */
export function webhookRefusal(objects: Objects, reason: string): string {
  const webhook = itemsAt(find(objects, isInjector, 'injector'), 'webhooks')[0];
  const service = `${textAt(webhook, 'clientConfig', 'service', 'name') ?? ''}.${textAt(webhook, 'clientConfig', 'service', 'namespace') ?? ''}.svc`;
  const url = `https://${service}:443${textAt(webhook, 'clientConfig', 'service', 'path') ?? ''}?timeout=10s`;
  return `failed calling webhook "${textAt(webhook, 'name') ?? ''}": failed to call webhook: Post "${url}": ${reason}`;
}

/** The root that istiod of a cluster hands out, as PEM. */
export function rootOf(objects: Objects): string {
  const own = systemNamespaceOf(objects);
  const found =
    objects.find((object) => isRootConfigMap(object) && object.metadata.namespace === own) ??
    find(objects, isRootConfigMap, names.rootConfigMap);
  return textAt(found, 'data', 'root-cert.pem') ?? '';
}

function handedOver(objects: Objects, holder: string, time: number): Objects {
  return changeAny(objects, isElection, (election) =>
    annotate(election, annotations.leader, takenOver(annotationsOf(election)[annotations.leader] ?? '', holder, time + 8_000)),
  );
}

function isHeldBy(objects: Objects, pod: string): boolean {
  return objects.some(
    (object: KubeObject) => isElection(object) && (annotationsOf(object)[annotations.leader] ?? '').includes(`"holderIdentity":"${pod}"`),
  );
}
