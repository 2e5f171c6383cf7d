import { compareText, sortedBy } from '../base/sort.ts';
import { ipFamily } from '../istio/addresses.ts';
import { fqdnOf } from '../istio/hosts.ts';
import type { FactsByCluster, Mesh } from '../mesh/topology-types.ts';
import { listOf } from '../mesh/topology.ts';
import type { ClusterFacts, Pod } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { NameAnswer } from '../model/observations.ts';
import { refKey } from '../model/refs.ts';
import type { AddressType } from './dns-question.ts';
import { controlPlanesOf, namesOf, type PlanInput, type Planned, planned } from './plan.ts';
import { isUp, sampleSidecar } from './plan-proxies.ts';

/** A question, and the port of the pod that takes it. */
export interface NameQuestion extends Omit<NameAnswer, 'outcome'> {
  readonly port: number;
  /** Never empty. */
  readonly types: readonly AddressType[];
}

/** The Service that every cluster has: what becomes of its name says whether whoever is asked has a table at all, or a zone. */
export const controlService = { namespace: 'default', name: 'kubernetes' } as const;

/**
 * What callers in a cluster ask for: each name by its FQDN, of a sidecar that captures DNS and of the cluster's own DNS, and by the
 * short name that applications in other namespaces use, of the sidecar; and of both the name that every cluster has. Whoever is not
 * there is not asked. Sorted by service, then sidecar before cluster, then the name as asked.
 */
export function planNames(cluster: ClusterName, input: PlanInput): Planned<NameQuestion> {
  const facts = input.facts.get(cluster);
  const questions = new Map<string, NameQuestion>();
  for (const mesh of input.topology.meshes) {
    for (const question of facts === undefined ? [] : questionsIn(mesh, cluster, facts, input)) {
      const key = keyOf(question);
      if (!questions.has(key)) questions.set(key, question);
    }
  }
  return planned(
    [...questions].sort(([a], [b]) => compareText(a, b)).map(([, question]) => question),
    facts,
    'pods',
  );
}

function questionsIn(mesh: Mesh, cluster: ClusterName, facts: ClusterFacts, input: PlanInput): NameQuestion[] {
  const names = namesOf(mesh, input.names).filter(({ members }) => members.includes(cluster));
  if (names.length === 0 || (input.caller !== undefined && input.caller.cluster !== cluster)) return [];
  const sidecar = sampleSidecar(mesh, cluster, input.facts, { preferred: input.caller });
  const dns = clusterDns(listOf(facts.pods));
  const domain = domainOf(mesh, input.facts);
  const types = addressTypes(facts);
  const control = { ...controlService, isControl: true };
  return [control, ...names.map(({ namespace, name }) => ({ namespace, name, isControl: false }))].flatMap(({ isControl, ...service }) => {
    const { namespace, name } = service;
    const fqdn = fqdnOf(namespace, name, domain);
    const ofSidecar =
      sidecar === undefined
        ? []
        : (isControl ? [fqdn] : [fqdn, `${name}.${namespace}`]).map(
            (asked): NameQuestion => ({ via: 'sidecar', pod: sidecar.ref, port: agentPort, service, asked, types }),
          );
    return dns === undefined
      ? ofSidecar
      : [...ofSidecar, { via: 'cluster', pod: dns.pod.ref, port: dns.port, service, asked: fqdn, types }];
  });
}

/** Where the istio-agent of a sidecar answers DNS, by UDP and TCP. */
const agentPort = 15053;

/** DNS pods of a cluster by distribution: kubeadm, k3s and the managed ones; OpenShift. */
const dnsPods = [
  { namespace: 'kube-system', label: 'k8s-app', value: 'kube-dns', port: 53 },
  { namespace: 'openshift-dns', label: 'dns.operator.openshift.io/daemonset-dns', value: 'default', port: 5353 },
] as const;

function clusterDns(pods: readonly Pod[]): { readonly pod: Pod; readonly port: number } | undefined {
  for (const { namespace, label, value, port } of dnsPods) {
    const [pod] = sortedBy(
      pods.filter((one) => one.namespace === namespace && one.labels[label] === value && isUp(one)),
      (one) => one.name,
    );
    if (pod !== undefined) return { pod, port };
  }
  return undefined;
}

function domainOf(mesh: Mesh, facts: FactsByCluster): string | undefined {
  return controlPlanesOf(mesh, facts)[0]?.clusterDomain;
}

/** The families that Services of the cluster have addresses of; IPv4 where none is known. */
function addressTypes(facts: ClusterFacts): readonly AddressType[] {
  const families = new Set<ReturnType<typeof ipFamily>>();
  for (const { clusterIP, clusterIPs } of listOf(facts.services)) {
    for (const address of [clusterIP, ...clusterIPs]) families.add(ipFamily(address));
    if (families.has(4) && families.has(6)) break;
  }
  if (!families.has(6)) return ['A'];
  return families.has(4) ? ['A', 'AAAA'] : ['AAAA'];
}

function keyOf({ via, pod, service, asked }: NameQuestion): string {
  return [`${service.namespace}/${service.name}`, via === 'sidecar' ? '1' : '2', refKey(pod), asked].join(' ');
}
