import { labels } from '../istio/labels.ts';
import type { StringMap } from '../model/kube.ts';
import { present } from './objects.ts';
import type { ControlPlane } from './plan.ts';

/** The part of Istio that an object belongs to, and the chart it comes from. */
const charts = {
  Base: { chart: 'base', name: undefined },
  Pilot: { chart: 'istiod', name: 'istiod' },
  Reader: { chart: 'istiod', name: 'istio-reader' },
  ReaderAccount: { chart: 'base', name: 'istio-reader' },
  IngressGateways: { chart: 'istio-ingress', name: 'istio-ingressgateway' },
  Cni: { chart: 'cni', name: 'istio-cni' },
  Ztunnel: { chart: 'ztunnel', name: 'ztunnel' },
} as const;

export type Part = keyof typeof charts;

const components: Readonly<Record<Part, string>> = {
  Base: 'Base',
  Pilot: 'Pilot',
  Reader: 'Pilot',
  ReaderAccount: 'Base',
  IngressGateways: 'IngressGateways',
  Cni: 'Cni',
  Ztunnel: 'Ztunnel',
};

export interface Installed {
  readonly part: Part;
  /** Name of the IstioOperator, where the chart writes it: `unknown` for one without a name. */
  readonly owner?: 'unknown' | 'eastwest';
  /** Label `release`, which most templates write. */
  readonly hasRelease?: false;
}

/** The labels that the installer puts on everything. */
export function installed(
  plane: Pick<ControlPlane, 'revision' | 'release' | 'systemNamespace'>,
  what: Installed,
  own: StringMap = {},
): StringMap {
  return present({
    ...own,
    ...chartLabels(plane.release, what.part),
    'install.operator.istio.io/owning-resource': what.owner,
    'install.operator.istio.io/owning-resource-namespace': plane.systemNamespace,
    [labels.revision]: plane.revision,
    'operator.istio.io/component': components[what.part],
    'operator.istio.io/managed': 'Reconcile',
    [labels.operatorVersion]: plane.release,
    release: what.hasRelease === false ? undefined : 'istio',
  });
}

/** The labels that a chart puts on its objects, and on the pods of its workloads. */
export function chartLabels(release: string, part: Part): StringMap {
  const { chart, name } = charts[part];
  return present({
    'app.kubernetes.io/instance': 'istio',
    'app.kubernetes.io/managed-by': 'Helm',
    'app.kubernetes.io/name': name,
    'app.kubernetes.io/part-of': 'istio',
    [labels.appVersion]: release,
    'helm.sh/chart': `${chart}-${release}`,
  });
}

/** Labels of the pods of an installed workload. */
export function podLabels(plane: Pick<ControlPlane, 'release'>, part: 'Pilot' | 'IngressGateways', own: StringMap): StringMap {
  return {
    ...own,
    ...chartLabels(plane.release, part),
    'install.operator.istio.io/owning-resource': 'unknown',
    'operator.istio.io/component': components[part],
  };
}
