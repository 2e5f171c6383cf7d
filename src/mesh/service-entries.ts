import { resolveHost } from '../istio/hosts.ts';
import { presumedToBehave } from '../istio/releases.ts';
import { fields, filled, objects, optionalFields, port, tally, texts } from '../model/decode.ts';
import type { IstioResource } from '../model/facts.ts';
import type { NetworkGateway } from './gateways.ts';
import { isExportedTo, type RegisteredService } from './endpoints.ts';
import { flag } from './istiod-view.ts';
import { sidecarScope } from './sidecar-scope.ts';
import type { World } from './worlds.ts';

/*
 * ServiceEntries that name a Service of Kubernetes, and what istiod makes of the two. Endpoints are kept by host and namespace
 * (pilot/pkg/model/push_context.go: ShardsForService): an entry in the namespace of the Service adds its own to those of the Service,
 * which stays what it is. From any other namespace it is a second service of the same host, of which sidecars know one.
 */

/** A ServiceEntry and the Service that it names. */
export interface NamingEntry {
  readonly entry: IstioResource;
  readonly service: RegisteredService;
}

export function namingEntries(world: World): NamingEntry[] {
  const { clusterDomain } = world.predictions.istiod;
  return world.applied.ofKind('ServiceEntry').flatMap((entry) => {
    const odd = tally();
    return texts(odd, fields(odd, entry.spec)['hosts']).flatMap((host) => {
      const service = world.predictions.services.get(resolveHost(host, entry.namespace, clusterDomain));
      return service === undefined ? [] : [{ entry, service }];
    });
  });
}

/** Whether sidecars look up its hosts themselves, since it lists nobody who serves them. */
export function isLookedUp({ spec }: IstioResource): boolean {
  const odd = tally();
  const own = fields(odd, spec);
  return (
    ['DNS', 'DNS_ROUND_ROBIN'].includes(filled(odd, own['resolution']) ?? '') &&
    objects(odd, own['endpoints']).length === 0 &&
    optionalFields(odd, own['workloadSelector']) === undefined
  );
}

/**
 * Whether sidecars of a namespace go by the entry and not by the Service, where they know both: what is in their own namespace comes
 * first since 1.24, and before that where a Sidecar applies (pilot/pkg/model/sidecar.go: selectServices). A Sidecar that lets them know one of the two
 * alone has chosen.
 */
export function comesFirstIn(world: World, namespace: string, { entry, service }: NamingEntry): boolean {
  if (entry.namespace !== namespace || service.namespace === namespace) return false;
  const first = service.instances[0]?.service;
  const defaults = world.applied.meshConfig?.defaultServiceExportTo;
  if (first === undefined || !isExportedTo(first, namespace, defaults) || !isVisible(entry, namespace)) return false;
  const { env, version } = world.predictions.istiod;
  const scope = sidecarScope(world.applied, { namespace, labels: {} });
  const imports = (of: string): boolean => first.ports.some((one) => scope.imports({ host: service.host, namespace: of }, one.port));
  if (!imports(entry.namespace) || !imports(service.namespace)) return false;
  return scope.object !== undefined || flag(env, 'PILOT_UNIFIED_SIDECAR_SCOPE', presumedToBehave(version, 'prefersServiceOfOwnNamespace'));
}

function isVisible({ spec, namespace: own }: IstioResource, namespace: string): boolean {
  const odd = tally();
  const exportTo = texts(odd, fields(odd, spec)['exportTo']);
  return exportTo.length === 0 || exportTo.some((to) => to === '*' || to === namespace || (to === '.' && own === namespace));
}

/** Endpoints that an entry in the namespace of a Service adds to those of the Service, and that are gateways which take mutual TLS only. */
export function addedGateways(world: World, { entry, service }: NamingEntry): readonly NetworkGateway[] {
  const first = service.instances[0]?.service;
  if (first === undefined || entry.namespace !== service.namespace) return [];
  const odd = tally();
  const own = fields(odd, entry.spec);
  const numbers = objects(odd, own['ports']).filter(({ name }) => first.ports.some((one) => one.name === name));
  return objects(odd, own['endpoints']).flatMap((endpoint) => {
    // With a network it is reached as that says; with an account or label it is sent mutual TLS.
    const isMutual =
      filled(odd, endpoint['serviceAccount']) !== undefined || fields(odd, endpoint['labels'])['security.istio.io/tlsMode'] === 'istio';
    if (isMutual || filled(odd, endpoint['network']) !== undefined) return [];
    const dialled = numbers.map(({ name, number, targetPort }) => {
      const named = filled(odd, name) === undefined ? undefined : port(odd, fields(odd, endpoint['ports'])[String(name)]);
      return named ?? port(odd, targetPort) ?? port(odd, number);
    });
    return world.predictions.gateways.filter(
      (gateway) => gateway.address === endpoint['address'] && gateway.port !== 0 && dialled.includes(gateway.port),
    );
  });
}
