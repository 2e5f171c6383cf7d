import {
  type ClusterName,
  count,
  defineCheck,
  distinct,
  type Entity,
  type Gateway,
  kubectl,
  list,
  type Mesh,
  objectPath,
  type ObjectRef,
  ports,
  refKey,
  remedy,
  shellWord,
  valueOf,
  type VirtualService,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'inert-configuration',
  title: 'Istio configuration lies where an istiod reads it',
  severity: 'warning',
  certainty: 'certain',
  scope: 'mesh',
  partial: true,
  needs: ['gateways', 'virtualServices', 'istioResources'],
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
  *run({ clusters, mesh, finding, undecided }) {
    for (const cluster of clusters) {
      if (valueOf(cluster.member.role) !== 'remote') continue;
      const readers = readersOf(cluster.name, mesh);
      if (readers.length === 0) continue;
      const own = [...cluster.gateways, ...cluster.virtualServices, ...cluster.istioResources].filter(
        (object) => object.ref.kind !== 'WorkloadEntry',
      );
      const configs = clusters.filter((other) => readers.includes(other.name));
      const read = new Set(
        configs.flatMap((config) =>
          [...config.gateways, ...config.virtualServices, ...config.istioResources].map(({ ref }) => objectPath(ref)),
        ),
      );
      const inert = own.filter((object) => !read.has(objectPath(object.ref)));
      const unread = readers.filter((name) => configs.every((config) => config.name !== name));
      if (inert.length > 0 && unread.length > 0) {
        const missing = unread.flatMap((name) => facts.map((fact) => ({ cluster: name, fact })));
        yield undecided('the configuration that istiod reads could not be read', { missing, clusters: [cluster.name, ...unread] });
        continue;
      }
      // What opens gateways is missed where it should be: the checks of those ports tell of it.
      const opening = inert.filter(opens);
      for (const [key, objects] of [
        ['inert', inert.filter((object) => !opening.includes(object))],
        ['exposure', opening],
      ] as const) {
        const [first] = objects;
        const [reader] = readers;
        if (first === undefined || reader === undefined) continue;
        const observed = `${list(distinct(objects.map((object) => object.ref.kind)))} in a cluster without istiod`;
        yield finding(
          key,
          { objects, member: cluster.name, reader },
          {
            at: first.ref,
            related: objects.slice(1).map((object) => object.ref),
            evidence: [{ ref: first.ref, observed }],
            lacks: readers.flatMap((name) => facts.map((fact) => ({ cluster: name, fact }))),
            subject: cluster.name,
            concerns: [cluster.name],
          },
        );
      }
    }
  },
});

const facts = ['gateways', 'virtualServices', 'istioResources'] as const;

/** Clusters whose configuration the istiods of a remote read: their own, or the config cluster of an external one. */
function readersOf(remote: ClusterName, mesh: Mesh): ClusterName[] {
  const istiods = mesh.couples
    .filter((couple) => couple.kind === 'remote' && couple.member === remote)
    .map((couple) => refKey(couple.controlPlane.ref));
  return distinct(
    mesh.couples.flatMap((couple) => (couple.kind === 'self' && istiods.includes(refKey(couple.controlPlane.ref)) ? couple.member : [])),
  );
}

interface Inert {
  readonly objects: readonly Entity[];
  readonly member: ClusterName;
  readonly reader: ClusterName;
}

function sentence({ objects, member, reader }: Inert) {
  return {
    text: `Cluster ${member} holds ${count(objects.length, 'Istio object')} without effect (${list(
      objects.map((object) => objectPath(object.ref)),
      'none',
      2,
    )}): its istiod reads configuration only in ${reader}.`,
    expected: `the same objects in ${reader}`,
    found: list(
      objects.map((object) => objectPath(object.ref)),
      'none',
      4,
    ),
    effect: 'routes, gateways and policies written there do not apply',
    remedy: [
      remedy.command(
        reader,
        objects.slice(0, 3).flatMap(({ ref }) => moving(ref, reader)),
        { note: `what is deleted in ${member} had no effect${objects.length > 3 ? '; do the same for the others' : ''}` },
      ),
    ],
  };
}

/** Copies an object without what only the API server that holds it may set, then deletes it where it was. */
function moving(ref: ObjectRef, to: ClusterName): readonly [copy: string, deletion: string] {
  const kind = ref.kind === 'Gateway' ? 'gateways.networking.istio.io' : ref.kind.toLowerCase();
  const own = "grep -vE '^  (uid|resourceVersion|creationTimestamp|generation):'";
  return [
    `${kubectl(ref)} get ${kind} ${shellWord(ref.name)} -o yaml | ${own} | kubectl --context ${shellWord(to)} apply -f -`,
    `${kubectl(ref)} delete ${kind} ${shellWord(ref.name)}`,
  ];
}

/** A Gateway for a cross-network port or istiod, or a route of istiod's ports. */
function opens(object: Gateway | VirtualService | Entity): boolean {
  const wanted: readonly number[] = [ports.crossNetwork, ports.discovery, ports.webhook];
  if ('servers' in object) return object.servers.some((server) => wanted.includes(server.port));
  return (
    'tls' in object && object.tls.some((route) => route.matches.some((match) => match.port !== undefined && wanted.includes(match.port)))
  );
}
