import { labels } from '../istio/labels.ts';
import { type Fields, fields, objects, optionalFields, tally } from '../model/decode.ts';
import { planeObjects } from './control-plane.ts';
import type { Declared } from './declared.ts';
import { gatewayObjects, ingressPorts, injectedPod, type Sourced, sourced } from './gateways.ts';
import { releaseOf } from './operator.ts';
import { flagOf, mapOf, type Path, textOf, textsOf, type Values, valuesIn } from './values.ts';

/** Istio's Helm charts whose values say something about the mesh. */
export type Chart = 'istiod' | 'gateway' | 'base';

/** Under which name a chart was installed where: what values do not say. */
export interface Release {
  readonly name: string;
  readonly namespace: string;
}

const keysOf: Readonly<Record<Chart, readonly string[]>> = {
  gateway: ['networkGateway', 'networkGatewayPorts', 'service', 'autoscaling', 'podAnnotations', 'serviceAccount'],
  istiod: ['pilot', 'istiodRemote', 'meshConfig', 'sidecarInjectorWebhook', 'revisionTags', 'telemetry', 'env'],
  base: ['base', 'defaultRevision', 'validationCABundle', 'validationURL'],
};

/** The chart that values are for, by what only that one reads; nothing where that does not tell. */
export function chartOf(values: Fields): Chart | undefined {
  const has = (keys: readonly string[]): boolean => keys.some((key) => values[key] !== undefined);
  if (has(keysOf.gateway)) return has(['pilot', 'istiodRemote', 'meshConfig', 'sidecarInjectorWebhook']) ? undefined : 'gateway';
  if (has(keysOf.istiod)) return 'istiod';
  const settings = fields(tally(), values['global']);
  if (
    ['multiCluster', 'network', 'meshID', 'meshNetworks', 'remotePilotAddress', 'externalIstiod'].some((key) => settings[key] !== undefined)
  )
    return 'istiod';
  return has(keysOf.base) ? 'base' : undefined;
}

/** What a chart makes of values; `at` is where they stand in the document: at its top, or under the name of the chart in an umbrella. */
export function chartObjects(chart: Chart, document: Fields, release: Release | undefined, at: Path = []): Declared[] {
  const values = valuesIn(document, [
    { name: '', path: at },
    // Where charts keep their defaults, and some write their own.
    { name: '', path: [...at, 'defaults'] },
  ]);
  if (chart === 'istiod') return planeOf(values, at);
  // Chart base makes definitions and a validator: nothing that a check could be told by its values.
  return chart === 'gateway' && release !== undefined ? gatewayOf(values, release, at) : [];
}

function planeOf(values: Values, root: Path): Declared[] {
  const profile = textOf(values, 'profile') ?? '';
  return planeObjects({
    values,
    revision: textOf(values, 'revision') ?? 'default',
    revisionPath: values('revision')?.path,
    namespace: textOf(values, 'global.istioNamespace') ?? 'istio-system',
    isRemote: profile === 'remote' || flagOf(values, 'istiodRemote.enabled') === true,
    isAmbient: profile.includes('ambient'),
    release: releaseOf(textOf(values, 'pilot.tag') ?? textOf(values, 'global.tag')),
    releasePath: values('pilot.tag')?.path ?? values('global.tag')?.path,
    root,
  });
}

/** Ports of the chart where it is told the network it leads into. */
const networkPorts: readonly Fields[] = [
  { name: 'status-port', port: 15021, targetPort: 15021 },
  { name: 'tls', port: 15443, targetPort: 15443 },
  { name: 'tls-istiod', port: 15012, targetPort: 15012 },
  { name: 'tls-webhook', port: 15017, targetPort: 15017 },
];

function gatewayOf(values: Values, release: Release, root: Path): Declared[] {
  const name = textOf(values, 'name') ?? release.name;
  const given = sourced(textsOf(mapOf(values, 'labels')), values('labels')?.path ?? root);
  const own: Readonly<Record<string, Sourced>> = {
    ...given,
    app: given['app'] ?? { value: name, path: undefined },
    istio: given['istio'] ?? { value: name.replace(/^istio-/, ''), path: undefined },
  };
  const network = values('networkGateway');
  const networkLabel: Readonly<Record<string, Sourced>> =
    network === undefined ? {} : { [labels.network]: { value: textOf(values, 'networkGateway') ?? '', path: network.path } };
  const type = textOf(values, 'service.type') ?? 'LoadBalancer';
  const revision = textOf(values, 'revision') ?? 'default';
  return gatewayObjects({
    name,
    namespace: textOf(values, 'namespace') ?? release.namespace,
    labels: own,
    selector: { app: own['app']?.value ?? name, istio: own['istio']?.value ?? name },
    more: networkLabel,
    ...injectedPod(revision, values('revision')?.path),
    env: {
      ...(network === undefined
        ? {}
        : { ISTIO_META_REQUESTED_NETWORK_VIEW: { value: textOf(values, 'networkGateway') ?? '', path: network.path } }),
      ...sourced(textsOf(mapOf(values, 'env')), values('env')?.path ?? root),
    },
    service: type === 'None' ? undefined : { ...serviceOf(values, type), type: values('service.type')?.path },
    root,
  });
}

function serviceOf(
  values: Values,
  type: string,
): { readonly spec: Fields; readonly annotations: Fields; readonly ports: Path | undefined } {
  const given = objects(tally(), values('service.ports')?.value);
  const network = values('networkGateway');
  const ports = network === undefined ? (given.length > 0 ? given : ingressPorts) : renumbered(mapOf(values, 'networkGatewayPorts'));
  return {
    spec: { ...mapOf(values, 'service'), type, ports },
    annotations: { ...mapOf(values, 'annotations'), ...mapOf(values, 'service.annotations') },
    ports: network === undefined ? values('service.ports')?.path : (values('networkGatewayPorts')?.path ?? network.path),
  };
}

/** Releases since 1.30 let the ports of a network gateway be set by their names. */
function renumbered(given: Fields): readonly Fields[] {
  return networkPorts.map((port) => {
    const own = optionalFields(tally(), given[String(port['name'])]);
    const number = own?.['port'];
    return own === undefined || number === undefined
      ? port
      : { ...port, port: number, targetPort: own['targetPort'] ?? port['targetPort'] };
  });
}
