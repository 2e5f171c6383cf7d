import {
  type ClusterName,
  count,
  defineCheck,
  distinct,
  type Entity,
  type Gateway,
  list,
  objectPath,
  ports,
  remedy,
  type VirtualService,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'inert-configuration',
  title: 'Istio configuration lies where an istiod reads it',
  severity: 'warning',
  certainty: 'certain',
  scope: 'managed',
  needs: {
    primary: ['gateways', 'virtualServices', 'istioResources'],
    member: ['gateways', 'virtualServices', 'istioResources'],
  },
  catalogue: ['POL-04'],
  docs: {
    why: 'istiod reads gateways, routes and policies only from the cluster whose configuration it uses. Applied in a remote they do nothing, and nothing says so.',
    confirm:
      'kubectl --context REMOTE get gateways.networking.istio.io,virtualservices,destinationrules,authorizationpolicies,peerauthentications -A',
    fix: 'Apply the objects in the primary (the config cluster), and remove them from the remote.',
    notWhen: 'Copies that also lie in the primary do no harm and are not reported. WorkloadEntry objects are read from every cluster.',
  },
  messages: {
    inert: sentence,
    exposure: sentence,
  },
  *run({ primary, member, couple, finding }) {
    if (couple.kind !== 'remote' || !('known' in member.member.role) || member.member.role.known !== 'remote') return;
    const read = new Set(
      [...primary.gateways, ...primary.virtualServices, ...primary.istioResources].map((object) => objectPath(object.ref)),
    );
    const own = [
      ...member.gateways,
      ...member.virtualServices,
      ...member.istioResources.filter((object) => object.kind !== 'WorkloadEntry'),
    ];
    const inert = own.filter((object) => !read.has(objectPath(object.ref)));
    // What opens gateways is missed where it should be: the checks of those ports tell of it.
    const opening = inert.filter(opens);
    for (const [key, objects] of [
      ['inert', inert.filter((object) => !opening.includes(object))],
      ['exposure', opening],
    ] as const) {
      const [first] = objects;
      if (first === undefined) continue;
      const kinds = distinct(objects.map((object) => object.ref.kind));
      yield finding(
        key,
        { objects, member: member.name, primary: primary.name },
        {
          at: first.ref,
          related: objects.slice(1).map((object) => object.ref),
          evidence: [{ ref: first.ref, observed: `${list(kinds)} in a cluster without istiod` }],
          lacks: (['gateways', 'virtualServices', 'istioResources'] as const).map((fact) => ({ cluster: primary.name, fact })),
          subject: member.name,
        },
      );
    }
  },
});

interface Inert {
  readonly objects: readonly Entity[];
  readonly member: ClusterName;
  readonly primary: ClusterName;
}

function sentence({ objects, member, primary }: Inert) {
  return {
    text: `Cluster ${member} holds ${count(objects.length, 'Istio object')} without effect (${list(
      objects.map((object) => objectPath(object.ref)),
      'none',
      2,
    )}): its istiod reads configuration only in ${primary}.`,
    expected: `the same objects in ${primary}`,
    found: list(
      objects.map((object) => objectPath(object.ref)),
      'none',
      4,
    ),
    effect: 'routes, gateways and policies written there do not apply',
    remedy: [
      remedy.command(
        primary,
        objects
          .slice(0, 3)
          .map(
            ({ ref }) =>
              `kubectl --context ${member} -n ${ref.namespace ?? ''} get ${ref.kind.toLowerCase()} ${ref.name} -o yaml | kubectl --context ${primary} apply -f -`,
          ),
        { note: 'then delete them in the remote' },
      ),
    ],
  };
}

/** A Gateway for a cross-network port or istiod, or a route of istiod's ports. */
function opens(object: Gateway | VirtualService | Entity): boolean {
  const wanted: readonly number[] = [ports.crossNetwork, ports.discovery, ports.webhook];
  if ('servers' in object) return object.servers.some((server) => wanted.includes(server.port));
  return (
    'tls' in object && object.tls.some((route) => route.matches.some((match) => match.port !== undefined && wanted.includes(match.port)))
  );
}
