import { labels } from '../../istio/labels.ts';
import type { KubeObject, MeshObjects } from '../../model/kube.ts';
import { agoIn, timeText } from './clock.ts';
import { someMinutes } from './control-plane.ts';
import {
  change,
  changeAny,
  changed,
  clusterOf,
  type Edit,
  find,
  inCluster,
  inOrder,
  isNamed,
  label,
  labelsOf,
  type Objects,
  put,
  remove,
  withoutLastApplied,
} from './edit.ts';
import { isBackendOf, isEastWestService, isIstiod, isIstiodGateway, isIstiodRoute, isPilotService, systemNamespaceOf } from './find.ts';
import { at, itemsOf, textAt } from './json.ts';
import { withValue } from './topology-networks.ts';

/** Which of the two objects that expose istiod. */
export type Exposure = 'gateway' | 'route';
const fits: Readonly<Record<Exposure, (object: KubeObject) => boolean>> = { gateway: isIstiodGateway, route: isIstiodRoute };
const words: Readonly<Record<Exposure, string>> = { gateway: 'Gateway for istiod', route: 'VirtualService for istiod' };

/** CPX-02: the Gateway or the VirtualService that exposes istiod is missing. Nothing else changes: the ports of the gateway's Service stay open and lead nowhere. */
export function exposureDeleted(options: { readonly cluster: string; readonly what: Exposure }): Edit {
  return inCluster(options.cluster, (objects) => remove(objects, fits[options.what], words[options.what]));
}

/** CPX-02: the object moved to another namespace, where the other one no longer finds it: a bare gateway name is looked up in the VirtualService's own namespace. */
export function exposureMoved(options: { readonly cluster: string; readonly what: Exposure; readonly namespace: string }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      fits[options.what],
      (object) => put(withoutLastApplied(object), ['metadata', 'namespace'], options.namespace),
      words[options.what],
    ),
  );
}

/** CPX-02: the exposure applied in the remote, where no istiod reads it, instead of the primary. */
export function exposureIn(options: { readonly cluster: string; readonly instead: string }): Edit {
  return (mesh: MeshObjects) => {
    const isExposure = (object: KubeObject): boolean => isIstiodGateway(object) || isIstiodRoute(object);
    const moved = clusterOf(mesh, options.cluster).filter(isExposure);
    return inOrder(
      inCluster(options.cluster, (objects) => remove(objects, isExposure, 'exposure of istiod')),
      inCluster(options.instead, (objects) => [...objects, ...moved]),
    )(mesh);
  };
}

/** CPX-02: the Gateway's selector fits no pod of the cluster, as with the default label of another gateway installation. */
export function exposureSelects(options: { readonly cluster: string; readonly selector: Readonly<Record<string, string>> }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(objects, isIstiodGateway, (gateway) => put(gateway, ['spec', 'selector'], options.selector), words.gateway),
  );
}

/** CPX-02: one of the two ports of istiod is not served by the Gateway. */
export function exposureWithoutPort(options: { readonly cluster: string; readonly port: number }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      isIstiodGateway,
      (gateway) =>
        changed(gateway, ['spec', 'servers'], (servers) =>
          itemsOf(servers).filter((server) => at(server, 'port', 'number') !== options.port),
        ),
      words.gateway,
    ),
  );
}

/** CPX-02: the Gateway ends TLS itself instead of passing it through, so that the remote meets another certificate than istiod's. */
export function exposureMode(options: { readonly cluster: string; readonly mode: string }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(objects, isIstiodGateway, (gateway) => put(gateway, ['spec', 'servers', '*', 'tls', 'mode'], options.mode), words.gateway),
  );
}

/** CPX-02: Gateway or VirtualService labelled for another revision, so that this istiod does not see it at all. */
export function exposureForRevision(options: { readonly cluster: string; readonly what: Exposure; readonly revision: string }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(objects, fits[options.what], (object) => label(object, labels.revision, options.revision), words[options.what]),
  );
}

/** CPX-02: the VirtualService is bound to a Gateway of another name. */
export function routeBoundTo(options: { readonly cluster: string; readonly gateway: string }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(objects, isIstiodRoute, (route) => put(route, ['spec', 'gateways'], [options.gateway]), words.route),
  );
}

/**
 * INJ-01: the unrevisioned sample applied to a revisioned control plane. The VirtualService is the sample's: any SNI, and the plain Service
 * `istiod`, which does not exist.
 */
export function exposedUnrevisioned(options: { readonly cluster: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const host = `istiod.${systemNamespaceOf(objects)}.svc.cluster.local`;
    return change(
      objects,
      isIstiodRoute,
      (route) => {
        const named = put(withoutLastApplied(route), ['metadata', 'name'], 'istiod-vs');
        return put(
          put(named, ['spec', 'tls', '*', 'match', '*', 'sniHosts'], ['*']),
          ['spec', 'tls', '*', 'route', '*', 'destination', 'host'],
          host,
        );
      },
      words.route,
    );
  });
}

/** INJ-01: the template rendered for another revision: name, SNI hosts and destination. `only: 'sni'` and `only: 'destination'`: that half of it. */
export function exposedForRevision(options: {
  readonly cluster: string;
  readonly revision: string;
  readonly only?: 'sni' | 'destination';
}): Edit {
  return inCluster(options.cluster, (objects) => {
    const own = labelsOf(find(objects, isIstiod, 'istiod'))[labels.revision] ?? 'default';
    const service = own === 'default' ? 'istiod' : `istiod-${own}`;
    // Without a revision the sample matches every SNI; the template of a revision names it.
    const system = systemNamespaceOf(objects);
    const otherSni = (text: unknown): unknown => (text === '*' ? `istiod-${options.revision}.${system}.svc` : other(text));
    const other = (text: unknown): unknown =>
      typeof text === 'string' ? text.replace(new RegExp(`^${service}\\.`), `istiod-${options.revision}.`) : text;
    return change(
      objects,
      isIstiodRoute,
      (route) => {
        const named =
          options.only === undefined ? put(withoutLastApplied(route), ['metadata', 'name'], `istiod-vs-${options.revision}`) : route;
        const matched =
          options.only === 'destination' ? named : changed(named, ['spec', 'tls', '*', 'match', '*', 'sniHosts', '*'], otherSni);
        return options.only === 'sni' ? matched : changed(matched, ['spec', 'tls', '*', 'route', '*', 'destination', 'host'], other);
      },
      words.route,
    );
  });
}

/** CPX-01: the gateway's Service without istiod's ports, as a chart that lists only the cross-network port has it. Slices and Endpoints follow the Service. */
export function gatewayServiceWithoutPorts(options: { readonly cluster: string; readonly ports: readonly number[] }): Edit {
  return inCluster(options.cluster, (objects) =>
    withoutServicePorts(objects, find(objects, isEastWestService, 'east-west gateway'), options.ports),
  );
}

/** CPX-03: the slice behind the remote's Service for istiod holds an address of before, the values of the installation too. */
export function pilotAddress(options: { readonly cluster: string; readonly address: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const backends = change(
      objects,
      isPilotBackend(objects),
      (object) =>
        object.kind === 'Endpoints'
          ? put(object, ['subsets', '*', 'addresses'], [{ ip: options.address }])
          : put(object, ['endpoints', '*', 'addresses'], [options.address]),
      'address of istiod',
    );
    return backends.map((object) =>
      object.kind === 'ConfigMap' ? withValue(object, ['global', 'remotePilotAddress'], options.address) : object,
    );
  });
}

/** CPX-03 the other way round: the primary's load balancer was made again and has another address; the remote still has the old one. */
export function gatewayReaddressed(options: { readonly cluster: string; readonly address: string }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      isEastWestService,
      (service) => put(service, ['status', 'loadBalancer', 'ingress', '*', 'ip'], options.address),
      'east-west gateway',
    ),
  );
}

/** CPX-03: nothing behind the remote's Service for istiod. `'deleted'`: slice and Endpoints are gone. `'empty'`: they hold no address. `'detached'`: the slice no longer names the Service. */
export function pilotBackend(options: { readonly cluster: string; readonly what: 'deleted' | 'empty' | 'detached' }): Edit {
  return inCluster(options.cluster, (objects) => {
    const fits = isPilotBackend(objects);
    if (options.what === 'deleted') return remove(objects, fits, 'address of istiod');
    if (options.what === 'detached')
      return change(
        objects,
        fits,
        (object) => (object.kind === 'EndpointSlice' ? label(object, labels.serviceName, undefined) : undefined),
        'address of istiod',
      );
    return change(
      objects,
      fits,
      (object) => (object.kind === 'EndpointSlice' ? put(object, ['endpoints'], []) : put(object, ['subsets'], [])),
      'address of istiod',
    );
  });
}

/** Takes ports from a Service; its slices and Endpoints lose them as soon as the controllers see it. */
export function withoutServicePorts(objects: Objects, service: KubeObject, numbers: readonly number[]): Objects {
  const gone = itemsOf(at(service, 'spec', 'ports')).filter((port) => numbers.some((number) => at(port, 'port') === number));
  const names = new Set(gone.map((port) => textAt(port, 'name')));
  const remaining = (list: unknown): unknown =>
    Array.isArray(list) ? itemsOf(list).filter((port) => !names.has(textAt(port, 'name'))) : list;
  const isIts = isBackendOf(service);
  const closed = change(
    objects,
    isNamed('Service', service.metadata.name, service.metadata.namespace),
    (object) => changed(object, ['spec', 'ports'], remaining),
    'Service',
  );
  return changeAny(closed, isIts, (object) =>
    object.kind === 'Endpoints' ? changed(object, ['subsets', '*', 'ports'], remaining) : changed(object, ['ports'], remaining),
  );
}

function isPilotBackend(objects: Objects): (object: KubeObject) => boolean {
  const services = objects.filter(isPilotService(objects)).map((service) => isBackendOf(service));
  return (object) => services.some((isIts) => isIts(object));
}

/** POL-04: an object of Istio's configuration applied in a remote, where no istiod reads it. */
export function appliedInRemote(options: { readonly cluster: string; readonly object: KubeObject }): Edit {
  return inCluster(options.cluster, (objects, mesh) => [
    ...objects,
    put(options.object, ['metadata', 'creationTimestamp'], timeText(agoIn(mesh, someMinutes))),
  ]);
}
