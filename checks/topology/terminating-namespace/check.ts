import {
  type ClusterName,
  defineCheck,
  distinct,
  labels,
  list,
  type Namespace,
  type NetworkId,
  networkId,
  type Service,
  valueOf,
} from 'meshdoctor/api';
import { gatewaysByNetwork } from '../_area.ts';

/** A namespace is gone within minutes, unless something keeps it. */
const long = 60 * 60_000;

export default defineCheck({
  id: 'terminating-namespace',
  title: 'No namespace or gateway that the mesh needs is being deleted',
  severity: 'error',
  certainty: 'certain',
  scope: 'mesh',
  partial: true,
  needs: ['namespaces', 'services'],
  uses: ['clock'],
  catalogue: ['ID-16'],
  explains: [
    { code: 'unready-east-west-gateway', match: 'cluster', keys: ['system'] },
    { code: 'unaddressed-gateway', match: 'within', keys: ['system'] },
    { code: 'unreachable-gateway', match: 'within', keys: ['system'] },
    { code: 'unavailable-istiod', match: 'within', keys: ['system'] },
    { code: 'missing-root', match: 'within', keys: ['system'] },
    { code: 'missing-discovery-service', match: 'within', keys: ['system'] },
    { code: 'dangling-injector-service', match: 'within', keys: ['system'] },
    { code: 'unreachable-gateway', match: 'object', keys: ['gateway'] },
    { code: 'unaddressed-gateway', match: 'object', keys: ['gateway'] },
  ],
  docs: {
    why: 'In a namespace that is being deleted nothing can be created: no pod that is rolled out, restarted or moved to another node, and no root certificate, which istiod leaves out there. What is in it goes, in any order, until finalizers are done; one that is never done keeps the namespace like that for ever. istiod does not look at deletion: a Service that waits for its finalizer is a service and a gateway to it as before, although its load balancer may be gone.',
    confirm:
      "kubectl --context CLUSTER get namespace NAMESPACE -o jsonpath='{.status.conditions}'; kubectl --context CLUSTER get services -A -o custom-columns=NS:.metadata.namespace,NAME:.metadata.name,DELETED:.metadata.deletionTimestamp",
    fix: 'Deletion cannot be taken back. See in the conditions of the namespace what is left and which finalizer waits, let its controller finish, or remove the finalizer where that controller is gone. Then create the namespace again, with its labels, and install what was in it.',
    notWhen: 'A cluster that leaves the mesh. Remove its remote secrets first, so that nobody is sent there.',
  },
  messages: {
    system: (a: { cluster: ClusterName; namespace: Namespace }) => ({
      text: `Namespace ${a.namespace.name} in ${a.cluster} is being deleted${since(a.namespace)}: nothing of Istio can be created there any more, and what is there goes.`,
      expected: 'an active namespace',
      found: 'Terminating',
      effect: `gateways and injection of ${a.cluster} end, and with them calls between ${a.cluster} and others`,
    }),
    gateway: (a: { service: Service; network: NetworkId }) => ({
      text: `Gateway ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} is being deleted${since(a.service)}, and no other gateway leads into ${a.network}: istiod goes on sending calls there as long as the object is left.`,
      expected: 'a gateway that stays',
      found: 'a deletion that is not done',
      effect: `calls from other networks into ${a.network} fail, when its load balancer is gone if not yet`,
    }),
    shared: (a: {
      cluster: ClusterName;
      namespace: Namespace;
      services: readonly string[];
      others: readonly ClusterName[];
      isLong: boolean;
    }) => ({
      text: `Namespace ${a.namespace.name} in ${a.cluster} is being deleted${since(a.namespace)}, while ${list(a.others)} ${a.others.length === 1 ? 'has' : 'have'} it, too: no pod of ${list(a.services, 'none', 2)} can be created in ${a.cluster} any more.`,
      severity: 'warning',
      certainty: a.isLong ? 'likely' : 'possible',
      expected: 'an active namespace, or none',
      found: 'Terminating',
      effect: `callers of ${list(a.services, 'none', 2)} are left with ${list(a.others)}`,
    }),
  },
  *run({ clusters, mesh, finding }) {
    for (const { name: cluster, namespaces, services, clock } of clusters) {
      const system = mesh.members.get(cluster)?.systemNamespace;
      const network = mesh.members.get(cluster)?.network;
      for (const namespace of namespaces.filter(({ terminating }) => terminating)) {
        const where = {
          at: namespace.ref,
          field: '.status.phase',
          evidence: [{ ref: namespace.ref, field: '.metadata.deletionTimestamp', observed: namespace.deletingSince ?? 'Terminating' }],
          concerns: [cluster],
        };
        if (namespace.name === system) {
          yield finding('system', { cluster, namespace }, where);
          continue;
        }
        const isThere = (of: readonly Namespace[]): boolean => of.some(({ name, terminating }) => name === namespace.name && !terminating);
        const own = services.filter((service) => service.namespace === namespace.name);
        const sharing = clusters.filter(
          (other) =>
            other.name !== cluster &&
            isThere(other.namespaces) &&
            other.services.some((service) => service.namespace === namespace.name && own.some(({ name }) => name === service.name)),
        );
        if (sharing.length === 0) continue;
        const others = distinct<ClusterName>(sharing.map(({ name }) => name));
        const shared = own
          .filter(({ name }) =>
            sharing.some((other) => other.services.some((one) => one.namespace === namespace.name && one.name === name)),
          )
          .map((service) => `${service.namespace}/${service.name}`);
        const isLong = clock.status === 'collected' && isOlder(namespace.deletingSince, clock.value.takenAt);
        yield finding(
          'shared',
          { cluster, namespace, services: distinct(shared), others, isLong },
          { ...where, concerns: distinct<ClusterName>([cluster, ...others]) },
        );
      }
      if (system !== undefined && namespaces.some(({ name, terminating }) => terminating && name === system)) continue;
      const isMultiNetwork = new Set([...mesh.members.values()].flatMap((member) => valueOf(member.network) ?? [])).size > 1;
      if (!isMultiNetwork || network === undefined) continue;
      for (const [led, gateways] of gatewaysByNetwork(services)) {
        if (!gateways.every(({ deletingSince }) => deletingSince !== undefined)) continue;
        const isLedElsewhere = clusters.some(
          (other) =>
            other.name !== cluster &&
            other.services.some(
              ({ labels: own, deletingSince }) => deletingSince === undefined && networkId(own[labels.network] ?? '') === led,
            ),
        );
        if (isLedElsewhere) continue;
        for (const service of gateways) {
          yield finding(
            'gateway',
            { service, network: led },
            {
              at: service.ref,
              field: '.metadata.deletionTimestamp',
              evidence: [{ ref: service.ref, field: '.metadata.deletionTimestamp', observed: service.deletingSince ?? 'set' }],
              lacks: clusters.map(({ name }) => ({ cluster: name, fact: 'services' as const })),
            },
          );
        }
      }
    }
  },
});

function since({ deletingSince }: { readonly deletingSince?: string }): string {
  return deletingSince === undefined ? '' : ` since ${deletingSince}`;
}

function isOlder(time: string | undefined, now: string): boolean {
  return time !== undefined && Date.parse(now) - Date.parse(time) > long;
}
