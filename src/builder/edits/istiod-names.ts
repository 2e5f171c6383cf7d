import { ports } from '../../istio/labels.ts';
import type { KubeObject } from '../../model/kube.ts';
import { agoIn, generatedUid, timeText } from './clock.ts';
import { change, changed, type Edit, find, inCluster, isNamed, put, withoutLastApplied } from './edit.ts';
import { isInjector, isIstiodGateway, isIstiodRoute } from './find.ts';
import { at, isRecord, itemsAt, textAt } from './json.ts';

// By which name, and with whose certificate, istiod is found from outside.

/** CPX-08: one more VirtualService on the Gateway of istiod, for these names, made so long ago. */
export function istiodRouteFor(options: {
  readonly cluster: string;
  readonly name: string;
  readonly service: string;
  readonly sniHosts: readonly string[];
  readonly minutesAgo: number;
}): Edit {
  return inCluster(options.cluster, (objects, mesh) => {
    const model = find(objects, isIstiodRoute, 'VirtualService for istiod');
    const { namespace } = model.metadata;
    const named = withoutLastApplied(
      put(put(model, ['metadata', 'name'], options.name), ['metadata', 'uid'], generatedUid(`${options.name}/${namespace ?? ''}`)),
    );
    const born = put(named, ['metadata', 'creationTimestamp'], timeText(agoIn(mesh, options.minutesAgo)));
    const matched = put(born, ['spec', 'tls', '*', 'match', '*', 'sniHosts'], [...options.sniHosts]);
    const led = put(
      matched,
      ['spec', 'tls', '*', 'route', '*', 'destination', 'host'],
      `${options.service}.${namespace ?? ''}.svc.cluster.local`,
    );
    return [...objects.filter((object) => !isNamed('VirtualService', options.name, namespace)(object)), led];
  });
}

/** CPX-06: the gateway ends the TLS of istiod's ports itself, with a certificate of a Secret, as the sample for https has it; routes are http. */
export function exposedTerminating(options: { readonly cluster: string; readonly credential: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const opened = change(
      objects,
      isIstiodGateway,
      (gateway) =>
        changed(withoutLastApplied(gateway), ['spec', 'servers', '*'], (server) =>
          isRecord(server) && (at(server, 'port', 'number') === ports.discovery || at(server, 'port', 'number') === ports.webhook)
            ? { ...server, port: portOf(server), tls: { mode: 'SIMPLE', credentialName: options.credential } }
            : server,
        ),
      'Gateway for istiod',
    );
    return change(opened, isIstiodRoute, overHttp, 'VirtualService for istiod');
  });
}

/** CPX-07: the webhooks of a cluster call istiod by a URL with a name of its own. */
export function injectorsCallUrl(options: { readonly cluster: string; readonly host: string }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      isInjector,
      (injector) =>
        changed(injector, ['webhooks', '*', 'clientConfig'], (client) => {
          const path = textAt(client, 'service', 'path') ?? '/inject';
          const caBundle = at(client, 'caBundle');
          return { ...(caBundle === undefined ? {} : { caBundle }), url: `https://${options.host}:15017${path}` };
        }),
      'injector',
    ),
  );
}

function portOf(server: unknown): unknown {
  const port = at(server, 'port');
  return isRecord(port) ? { ...port, protocol: 'HTTPS' } : port;
}

function overHttp(route: KubeObject): KubeObject {
  const http = itemsAt(route, 'spec', 'tls').map((one) => ({
    match: itemsAt(one, 'match').map((match) => ({ port: at(match, 'port') })),
    route: at(one, 'route'),
  }));
  return put(put(withoutLastApplied(route), ['spec', 'http'], http), ['spec', 'tls'], undefined);
}
