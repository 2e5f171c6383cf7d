import type { KubeObject } from '../../model/kube.ts';
import { agoIn, timeText } from './clock.ts';
import { rootOf, webhookRefusal } from './control-plane.ts';
import {
  annotationsOf,
  change,
  changeAny,
  changed,
  clusterOf,
  type Edit,
  EditError,
  inCluster,
  isNamed,
  labelsOf,
  type Objects,
  put,
} from './edit.ts';
import { itemsOf } from './json.ts';
import { encoded } from './kubeconfig.ts';
import { isSidecarPod } from './find.ts';
import { neverStarted, ownedBy } from './workload.ts';

export interface RefusedPods {
  readonly cluster: string;
  /** The API server's words behind the address of the injector. */
  readonly reason?: string;
  /** All of its words, for a refusal that is none of the injector's. */
  readonly message?: string;
  /**
   * So long ago a rollout began that got no pod, while the pods of before still run. Without it the pods were never created, from the
   * installation of each workload on.
   */
  readonly minutesAgo?: number;
  /** Of workloads that ask for injection; both unless said. */
  readonly only?: 'sidecars' | 'gateways';
}

/** CLD-01, INJ-10 and their like: the API server could not use the injector, so that workloads which ask for injection got no pods. */
export function podsRefused({ cluster, reason = '', message, minutesAgo, only }: RefusedPods): Edit {
  return inCluster(cluster, (objects, mesh) => {
    const isGateway = (pod: KubeObject): boolean => annotationsOf(pod)['inject.istio.io/templates'] !== undefined;
    const injected = objects.filter(
      (object) =>
        object.kind === 'Deployment' &&
        ownedBy(objects, object).pods.some((pod) => (only !== 'gateways' && isSidecarPod(pod)) || (only !== 'sidecars' && isGateway(pod))),
    );
    if (injected.length === 0) throw new EditError(`Nothing of ${cluster} asks for injection.`);
    const refusal = message ?? webhookRefusal(objects, reason);
    if (minutesAgo === undefined)
      return injected.reduce<Objects>((result, deployment) => neverStarted(result, deployment, refusal), objects);
    const since = timeText(agoIn(mesh, minutesAgo));
    return injected.reduce<Objects>((result, deployment) => withoutSuccessor(result, deployment, refusal, since), objects);
  });
}

/** A rollout whose first new pod was refused: the ReplicaSet of before goes on. */
function withoutSuccessor(objects: Objects, deployment: KubeObject, refusal: string, since: string): Objects {
  const { name, namespace } = deployment.metadata;
  const failed = {
    type: 'ReplicaFailure',
    status: 'True',
    reason: 'FailedCreate',
    message: refusal.startsWith('failed calling webhook') ? `Internal error occurred: ${refusal}` : refusal,
    lastTransitionTime: since,
    lastUpdateTime: since,
  };
  return changeAny(objects, isNamed('Deployment', name, namespace), (object) =>
    changed(object, ['status', 'conditions'], (conditions) => [...itemsOf(conditions), failed]),
  );
}

/**
 * INJ-08: validating webhooks of a cluster that have to be asked, with a caBundle that nobody keeps right: as when an operator renders
 * failurePolicy Fail for a remote. `rootOf`: the root that istiod of that cluster hands out.
 */
export function validatorRequired(options: {
  readonly cluster: string;
  readonly bundle: 'empty' | { readonly pem: string } | { readonly rootOf: string };
  readonly policy?: 'Fail' | 'Ignore';
}): Edit {
  return inCluster(options.cluster, (objects, mesh) => {
    const { bundle } = options;
    const pem = bundle === 'empty' ? undefined : 'pem' in bundle ? bundle.pem : rootOf(clusterOf(mesh, bundle.rootOf));
    return change(
      objects,
      (object) => object.kind === 'ValidatingWebhookConfiguration' && labelsOf(object)['app'] === 'istiod',
      (validator) =>
        put(
          put(validator, ['webhooks', '*', 'clientConfig', 'caBundle'], pem === undefined ? undefined : encoded(pem)),
          ['webhooks', '*', 'failurePolicy'],
          options.policy ?? 'Fail',
        ),
      'validating webhook of Istio',
    );
  });
}
