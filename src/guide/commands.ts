import { stringify } from 'yaml';
import { shellWord } from '../base/text.ts';
import { names, ports } from '../istio/labels.ts';
import type { ClusterName } from '../model/ids.ts';
import type { Plan, Site } from './types.ts';

/** `kubectl --context west`, as commands of reports begin. */
export function kubectl(cluster: ClusterName): string {
  return `kubectl --context ${shellWord(cluster)}`;
}

/** A command that reads documents of YAML from a heredoc: what is printed can be pasted as it is. */
export function withDocuments(command: string, documents: readonly unknown[]): string {
  return `${command} <<'EOF'\n${documents.map((one) => stringify(one, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n')}EOF`;
}

export function apply(cluster: ClusterName, objects: readonly unknown[]): string {
  return withDocuments(`${kubectl(cluster)} apply -f -`, objects);
}

/** Installs from a complete IstioOperator. It has a name: without one, istioctl prunes what another one without name installed. */
export function install(cluster: ClusterName, operator: Readonly<Record<string, unknown>>): string {
  return withDocuments(`istioctl --context ${shellWord(cluster)} install -y -f -`, [operator]);
}

/** Said of every installation. */
export function releaseNote({ release }: Plan): string {
  return release === undefined
    ? 'with istioctl of the release that is to be installed, the same one for every cluster'
    : `with istioctl ${release} (istioctl version --remote=false)`;
}

function operator(name: string, spec: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { apiVersion: 'install.istio.io/v1alpha1', kind: 'IstioOperator', metadata: { name }, spec };
}

/** `revision` as installations take it: the default one is not named. */
function revisionOf({ revision }: Plan): { readonly revision?: string } {
  return revision === names.defaultRevision ? {} : { revision };
}

function globalOf({ meshId }: Plan, { network, clusterId }: Site): Record<string, unknown> {
  return { meshID: meshId, multiCluster: { clusterName: clusterId }, ...(network === '' ? {} : { network }) };
}

/** A namespace of Istio's that is not the usual one has to be said to istioctl, too. */
function placeOf({ namespace }: Plan): { readonly namespace?: string } {
  return namespace === names.defaultSystemNamespace ? {} : { namespace };
}

function istioNamespaceOf({ namespace }: Plan): { readonly istioNamespace?: string } {
  return namespace === names.defaultSystemNamespace ? {} : { istioNamespace: namespace };
}

/** istiod of a primary. DNS capture makes names of Services that only another cluster has resolve. */
export function primaryOperator(plan: Plan, site: Site): Record<string, unknown> {
  return operator('primary', {
    profile: 'minimal',
    ...placeOf(plan),
    ...revisionOf(plan),
    ...(plan.release === undefined ? {} : { tag: plan.release }),
    meshConfig: { defaultConfig: { proxyMetadata: { ISTIO_META_DNS_CAPTURE: 'true' } } },
    values: {
      global: {
        ...globalOf(plan, site),
        ...istioNamespaceOf(plan),
        ...(plan.topology === 'primary-remote' ? { externalIstiod: true } : {}),
      },
    },
  });
}

/** What a remote has of Istio: webhooks, reader account, and a Service that leads to the primary. */
export function remoteOperator(plan: Plan, site: Site, remotePilotAddress: string): Record<string, unknown> {
  return operator('remote', {
    profile: 'remote',
    ...placeOf(plan),
    ...revisionOf(plan),
    values: {
      istiodRemote: { injectionPath: `/inject/cluster/${site.clusterId}${site.network === '' ? '' : `/net/${site.network}`}` },
      global: { ...globalOf(plan, site), ...istioNamespaceOf(plan), remotePilotAddress },
    },
  });
}

/** An east-west gateway as gen-eastwest-gateway.sh of the release makes it. */
export function gatewayOperator(plan: Plan, { network }: Site, isMultiNetwork: boolean): Record<string, unknown> {
  const label = { istio: 'eastwestgateway', app: 'istio-eastwestgateway' };
  const port = (name: string, number: number): Record<string, unknown> => ({ name, port: number, targetPort: number });
  return operator('eastwest', {
    profile: 'empty',
    ...placeOf(plan),
    ...revisionOf(plan),
    components: {
      ingressGateways: [
        {
          name: 'istio-eastwestgateway',
          ...placeOf(plan),
          label: isMultiNetwork ? { ...label, 'topology.istio.io/network': network } : label,
          enabled: true,
          k8s: {
            ...(isMultiNetwork ? { env: [{ name: 'ISTIO_META_REQUESTED_NETWORK_VIEW', value: network }] } : {}),
            service: {
              ports: [
                port('status-port', ports.status),
                port('tls', ports.crossNetwork),
                port('tls-istiod', ports.discovery),
                port('tls-webhook', ports.webhook),
              ],
            },
          },
        },
      ],
    },
    values: {
      gateways: { 'istio-ingressgateway': { injectionTemplate: 'gateway' } },
      global: { ...(network === '' ? {} : { network }), ...istioNamespaceOf(plan) },
    },
  });
}
