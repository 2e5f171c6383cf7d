import { distinct } from '../../base/sort.ts';
import { list } from '../../base/text.ts';
import { isAmbient, waypointNameOf } from '../ambient.ts';
import { callerOf, type KnownCaller, policiesOn, verdictOn } from '../authorization-policies.ts';
import { istioMutual } from '../endpoints.ts';
import { protocolOf } from '../mesh-routes.ts';
import { modeAt } from '../mtls-barriers.ts';
import { listOf } from '../topology-types.ts';
import { type Around, controlPlaneIn, istiodOf, isCaptured, named, told } from './around.ts';
import { broken, gapsIn, type Hop, hop, type HopEvidence, type Measurement, unknown, works } from './hop.ts';
import { crossing, gatewaysOf } from './network.ts';
import { heldTrust } from './sidecar.ts';
import type { Way } from './way.ts';

/** How the caller's side encrypts the call for an endpoint. */
type Client = 'mutual' | 'plain' | 'other';

function clientSide({ kind, world }: Around, { aim, endpoints }: Way): Client {
  if (kind === 'plain') return 'plain';
  if (kind === 'ambient') return 'mutual';
  if (aim.mode !== undefined) return aim.mode === 'ISTIO_MUTUAL' ? 'mutual' : aim.mode === 'DISABLE' ? 'plain' : 'other';
  if (world?.applied.meshConfig?.enableAutoMtls === false) return 'plain';
  return endpoints[0]?.tlsMode === istioMutual ? 'mutual' : 'plain';
}

/** The proxy of the destination: what it takes, what it is sent, and whether both trust one root. */
export function mtlsHop(around: Around, way: Way): Hop {
  const { facts, policies } = around;
  const { there, endpoints, aim, cluster } = way;
  const endpoint = endpoints[0];
  if (endpoint === undefined) return hop('mtls', unknown('no endpoint is known'));
  const { pod } = endpoint;
  const own = facts.get(cluster);
  const presented = certificates(around, way);
  const measured = [...presented.measured, ...heldTrust(around, presented.roots)];
  const isHbone = pod !== undefined && pod.proxy === undefined && own !== undefined && isCaptured(pod, aim.namespace, own);
  const modes = there === undefined ? undefined : policies.get(there)?.modes;
  if (there === undefined || modes === undefined)
    return hop('mtls', unknown(`the istiod that serves the pods of ${cluster} is not known`), { object: pod?.ref, measured });
  const { mode, by } = modeAt(endpoint, modes, aim.namespace);
  const said = by === undefined ? 'no PeerAuthentication applies' : told(by);
  const evidence: HopEvidence[] = by === undefined ? [] : [{ ref: by.ref, observed: mode }];
  const parts = { object: by?.ref ?? pod?.ref ?? endpoint.ref, evidence, measured };
  const client = clientSide(around, way);
  if (isHbone) {
    if (client === 'plain' && mode === 'STRICT') return hop('mtls', broken(`plain text is refused: ${said} says STRICT`), parts);
    return hop(
      'mtls',
      works(client === 'plain' ? 'plain text to a pod behind ztunnel, which takes it' : 'mutual TLS by HBONE between proxies and ztunnel'),
      parts,
    );
  }
  if (pod?.proxy === undefined)
    return client === 'mutual'
      ? hop('mtls', broken('mutual TLS is sent, and the pod has no sidecar to take it'), parts)
      : hop('mtls', works('plain text: the pod has no sidecar'), parts);
  if (client === 'mutual' && mode === 'DISABLE') return hop('mtls', broken(`mutual TLS is sent, and ${said} turned it off`), parts);
  if (client === 'plain' && mode === 'STRICT') return hop('mtls', broken(`plain text is sent, and ${said} says STRICT`), parts);
  if (client === 'other')
    return hop(
      'mtls',
      unknown(`TLS of mode ${aim.mode ?? ''} is sent to a sidecar; whether the application behind it takes that is not known`),
      parts,
    );
  if (client === 'plain') return hop('mtls', works(`plain text is sent, which ${mode} takes (${said})`), parts);
  const roots = rootsOf(around, way);
  const trust = roots === undefined ? '' : roots.isShared ? ', one root' : ', though the roots of the two clusters differ';
  return hop('mtls', works(`mutual TLS, which ${mode} takes (${said})${trust}`), {
    ...parts,
    evidence: [...evidence, ...(roots?.evidence ?? [])],
  });
}

/** The roots that proxies of both clusters are given. Whether a difference matters is the checks' to say. */
function rootsOf(
  { facts, caller, mesh }: Around,
  { cluster }: Way,
): { readonly isShared: boolean; readonly evidence: readonly HopEvidence[] } | undefined {
  if (cluster === caller.cluster) return undefined;
  const [one, other] = [caller.cluster, cluster].map((of) => {
    const own = facts.get(of);
    const namespace = mesh.members.get(of)?.systemNamespace;
    return (own === undefined ? [] : listOf(own.rootConfigMaps)).find((map) => map.namespace === namespace && !map.unreadable);
  });
  if (one === undefined || other === undefined) return undefined;
  const theirs = new Set(other.certificates.map(({ fingerprint }) => fingerprint));
  return {
    isShared: one.certificates.some(({ fingerprint }) => theirs.has(fingerprint)),
    evidence: [one, other].map((map) => ({
      ref: map.ref,
      observed: `root ${list(map.certificates.map(({ fingerprint }) => fingerprint.slice(0, 12)))}`,
    })),
  };
}

/** Certificates that were presented behind the gateway for this name, and the roots that they lead to. */
function certificates(around: Around, way: Way): { readonly measured: readonly Measurement[]; readonly roots: readonly string[] } {
  if (crossing(around, way) !== 'gateway') return { measured: [], roots: [] };
  const own = around.facts.get(way.cluster);
  const gateways = gatewaysOf(around, way);
  const accounts = distinct(
    way.endpoints.flatMap(({ pod }) => (pod === undefined ? [] : [`/ns/${pod.namespace}/sa/${pod.serviceAccount}`])),
  );
  const shakes = (own === undefined ? [] : listOf(own.gatewayHandshakes)).flatMap(({ host, port, service, outcome }) =>
    outcome.stage === 'certificate' &&
    service?.namespace === way.aim.namespace &&
    service.name === way.aim.name &&
    gateways.some((gateway) => gateway.address === host && gateway.port === port)
      ? [{ by: `from here to ${host}:${port}`, outcome }]
      : [],
  );
  return {
    roots: distinct(shakes.flatMap(({ outcome }) => outcome.verifiedBy)),
    measured: shakes.map(({ by, outcome: { uris, subject, verifiedBy, rootsTried } }): Measurement => {
      const who = uris[0] ?? subject;
      if (verifiedBy.length === 0)
        return {
          by,
          verdict: 'broken',
          text: `${who} presents a certificate under none of the ${rootsTried.length} roots of the mesh`,
          isDecisive: false,
        };
      return accounts.length === 0 || uris.some((uri) => accounts.some((account) => uri.endsWith(account)))
        ? { by, verdict: 'works', text: `${who}, under a root of the mesh`, isDecisive: true }
        : { by, verdict: 'broken', text: `${who}, which is none of its service accounts`, isDecisive: false };
    }),
  };
}

/** AuthorizationPolicies of the destination, for this caller. */
export function authorizationHop(around: Around, way: Way): Hop {
  const { facts, kind, caller } = around;
  const { there, endpoints, aim, cluster } = way;
  const endpoint = endpoints[0];
  if (endpoint === undefined) return hop('authorization', unknown('no endpoint is known'));
  const { pod } = endpoint;
  if (there === undefined) return hop('authorization', unknown(`the istiod that serves the pods of ${cluster} is not known`));
  const missing = gapsIn(facts, [{ cluster: there.config, fact: 'istioResources' }]);
  if (pod === undefined)
    return hop('authorization', unknown('what stands behind the endpoint is not known'), { object: endpoint.ref, missing });
  const own = facts.get(cluster);
  const isHbone = pod.proxy === undefined && own !== undefined && isCaptured(pod, aim.namespace, own);
  if (pod.proxy === undefined && !isHbone)
    return hop('authorization', works('the pod has no sidecar, so that nobody asks'), { object: pod.ref });
  const policies = policiesOn(there.applied, { namespace: pod.namespace, labels: pod.labels });
  const evidence: HopEvidence[] = policies.slice(0, 5).map(({ ref }) => ({ ref, observed: 'applies to the destination' }));
  const parts = { object: policies[0]?.ref ?? pod.ref, evidence, ...(missing.length === 0 ? {} : { missing }) };
  const identity = identityOf(around, way);
  const protocol = aim.sent?.port === undefined ? 'auto' : protocolOf(aim.sent.port);
  const found = verdictOn(policies, {
    port: endpoint.port,
    ...(identity === undefined ? {} : { caller: identity }),
    isHttp: !isHbone && (protocol === 'http' || protocol === 'auto'),
  });
  const who = identity?.principals[0] ?? (caller.pod === undefined ? 'the caller' : `${named(caller.pod.ref)}, without identity`);
  if (found.is === 'denied') {
    const how = found.how === 'denied' ? 'denies' : 'allows others only, not';
    return hop('authorization', broken(`${told(found.by)} ${how} ${who}`), { ...parts, object: found.by.ref });
  }
  if (missing.length > 0) return hop('authorization', unknown(`AuthorizationPolicies of ${there.config} were not all read`), parts);
  if (found.is === 'unknown')
    return hop(
      'authorization',
      unknown(`whether ${list(policies.map(told), '', 3)} lets ${who} in depends on the request, or on what no object tells`),
      parts,
    );
  const waypoint = isHbone || kind === 'ambient' ? waypointOf(around, way) : undefined;
  if (waypoint !== undefined)
    return hop('authorization', unknown(`waypoint ${waypoint} decides, too, and its policies are not followed`), parts);
  return hop(
    'authorization',
    works(
      policies.length === 0 ? `no AuthorizationPolicy of ${istiodOf(there)} applies` : `${list(policies.map(told), '', 3)} lets ${who} in`,
    ),
    parts,
  );
}

function waypointOf({ facts }: Around, { cluster, aim }: Way): string | undefined {
  const own = facts.get(cluster);
  const service = (own === undefined ? [] : listOf(own.services)).find((one) => one.namespace === aim.namespace && one.name === aim.name);
  const namespace = (own === undefined ? [] : listOf(own.namespaces)).find(({ name }) => name === aim.namespace);
  const found = service === undefined ? undefined : waypointNameOf(service, namespace);
  return found === undefined ? undefined : `${found.namespace}/${found.name}`;
}

/** Who the destination sees; nobody where the call comes in plain text. Aliases of the trust domain count as itself. */
function identityOf(around: Around, way: Way): KnownCaller | undefined {
  const { caller, world, facts } = around;
  const { pod } = caller;
  if (pod === undefined || clientSide(around, way) !== 'mutual') return undefined;
  const config = way.there?.applied.meshConfig;
  const mine = pod.proxy?.trustDomain ?? world?.applied.meshConfig?.trustDomain ?? 'cluster.local';
  const controlPlane = world === undefined ? undefined : controlPlaneIn(world, facts);
  // ztunnel speaks for the pod: its account is the caller's, whatever serves it.
  if (pod.proxy === undefined && (controlPlane === undefined || !isAmbient(controlPlane))) return undefined;
  return callerOf(pod, mine, config);
}
