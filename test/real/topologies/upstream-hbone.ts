/*
 * Upstream Envoy at the port of ambient. istiod sends an ambient gateway a listener with filters of Istio's own Envoy: one that finds out who calls, for
 * telemetry, and two that keep strings in a type that upstream has under a name of its own. An EnvoyFilter beside the gateway leaves the first out and names
 * the type as upstream does; what decides about a connection, TLS above all, stays as istiod made it.
 */

type Json = Readonly<Record<string, unknown>>;

/** Istio's `istio.hashable_string`. */
const hashable = 'envoy.hashable_string';

/** What an ambient gateway keeps of a CONNECT request for the listeners behind it: by key, where it is from, and the type where the key does not say it. */
const ofRequest = {
  connect_authority: [
    ['envoy.filters.listener.original_dst.local_ip', '%REQ(:AUTHORITY)%', undefined],
    ['io.istio.connect_authority', '%REQ(:AUTHORITY)%', hashable],
    ['envoy.filters.listener.original_dst.remote_ip', '%DOWNSTREAM_REMOTE_ADDRESS%', undefined],
    ['io.istio.peer_principal', '%DOWNSTREAM_PEER_URI_SAN%', hashable],
    ['io.istio.local_principal', '%DOWNSTREAM_LOCAL_URI_SAN%', hashable],
  ],
  request_source: [['io.istio.source', '%REQ(x-istio-source)%', hashable]],
} as const;

/** For the ambient gateway of that name beside it. */
export function upstreamHbone(gateway: string): Json {
  return {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { name: `${gateway}-upstream-envoy`, namespace: 'istio-system' },
    spec: {
      targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: gateway }],
      configPatches: [
        { ...filterNamed('waypoint_downstream_peer_metadata'), patch: { operation: 'REMOVE' } },
        ...Object.entries(ofRequest).map(([name, states]) => ({
          ...filterNamed(name),
          patch: { operation: 'REPLACE', value: keeping(name, states) },
        })),
      ],
    },
  };
}

function filterNamed(name: string): Json {
  const filter = { name: 'envoy.filters.network.http_connection_manager', subFilter: { name } };
  return {
    applyTo: 'HTTP_FILTER',
    match: { context: 'SIDECAR_INBOUND', listener: { name: 'connect_terminate', filterChain: { filter } } },
  };
}

function keeping(name: string, states: readonly (readonly [key: string, source: string, factory: string | undefined])[]): Json {
  return {
    name,
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config',
      on_request_headers: states.map(([key, source, factory]) => ({
        object_key: key,
        format_string: { text_format_source: { inline_string: source } },
        shared_with_upstream: 'ONCE',
        ...(factory === undefined ? {} : { factory_key: factory }),
      })),
    },
  };
}
