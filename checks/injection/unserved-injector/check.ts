import {
  type ClusterName,
  defineCheck,
  distinct,
  type Injector,
  installAgain,
  list,
  type Namespace,
  remedy,
  type Revision,
} from 'meshdoctor/api';
import { namespacesOf, refusal } from '../_area.ts';

export default defineCheck({
  id: 'unserved-injector',
  title: 'Webhooks of a remote name a revision that its control plane runs',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes'], member: ['injectors', 'namespaces'] },
  path: { hops: ['caller'], onlyExplains: true },
  catalogue: ['INJ-01'],
  explains: [
    { code: 'unreachable-injector', match: 'cluster' },
    { code: 'failing-injection', match: 'cluster' },
    { code: 'stale-ca-bundle', match: 'cluster' },
    { code: 'expiring-ca-bundle', match: 'cluster' },
    { code: 'dangling-injector-service', match: 'cluster' },
    { code: 'mismatched-exposed-revision', match: 'cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
    { code: 'stale-pilot-address', match: 'cluster' },
  ],
  docs: {
    why: 'A remote uses the istiod of its primary: Service name, SNI, webhook label and proxies all carry the revision, and it has to be the same string in both clusters. With another one the exposed istiod does not answer, no istiod fills the caBundle, and every pod creation in namespaces of that revision fails.',
    confirm:
      'kubectl --context REMOTE get mutatingwebhookconfigurations -L istio.io/rev; kubectl --context PRIMARY get deployments -A -l app=istiod -L istio.io/rev',
    fix: 'Install the remote with the revision its primary runs, or install that revision in the primary.',
    notWhen:
      'During an upgrade a webhook may exist in the remote before the new istiod is there: nothing is broken until a namespace asks for it.',
  },
  messages: {
    unserved: (a: {
      member: ClusterName;
      primary: ClusterName;
      revision: Revision;
      runs: readonly Revision[];
      injectors: readonly Injector[];
      namespaces: readonly Namespace[];
    }) => ({
      text: `Webhook ${a.injectors[0]?.name} of ${a.member} injects for revision ${a.revision}, which no istiod of ${a.primary} runs${a.namespaces.length === 0 ? '' : ', so pods cannot be created'}.`,
      expected: list(a.runs, 'an istiod'),
      found: a.revision,
      ...refusal(a.namespaces),
      remedy: [
        ...(a.namespaces.length === 0
          ? a.injectors
              .slice(0, 1)
              .map((injector) => remedy.delete(injector.ref, { note: 'when that revision is not about to be installed in the primary' }))
          : []),
        remedy.installer(
          a.member,
          [`istioctl install --context ${a.member} -f REMOTE.yaml --set revision=${a.runs[0] ?? 'REVISION'}`],
          installAgain,
        ),
      ],
    }),
  },
  *run({ primary, member, couple, mesh, finding, undecided }) {
    if (couple.kind !== 'remote') return;
    const doubtful = [...mesh.members.values()].flatMap((other) => ('unknown' in other.role ? other.role.unknown : []));
    // Every istiod that may manage this cluster: all revisions of its primary, and of other primaries where it is not clear whose it is.
    const controlPlanes = mesh.couples.flatMap((other) => (other.member === member.name ? [other.controlPlane] : []));
    const runs = distinct(controlPlanes.map((controlPlane) => controlPlane.revision));
    const foreign = member.injectors.filter((injector) => !runs.includes(injector.revision));
    if (foreign.length === 0) return;
    if (doubtful.length > 0) {
      yield undecided('another cluster may run that revision', {
        missing: doubtful.map(({ cluster, fact }) => ({ cluster, fact })),
      });
      return;
    }
    for (const revision of distinct(foreign.map((injector) => injector.revision))) {
      const injectors = foreign
        .filter((injector) => injector.revision === revision)
        .sort((a, b) => Number(a.tag !== undefined) - Number(b.tag !== undefined));
      const [first] = injectors;
      if (first === undefined) continue;
      const namespaces = injectors.flatMap((injector) => namespacesOf(injector, member.namespaces, member.injectors));
      yield finding(
        'unserved',
        { member: member.name, primary: primary.name, revision, runs, injectors, namespaces },
        {
          at: first.ref,
          field: '.metadata.labels["istio.io/rev"]',
          related: [...injectors.slice(1).map((injector) => injector.ref), ...controlPlanes.map((controlPlane) => controlPlane.ref)],
          evidence: [
            { ref: first.ref, field: '.metadata.labels["istio.io/rev"]', observed: revision, expected: list(runs) },
            ...controlPlanes.map((controlPlane) => ({
              ref: controlPlane.ref,
              field: '.metadata.labels["istio.io/rev"]',
              observed: `revision ${controlPlane.revision}`,
            })),
          ],
          lacks: [{ cluster: primary.name, fact: 'controlPlanes' }],
          subject: revision,
        },
      );
    }
  },
});
