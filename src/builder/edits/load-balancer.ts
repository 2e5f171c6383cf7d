import type { KubeObject, StringMap } from '../../model/kube.ts';
import { annotate, change, changeAny, changed, type Edit, EditError, find, inCluster, type Objects, put } from './edit.ts';
import { deploymentsBehind, isEastWestService, isPod } from './find.ts';
import { decoded, fromUrl, withClaims, withPlainData } from './kubeconfig.ts';
import { isRecord, itemsAt, mapAt, textAt } from './json.ts';
import { ownedBy, setEnv } from './workload.ts';

// What load balancers, nodes and their settings make of an east-west gateway.

/** Annotations of the gateway's Service, as for a load balancer of some cloud; `undefined` takes one away. */
export function gatewayAnnotated(options: {
  readonly cluster: string;
  readonly annotations: Readonly<Record<string, string | undefined>>;
}): Edit {
  return gatewayService(options.cluster, (service) =>
    Object.entries(options.annotations).reduce((next, [key, value]) => annotate(next, key, value), service),
  );
}

/** The load balancer has other addresses: IPs, host names or both. */
export function gatewayAddressed(options: {
  readonly cluster: string;
  readonly ingress: readonly ({ ip: string } | { hostname: string })[];
}): Edit {
  return gatewayService(options.cluster, (service) => put(service, ['status', 'loadBalancer'], { ingress: options.ingress }));
}

/** No load balancer: the gateway is reached by addresses of machines, written into spec.externalIPs. */
export function gatewayExternalIps(options: {
  readonly cluster: string;
  readonly addresses: readonly string[];
  readonly policy?: 'Local' | 'Cluster';
}): Edit {
  return gatewayService(options.cluster, (service) => {
    const open = put(put(service, ['spec', 'externalIPs'], options.addresses), ['status', 'loadBalancer'], {});
    return options.policy === undefined ? open : put(open, ['spec', 'externalTrafficPolicy'], options.policy);
  });
}

/** The load balancer admits these ranges and nobody else. */
export function gatewaySourceRanges(options: { readonly cluster: string; readonly ranges: readonly string[] }): Edit {
  return gatewayService(options.cluster, (service) => put(service, ['spec', 'loadBalancerSourceRanges'], options.ranges));
}

export function gatewayTrafficPolicy(options: { readonly cluster: string; readonly policy: 'Local' | 'Cluster' }): Edit {
  return gatewayService(options.cluster, (service) => put(service, ['spec', 'externalTrafficPolicy'], options.policy));
}

/** A port of the gateway's Service says which application protocol it carries. */
export function gatewayAppProtocol(options: { readonly cluster: string; readonly port: number; readonly appProtocol: string }): Edit {
  return gatewayService(options.cluster, (service) =>
    put(
      service,
      ['spec', 'ports'],
      itemsAt(service, 'spec', 'ports').map((port) =>
        isRecord(port) && port['port'] === options.port ? { ...port, appProtocol: options.appProtocol } : port,
      ),
    ),
  );
}

/** The gateway rolled out with another network view: Deployment, ReplicaSet and pods. */
export function gatewayNetworkView(options: { readonly cluster: string; readonly view: string }): Edit {
  const set = (spec: unknown): unknown => setEnv(spec, 'istio-proxy', 'ISTIO_META_REQUESTED_NETWORK_VIEW', options.view);
  return inCluster(options.cluster, (objects) => {
    const service = find(objects, isEastWestService, 'east-west gateway');
    const owned = deploymentsBehind(objects, service).flatMap((deployment) => {
      const { replicaSets, pods } = ownedBy(objects, deployment);
      return [deployment, ...replicaSets, ...pods];
    });
    if (owned.length === 0) throw new EditError('Nothing runs behind the east-west gateway.');
    return changeAny(
      objects,
      (object) => owned.includes(object),
      (object) => put(object, isPod(object) ? ['spec'] : ['spec', 'template', 'spec'], set(specOf(object))),
    );
  });
}

function specOf(object: KubeObject): unknown {
  const spec = isRecord(object['spec']) ? object['spec'] : {};
  if (isPod(object)) return spec;
  const template = isRecord(spec['template']) ? spec['template'] : {};
  return template['spec'];
}

/** The nodes of a cluster as those of some cloud, `aws:///eu-west-1a/i-1`. */
export function nodesOf(options: { readonly cluster: string; readonly providerId: string; readonly podCidr?: string }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      (object) => object.kind === 'Node',
      (node) => {
        const provided = put(node, ['spec', 'providerID'], options.providerId);
        return options.podCidr === undefined ? provided : put(provided, ['spec', 'podCIDR'], options.podCidr);
      },
      'node',
    ),
  );
}

/** Every node of the cluster gets an address of this type; the first one this, the others by counting on. */
export function nodesAddressed(options: { readonly cluster: string; readonly address: string; readonly type?: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    let given = 0;
    return change(
      objects,
      (object) => object.kind === 'Node',
      (node) => {
        const address = options.address.replace(/\d+$/, (last) => String(Number(last) + given++));
        return put(
          node,
          ['status', 'addresses'],
          [...itemsAt(node, 'status', 'addresses'), { type: options.type ?? 'ExternalIP', address }],
        );
      },
      'node',
    );
  });
}

/** One node more, of the same kind, on which nothing of Istio runs. */
export function nodeAdded(options: {
  readonly cluster: string;
  readonly name: string;
  readonly internal: string;
  readonly labels?: StringMap;
}): Edit {
  return inCluster(options.cluster, (objects) => {
    const like = find(objects, (object) => object.kind === 'Node', 'node');
    const { uid: _uid, ...metadata } = like.metadata;
    const added: KubeObject = {
      ...like,
      metadata: {
        ...metadata,
        name: options.name,
        labels: { ...metadata.labels, 'kubernetes.io/hostname': options.name, ...options.labels },
      },
    };
    return [...objects, put(added, ['status', 'addresses'], [{ type: 'InternalIP', address: options.internal }])];
  });
}

/** Key `meshNetworks` of every ConfigMap of mesh configuration in a cluster. */
export function meshNetworksWritten(options: { readonly cluster: string; readonly yaml: string }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(objects, isMeshConfig, (map) => put(map, ['data', 'meshNetworks'], options.yaml), 'ConfigMap of mesh configuration'),
  );
}

function isMeshConfig(object: KubeObject): boolean {
  return object.kind === 'ConfigMap' && textAt(object, 'data', 'mesh') !== undefined && /^istio(-.*)?$/.test(object.metadata.name);
}

function gatewayService(cluster: string, how: (service: KubeObject) => KubeObject): Edit {
  return inCluster(cluster, (objects: Objects) => change(objects, isEastWestService, how, 'east-west gateway'));
}

/** The mesh as another installer would have made it: istiod and all that belongs to it in another namespace, in every cluster. */
export function istiodNamespaceRenamed(options: { readonly namespace: string }): Edit {
  const renamed = (text: string): string => text.replaceAll('istio-system', options.namespace);
  return (mesh) =>
    new Map(
      [...mesh].map(([cluster, objects]) => [
        cluster,
        objects.map((object): KubeObject => {
          const other = renamedIn(object, renamed);
          return object.kind === 'Secret' && Object.keys(mapAt(object, 'data')).length > 0
            ? withPlainData(other, (data) =>
                Object.fromEntries(Object.entries(data).map(([key, value]) => [key, withTokens(value, renamed)])),
              )
            : other;
        }),
      ]),
    );
}

function renamedIn(object: KubeObject, how: (text: string) => string): KubeObject {
  return changed(object, [], (value) => walked(value, how));
}

function walked(value: unknown, how: (text: string) => string): unknown {
  if (typeof value === 'string') return how(value);
  if (Array.isArray(value)) return value.map((item: unknown) => walked(item, how));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walked(item, how)]));
}

/** Subjects of tokens name the namespace of their account. */
function withTokens(text: string, how: (text: string) => string): string {
  return how(text).replace(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, (token) => {
    const payload = JSON.parse(decoded(fromUrl(token.split('.')[1] ?? ''))) as unknown;
    const claims = walked(payload, how);
    return isRecord(claims) ? withClaims(token, claims) : token;
  });
}
