import { annotate, changed, label, put } from '../../../src/builder/edits/edit.ts';
import { isEastWestService, isInjector, isIstiod, isPod, isRemoteSecret, isSidecarPod } from '../../../src/builder/edits/find.ts';
import { at, itemsAt, itemsOf, textAt } from '../../../src/builder/edits/json.ts';
import { proxyMetadataSet } from '../../../src/builder/edits/trust.ts';
import { mesh } from '../../../src/builder/mesh.ts';
import type { KubeObject } from '../../../src/model/kube.ts';
import {
  adding,
  and,
  config,
  envOf,
  isKind,
  isNamespace,
  mesheConfig,
  multiPrimary,
  multiPrimaryOne,
  network,
  plain,
  pod,
  primaryRemote,
  proxyEnvOf,
  shop,
  spelled,
  system,
  where,
  without,
  type Odd,
} from './edits.ts';

const isCa = (object: KubeObject): boolean => object.kind === 'Secret' && ['cacerts', 'istio-ca-secret'].includes(object.metadata.name);
const selfSigned = shop(mesh().multiPrimary('east', 'west', { trust: 'self-signed' }));
const roots = (objects: ReadonlyMap<string, readonly KubeObject[]>): string[] =>
  [...objects.values()].flatMap((own) => {
    const found = own.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'istio-ca-root-cert');
    return found === undefined ? [] : [String(at(found, 'data', 'root-cert.pem'))];
  });
const isInIstio = (object: KubeObject): boolean => object.metadata.namespace === system;

/** How meshes are installed, and who signs for them. */
export const setups: Readonly<Record<string, () => Odd>> = {
  'clusters without any workload': () => ({ built: mesh().multiPrimary('east', 'west') }),
  'a primary and a remote without any workload': () => ({ built: mesh().primaryRemote('east', 'west', { networks: 2 }) }),
  'one cluster alone, as the guide installs it': () => ({
    built: shop(mesh().multiPrimary('east', 'x', { networks: 0, trust: 'self-signed' })).edit(without(isRemoteSecret)),
    only: ['east'],
  }),
  'one cluster alone that has a network and a mesh ID for later': () => ({
    built: shop(mesh().multiPrimary('east', 'x', { networks: 1, trust: 'self-signed' })).edit(without(isRemoteSecret)),
    only: ['east'],
  }),
  'clusters of one company that share nothing': () => ({
    built: shop(
      mesh()
        .multiPrimary('prod', 'x', { networks: 0, trust: 'self-signed', meshId: 'prod' })
        .multiPrimary('test', 'y', { networks: 0, trust: 'self-signed', meshId: 'test', release: '1.29.4' }),
    ).edit(without(isRemoteSecret)),
    only: ['prod', 'test'],
  }),
  'namespaces that join by a tag': () => ({
    built: mesh()
      .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0', tags: ['default', 'stable'] })
      .namespace('shop', { revision: 'stable' })
      .service('abc.shop'),
  }),
  'revisions named by an operator': () => ({
    built: shop(mesh().multiPrimary('east', 'west', { revisions: ['default-v1-31-0'], release: '1.31.0' })),
  }),
  'agents of CNI instead of init containers, as on OpenShift': () => ({
    built: multiPrimary.edit(
      and(
        where(isSidecarPod, (object) =>
          annotate(
            annotate(
              changed(object, ['spec', 'initContainers'], (old) =>
                itemsOf(old).map((container) =>
                  at(container, 'name') === 'istio-init' ? { name: 'istio-validation', image: at(container, 'image') } : container,
                ),
              ),
              'k8s.v1.cni.cncf.io/networks',
              'istio-cni/istio-cni',
            ),
            'traffic.sidecar.istio.io/includeOutboundIPRanges',
            '*',
          ),
        ),
        ...['east', 'west'].map((cluster) =>
          adding(
            cluster,
            plain('istio-cni'),
            plain('openshift-ingress', { 'istio-injection': 'disabled' }),
            plain('openshift-monitoring'),
            pod('istio-cni', 'istio-cni-node-x7k2p'),
          ),
        ),
      ),
    ),
  }),
  'certificates of istio-csr': () => ({
    built: multiPrimary.edit(
      and(
        without(isCa),
        where(isIstiod, envOf('ENABLE_CA_SERVER', 'false')),
        spelled('"istiod.istio-system.svc:15012"', '"cert-manager-istio-csr.cert-manager.svc:443"', isPod),
        mesheConfig((text) => `${text}\ncaAddress: cert-manager-istio-csr.cert-manager.svc:443`),
        ...['east', 'west'].map((cluster) =>
          adding(
            cluster,
            plain('cert-manager'),
            { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'istiod-tls', namespace: system }, type: 'kubernetes.io/tls', data: {} },
            {
              apiVersion: 'v1',
              kind: 'Service',
              metadata: { name: 'cert-manager-istio-csr', namespace: 'cert-manager' },
              spec: {
                type: 'ClusterIP',
                clusterIP: '10.96.77.7',
                clusterIPs: ['10.96.77.7'],
                selector: { app: 'cert-manager-istio-csr' },
                ports: [{ name: 'web', port: 443, targetPort: 6443, protocol: 'TCP' }],
              },
            },
          ),
        ),
      ),
    ),
  }),
  'certificates of the signers of Kubernetes, a root for each cluster': () => ({
    built: selfSigned.edit((objects) => {
      const all = roots(objects);
      const bundle = all.map((pem) => `- pem: |\n${pem.trim().replaceAll(/^/gm, '    ')}`).join('\n');
      return and(
        without(isCa),
        where(isIstiod, envOf('EXTERNAL_CA', 'ISTIOD_RA_KUBERNETES_API')),
        where(isIstiod, envOf('K8S_SIGNER', 'clusterissuers.cert-manager.io/mesh')),
        mesheConfig((text) => `${text}\ncaCertificates:\n${bundle}`),
        where(isKind('ConfigMap', 'istio-ca-root-cert'), (object) => put(object, ['data', 'root-cert.pem'], all.join('\n'))),
      )(objects);
    }),
  }),
  'identities by SPIRE': () => ({
    built: multiPrimary.edit(
      and(
        where(isSidecarPod, (object) =>
          put(
            annotate(label(object, 'spiffe.io/spire-managed-identity', 'true'), 'inject.istio.io/templates', 'sidecar,spire'),
            ['spec', 'volumes'],
            [...itemsAt(object, 'spec', 'volumes'), { name: 'workload-socket', csi: { driver: 'csi.spiffe.io', readOnly: true } }],
          ),
        ),
        ...['east', 'west'].map((cluster) => adding(cluster, plain('spire'), pod('spire', 'spire-server-0'))),
      ),
    ),
  }),
  'roots of both meshes in the mesh configuration of both': () => ({
    built: selfSigned.edit((objects) => {
      const all = roots(objects);
      return and(
        mesheConfig(
          (text) => `${text}\ncaCertificates:\n${all.map((pem) => `- pem: |\n${pem.trim().replaceAll(/^/gm, '    ')}`).join('\n')}`,
        ),
        where(isIstiod, envOf('ISTIO_MULTIROOT_MESH', 'true')),
        ...['east', 'west'].map((cluster) => proxyMetadataSet({ cluster, name: 'PROXY_CONFIG_XDS_AGENT', value: 'true' })),
        where(isPod, (object) => proxyEnvOf(object, 'PROXY_CONFIG_XDS_AGENT', 'true')),
      )(objects);
    }),
  }),
  'a control plane that the provider runs': () => ({
    built: multiPrimary.edit(
      and(
        without((object) => isIstiod(object) || (isInIstio(object) && object.metadata.name.startsWith('istiod'))),
        without((object) => isRemoteSecret(object) || isCa(object)),
        where(isInjector, (object) =>
          changed(object, ['webhooks', '*', 'clientConfig'], (old) => ({
            caBundle: '',
            url: `https://meshconfig.googleapis.com/inject${textAt(old, 'service', 'path') ?? ''}`,
          })),
        ),
        where(isPod, (object) =>
          proxyEnvOf(
            proxyEnvOf(object, 'CA_ADDR', 'meshca.googleapis.com:443'),
            'PROXY_CONFIG',
            '{"discoveryAddress":"trafficdirector.googleapis.com:443"}',
          ),
        ),
        where(
          (object) => object.kind === 'ConfigMap' && at(object, 'data', 'mesh') !== undefined,
          (object) =>
            changed(object, ['data', 'mesh'], (text) =>
              String(text).replace('istiod.istio-system.svc:15012', 'trafficdirector.googleapis.com:443'),
            ),
        ),
      ),
    ),
  }),
  'two replicas of istiod, one of which is starting': () => ({
    built: multiPrimary.edit(
      and(
        where(isIstiod, (object) =>
          put(put(object, ['spec', 'replicas'], 2), ['status'], { replicas: 2, readyReplicas: 1, availableReplicas: 1 }),
        ),
        where(
          (object) => isPod(object) && object.metadata.name.startsWith('istiod'),
          (object) => [
            object,
            {
              ...put(put(object, ['status', 'conditions'], [{ type: 'Ready', status: 'False' }]), ['status', 'podIP'], '10.9.8.7'),
              metadata: {
                ...object.metadata,
                name: `${object.metadata.name}x`,
                uid: `${object.metadata.uid ?? ''}x`,
                creationTimestamp: '2026-11-22T21:27:30Z',
              },
            },
          ],
        ),
      ),
    ),
  }),
  'a cluster that has an egress gateway and nothing else': () => ({
    built: mesh()
      .multiPrimary('east', 'west')
      .namespace('shop', { injected: true, clusters: ['east'] })
      .service('abc.shop', { in: ['east'] })
      .namespace('istio-egress', { injected: true, clusters: ['west'] })
      .workload('egress.istio-egress', { in: ['west'], labels: { istio: 'egressgateway' } }),
  }),
  'discoverySelectors everywhere, with labels everywhere': () => ({
    built: multiPrimary.edit(
      and(
        mesheConfig((text) => `${text}\ndiscoverySelectors:\n- matchLabels:\n    istio-discovery: enabled`),
        where(
          (object) => object.kind === 'Namespace' && ['shop', system, 'plain'].includes(object.metadata.name),
          (object) => label(object, 'istio-discovery', 'enabled'),
        ),
      ),
    ),
  }),
  'resources of the company beside those of Istio in its namespace': () => ({
    built: primaryRemote.edit(
      and(
        ...['east', 'west'].map((cluster) =>
          adding(cluster, pod(system, 'kiali-7d'), pod(system, 'prometheus-0'), config(system, 'kiali', { 'config.yaml': 'a: b' })),
        ),
      ),
    ),
  }),
  'one network, and namespaces of it with gateways of their own': () => ({
    built: multiPrimaryOne.namespace('ingress', { injected: true }).workload('public.ingress', { labels: { istio: 'ingress' } }),
  }),
  'node addresses of both families, and Services of both': () => ({
    built: multiPrimary.edit(
      and(
        where(isKind('Service'), (object) =>
          at(object, 'spec', 'clusterIP') === 'None' || at(object, 'spec', 'clusterIP') === undefined
            ? object
            : put(object, ['spec', 'clusterIPs'], [at(object, 'spec', 'clusterIP'), 'fd00:96::7']),
        ),
        where(isKind('Node'), (object) =>
          changed(object, ['status', 'addresses'], (old) => [...itemsOf(old), { type: 'InternalIP', address: 'fd00:1::7' }]),
        ),
      ),
    ),
  }),
  'namespaces labelled with the network of their cluster': () => ({
    built: multiPrimary.edit(
      and(
        where(isNamespace('shop'), (object) => label(object, network, 'network1'), 'east'),
        where(isNamespace('shop'), (object) => label(object, network, 'network2'), 'west'),
      ),
    ),
  }),
  'gateways that keep connections alive by themselves': () => ({
    built: multiPrimary.edit(
      and(
        mesheConfig((text) => `${text}\ntcpKeepalive:\n  time: 60s`),
        where(isEastWestService, (object) => annotate(object, 'service.beta.kubernetes.io/aws-load-balancer-type', 'external')),
      ),
    ),
  }),
};
