import { annotations, labels, names } from '../../istio/labels.ts';
import type { KubeObject } from '../../model/kube.ts';
import { agoIn, generatedUid, timeText } from './clock.ts';
import { someMinutes, webhookRefusal } from './control-plane.ts';
import {
  annotationsOf,
  change,
  changeAny,
  changed,
  type Edit,
  EditError,
  find,
  inCluster,
  inOrder,
  isNamed,
  label,
  labelsOf,
  type Objects,
  put,
  remove,
} from './edit.ts';
import { deploymentsBehind, isEastWestService, isInjector, isPilotService, isPod, isProxy, isReaderRole, isSidecarPod } from './find.ts';
import { at, isRecord, itemsOf, mapAt, textAt } from './json.ts';
import { encoded } from './kubeconfig.ts';
import { neverStarted, ownedBy, rollOut, unready } from './workload.ts';

/** How a namespace asks for injection: one label of the two. */
export type Wish = { readonly revision: string } | { readonly injection: 'enabled' };

/**
 * INJ-06, W12: a namespace that asks for a revision or tag which no webhook of its cluster serves. `restarted`: its workloads were
 * restarted since and came up without sidecar, silently: no container, no annotations and labels of injection.
 */
export function namespaceWants(options: {
  readonly cluster: string;
  readonly namespace: string;
  readonly wish: Wish;
  readonly restarted?: boolean;
}): Edit {
  return inCluster(options.cluster, (objects, mesh) => {
    const asking = change(
      objects,
      isNamed('Namespace', options.namespace),
      (namespace) => {
        const bare = label(label(namespace, labels.revision, undefined), labels.injection, undefined);
        return 'revision' in options.wish
          ? label(bare, labels.revision, options.wish.revision)
          : label(bare, labels.injection, options.wish.injection);
      },
      `namespace ${options.namespace}`,
    );
    return options.restarted === true ? restartedPlain(asking, options.namespace, agoIn(mesh, someMinutes)) : asking;
  });
}

/** INJ-06: the webhook (and, since 1.28, the Service) of a tag removed, as by a reinstallation; the validator stays. Namespaces that ask for the tag are asked by nobody. */
export function tagRemoved(options: { readonly cluster: string; readonly tag: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const isTags = (object: KubeObject): boolean => labelsOf(object)['istio.io/tag'] === options.tag;
    const unserved = remove(objects, (object) => isInjector(object) && isTags(object), `webhook of tag ${options.tag}`);
    const services = unserved.filter((object) => object.kind === 'Service' && isTags(object)).map((service) => service.metadata.name);
    return unserved.filter(
      (object) =>
        !(isTags(object) && object.kind !== 'ValidatingWebhookConfiguration') &&
        !(object.kind === 'Endpoints' && services.includes(object.metadata.name)),
    );
  });
}

/** W12: the webhooks of a revision removed from a cluster, tags of it included with `tags`. The Service for istiod and the gateway stay, and prove nothing. */
export function injectorsRemoved(options: { readonly cluster: string; readonly tags: boolean }): Edit {
  return inCluster(options.cluster, (objects) =>
    remove(objects, (object) => isInjector(object) && (options.tags || labelsOf(object)['istio.io/tag'] === undefined), 'injector'),
  );
}

/**
 * INJ-01, W07: a remote installed with a revision that its primary does not run. Everything of the remote's charts carries it: injectors
 * (names, labels, selectors, target), the Service and slice for istiod, reader role and binding, values, gateway, and the namespaces that ask for it.
 * istiod patches only webhooks of its own revision, so caBundles are empty; no pod was ever created through them. Roots are there, because leading does not ask for a revision.
 */
export function remoteInstalledWithRevision(options: { readonly cluster: string; readonly revision: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const injected = objects.filter(
      (object) =>
        object.kind === 'Deployment' &&
        ownedBy(objects, object).pods.some((pod) => annotationsOf(pod)[annotations.sidecarStatus] !== undefined),
    );
    const refusal = (renamed: Objects): string => webhookRefusal(renamed, 'read: connection reset by peer');
    const from = revisionInjected(objects);
    const kept = objects.map((object) =>
      object.kind === 'ConfigMap' && annotationsOf(object)[annotations.leader] !== undefined
        ? object
        : revised(object, from, options.revision),
    );
    const unpatched = changeAny(kept, isInjector, (injector) => put(injector, ['webhooks', '*', 'clientConfig', 'caBundle'], undefined));
    return injected.reduce<Objects>((result, deployment) => {
      const same = find(result, isNamed('Deployment', deployment.metadata.name, deployment.metadata.namespace), 'Deployment');
      return neverStarted(result, same, refusal(result));
    }, unpatched);
  });
}

/**
 * W07: a second revision's webhook and Service installed in a remote beside the working one, while the primary does not run it. Without
 * a namespace that asks for it nothing is broken yet. Its caBundle is empty: nobody patches a revision that is not its own.
 */
export function remoteRevisionBeside(options: { readonly cluster: string; readonly revision: string; readonly namespace?: string }): Edit {
  const beside = inCluster(options.cluster, (objects, mesh) => {
    const born = timeText(agoIn(mesh, someMinutes));
    const from = revisionInjected(objects);
    const isPilot = isPilotService(objects);
    const pilot = find(objects, isPilot, 'Service for istiod');
    const models = objects.filter(
      (object) =>
        (isInjector(object) && labelsOf(object)['istio.io/tag'] === undefined) ||
        object === pilot ||
        (object.kind === 'EndpointSlice' && labelsOf(object)[labels.serviceName] === pilot.metadata.name) ||
        isReaderRole(object) ||
        (object.kind === 'ClusterRoleBinding' && labelsOf(object)['app'] === 'istio-reader'),
    );
    const copies = models.map((object) => {
      const copy = put(
        put(revised(object, from, options.revision), ['metadata', 'uid'], generatedUid(`${object.metadata.uid ?? ''}/${options.revision}`)),
        ['metadata', 'creationTimestamp'],
        born,
      );
      return isInjector(copy)
        ? put(copy, ['webhooks', '*', 'clientConfig', 'caBundle'], undefined)
        : object === pilot
          ? put(put(copy, ['spec', 'clusterIP'], '10.96.250.31'), ['spec', 'clusterIPs'], ['10.96.250.31'])
          : copy;
    });
    if (copies.every((copy) => objects.some(isNamed(copy.kind, copy.metadata.name, copy.metadata.namespace))))
      throw new EditError('The second revision would be called as the first.');
    return [...objects, ...copies];
  });
  const { namespace } = options;
  return namespace === undefined
    ? beside
    : inOrder(beside, namespaceWants({ cluster: options.cluster, namespace, wish: { revision: options.revision } }));
}

/** INJ-02: the Service that the injectors of a cluster call deleted. A slice that an installer wrote has no owner and stays behind. */
export function injectorServiceDeleted(options: { readonly cluster: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const isPilot = isPilotService(objects);
    const services = new Set(objects.filter(isPilot).map((service) => service.metadata.uid));
    const isOwned = (object: KubeObject): boolean =>
      itemsOf(object.metadata['ownerReferences']).some((owner) => services.has(textAt(owner, 'uid')));
    return remove(objects, isPilot, 'Service for istiod').filter(
      (object) =>
        !isOwned(object) &&
        !(object.kind === 'Endpoints' && objects.some((service) => isPilot(service) && service.metadata.name === object.metadata.name)),
    );
  });
}

/** INJ-02: the injectors call a Service of another name, as when a remote was rendered without the revision. */
export function injectorsCall(options: { readonly cluster: string; readonly service: string }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      isInjector,
      (injector) => put(injector, ['webhooks', '*', 'clientConfig', 'service', 'name'], options.service),
      'injector',
    ),
  );
}

/**
 * INJ-03: an east-west gateway that asks for a revision which no webhook of its cluster serves. Its pod comes up as it was written, with the
 * image `auto`, which nobody can pull. `since: 'installed'`: it was so from the start, nothing runs behind the Service.
 * `since: 'changed'`: the old pod still runs and serves, because a rollout does not take it away before the new one is ready.
 */
export function gatewayRevision(options: {
  readonly cluster: string;
  readonly revision: string;
  readonly since: 'installed' | 'changed';
}): Edit {
  return inCluster(options.cluster, (objects, mesh) => {
    const service = find(objects, isEastWestService, 'east-west gateway');
    const gateway = find(deploymentsBehind(objects, service), () => true, 'Deployment of the east-west gateway');
    const asking = (map: unknown): unknown =>
      isRecord(map)
        ? {
            ...map,
            [labels.revision]: options.revision,
            ...('service.istio.io/canonical-revision' in map ? { 'service.istio.io/canonical-revision': options.revision } : {}),
          }
        : map;
    const named = objects.map((object) =>
      object === service || object === gateway ? changed(object, ['metadata', 'labels'], asking) : object,
    );
    const current = find(named, isNamed('Deployment', gateway.metadata.name, gateway.metadata.namespace), 'gateway');
    const template = (old: unknown): unknown => {
      const next = put(
        { apiVersion: '', kind: '', metadata: { name: '' }, template: old },
        ['template', 'metadata', 'labels'],
        asking(mapAt(old, 'metadata', 'labels')),
      );
      return next['template'];
    };
    const rolled = rollOut(named, current, { at: agoIn(mesh, someMinutes), template, pod: uninjectedGateway(gateway) });
    const waiting = unready(rolled, find(rolled, isNamed('Deployment', gateway.metadata.name, gateway.metadata.namespace), 'gateway'));
    const stuck = changeAny(
      waiting,
      (object) => isPod(object) && object.metadata.name.startsWith(gateway.metadata.name) && !isProxy(object),
      pullFailed,
    );
    return options.since === 'installed'
      ? stuck.filter((object) => !isEmptySetOf(object, gateway))
      : besideOld(named, stuck, current, service);
  });
}

/**
 * INJ-07, INJ-09: the caBundle of a cluster's injectors emptied or replaced, again and again, by a tool that applies its own copy of the
 * webhook: istiod leads and would repair it within seconds. The field's manager says who it is where `manager` is given.
 */
export function caBundleReset(options: {
  readonly cluster: string;
  readonly bundle: { readonly pem: string } | 'empty';
  readonly manager?: string;
  readonly only?: 'revision' | 'tag';
}): Edit {
  return inCluster(options.cluster, (objects, mesh) => {
    const isReset = (object: KubeObject): boolean =>
      isInjector(object) &&
      (options.only === undefined || (labelsOf(object)['istio.io/tag'] === undefined) === (options.only === 'revision'));
    return change(
      objects,
      isReset,
      (injector) => {
        const reset = put(
          injector,
          ['webhooks', '*', 'clientConfig', 'caBundle'],
          options.bundle === 'empty' ? undefined : encoded(options.bundle.pem),
        );
        if (options.manager === undefined) return reset;
        const fields = Object.fromEntries(
          itemsOf(injector['webhooks']).map((webhook) => [
            `k:{"name":"${textAt(webhook, 'name') ?? ''}"}`,
            { 'f:clientConfig': { 'f:caBundle': {} } },
          ]),
        );
        const applied = {
          manager: options.manager,
          operation: 'Apply',
          apiVersion: injector.apiVersion,
          fieldsType: 'FieldsV1',
          time: timeText(agoIn(mesh, 1)),
          fieldsV1: { 'f:webhooks': fields },
        };
        return put(reset, ['metadata', 'managedFields'], [applied]);
      },
      'injector',
    );
  });
}

/** Restarted workloads of a namespace into which nobody injects: pods as their templates say. */
export function restartedPlain(objects: Objects, namespace: string, time: number): Objects {
  const injected = objects.filter(
    (object) => object.kind === 'Deployment' && object.metadata.namespace === namespace && ownedBy(objects, object).pods.some(isSidecarPod),
  );
  return injected.reduce((result, deployment) => rollOut(result, deployment, { at: time, pod: uninjected }), objects);
}

/** A pod without anything that injection adds. */
function uninjected(pod: KubeObject): KubeObject {
  const status: unknown = JSON.parse(annotationsOf(pod)[annotations.sidecarStatus] ?? '{}');
  const added = (list: string): ReadonlySet<string> =>
    new Set(itemsOf(isRecord(status) ? status[list] : undefined).flatMap((name) => (typeof name === 'string' ? [name] : [])));
  const without =
    (path: readonly string[], gone: ReadonlySet<string>) =>
    (object: KubeObject): KubeObject =>
      changed(object, path, (list) => (Array.isArray(list) ? itemsOf(list).filter((item) => !gone.has(textAt(item, 'name') ?? '')) : list));
  const ours = (key: string): boolean => /(^|\.)istio\.io\/|^prometheus\.io\/|^kubectl\.kubernetes\.io\/default-/.test(key);
  const plain = (map: unknown): unknown => (isRecord(map) ? Object.fromEntries(Object.entries(map).filter(([key]) => !ours(key))) : map);
  return [
    without(['spec', 'containers'], added('containers')),
    without(['spec', 'initContainers'], new Set([...added('initContainers'), ...added('containers')])),
    without(['spec', 'volumes'], added('volumes')),
    without(['status', 'containerStatuses'], added('containers')),
    without(['status', 'initContainerStatuses'], new Set([...added('initContainers'), ...added('containers')])),
    (object: KubeObject) => changed(object, ['metadata', 'labels'], plain),
    (object: KubeObject) => changed(object, ['metadata', 'annotations'], plain),
    (object: KubeObject) =>
      changed(object, ['spec', 'initContainers'], (list) => (Array.isArray(list) && list.length === 0 ? undefined : list)),
  ].reduce((next, step) => step(next), pod);
}

/** The gateway's pod as its template has it: one container, image `auto`, the template's own variables and volumes. */
function uninjectedGateway(gateway: KubeObject): (pod: KubeObject) => KubeObject {
  const template = (field: string): unknown => at(gateway, 'spec', 'template', 'spec', field);
  const own = new Set(itemsOf(template('volumes')).map((volume) => textAt(volume, 'name')));
  const isOwn = (volume: unknown): boolean =>
    own.has(textAt(volume, 'name')) || textAt(volume, 'name')?.startsWith('kube-api-access') === true;
  const kept = (map: unknown): unknown =>
    isRecord(map)
      ? Object.fromEntries(
          Object.entries(map).filter(
            ([key]) => ![annotations.sidecarStatus, annotations.revision, 'proxy.istio.io/overrides'].includes(key),
          ),
        )
      : map;
  return (pod) => {
    const bare = put(
      put(put(pod, ['spec', 'containers'], template('containers')), ['spec', 'initContainers'], template('initContainers')),
      ['spec', 'securityContext'],
      template('securityContext'),
    );
    return changed(
      changed(bare, ['spec', 'volumes'], (volumes) => (Array.isArray(volumes) ? itemsOf(volumes).filter(isOwn) : volumes)),
      ['metadata', 'annotations'],
      kept,
    );
  };
}

function pullFailed(pod: KubeObject): KubeObject {
  const waiting = { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "auto"' } };
  const pending = put(put(pod, ['status', 'phase'], 'Pending'), ['status', 'containerStatuses', '*', 'state'], waiting);
  return put(put(pending, ['status', 'containerStatuses', '*', 'image'], 'auto'), ['status', 'containerStatuses', '*', 'ready'], false);
}

/** A rollout that cannot finish: the new pod beside the old one, and only the old one behind the Service. */
function besideOld(before: Objects, after: Objects, gateway: KubeObject, service: KubeObject): Objects {
  const old = ownedBy(before, gateway);
  const isOld = (object: KubeObject): boolean =>
    [...old.pods, ...old.replicaSets].some((one) => isNamed(one.kind, one.metadata.name, one.metadata.namespace)(object));
  const isBackend = (object: KubeObject): boolean =>
    (object.kind === 'EndpointSlice' && labelsOf(object)[labels.serviceName] === service.metadata.name) ||
    (object.kind === 'Endpoints' && object.metadata.name === service.metadata.name);
  const serving = before.filter(isBackend);
  const ready = before.find(isNamed('Deployment', gateway.metadata.name, gateway.metadata.namespace));
  return [
    ...after
      .filter((object) => !isOld(object) && !serving.some((one) => isNamed(one.kind, one.metadata.name, one.metadata.namespace)(object)))
      .map((object) =>
        isNamed('Deployment', gateway.metadata.name, gateway.metadata.namespace)(object) && ready !== undefined
          ? put(put(object, ['status'], ready['status']), ['status', 'unavailableReplicas'], 1)
          : object,
      ),
    ...old.replicaSets,
    ...old.pods,
    ...serving,
  ];
}

function isEmptySetOf(object: KubeObject, gateway: KubeObject): boolean {
  return (
    object.kind === 'ReplicaSet' &&
    object.metadata.namespace === gateway.metadata.namespace &&
    object.metadata.name.startsWith(`${gateway.metadata.name}-`) &&
    isRecord(object['spec']) &&
    object['spec']['replicas'] === 0
  );
}

/** The revision whose istiod the injectors of a cluster call. */
function revisionInjected(objects: Objects): string {
  return labelsOf(find(objects, isInjector, 'injector'))[labels.revision] ?? names.defaultRevision;
}

/**
 * An object as the installer would have written it for another revision: names, label values, selectors and texts. The default
 * revision has no suffix in names, so there the names that get one are told by what they are.
 */
function revised(object: KubeObject, from: string, to: string): KubeObject {
  if (object.kind === 'CustomResourceDefinition' || object.kind === 'Secret') return object;
  if (from !== names.defaultRevision) {
    const pattern = new RegExp(`(?<![0-9A-Za-z])${from}(?![0-9A-Za-z])`);
    return changed(object, [], (whole) => rewritten(whole, (text) => text.split(pattern).join(to), from, to));
  }
  const whole = changed(object, [], (value) => rewritten(value, suffixed(to), from, to));
  if (!isInjector(object)) return whole;
  // A tag keeps its selectors, which name the tag. The revision's own webhook has only the entries that ask for it by name.
  if (labelsOf(object)['istio.io/tag'] !== undefined)
    return changed(whole, ['webhooks'], (list) => withSelectorsOf(list, object['webhooks']));
  const named = (list: unknown): unknown => itemsOf(list).filter((webhook) => textAt(webhook, 'name')?.startsWith('rev.') === true);
  return changed(changed(whole, ['webhooks'], named), ['webhooks', '*'], (webhook) => askingFor(webhook, to));
}

function withSelectorsOf(list: unknown, before: unknown): unknown {
  return itemsOf(list).map((webhook, index) => {
    const old = itemsOf(before)[index];
    return isRecord(webhook) && isRecord(old)
      ? { ...webhook, namespaceSelector: old['namespaceSelector'], objectSelector: old['objectSelector'] }
      : webhook;
  });
}

/** The selectors of a webhook entry of one revision: by the namespace's label, or by the pod's where the namespace has none. */
function askingFor(webhook: unknown, revision: string): unknown {
  if (!isRecord(webhook)) return webhook;
  const absent = (key: string): unknown => ({ key, operator: 'DoesNotExist' });
  const asks = { key: labels.revision, operator: 'In', values: [revision] };
  const notRefused = { key: labels.inject, operator: 'NotIn', values: ['false'] };
  const byNamespace = textAt(webhook, 'name')?.startsWith('rev.namespace.') === true;
  return {
    ...webhook,
    namespaceSelector: {
      matchExpressions: byNamespace ? [asks, absent(labels.injection)] : [absent(labels.revision), absent(labels.injection)],
    },
    objectSelector: { matchExpressions: byNamespace ? [notRefused] : [notRefused, asks] },
  };
}

function suffixed(to: string): (text: string) => string {
  return (text) =>
    text
      .replace(/^(istiod|istio-sidecar-injector|values)$/, `$1-${to}`)
      .replace(/^istio-reader-clusterrole-/, `istio-reader-clusterrole-${to}-`)
      .replace(/(?<![0-9A-Za-z-])istiod\./g, `istiod-${to}.`);
}

function rewritten(value: unknown, write: (text: string) => string, from: string, to: string): unknown {
  if (typeof value === 'string') return write(value);
  if (Array.isArray(value)) return itemsOf(value).map((item) => rewritten(item, write, from, to));
  if (!isRecord(value)) return value;
  const asks = value['key'] === labels.revision;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (key === labels.revision && item === from) return [key, to];
      if (asks && key === 'values') return [key, itemsOf(item).map((one) => (one === from ? to : one))];
      return [key, rewritten(item, write, from, to)];
    }),
  );
}
