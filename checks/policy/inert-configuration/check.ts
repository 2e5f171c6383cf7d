import { type ClusterName, count, defineCheck, type Entity, groupBy, list, objectPath, remedy } from 'meshdoctor/api';

export default defineCheck({
  id: 'inert-configuration',
  title: 'Istio configuration lies where an istiod reads it',
  severity: 'warning',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'gateways', 'virtualServices', 'istioResources'], member: ['gateways', 'virtualServices', 'istioResources'] },
  catalogue: ['POL-04'],
  docs: {
    why: 'istiod reads gateways, routes and policies only from the cluster whose configuration it uses. Applied in a remote they do nothing, and nothing says so.',
    confirm: 'kubectl --context REMOTE get gateways.networking.istio.io,virtualservices,destinationrules,authorizationpolicies,peerauthentications -A',
    fix: 'Apply the objects in the primary (the config cluster), and remove them from the remote.',
    notWhen: 'Copies that also lie in the primary do no harm and are not reported. WorkloadEntry objects are read from every cluster.',
  },
  messages: {
    inert: (a: { objects: readonly Entity[]; member: ClusterName; primary: ClusterName }) => ({
      text: `${count(a.objects.length, 'Istio object')} of ${a.member} ${a.objects.length === 1 ? 'has' : 'have'} no effect: its istiod reads configuration only in ${a.primary}.`,
      expected: `the same objects in ${a.primary}`,
      found: list(a.objects.map((object) => objectPath(object.ref)), 'none', 4),
      effect: 'routes, gateways and policies written there do not apply',
      remedy: [
        remedy.command(
          a.primary,
          a.objects
            .slice(0, 3)
            .map(({ ref }) => `kubectl --context ${a.member} -n ${ref.namespace ?? ''} get ${ref.kind.toLowerCase()} ${ref.name} -o yaml | kubectl --context ${a.primary} apply -f -`),
          { note: 'then delete them in the remote' },
        ),
      ],
    }),
  },
  *run({ primary, member, couple, finding }) {
    if (couple.kind !== 'remote' || !('known' in member.member.role) || member.member.role.known !== 'remote') return;
    const read = new Set([...primary.gateways, ...primary.virtualServices, ...primary.istioResources].map((object) => objectPath(object.ref)));
    const own = [...member.gateways, ...member.virtualServices, ...member.istioResources.filter((object) => object.kind !== 'WorkloadEntry')];
    const inert = own.filter((object) => !read.has(objectPath(object.ref)));
    const [first] = inert;
    if (first === undefined) return;
    const kinds = [...groupBy(inert, (object) => object.ref.kind).keys()].sort();
    yield finding('inert', { objects: inert, member: member.name, primary: primary.name }, {
      at: first.ref,
      related: inert.slice(1).map((object) => object.ref),
      evidence: [{ ref: first.ref, observed: `kinds ${list(kinds)} in a cluster without istiod` }],
      lacks: (['gateways', 'virtualServices', 'istioResources'] as const).map((fact) => ({ cluster: primary.name, fact })),
      subject: member.name,
    });
  },
});
