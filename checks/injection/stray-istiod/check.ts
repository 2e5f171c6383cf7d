import {
  annotations,
  type ClusterName,
  type ControlPlane,
  controlPlaneClusters,
  count,
  defineCheck,
  effectsOfCutOff,
  hosts,
  installAgain,
  type Pod,
  refKey,
  remedy,
  type Service,
  shellWord,
} from 'meshdoctor/api';

const key = annotations.controlPlaneClusters;

export default defineCheck({
  id: 'stray-istiod',
  title: 'A cluster that names another control plane as its own runs none itself',
  severity: 'error',
  certainty: 'likely',
  scope: 'managed',
  needs: { primary: ['controlPlanes'], member: ['controlPlanes', 'namespaces', 'pods', 'services'] },
  applies: { dataPlane: 'sidecar' },
  path: { hops: ['caller'] },
  catalogue: ['INJ-13'],
  explains: [
    { code: 'missing-remote-secret', match: 'cluster' },
    { code: 'divergent-roots', match: 'cluster' },
    { code: 'foreign-root', match: 'cluster' },
    { code: 'unled-remote', match: 'cluster' },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
    ...effectsOfCutOff,
  ],
  docs: {
    why: 'A remote that was installed with a whole profile, or by an operator that takes profile remote for more than it is, has an istiod of its own. Its proxies connect to that one: it reads no other cluster, signs with a CA of its own, and knows nothing of the mesh.',
    confirm:
      'kubectl --context REMOTE get deployments -A -l app=istiod; kubectl --context REMOTE get namespace istio-system -o jsonpath="{.metadata.annotations}"',
    fix: 'Remove the istiod of the remote, install it again with profile=remote and the address of the primary, and restart its workloads. If it shall be a primary, remove the annotation and make remote secrets in both directions.',
    notWhen:
      'With enabledLocalInjectorIstiod an istiod of the remote injects and nothing else: its proxies connect to the primary. A primary that was a remote once may keep the annotation: then it reads the other cluster.',
    see: ['https://github.com/istio-ecosystem/sail-operator/issues/97', 'https://github.com/istio/istio/issues/32370'],
  },
  messages: {
    stray: (a: Stray) => ({
      text: `Deployment ${a.istiod.namespace}/${a.istiod.name} runs in ${a.member}, which names istiod of ${a.primary} as its control plane, so its proxies are in a mesh of their own.`,
      expected: `no istiod: proxies of ${a.member} connect to ${a.primary}`,
      found: `an istiod of revision ${a.istiod.revision} that reads no secret for ${a.primary}`,
      effect:
        a.proxies.length > 0
          ? `${count(a.proxies.length, 'proxy', 'proxies')} connect to it, ${a.proxies[0]?.namespace}/${a.proxies[0]?.name} first: they know no service of ${a.primary}`
          : 'nothing is injected yet',
      ...(a.proxies.length === 0 ? { severity: 'warning' as const } : {}),
      remedy: [
        remedy.installer(
          a.member,
          [
            `istioctl uninstall --context ${shellWord(a.member)} --revision ${shellWord(a.istiod.revision)}`,
            `istioctl install --context ${shellWord(a.member)} -f REMOTE.yaml --set profile=remote`,
          ],
          `REMOTE.yaml is what this cluster was meant to be installed from; then restart its workloads; ${installAgain}`,
        ),
      ],
    }),
  },
  *run({ primary, member, controlPlane, couple, mesh, finding, undecided }) {
    if (couple.kind !== 'peer' || !controlPlane.externalIstiod || couple.credentials.length === 0) return;
    const name = mesh.members.get(member.name)?.systemNamespace;
    const namespace = member.namespaces.find((one) => one.name === name);
    const admitted = controlPlaneClusters.controlPlaneClusters(namespace?.annotations[key]);
    if (namespace === undefined || !admitted.includes(controlPlane.clusterId)) return;
    for (const istiod of member.controlPlanes) {
      if (istiod.namespace !== namespace.name || admitted.includes(istiod.clusterId) || admitted.includes('*')) continue;
      const back = mesh.couples.find((other) => other.member === primary.name && refKey(other.controlPlane.ref) === refKey(istiod.ref));
      // Whoever reads the other cluster is a primary like it, whatever was annotated before.
      if (back === undefined || back.credentials.length > 0) continue;
      if (back.credentialGaps.length > 0) {
        yield undecided('it is not known whether its istiod reads the other cluster', {
          missing: back.credentialGaps.map(({ cluster, fact }) => ({ cluster, fact })),
        });
        continue;
      }
      // Gateways of a whole profile are not injected; what is injected says more.
      const sidecars = member.pods.filter(({ proxy }) => proxy?.kind === 'sidecar');
      const proxies = sidecars.length > 0 ? sidecars : member.pods.filter(({ proxy }) => proxy?.kind === 'gateway');
      const own = proxies.filter(({ proxy }) => leadsTo(proxy?.discoveryHost, istiod, member.services));
      // It injects, and sends the proxies elsewhere.
      if (proxies.length > 0 && own.length === 0) continue;
      yield finding(
        'stray',
        { istiod, member: member.name, primary: primary.name, proxies: own },
        {
          at: istiod.ref,
          related: [namespace.ref, controlPlane.ref, ...own.slice(0, 3).map(({ ref }) => ref)],
          evidence: [
            { ref: namespace.ref, field: `.metadata.annotations["${key}"]`, observed: namespace.annotations[key] ?? '' },
            { ref: istiod.ref, observed: `CLUSTER_ID ${istiod.clusterId}`, expected: 'no istiod' },
            ...own.slice(0, 2).map(({ ref, proxy }) => ({ ref, observed: `istiod at ${proxy?.discoveryHost}` })),
          ],
          // Without sidecars only gateways speak, and another secret would make it a primary like the other.
          lacks: [
            ...(sidecars.length > 0 ? [] : [{ cluster: member.name, fact: 'pods' as const }]),
            { cluster: member.name, fact: 'remoteSecrets' },
          ],
          subject: istiod.revision,
          concerns: [primary.name, member.name],
        },
      );
    }
  },
});

interface Stray {
  readonly istiod: ControlPlane;
  readonly member: ClusterName;
  readonly primary: ClusterName;
  /** Proxies that connect to it. */
  readonly proxies: readonly Pod[];
}

/** Whether a proxy that asks this host gets to the pods of this istiod: by a Service that selects them. */
function leadsTo(host: string | undefined, istiod: ControlPlane, services: readonly Service[]): boolean {
  // Where no address was written in, proxies ask the Service of the default revision.
  const asked = hosts.discoveryService(host ?? `istiod.${istiod.namespace}.svc`);
  if (asked?.namespace !== istiod.namespace) return false;
  const service = services.find(({ namespace, name }) => namespace === asked.namespace && name === asked.name);
  return service !== undefined && service.selector['app'] === 'istiod' && asked.name === hosts.istiodServiceName(istiod.revision);
}
