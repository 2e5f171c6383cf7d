import { list } from '../../base/text.ts';
import type { Service, ServicePort } from '../../model/facts.ts';
import { gatewaysByName, waypointNameOf, type WaypointState, waypointState } from '../ambient.ts';
import { type RegisteredService, isExportedTo } from '../endpoints.ts';
import { type Destination, meshRoute, protocolOf } from '../mesh-routes.ts';
import { comesFirstIn, namingEntries } from '../service-entries.ts';
import { sidecarScope } from '../sidecar-scope.ts';
import { listOf } from '../topology-types.ts';
import { type Around, istiodOf, told } from './around.ts';
import { unknownHost } from '../unknown-hosts.ts';
import { broken, brokenByAbsence, gapsIn, type Hop, hop, type HopEvidence, notApplicable, unknown, works } from './hop.ts';

/** The route of a call, and everything that it may lead to. */
export interface Routed {
  readonly hop: Hop;
  readonly destinations: readonly Destination[];
}

/** The listener and the route that the caller's proxy has for the address. */
export function routeHop(around: Around): Routed {
  const { target, world, caller, host, kind, facts } = around;
  const direct: readonly Destination[] = [{ host, port: target.port }];
  if (kind === 'plain') return { hop: hop('route', notApplicable('without a sidecar nobody routes it')), destinations: direct };
  if (kind === 'gateway')
    return { hop: hop('route', unknown('what a gateway routes here is up to its own Gateways and VirtualServices')), destinations: direct };
  if (world === undefined) return { hop: hop('route', unknown('the istiod of the caller is not known')), destinations: direct };
  const service = world.predictions.services.get(host);
  const first = service?.instances[0]?.service;
  if (service === undefined || first === undefined) return { hop: unregistered(around), destinations: direct };
  const evidence: HopEvidence[] = [{ ref: first.ref, observed: `ports ${list(first.ports.map(spelled), 'none')}` }];
  const port = first.ports.find((one) => one.port === target.port);
  if (port === undefined) {
    const text = `${istiodOf(world)} takes the ports of the Service in ${first.ref.cluster}, which has no ${target.port}`;
    return { hop: hop('route', broken(text), { object: first.ref, evidence }), destinations: direct };
  }
  const where = { object: first.ref, evidence };
  if (!isExportedTo(first, caller.namespace, world.applied.meshConfig?.defaultServiceExportTo))
    return {
      hop: hop('route', broken(`the Service is not exported to namespace ${caller.namespace}: sidecars there have no route for it`), where),
      destinations: direct,
    };
  const workload = { namespace: caller.namespace, labels: caller.pod?.labels ?? {} };
  const scope = sidecarScope(world.applied, workload);
  if (scope.object !== undefined && !scope.imports(service, target.port))
    return {
      hop: hop('route', broken(`${told(scope.object)} does not import ${host}:${target.port}, so that the sidecar has no route for it`), {
        object: scope.object.ref,
        evidence: [...evidence, { ref: scope.object.ref, field: '.spec.egress', observed: 'leaves it out' }],
      }),
      destinations: direct,
    };
  const instead = namingEntries(world).find(
    (one) => one.service === service && kind !== 'ambient' && comesFirstIn(world, caller.namespace, one),
  );
  if (instead !== undefined)
    return {
      hop: hop(
        'route',
        unknown(
          `${told(instead.entry)} takes the place of the Service for sidecars of ${caller.namespace}; whom that leads to is not followed`,
        ),
        { object: instead.entry.ref, evidence: [...evidence, { ref: instead.entry.ref, field: '.spec.hosts', observed: host }] },
      ),
      destinations: direct,
    };
  if (kind === 'ambient') return { hop: waypointHop(around, first, port, evidence), destinations: direct };
  return followed(around, { service, port, evidence });

  function unregistered({ target: { instances } }: Around): Hop {
    const gaps =
      world === undefined
        ? []
        : [
            ...around.unread,
            ...world.gaps,
            ...gapsIn(
              facts,
              [...world.members.values()].map((cluster) => ({ cluster, fact: 'services' as const })),
            ),
          ];
    const holders = list([...instances.keys()]);
    return brokenByAbsence('route', `the caller's istiod knows no Service ${host}; it is in ${holders}`, gaps, {
      object: [...instances.values()][0]?.ref,
    });
  }
}

/** ztunnel has no routes; a waypoint has, and those are not followed. */
function waypointHop({ facts }: Around, service: Service, port: ServicePort, evidence: readonly HopEvidence[]): Hop {
  const own = facts.get(service.ref.cluster);
  const namespace = (own === undefined ? [] : listOf(own.namespaces)).find(({ name }) => name === service.namespace);
  const waypoint = waypointNameOf(service, namespace);
  if (waypoint === undefined)
    return hop('route', works(`ztunnel takes port ${spelled(port)}; no waypoint`), { object: service.ref, evidence });
  const gateway = gatewaysByName(own === undefined ? [] : listOf(own.kubeGateways)).get(`${waypoint.namespace}/${waypoint.name}`);
  const state = waypointState(gateway);
  const name = `waypoint ${waypoint.namespace}/${waypoint.name} of ${service.ref.cluster}`;
  const parts = { object: gateway?.ref ?? service.ref, evidence };
  if (state === 'serving')
    return hop('route', works(`ztunnel sends it through ${name}; what that routes elsewhere is not followed`), parts);
  return hop('route', unknown(`the Service names ${name}, which is ${stateText[state]}`), parts);
}

const stateText = {
  missing: 'not there',
  unready: 'without an address',
  'not-for-services': 'not for Services',
  unknown: 'of unknown state',
} as const satisfies Record<Exclude<WaypointState, 'serving'>, string>;

interface Found {
  readonly service: RegisteredService;
  readonly port: ServicePort;
  readonly evidence: readonly HopEvidence[];
}

/** Through the VirtualService that applies, if one does. */
function followed({ target, world, caller, host }: Around, { service, port, evidence }: Found): Routed {
  const direct: readonly Destination[] = [{ host, port: target.port }];
  if (world === undefined) return { hop: hop('route', unknown('the istiod of the caller is not known')), destinations: direct };
  const listener = `port ${spelled(port)}`;
  const route = meshRoute(world.applied, { host, port, client: { namespace: caller.namespace, labels: caller.pod?.labels ?? {} } });
  const first = service.instances[0]?.service;
  if (route === undefined)
    return {
      hop: hop('route', works(`${listener}; no VirtualService takes it elsewhere`), { object: first?.ref, evidence }),
      destinations: direct,
    };
  const where = {
    object: route.object.ref,
    evidence: [...evidence, { ref: route.object.ref, observed: `hosts ${list(route.object.hosts)}` }],
  };
  const by = told(route.object);
  if (route.destinations.length === 0)
    return {
      hop: hop(
        'route',
        route.answersItself ? unknown(`${by} answers itself instead of sending it on`) : broken(`no rule of ${by} takes it`),
        where,
      ),
      destinations: direct,
    };
  const destinations = route.destinations.map((one) => ({ ...one, port: one.port ?? target.port }));
  const strange = destinations.find((one) => unknownHost(world, one.host) !== undefined);
  if (strange !== undefined)
    return { hop: hop('route', broken(`${by} sends it to ${strange.host}, which ${istiodOf(world)} does not know`), where), destinations };
  const to = list(destinations.map(destinationText));
  return {
    hop: hop('route', works(`${listener}; ${by} sends it to ${to}${route.isByRequest ? ', depending on the request' : ''}`), where),
    destinations,
  };
}

/** `abc.shop.svc.cluster.local:5000 subset v1`. */
export function destinationText({ host, port, subset }: Destination): string {
  return `${host}${port === undefined ? '' : `:${port}`}${subset === undefined ? '' : ` subset ${subset}`}`;
}

function spelled(port: ServicePort): string {
  const protocol = protocolOf(port);
  return `${port.port}${port.name === '' ? '' : ` ${port.name}`}${protocol === 'auto' ? ', protocol by what is sent' : ''}`;
}
