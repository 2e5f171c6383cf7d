import { change, type Edit, inCluster, inOrder, labelsOf, put } from '../../../src/builder/edits/edit.ts';
import { isAmbientGateway } from '../../../src/builder/edits/ambient.ts';
import { inTrustDomain, objectsAdded } from '../../../src/builder/edits/ambient-mesh.ts';
import { isRecord, itemsAt } from '../../../src/builder/edits/json.ts';
import { mesh } from '../../../src/builder/mesh.ts';
import type { KubeObject } from '../../../src/model/kube.ts';

/** A Gateway that no controller has taken up: conditions as the API server fills them in, and nothing made for it. */
export function gatewayNeverProgrammed(options: { readonly cluster: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const names = objects.filter(isAmbientGateway).map((gateway) => gateway.metadata.name);
    const isMade = (object: (typeof objects)[number]): boolean =>
      names.includes(labelsOf(object)['gateway.networking.k8s.io/gateway-name'] ?? '') ||
      (['EndpointSlice', 'Endpoints', 'ServiceAccount'].includes(object.kind) &&
        object.metadata.namespace === 'istio-system' &&
        names.some((name) => object.metadata.name === name || labelsOf(object)['kubernetes.io/service-name'] === name));
    return change(
      objects.filter((object) => !isMade(object)),
      isAmbientGateway,
      (gateway) =>
        put(
          put(gateway, ['status', 'addresses'], undefined),
          ['status', 'conditions'],
          itemsAt(gateway, 'status', 'conditions').flatMap((condition) =>
            isRecord(condition) && condition['type'] !== 'ResolvedRefs'
              ? [{ ...condition, status: 'Unknown', reason: 'Pending', message: 'Waiting for controller' }]
              : [],
          ),
        ),
      'ambient east-west gateway',
    );
  });
}

/** A namespace with sidecars beside those of ambient: as the builder makes it in a mesh of the same shape and release. */
export function sidecarsBeside(options: { readonly cluster: string; readonly like: string }): Edit {
  return (objects) => {
    const own = JSON.stringify(objects.get(options.cluster)).includes('1.28.6') ? { release: '1.28.6' } : {};
    const built = mesh()
      .ambient('east', 'west', own)
      .namespace('old', { labels: { 'istio-injection': 'enabled' }, clusters: [options.cluster] })
      .workload('side.old', { in: [options.cluster] })
      .objects();
    const added = (built.get(options.cluster) ?? []).filter(
      ({ kind, metadata }) => metadata.namespace === 'old' || (kind === 'Namespace' && metadata.name === 'old'),
    );
    return objectsAdded({ cluster: options.cluster, objects: added })(objects);
  };
}

/** The ambient gateway of another network, told to istiod by hand. */
export function hboneGatewayElsewhere(options: { readonly cluster: string; readonly network: string }): Edit {
  const gateway: KubeObject = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: 'east-west-peer', namespace: 'istio-system', labels: { 'topology.istio.io/network': options.network } },
    spec: {
      gatewayClassName: 'istio-remote',
      addresses: [{ type: 'IPAddress', value: '203.0.113.40' }],
      listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE', tls: { mode: 'Passthrough' } }],
    },
    status: { addresses: [{ type: 'IPAddress', value: '203.0.113.40' }] },
  };
  return objectsAdded({ cluster: options.cluster, objects: [gateway] });
}

/** The trust domain of both clusters as the installation had it from the start. */
export function secondTrustDomain(options: { readonly cluster: string }): Edit {
  return inOrder(inTrustDomain({ cluster: options.cluster, trustDomain: 'mesh.example' }));
}

export function allowsMethods(options: { readonly cluster: string; readonly target: 'service' | 'waypoint' }): Edit {
  const target =
    options.target === 'service'
      ? { group: '', kind: 'Service', name: 'abc' }
      : { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'waypoint' };
  const policy: KubeObject = {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name: 'readers', namespace: 'shop' },
    spec: { targetRefs: [target], action: 'ALLOW', rules: [{ to: [{ operation: { methods: ['GET'] } }] }] },
  };
  return objectsAdded({ cluster: options.cluster, objects: [policy] });
}

export function resolvedEntry(options: {
  readonly cluster: string;
  readonly resolution: string;
  readonly exportTo?: readonly string[];
}): Edit {
  const entry: KubeObject = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { name: 'outside', namespace: 'shop' },
    spec: {
      hosts: ['api.example.com'],
      location: 'MESH_EXTERNAL',
      ports: [{ number: 443, name: 'tls', protocol: 'TLS' }],
      resolution: options.resolution,
      ...(options.exportTo === undefined ? {} : { exportTo: options.exportTo }),
    },
  };
  return objectsAdded({ cluster: options.cluster, objects: [entry] });
}

export function failoverByRegion(options: { readonly cluster: string; readonly how: 'failover' | 'distribute' }): Edit {
  const setting =
    options.how === 'failover'
      ? { failover: [{ from: 'region1', to: 'region2' }] }
      : { distribute: [{ from: 'region1/*', to: { 'region1/*': 90, 'region2/*': 10 } }] };
  const rule: KubeObject = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'abc', namespace: 'shop' },
    spec: {
      host: 'abc.shop.svc.cluster.local',
      trafficPolicy: { loadBalancer: { localityLbSetting: { enabled: true, ...setting } }, outlierDetection: { consecutive5xxErrors: 3 } },
    },
  };
  return objectsAdded({ cluster: options.cluster, objects: [rule] });
}
