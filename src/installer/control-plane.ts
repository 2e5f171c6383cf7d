import { type InjectorEntry, everywhereEntry, revisionEntries, unnamedEntries } from '../istio/injector-webhooks.ts';
import { labels } from '../istio/labels.ts';
import { ipFamily } from '../istio/addresses.ts';
import { defined, type Fields, list, optionalFields, scalarText, tally } from '../model/decode.ts';
import { type Declared, labelField, named, suffixOf, traced, variableFields } from './declared.ts';
import { flagOf, mapOf, merged, type Path, textOf, type Values } from './values.ts';

/** One revision of a control plane, or of what a remote has instead of one. */
export interface Plane {
  readonly values: Values;
  readonly revision: string;
  /** Where the revision is said; none where it is the one without a name because nothing says otherwise. */
  readonly revisionPath: Path | undefined;
  readonly namespace: string;
  /** Proxies here use the istiod of another cluster. */
  readonly isRemote: boolean;
  readonly isAmbient: boolean;
  /** Release of Istio, where the document says it. */
  readonly release: string | undefined;
  readonly releasePath: Path | undefined;
  /** What of the document it is. */
  readonly root: Path;
}

/** What chart `istiod` makes of its values, as seen of 1.31 and alike since 1.24. */
export function planeObjects(plane: Plane): Declared[] {
  const { values, isRemote } = plane;
  // Of an ambient mesh the profile adds to it what depends on the release.
  const hasMeshConfig = (flagOf(values, 'configMap') ?? !isRemote) && !plane.isAmbient;
  const hasInjectorConfig = !(flagOf(values, 'global.omitSidecarInjectorConfigMap') ?? isRemote);
  const managesWebhooks = flagOf(values, 'global.operatorManageWebhooks') !== true;
  return [
    ...(isRemote ? remoteService(plane) : [istiod(plane), service(plane, istiodName(plane), {})]),
    ...(hasMeshConfig ? [meshConfig(plane)] : []),
    ...(hasInjectorConfig ? [injectorConfig(plane)] : []),
    ...(managesWebhooks ? injectors(plane) : []),
  ];
}

function istiodName({ revision }: Plane): string {
  return `istiod${suffixOf(revision)}`;
}

function istiod(plane: Plane): Declared {
  const { values, revision, namespace, isAmbient, release, root } = plane;
  const env = environment(plane);
  const domain = textOf(values, 'global.proxy.clusterDomain') ?? 'cluster.local';
  const pod = {
    metadata: { labels: { app: 'istiod', [labels.revision]: revision, [labels.inject]: 'false' } },
    spec: {
      containers: [
        {
          name: 'discovery',
          // Without a tag its release is not known; the name of the image is not read.
          ...(release === undefined ? {} : { image: `pilot:${release}` }),
          args: ['discovery', '--domain', domain],
          env: Object.entries(env).map(([name, { value }]) => ({ name, value })),
        },
      ],
    },
  };
  return {
    object: named(
      'apps/v1',
      'Deployment',
      { name: istiodName(plane), namespace, labels: { app: 'istiod', istio: 'pilot', [labels.revision]: revision } },
      { spec: { selector: { matchLabels: selectorOf(plane) }, template: isAmbient ? withDataplaneNone(pod) : pod } },
    ),
    root,
    fields: traced(
      [labelField(labels.revision), plane.revisionPath],
      [`.spec.template${labelField(labels.revision)}`, plane.revisionPath],
      ['.spec.template.spec.containers[*].image', plane.releasePath],
      ['.spec.template.spec.containers[*].args', values('global.proxy.clusterDomain')?.path],
      ...Object.entries(env).flatMap(([name, { path }]) => variableFields(name, path)),
    ),
  };
}

function withDataplaneNone<T extends { readonly metadata: { readonly labels: Fields } }>(pod: T): T {
  return { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, [labels.dataplaneMode]: 'none' } } };
}

interface Variable {
  readonly value: string;
  readonly path: Path | undefined;
}

/** Variables of istiod that follow from settings, and those given one by one. */
function environment(plane: Plane): Readonly<Record<string, Variable>> {
  const { values, revision, isAmbient } = plane;
  const when = (condition: boolean, name: string, value: string, path: Path | undefined): Readonly<Record<string, Variable>> =>
    condition ? { [name]: { value, path } } : {};
  const cluster = values('global.multiCluster.clusterName');
  const external = values('global.externalIstiod');
  return {
    REVISION: { value: revision, path: plane.revisionPath },
    PILOT_CERT_PROVIDER: {
      value: textOf(values, 'global.pilotCertProvider') ?? 'istiod',
      path: values('global.pilotCertProvider')?.path,
    },
    ...when(isAmbient, 'PILOT_ENABLE_AMBIENT', 'true', undefined),
    // Switched off and left out are the same to istiod; said explicitly, it also counts where this is laid over another.
    ...when(external !== undefined, 'EXTERNAL_ISTIOD', String(flagOf(values, 'global.externalIstiod') === true), external?.path),
    CLUSTER_ID: { value: textOf(values, 'global.multiCluster.clusterName') ?? 'Kubernetes', path: cluster?.path },
    ...variablesIn(values, 'env'),
    ...variablesIn(values, 'pilot.env'),
  };
}

function variablesIn(values: Values, name: string): Readonly<Record<string, Variable>> {
  const given = values(name);
  if (given === undefined) return {};
  // A map in charts, a list in an IstioOperator.
  if (Array.isArray(given.value)) {
    return Object.fromEntries(
      list(tally(), given.value).flatMap((item, index): [string, Variable][] => {
        const entry = optionalFields(tally(), item);
        const key = scalarText(tally(), entry?.['name']);
        const value = scalarText(tally(), entry?.['value']);
        return key === undefined || value === undefined ? [] : [[key, { value, path: [...given.path, index, 'value'] }]];
      }),
    );
  }
  return Object.fromEntries(
    Object.entries(mapOf(values, name)).flatMap(([key, item]): [string, Variable][] => {
      const value = scalarText(tally(), item);
      return value === undefined ? [] : [[key, { value, path: [...given.path, key] }]];
    }),
  );
}

function selectorOf({ revision }: Plane): Readonly<Record<string, string>> {
  return revision === 'default' ? { istio: 'pilot' } : { app: 'istiod', [labels.revision]: revision };
}

function service(plane: Plane, name: string, more: Fields): Declared {
  const { revision, namespace, root } = plane;
  return {
    object: named(
      'v1',
      'Service',
      { name, namespace, labels: { app: 'istiod', istio: 'pilot', [labels.revision]: revision, ...more } },
      {
        spec: {
          ports: [
            { name: 'grpc-xds', port: 15010, protocol: 'TCP' },
            { name: 'https-dns', port: 15012, protocol: 'TCP' },
            { name: 'https-webhook', port: 443, targetPort: 15017, protocol: 'TCP' },
            { name: 'http-monitoring', port: 15014, protocol: 'TCP' },
          ],
          selector: { app: 'istiod', ...selectorOf(plane) },
        },
      },
    ),
    root,
    fields: traced([labelField(labels.revision), plane.revisionPath]),
  };
}

/** What leads to the istiod of another cluster: a Service without selector and what stands behind it. A name cannot stand there as an address. */
function remoteService(plane: Plane): Declared[] {
  const { values, revision, namespace, root } = plane;
  const given = values('global.remotePilotAddress');
  const address = textOf(values, 'global.remotePilotAddress');
  if (given === undefined || address === undefined || flagOf(values, 'istiodRemote.enabledLocalInjectorIstiod') === true) return [];
  const name = istiodName(plane);
  const meta = { name, namespace, labels: { [labels.revision]: revision } };
  const family = ipFamily(address);
  const front = named('v1', 'Service', meta, {
    spec: {
      ports: [
        { name: 'tcp-istiod', port: 15012, protocol: 'TCP' },
        { name: 'tcp-webhook', port: 443, targetPort: 15017, protocol: 'TCP' },
      ],
      ...(family !== undefined ? {} : { type: 'ExternalName', externalName: address }),
    },
  });
  const fields = traced([labelField(labels.revision), plane.revisionPath], ['.spec', given.path], ['.endpoints', given.path]);
  if (family === undefined) return [{ object: front, root, fields }];
  const behind = named(
    'discovery.k8s.io/v1',
    'EndpointSlice',
    { ...meta, labels: { [labels.serviceName]: name } },
    {
      addressType: family === 6 ? 'IPv6' : 'IPv4',
      endpoints: [{ addresses: [address] }],
      ports: [
        { name: 'tcp-istiod', port: 15012, protocol: 'TCP' },
        { name: 'tcp-webhook', port: 15017, protocol: 'TCP' },
      ],
    },
  );
  return [
    { object: front, root, fields },
    { object: behind, root: given.path, fields: [] },
  ];
}

/** ConfigMap `istio`: the defaults of the chart under what was given. JSON is YAML. */
function meshConfig(plane: Plane): Declared {
  const { values, revision, namespace, root } = plane;
  const meshId = textOf(values, 'global.meshID');
  const given = mapOf(values, 'meshConfig');
  const defaults = {
    defaultConfig: defined({ discoveryAddress: `${istiodName(plane)}.${namespace}.svc:15012`, meshId }),
    enablePrometheusMerge: true,
    rootNamespace: namespace,
    trustDomain: 'cluster.local',
  };
  return {
    object: named(
      'v1',
      'ConfigMap',
      { name: `istio${suffixOf(revision)}`, namespace, labels: { [labels.revision]: revision } },
      {
        data: {
          mesh: JSON.stringify(merged(defaults, given)),
          meshNetworks: JSON.stringify({ networks: mapOf(values, 'global.meshNetworks') }),
        },
      },
    ),
    root: values('meshConfig')?.path ?? root,
    fields: traced(['.data.mesh', values('meshConfig')?.path], ['.data.meshNetworks', values('global.meshNetworks')?.path]),
  };
}

function injectorConfig(plane: Plane): Declared {
  const { values, revision, namespace, root } = plane;
  const shown = {
    global: {
      caAddress: textOf(values, 'global.caAddress') ?? '',
      meshID: textOf(values, 'global.meshID') ?? '',
      multiCluster: { clusterName: textOf(values, 'global.multiCluster.clusterName') ?? '' },
      network: textOf(values, 'global.network') ?? '',
      proxy: { clusterDomain: textOf(values, 'global.proxy.clusterDomain') ?? 'cluster.local' },
    },
    revision: revision === 'default' ? '' : revision,
  };
  return {
    object: named(
      'v1',
      'ConfigMap',
      { name: `istio-sidecar-injector${suffixOf(revision)}`, namespace, labels: { [labels.revision]: revision } },
      { data: { values: JSON.stringify(shown) } },
    ),
    root: values('global')?.path ?? root,
    fields: traced(['.data.values', values('global.network')?.path ?? values('global')?.path]),
  };
}

/** The injector of the revision, and those of its tags. */
function injectors(plane: Plane): Declared[] {
  const { values, revision, namespace, root } = plane;
  const isUnnamed = revision === 'default';
  const tags = list(tally(), values('revisionTags')?.value).flatMap((tag) => scalarText(tally(), tag) ?? []);
  const everywhere = flagOf(values, 'sidecarInjectorWebhook.enableNamespacesByDefault') === true ? [everywhereEntry] : [];
  const own = isUnnamed ? [...revisionEntries('default'), ...unnamedEntries, ...everywhere] : revisionEntries(revision);
  const clientPath = values('istiodRemote.injectionURL')?.path ?? values('istiodRemote.injectionPath')?.path;
  const make = (name: string, entries: readonly InjectorEntry[], more: Fields, from: Path): Declared => ({
    object: named(
      'admissionregistration.k8s.io/v1',
      'MutatingWebhookConfiguration',
      { name, labels: { app: 'sidecar-injector', [labels.revision]: revision, ...more } },
      { webhooks: entries.map((entry) => ({ ...entry, clientConfig: clientConfig(plane), failurePolicy: 'Fail' })) },
    ),
    root: from,
    fields: traced([labelField(labels.revision), plane.revisionPath], ['.webhooks', clientPath]),
  });
  const place = namespace === 'istio-system' ? '' : `-${namespace}`;
  return [
    make(`istio-sidecar-injector${suffixOf(revision)}${place}`, own, {}, clientPath ?? root),
    ...tags.map((tag) =>
      make(
        `istio-revision-tag-${tag}`,
        tag === 'default' ? [...revisionEntries(tag), ...unnamedEntries] : revisionEntries(tag),
        { [labels.tag]: tag },
        values('revisionTags')?.path ?? root,
      ),
    ),
  ];
}

function clientConfig(plane: Plane): Fields {
  const { values, namespace } = plane;
  const url = textOf(values, 'istiodRemote.injectionURL');
  if (url !== undefined) return { url };
  const path = textOf(values, 'istiodRemote.injectionPath') ?? '/inject';
  return { service: { name: istiodName(plane), namespace, path, port: 443 } };
}
