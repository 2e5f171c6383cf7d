import { appliedConfigs, authorizationPolicies, defineCheck, distinct, type IstioResource, list, measured, refKey } from 'meshdoctor/api';

export default defineCheck({
  id: 'foreign-principal',
  title: 'Authorization policies name identities that somebody in the mesh has',
  severity: 'warning',
  certainty: 'likely',
  scope: 'mesh',
  needs: ['controlPlanes', 'meshConfigs', 'istioResources'],
  path: { hops: ['authorization'] },
  explains: [{ code: 'uneven-authorization', match: 'object' }],
  catalogue: ['POL-07'],
  docs: {
    why: 'A principal begins with a trust domain. istiod takes cluster.local for its own, and copies principals of its own trust domain for every alias; any other is left as it stands and matches only identities of just that trust domain. Callers of another cluster are then denied, or not denied, although their service account is named.',
    confirm: 'kubectl --context PRIMARY get authorizationpolicies -A -o yaml | grep -A3 principals',
    fix: 'Name the trust domain that the callers have, list it in trustDomainAliases, or begin the principal with */.',
    notWhen: 'Identities of a federated mesh have a trust domain that no cluster given here has.',
    see: ['https://github.com/istio/istio/issues/55529', 'https://github.com/istio/istio/issues/30349'],
  },
  messages: {
    foreign: (a: { policy: IstioResource; principals: readonly string[]; known: readonly string[]; isFederated: boolean }) => ({
      ...(a.isFederated ? { certainty: 'possible' as const } : {}),
      text: `AuthorizationPolicy ${a.policy.namespace}/${a.policy.name} in ${a.policy.ref.cluster} names ${list(a.principals, 'none', 2)}, of a trust domain that nobody in the mesh has.`,
      expected: `a trust domain among ${list(a.known)}`,
      found: list(a.principals, 'none', 4),
      effect: 'the policy matches none of the callers that it means',
    }),
  },
  *run({ clusters, mesh, finding }) {
    const configs = clusters.flatMap(({ meshConfigs }) => meshConfigs);
    if (configs.length === 0 || configs.some(({ unreadable }) => unreadable)) return;
    const everywhere = new Set(configs.flatMap(({ trustDomain, trustDomainAliases }) => [trustDomain, ...trustDomainAliases]));
    const isFederated = configs.some(({ caCertificates }) => caCertificates.length > 0);
    const told = new Set<string>();
    for (const { controlPlanes, ...cluster } of clusters) {
      for (const controlPlane of controlPlanes) {
        const isSelf = mesh.couples.some(
          ({ kind, member, controlPlane: { ref } }) =>
            kind === 'self' && member === cluster.name && refKey(ref) === refKey(controlPlane.ref),
        );
        const meshConfig = measured.meshConfigOf(controlPlane, cluster.meshConfigs);
        if (!isSelf || meshConfig === undefined) continue;
        const applied = appliedConfigs.appliedConfig(controlPlane, cluster, meshConfig);
        for (const policy of applied.ofKind('AuthorizationPolicy')) {
          const principals = distinct(authorizationPolicies.principalsOf(policy).filter((one) => !isOfMesh(one, everywhere)));
          if (principals.length === 0 || told.has(refKey(policy.ref))) continue;
          told.add(refKey(policy.ref));
          yield finding(
            'foreign',
            { policy, principals, known: distinct(everywhere), isFederated },
            {
              at: policy.ref,
              field: '.spec.rules',
              evidence: principals.map((observed) => ({ ref: policy.ref, observed })),
              concerns: [cluster.name],
              lacks: clusters.map(({ name }) => ({ cluster: name, fact: 'meshConfigs' as const })),
            },
          );
        }
      }
    }
  },
});

/** Whether a principal can be that of anybody: `cluster.local` stands for the mesh's own trust domain only where the rest is whole. */
function isOfMesh(principal: string, trustDomains: ReadonlySet<string>): boolean {
  const parts = principal.split('/');
  const [trustDomain = ''] = parts;
  if (parts.length < 2 || trustDomain.includes('*')) return true;
  return trustDomains.has(trustDomain) || (parts.length === 5 && trustDomain === 'cluster.local');
}
