import {
  type ClusterId,
  type ClusterName,
  type ControlPlane,
  defineCheck,
  effectsOfCutOff,
  groupBy,
  type Injector,
  installAgain,
  kubectl,
  list,
  listOf,
  remedy,
  remoteSecrets,
  shellWord,
  valueOf,
} from 'meshdoctor/api';
import {
  fieldOfPath,
  idsOfOthers,
  injectionPath,
  injectorsFor,
  installZtunnel,
  isZtunnel,
  isLive,
  knownAs,
  pathOf,
  podsIn,
  proxiesOf,
  type ProxyPod,
  rewritePath,
  some,
  valuesOf,
} from '../_area.ts';

const envField = '.spec.containers[*].env["ISTIO_META_CLUSTER_ID"]';

export default defineCheck({
  id: 'mismatched-cluster-id',
  title: 'Proxies and injectors claim the ID under which istiod knows their cluster',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes'], member: ['pods'] },
  uses: { primary: ['remoteSecrets', 'injectorValues'], member: ['injectors'] },
  explains: [
    { code: 'mismatched-cluster-id/proxies', match: 'cluster', keys: ['injector'] },
    // Pods that another path injected have both from it, and one restart gives them both anew.
    { code: 'stale-proxy-network/other', match: 'cluster', keys: ['proxies'] },
    { code: 'unready-east-west-gateway/refused', match: 'cluster' },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
    ...effectsOfCutOff,
  ],
  path: { hops: ['caller', 'endpoints', 'name', 'route'], isOn: ({ code }) => code.endsWith('/proxies') },
  catalogue: ['ID-08', 'ID-11'],
  docs: {
    why: 'A proxy tells istiod which cluster it is in, and istiod has its token checked by the API server it knows under that ID. With an ID that istiod does not know, or knows as another cluster, the proxy is refused: its pod stays at 0/1 or 1/2 ready.',
    confirm:
      "istioctl remote-clusters --context PRIMARY; kubectl --context CLUSTER -n NAMESPACE get pod POD -o jsonpath='{..env[?(@.name==\"ISTIO_META_CLUSTER_ID\")].value}'; kubectl --context PRIMARY -n istio-system logs -l app=istiod | grep 'client claims to be in cluster'",
    fix: 'Use one ID for a cluster everywhere: CLUSTER_ID of its istiod, or the key of its remote secret and the injection path. Then restart the pods that still carry another.',
    notWhen: 'Names and annotations of remote secrets may differ from the ID: only the data key counts.',
  },
  messages: {
    injector: (a: {
      injectors: readonly Injector[];
      cluster: ClusterName;
      claimed: ClusterId;
      known: readonly ClusterId[];
      path: string;
    }) => ({
      text: `MutatingWebhookConfiguration ${a.injectors[0]?.name ?? ''} in ${a.cluster} gives new pods cluster ID ${a.claimed}, but istiod knows ${a.cluster} as ${list(a.known)} and refuses them.`,
      expected: a.path,
      found: a.injectors[0] === undefined ? '' : pathOf(a.injectors[0]),
      effect: `new pods of ${a.cluster} never become ready`,
      remedy: rewritePath(a.cluster, a.injectors, a.path),
    }),
    proxies: (a: {
      pods: readonly ProxyPod[];
      cluster: ClusterName;
      claimed: string;
      known: readonly ClusterId[];
      controlPlane: ControlPlane;
      given: ClusterId | undefined;
    }) => ({
      text: `Cluster ${a.cluster} has ${podsIn(a.pods)} whose proxies claim cluster ID ${a.claimed}, but istiod of ${a.controlPlane.ref.cluster} knows ${a.cluster} as ${list(a.known)}.`,
      expected: list(a.known),
      found: a.claimed,
      confirm: a.pods
        .slice(0, 1)
        .map((pod) => `${kubectl(pod.ref)} get pod ${shellWord(pod.name)} -o jsonpath='{..env[?(@.name=="ISTIO_META_CLUSTER_ID")].value}'`),
      effect: `istiod refuses them when they next connect: ${list(
        a.pods.map((pod) => `${pod.namespace}/${pod.name}`),
        'none',
        3,
      )}`,
      remedy: [
        ...(a.given === undefined
          ? []
          : [
              remedy.installer(
                a.cluster,
                [
                  `istioctl install --context ${shellWord(a.cluster)} -f PRIMARY.yaml --set values.global.multiCluster.clusterName=${shellWord(a.known[0] ?? '')}`,
                ],
                `istiod still gives new pods ${a.given}; ${installAgain}`,
              ),
            ]),
        ...(a.pods.every(isZtunnel)
          ? [installZtunnel(a.cluster, `multiCluster.clusterName=${a.known[0] ?? ''}`)]
          : remedy.restartPods(a.pods)),
      ],
    }),
  },
  *run({ primary, member, controlPlane, couple, mesh, finding, undecided }) {
    if (couple.kind === 'peer') return;
    const claiming = proxiesOf(controlPlane, member.pods, listOf(member.injectors)).filter((pod) => pod.proxy.clusterId !== undefined);
    const known = knownAs(controlPlane, couple);
    // An absent key is only absent from Secrets that could all be read.
    const lacks = couple.kind === 'self' ? [] : [{ cluster: primary.name, fact: 'remoteSecrets' as const }];
    if (known.length === 0) {
      const cause = claiming.length === 0 ? undefined : remoteSecrets.unreadBecause(controlPlane, couple);
      if (cause !== undefined) yield undecided('istiod does not read the cluster', { missing: lacks, ...cause });
      return;
    }
    const secrets = couple.credentials.map(({ secret }) => secret);
    const foreign = new Set(idsOfOthers(controlPlane, couple, mesh, primary.remoteSecrets));
    const isKnown = (id: ClusterId | undefined): boolean => id !== undefined && known.includes(id);
    // Where no proxy goes by the secret's key either, the key is the odd one out, and another check says so.
    const isPathOdd = couple.kind === 'self' || member.pods.some((pod) => isLive(pod) && isKnown(pod.proxy?.clusterId));
    const injectors = injectorsFor(controlPlane, listOf(member.injectors)).filter(
      ({ injectedClusterId: id }) => id !== undefined && !isKnown(id) && !foreign.has(id),
    );
    const [first] = injectors;
    if (first?.injectedClusterId !== undefined && isPathOdd) {
      const path = injectionPath(known[0] ?? '', first.injectedNetwork ?? valueOf(member.member.network));
      const evidence = injectors.map((injector) => ({
        ref: injector.ref,
        field: fieldOfPath(injector),
        observed: pathOf(injector),
        expected: path,
      }));
      const where = {
        at: first.ref,
        field: fieldOfPath(first),
        related: some([...injectors.slice(1), ...secrets, controlPlane]),
        evidence,
        lacks,
      };
      yield finding('injector', { injectors, cluster: member.name, claimed: first.injectedClusterId, known, path }, where);
    }
    const values = valuesOf(controlPlane, primary.injectorValues);
    const given = couple.kind === 'self' && !isKnown(values?.clusterName) ? values?.clusterName : undefined;
    for (const [claimed, pods] of groupBy(claiming, (pod) => pod.proxy.clusterId ?? '')) {
      if (known.some((id) => id === claimed)) continue;
      const evidence = pods.slice(0, 5).map((pod) => ({ ref: pod.ref, field: envField, observed: claimed, expected: list(known) }));
      yield finding(
        'proxies',
        { pods, cluster: member.name, claimed, known, controlPlane, given },
        { at: member.ref, subject: claimed, related: some([...secrets, controlPlane]), evidence, lacks },
      );
    }
  },
});
