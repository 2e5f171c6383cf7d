import { labels } from '../istio/labels.ts';
import { defined, type Fields, fields, list, objects, optionalFields, scalarText, tally } from '../model/decode.ts';
import { planeObjects } from './control-plane.ts';
import type { Declared } from './declared.ts';
import { gatewayObjects, type GatewayPlan, ingressPorts, injectedPod, type Sourced, sourced } from './gateways.ts';
import { flagOf, merged, type Path, textOf, textsOf, valueAt, type Values, valuesIn } from './values.ts';

/** What a profile of istioctl installs where the components say nothing, as `istioctl manifest generate` gives it. */
const profiles: Readonly<Record<string, { readonly pilot: boolean; readonly ingress: boolean; readonly egress: boolean }>> = {
  default: { pilot: true, ingress: true, egress: false },
  demo: { pilot: true, ingress: true, egress: true },
  preview: { pilot: true, ingress: true, egress: false },
  stable: { pilot: true, ingress: true, egress: false },
  openshift: { pilot: true, ingress: true, egress: false },
  minimal: { pilot: true, ingress: false, egress: false },
  ambient: { pilot: true, ingress: false, egress: false },
  'openshift-ambient': { pilot: true, ingress: false, egress: false },
  remote: { pilot: false, ingress: false, egress: false },
  external: { pilot: false, ingress: false, egress: false },
  empty: { pilot: false, ingress: false, egress: false },
};

/** What istioctl makes of an IstioOperator. Of a component with overlays nothing is said: they may change anything of it. */
export function operatorObjects(document: Fields): Declared[] {
  const spec = fields(tally(), document['spec']);
  const values = operatorValues(document, spec);
  const profile = scalarText(tally(), spec['profile']) || 'default';
  const installs = profiles[profile];
  const revision = textOf(values, 'revision') ?? 'default';
  const revisionPath = values('revision')?.path;
  const namespace = textOf(values, 'global.istioNamespace') ?? 'istio-system';
  const components = fields(tally(), spec['components']);
  const pilot = optionalFields(tally(), components['pilot']);
  const enablesPilot = isEnabled(pilot) ?? installs?.pilot ?? false;
  const isRemote = profile === 'remote' || profile === 'external' || flagOf(values, 'istiodRemote.enabled') === true;
  const hasPlane = (enablesPilot || isRemote) && !hasOverlays(pilot);
  const plane = {
    values,
    revision,
    revisionPath,
    namespace,
    isRemote: isRemote && !enablesPilot,
    isAmbient: profile.includes('ambient'),
    release: releaseOf(textOf(values, 'global.tag')),
    releasePath: values('global.tag')?.path,
    root: ['spec'] satisfies Path,
  };
  return [
    ...(hasPlane ? planeObjects(plane) : []),
    ...gatewaysOf(components, 'ingressGateways', installs?.ingress ?? false, { values, revision, revisionPath, namespace }),
    ...gatewaysOf(components, 'egressGateways', installs?.egress ?? false, { values, revision, revisionPath, namespace }),
  ];
}

/** Settings that an IstioOperator has a field of its own for win over its values. */
function operatorValues(document: Fields, spec: Fields): Values {
  const inSpec = valuesIn(document, [
    { name: 'revision', path: ['spec', 'revision'] },
    { name: 'global.istioNamespace', path: ['spec', 'namespace'] },
    { name: 'global.tag', path: ['spec', 'tag'] },
    { name: 'global.tag', path: ['spec', 'components', 'pilot', 'tag'] },
    { name: 'pilot.env', path: ['spec', 'components', 'pilot', 'k8s', 'env'] },
    { name: '', path: ['spec', 'values'] },
    { name: '', path: ['spec', 'unvalidatedValues'] },
  ]);
  const own = optionalFields(tally(), spec['meshConfig']);
  if (own === undefined) return inSpec;
  const path = ['spec', 'meshConfig'];
  return (name) => {
    if (name === 'meshConfig') return { value: merged(fields(tally(), inSpec(name)?.value), own), path };
    const below = name.startsWith('meshConfig.') ? valueAt(own, name.split('.').slice(1)) : undefined;
    return below === undefined || below === null ? inSpec(name) : { value: below, path: [...path, ...name.split('.').slice(1)] };
  };
}

/** A tag may carry a variant behind the release. */
export function releaseOf(tag: string | undefined): string | undefined {
  return tag !== undefined && /^v?\d+\.\d+\.\d+/.test(tag) ? tag.replace(/^v/, '') : undefined;
}

function isEnabled(component: Fields | undefined): boolean | undefined {
  const text = scalarText(tally(), component?.['enabled']);
  return text === undefined ? undefined : text === 'true';
}

function hasOverlays(component: Fields | undefined): boolean {
  return list(tally(), fields(tally(), component?.['k8s'])['overlays']).length > 0;
}

interface Surroundings {
  readonly values: Values;
  readonly revision: string;
  readonly revisionPath: Path | undefined;
  readonly namespace: string;
}

function gatewaysOf(
  components: Fields,
  kind: 'ingressGateways' | 'egressGateways',
  isInstalled: boolean,
  around: Surroundings,
): Declared[] {
  const usual = kind === 'ingressGateways' ? 'istio-ingressgateway' : 'istio-egressgateway';
  const given = objects(tally(), components[kind]);
  const found = given.flatMap((gateway, index) => {
    const name = scalarText(tally(), gateway['name']) || usual;
    const enabled = isEnabled(gateway) ?? (name === usual && isInstalled);
    return enabled && !hasOverlays(gateway)
      ? gatewayObjects(planOf(gateway, name, usual, ['spec', 'components', kind, index], around))
      : [];
  });
  const isNamed = given.some((gateway) => (scalarText(tally(), gateway['name']) || usual) === usual);
  return isInstalled && !isNamed ? [...found, ...gatewayObjects(planOf({}, usual, usual, ['spec'], around))] : found;
}

function planOf(gateway: Fields, name: string, usual: string, root: Path, around: Surroundings): GatewayPlan {
  const { values, revision, revisionPath } = around;
  const k8s = fields(tally(), gateway['k8s']);
  const service = fields(tally(), k8s['service']);
  const own: Readonly<Record<string, Sourced>> = {
    app: { value: usual, path: undefined },
    istio: { value: usual.slice('istio-'.length), path: undefined },
    ...sourced(textsOf(fields(tally(), values(`gateways.${usual}.labels`)?.value)), values(`gateways.${usual}.labels`)?.path ?? root),
    ...sourced(textsOf(fields(tally(), gateway['label'])), [...root, 'label']),
  };
  const isIngress = usual === 'istio-ingressgateway';
  const isInjected = textOf(values, `gateways.${usual}.injectionTemplate`) !== undefined;
  const ports = objects(tally(), service['ports']);
  return {
    name,
    namespace: scalarText(tally(), gateway['namespace']) || around.namespace,
    labels: { ...own, [labels.revision]: { value: revision, path: revisionPath } },
    selector: Object.fromEntries(Object.entries(own).map(([key, { value }]) => [key, value])),
    more: {},
    ...(isInjected ? injectedPod(revision, revisionPath) : writtenPod(revision)),
    env: { ...(isInjected ? {} : writtenEnv(around)), ...envOf(k8s['env'], [...root, 'k8s', 'env']) },
    service: {
      spec: {
        ...service,
        type:
          scalarText(tally(), service['type']) ?? textOf(values, `gateways.${usual}.type`) ?? (isIngress ? 'LoadBalancer' : 'ClusterIP'),
        ports: ports.length > 0 ? ports : isIngress ? ingressPorts : ingressPorts.slice(1),
      },
      annotations: fields(tally(), k8s['serviceAnnotations']),
      ports: ports.length > 0 ? [...root, 'k8s', 'service', 'ports'] : undefined,
      type: service['type'] === undefined ? undefined : [...root, 'k8s', 'service', 'type'],
    },
    root,
  };
}

/** Pods whose proxy the chart writes: they are of the revision, and nobody injects them. */
function writtenPod(revision: string): Pick<GatewayPlan, 'podLabels' | 'podAnnotations'> {
  return {
    podLabels: { [labels.inject]: { value: 'false', path: undefined } },
    podAnnotations: { [labels.revision]: revision, [labels.inject]: 'false' },
  };
}

function writtenEnv({ values, revision, namespace }: Surroundings): Readonly<Record<string, Sourced>> {
  const network = values('global.network');
  const cluster = values('global.multiCluster.clusterName');
  const trustDomain = values('meshConfig.trustDomain');
  const suffix = revision === 'default' ? '' : `-${revision}`;
  const metadata = values('meshConfig.defaultConfig.proxyMetadata');
  return defined({
    ...sourced(textsOf(fields(tally(), metadata?.value)), metadata?.path ?? []),
    CA_ADDR: {
      value: textOf(values, 'global.caAddress') ?? `istiod${suffix}.${namespace}.svc:15012`,
      path: values('global.caAddress')?.path,
    },
    TRUST_DOMAIN: { value: textOf(values, 'meshConfig.trustDomain') ?? 'cluster.local', path: trustDomain?.path },
    ISTIO_META_MESH_ID: {
      value: textOf(values, 'global.meshID') ?? textOf(values, 'meshConfig.trustDomain') ?? 'cluster.local',
      path: values('global.meshID')?.path,
    },
    ISTIO_META_NETWORK: network === undefined ? undefined : { value: textOf(values, 'global.network') ?? '', path: network.path },
    ISTIO_META_CLUSTER_ID: { value: textOf(values, 'global.multiCluster.clusterName') ?? 'Kubernetes', path: cluster?.path },
  });
}

function envOf(value: unknown, path: Path): Readonly<Record<string, Sourced>> {
  return Object.fromEntries(
    objects(tally(), value).flatMap((entry, index): [string, Sourced][] => {
      const name = scalarText(tally(), entry['name']);
      const text = scalarText(tally(), entry['value']);
      return name === undefined || text === undefined ? [] : [[name, { value: text, path: [...path, index, 'value'] }]];
    }),
  );
}
