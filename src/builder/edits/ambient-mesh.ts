import type { KubeObject } from '../../model/kube.ts';
import { rootOf } from './control-plane.ts';
import { isAmbientGateway, kubeGatewayDeleted, meshConfigWritten } from './ambient.ts';
import { change, changed, clusterOf, type Edit, inCluster, inOrder } from './edit.ts';
import { systemNamespaceOf } from './find.ts';
import { generatedUid } from './clock.ts';

// What concerns a whole cluster of an ambient mesh: release, network, trust, and what runs beside ambient.

/** Objects beside those that are there. */
export function objectsAdded(options: { readonly cluster: string; readonly objects: readonly KubeObject[] }): Edit {
  return inCluster(options.cluster, (objects) => [...objects, ...options.objects]);
}

/** Everything of Istio in a cluster is of another release: images and labels say so. */
export function ofRelease(options: { readonly cluster: string; readonly from: string; readonly to: string }): Edit {
  return rewritten(options.cluster, options.from, options.to);
}

/** Everything in a cluster was installed for another network, which needs no ambient gateway: it was never made, here or elsewhere. */
export function ambientOnOneNetwork(options: { readonly clusters: Readonly<Record<string, string>>; readonly network: string }): Edit {
  return inOrder(
    ...Object.entries(options.clusters).flatMap(([cluster, network]) => [
      ambientGatewaysRemoved(cluster),
      ...(network === options.network ? [] : [rewritten(cluster, network, options.network)]),
    ]),
  );
}

/** Each cluster has the root of the other under caCertificates, as meshes with several roots are told to. */
export function rootsExchanged(options: { readonly one: string; readonly other: string }): Edit {
  return (mesh) => {
    const roots = [rootOf(clusterOf(mesh, options.one)), rootOf(clusterOf(mesh, options.other))];
    return inOrder(withFurtherRoot(options.one, roots[1] ?? ''), withFurtherRoot(options.other, roots[0] ?? ''))(mesh);
  };
}

/** A cluster was installed with another trust domain: mesh config and proxies have it. */
export function inTrustDomain(options: {
  readonly cluster: string;
  readonly trustDomain: string;
  readonly aliases?: readonly string[];
}): Edit {
  const aliases = (options.aliases ?? []).map((alias) => `\n- ${alias}`).join('');
  return inOrder(
    meshConfigWritten({
      cluster: options.cluster,
      from: /trustDomain: .*/,
      to: `trustDomain: ${options.trustDomain}${aliases === '' ? '' : `\ntrustDomainAliases:${aliases}`}`,
    }),
    inCluster(options.cluster, (objects) =>
      objects.map((object) =>
        ['Pod', 'Deployment', 'ReplicaSet'].includes(object.kind)
          ? changed(
              object,
              ['spec'],
              (spec) =>
                JSON.parse(
                  JSON.stringify(spec).replaceAll(/("name":"TRUST_DOMAIN","value":")[^"]*"/g, `$1${options.trustDomain}"`),
                ) as unknown,
            )
          : object,
      ),
    ),
  );
}

/** ztunnel runs on a node of the cluster, connected to the istiod that pods there are told of. */
export function ztunnelAdded(options: { readonly cluster: string; readonly network?: string }): Edit {
  return inCluster(options.cluster, (objects) => [
    ...objects,
    proxyPod(options.cluster, {
      name: 'ztunnel-7xk2p',
      namespace: systemNamespaceOf(objects),
      labels: { app: 'ztunnel', 'istio.io/dataplane-mode': 'none', 'sidecar.istio.io/inject': 'false' },
      args: ['proxy', 'ztunnel'],
      env: {
        XDS_ADDRESS: 'istiod.istio-system.svc:15012',
        CA_ADDRESS: 'istiod.istio-system.svc:15012',
        ...(options.network === undefined ? {} : { NETWORK: options.network }),
      },
    }),
  ]);
}

/** A gateway for callers from outside, as istiod deploys it for a Gateway of Kubernetes. */
export function ingressGatewayAdded(options: { readonly cluster: string; readonly namespace: string; readonly network: string }): Edit {
  return inCluster(options.cluster, (objects) => [
    ...objects,
    proxyPod(options.cluster, {
      name: 'public-istio-6f9c7b5d4-x8v2q',
      namespace: options.namespace,
      labels: {
        'gateway.istio.io/managed': 'istio.io-gateway-controller',
        'gateway.networking.k8s.io/gateway-name': 'public',
        'istio.io/dataplane-mode': 'none',
        'sidecar.istio.io/inject': 'false',
      },
      args: ['proxy', 'router'],
      env: { ISTIO_META_NETWORK: options.network },
    }),
  ]);
}

function proxyPod(
  cluster: string,
  plan: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  },
): KubeObject {
  const env = { ISTIO_META_CLUSTER_ID: cluster, ...plan.env };
  const address = `10.9.${cluster.charCodeAt(0) % 250}.9`;
  const { name, namespace, labels, args } = plan;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels, uid: generatedUid(`${cluster}/${name}`), annotations: { 'istio.io/rev': 'default' } },
    spec: {
      serviceAccountName: labels['app'] ?? name,
      containers: [
        {
          name: 'istio-proxy',
          image: 'registry.istio.io/release/proxyv2:1.31.0',
          args,
          env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
        },
      ],
    },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], podIP: address, podIPs: [{ ip: address }] },
  };
}

function ambientGatewaysRemoved(cluster: string): Edit {
  return (mesh) => {
    const gateways = clusterOf(mesh, cluster).filter(isAmbientGateway);
    const names = gateways.map(({ metadata }) => `${metadata.name}.${metadata.namespace ?? ''}`);
    return inOrder(...names.map((gateway) => kubeGatewayDeleted({ cluster, gateway })))(mesh);
  };
}

function withFurtherRoot(cluster: string, root: string): Edit {
  const pem = root
    .trim()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
  return meshConfigWritten({ cluster, from: /^/, to: `caCertificates:\n- pem: |\n${pem}\n` });
}

/** Names and addresses are texts in many places: they are all replaced. */
function rewritten(cluster: string, from: string, to: string): Edit {
  return inCluster(cluster, (objects) =>
    change(
      objects,
      (object) => JSON.stringify(object).includes(from),
      (object) => changed(object, [], (all) => JSON.parse(JSON.stringify(all).replaceAll(from, to)) as unknown),
      from,
    ),
  );
}
