import { selects } from '../../mesh/selectors.ts';
import { injectorsOf, isExempt } from '../../mesh/injection.ts';
import { listOf } from '../../mesh/topology.ts';
import { fingerprintOf, pemBlocks } from './authorities.ts';
import type { Injector, WebhookEntry } from '../../model/facts.ts';
import type { StringMap } from '../../model/kube.ts';
import type { IstiodProcess } from './istiods.ts';
import type { Knowledge } from './knowledge.ts';
import { dnsNamesOf, processNamed, type Reached, reachAddress, reachService } from './reach.ts';
import type { ClusterState } from './state.ts';

/** A pod as admission sees it. */
export interface Candidate {
  readonly namespace: string;
  readonly labels: StringMap;
  readonly annotations: StringMap;
  readonly hostNetwork: boolean;
}

/** Who injects a pod: nobody, an istiod as its webhook says, or nobody can, and then the pod is not created. */
export type Injecting =
  | { readonly by: 'nobody' }
  | { readonly by: IstiodProcess; readonly injector: Injector }
  | { readonly refused: string };

/** What the API server of a cluster makes of a pod that is about to be created, by the injectors as they are. */
export function injecting(candidate: Candidate, cluster: ClusterState, knowledge: Knowledge): Injecting {
  const namespace = listOf(cluster.facts.namespaces).find(({ name }) => name === candidate.namespace);
  if (namespace === undefined) return { by: 'nobody' };
  const namespaceLabels = { 'kubernetes.io/metadata.name': namespace.name, ...namespace.labels };
  let found: Injecting = { by: 'nobody' };
  for (const injector of injectorsOf(namespace, candidate.labels, listOf(cluster.facts.injectors))) {
    const entry = injector.webhooks.find(
      (webhook) => selects(webhook.namespaceSelector, namespaceLabels) && selects(webhook.objectSelector, candidate.labels),
    );
    if (entry === undefined) continue;
    const called = callWebhook(entry, cluster, knowledge);
    if ('refused' in called) {
      if (entry.failurePolicy !== 'Ignore') return called;
    } else if (!isExempt(namespace, candidate) && found.by === 'nobody') found = { by: called.process, injector };
  }
  return found;
}

/** Calls a webhook as the API server does: address, TLS by the caBundle, name. */
function callWebhook(
  { name, target, caBundle }: WebhookEntry,
  cluster: ClusterState,
  knowledge: Knowledge,
): { readonly process: IstiodProcess } | { readonly refused: string } {
  const { service } = target;
  const host = service === undefined ? undefined : `${service.name}.${service.namespace}.svc`;
  const url = service === undefined ? (target.url ?? '') : `https://${host ?? ''}:${service.port}${service.path}`;
  const refused = (reason: string) => ({
    refused: `failed calling webhook "${name}": failed to call webhook: Post "${url}?timeout=10s": ${reason}`,
  });
  const { hostname, port } = partsOf(url);
  const reached =
    service === undefined
      ? reachPublic(hostname, port, knowledge)
      : reachService(cluster, service.namespace, service.name, service.port, host ?? '', knowledge);
  if ('failed' in reached) return refused(reasonOf(reached.failed, service?.name ?? hostname));
  const { process } = reached;
  // A gateway that ends TLS shows a certificate of the world's; without a caBundle the world's roots are asked.
  if (reached.presents !== 'istiod' || (service === undefined && caBundle.state === 'empty')) return { process };
  const known = caBundle.state === 'certificates' ? new Set(caBundle.certificates.map(({ fingerprint }) => fingerprint)) : new Set();
  const isTrusted = process.ca !== undefined && pemBlocks(process.ca.root).some((pem) => known.has(fingerprintOf(pem)));
  if (!isTrusted) return refused('tls: failed to verify certificate: x509: certificate signed by unknown authority');
  const names = dnsNamesOf(process, knowledge);
  return names.includes(hostname)
    ? { process }
    : refused(`tls: failed to verify certificate: x509: certificate is valid for ${names.join(', ')}, not ${hostname}`);
}

function reachPublic(host: string, port: number, knowledge: Knowledge): Reached {
  const direct = reachAddress(host, port, host, knowledge);
  if ('process' in direct) return direct;
  const process = processNamed(host, knowledge);
  return process === undefined ? direct : { process, presents: 'istiod' };
}

function reasonOf(failed: Extract<Reached, { failed: string }>['failed'], service: string): string {
  switch (failed) {
    case 'no-service':
      return `service "${service}" not found`;
    case 'unsupported-type':
      return 'unsupported service type "ExternalName"';
    case 'no-endpoints':
      return `no endpoints available for service "${service}"`;
    case 'timeout':
      return 'context deadline exceeded';
    case 'refused': // A load balancer answers for the pods it does not have.
    case 'reset':
      return 'read: connection reset by peer';
    default:
      return failed satisfies never;
  }
}

function partsOf(url: string): { readonly hostname: string; readonly port: number } {
  try {
    const { hostname, port } = new URL(url);
    return { hostname, port: port === '' ? 443 : Number(port) };
  } catch {
    return { hostname: '', port: 443 };
  }
}
