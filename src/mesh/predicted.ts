import { type Predictions, predict } from './endpoints.ts';
import type { IstiodView } from './istiod-view.ts';

/** By the services of the first cluster. Lists are never changed: the same lists say the same, whichever check asks. */
const predicted = new WeakMap<object, { readonly from: readonly unknown[]; readonly predictions: Predictions }[]>();

/** `predict`, once for the same lists: several checks of a run ask the same of a large mesh, and so do probes. */
export function predictedOnce(view: IstiodView): Predictions {
  const { istiod, meshConfig, clusters } = view;
  const [first] = clusters;
  if (first === undefined) return predict(view);
  const from = [
    // What is assumed of an istiod elsewhere is made anew each time.
    ...('ref' in istiod ? [istiod] : [istiod.version, istiod.namespace, istiod.clusterId, istiod.clusterDomain]),
    meshConfig,
    ...clusters.flatMap((one) => [one.id, one.namespaces, one.services, one.endpointSlices, one.pods, one.nodes, one.kubeGateways]),
  ];
  const before = predicted.get(first.services) ?? [];
  const same = before.find((one) => one.from.length === from.length && one.from.every((item, index) => item === from[index]));
  if (same !== undefined) return same.predictions;
  const predictions = predict(view);
  predicted.set(first.services, [...before, { from, predictions }]);
  return predictions;
}
