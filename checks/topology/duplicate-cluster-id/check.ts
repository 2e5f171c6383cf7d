import {
  type ClusterId,
  type ClusterName,
  compareText,
  type ControlPlane,
  defineCheck,
  effectsOfCutOff,
  groupBy,
  installAgain,
  labels,
  list,
  type Member,
  type Mesh,
  type ObjectRef,
  refKey,
  remedy,
  type Remedy,
  type RemoteSecret,
  shellWord,
  valueOf,
} from 'meshdoctor/api';

interface Claim {
  readonly cluster: ClusterName;
  readonly id: ClusterId;
  /** istiod that calls itself so, or the Secret whose key calls the cluster so. */
  readonly by: ObjectRef;
  readonly field: string;
  readonly controlPlane?: ControlPlane;
  /** Another cluster's istiod still knows it under another ID. */
  readonly isRenamed: boolean;
  /** The Secret alone calls it so: injectors and proxies of the cluster go by this ID. */
  readonly misnamed?: { readonly secret: RemoteSecret; readonly meant: ClusterId };
}

export default defineCheck({
  id: 'duplicate-cluster-id',
  title: 'Every cluster of a mesh has a cluster ID of its own',
  severity: 'error',
  certainty: 'certain',
  scope: 'mesh',
  partial: true,
  needs: ['controlPlanes', 'namespaces'],
  explains: [
    { code: 'missing-remote-secret', match: 'cluster' },
    { code: 'unread-remote-secret', match: 'cluster' },
    { code: 'mismatched-secret-key', match: 'cluster' },
    { code: 'duplicate-remote-secret', match: 'cluster' },
    { code: 'self-remote-secret', match: 'cluster' },
    { code: 'mismatched-cluster-id', match: 'cluster' },
    { code: 'mismatched-injection-path', match: 'cluster' },
    { code: 'unmatched-control-plane-clusters', match: 'cluster' },
    { code: 'unled-remote', match: 'cluster' },
    { code: 'stale-ca-bundle', match: 'other-cluster' },
    { code: 'foreign-root/wholeCluster', match: 'other-cluster' },
    { code: 'missing-root', match: 'other-cluster' },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
    ...effectsOfCutOff,
  ],
  path: { hops: ['endpoints', 'name', 'route', 'caller'] },
  catalogue: ['ID-07', 'SEC-10'],
  docs: {
    why: 'istiod ignores a remote secret whose key is its own cluster ID, and of two clusters with one ID it reads only one. Services, endpoints and proxies of the other are unknown to it. Clusters that were installed without a name are all called Kubernetes.',
    confirm:
      "kubectl --context CLUSTER -n istio-system get deployments -l app=istiod -o yaml | grep -A1 'name: CLUSTER_ID'; kubectl --context PRIMARY -n istio-system get secrets -l istio/multiCluster=true -o jsonpath='{.items[*].data}'",
    fix: 'Install one of the clusters again under a name of its own (values.global.multiCluster.clusterName, or the injection path of a remote), create its remote secrets again under that name, bring controlPlaneClusters of its remotes up to date, and restart its workloads.',
    notWhen: 'Clusters of different meshes may have one ID. Several istiods of one cluster share its ID.',
    see: ['https://istio.io/latest/docs/setup/install/multicluster/multi-primary/'],
  },
  messages: {
    duplicate: (a: { id: ClusterId; claims: readonly Claim[]; odd: Claim }) => ({
      text:
        a.odd.misnamed === undefined
          ? `Clusters ${list(a.claims.map(({ cluster }) => cluster))} ${a.claims.length > 2 ? 'all' : 'both'} have cluster ID ${a.id}, so istiod reads only one of them.`
          : `Secret ${a.odd.by.namespace ?? ''}/${a.odd.by.name} in ${a.odd.by.cluster} calls ${a.odd.cluster} ${a.id}, the ID of ${list(a.claims.flatMap(({ cluster }) => (cluster === a.odd.cluster ? [] : [cluster])))}, so istiod reads only one of them.`,
      expected: 'a cluster ID of its own for every cluster',
      found: a.claims.map(({ cluster, by }) => `${cluster} by ${by.kind} ${by.namespace ?? ''}/${by.name} in ${by.cluster}`).join(', '),
      effect: 'services and proxies of the other are unknown: no traffic to them, no connection from them',
      remedy: [a.odd.misnamed === undefined ? rename(a.odd) : renameSecret(a.odd.cluster, a.odd.id, a.odd.misnamed)],
    }),
  },
  *run({ clusters, mesh, finding }) {
    const seen = new Set<string>();
    const claims = clusters.flatMap(({ member, namespaces, controlPlanes }) => {
      // Two names of the user for one cluster: they have a namespace object in common.
      const uids = namespaces.flatMap(({ uid }) => uid ?? []);
      const isCopy = uids.some((uid) => seen.has(uid));
      for (const uid of uids) seen.add(uid);
      if (isCopy) return [];
      return claimsOf(member, mesh, controlPlanes);
    });
    for (const [id, same] of groupBy(claims, (claim) => claim.id)) {
      const byCluster = [...groupBy(same, ({ cluster }) => cluster).values()].flatMap(([claim]) => claim ?? []);
      const [first] = [...byCluster].sort(youngestFirst);
      const odd = byCluster.find((claim) => claim.misnamed !== undefined) ?? byCluster.find(({ isRenamed }) => isRenamed) ?? first;
      if (first === undefined || odd === undefined || byCluster.length < 2) continue;
      yield finding(
        'duplicate',
        { id: same[0]?.id ?? odd.id, claims: byCluster, odd },
        {
          at: first.by,
          field: first.field,
          subject: id,
          related: byCluster.filter((claim) => claim !== first).map(({ by }) => by),
          evidence: byCluster.map(({ by, field, cluster }) => ({ ref: by, field, observed: `${id} for ${cluster}` })),
          concerns: [
            ...new Set([
              ...byCluster.map(({ cluster }) => cluster),
              ...mesh.couples
                .filter(({ controlPlane }) => byCluster.some(({ cluster }) => cluster === controlPlane.cluster))
                .map(({ member }) => member),
            ]),
          ],
        },
      );
    }
  },
});

/** A primary goes by CLUSTER_ID of its istiods; other clusters by the keys of the Secrets that open them, whether istiod then reads them or not. */
function claimsOf(member: Member, mesh: Mesh, controlPlanes: readonly ControlPlane[]): Claim[] {
  const role = valueOf(member.role);
  const keys = mesh.couples
    .filter((couple) => couple.member === member.cluster && couple.kind !== 'self')
    .flatMap(({ controlPlane, credentials }) =>
      credentials.filter(
        ({ by, secret }) => by === 'identity' && secret.multiClusterLabel === 'true' && secret.namespace === controlPlane.namespace,
      ),
    );
  if (role === 'primary') {
    // An external istiod goes by the ID of its config cluster, which says nothing of the cluster that it runs in.
    const isElsewhere = ({ ref }: ControlPlane): boolean =>
      mesh.couples.some(
        (couple) => couple.kind === 'self' && couple.member !== member.cluster && refKey(couple.controlPlane.ref) === refKey(ref),
      );
    const own = controlPlanes.filter(
      (candidate) =>
        !isElsewhere(candidate) &&
        mesh.controlPlanes.some(
          ({ cluster, namespace, revision }) =>
            cluster === member.cluster && namespace === candidate.namespace && revision === candidate.revision,
        ),
    );
    const isKnownAs = (id: ClusterId): boolean => keys.every(({ entry }) => entry.clusterId === id);
    return own.map((controlPlane) => ({
      cluster: member.cluster,
      id: controlPlane.clusterId,
      by: controlPlane.ref,
      field: '.spec.template.spec.containers[*].env["CLUSTER_ID"]',
      controlPlane,
      isRenamed: !isKnownAs(controlPlane.clusterId),
    }));
  }
  if (role === 'config' && 'known' in member.clusterId) {
    const [by] = member.clusterId.evidence;
    return by === undefined
      ? []
      : [
          {
            cluster: member.cluster,
            id: member.clusterId.known,
            by,
            field: '.spec.template.spec.containers[*].env["CLUSTER_ID"]',
            isRenamed: false,
          },
        ];
  }
  const meant = valueOf(member.clusterId);
  return role === 'remote'
    ? keys.map(({ secret, entry }) => ({
        cluster: member.cluster,
        id: entry.clusterId,
        by: secret.ref,
        field: `.data["${entry.clusterId}"]`,
        isRenamed: false,
        ...(meant === undefined || meant === entry.clusterId ? {} : { misnamed: { secret, meant } }),
      }))
    : [];
}

/** The old one goes first: istiod does not look again at a Secret that it ignored when another one had its key. */
function renameSecret(cluster: ClusterName, id: ClusterId, { secret, meant }: NonNullable<Claim['misnamed']>): Remedy {
  const { ref, namespace, entries } = secret;
  // Without its label it is no longer there for istiod, and can still be brought back. What is made again under its name would keep what is in it.
  const putAway = ref.name === `istio-remote-secret-${meant}` ? remedy.delete(ref) : remedy.label(ref, { [labels.multiCluster]: null });
  const removal = entries.length > 1 ? remedy.patch(ref, { data: { [id]: null } }) : putAway;
  const flags = `--context=${shellWord(cluster)} --name=${shellWord(meant)} -i ${shellWord(namespace)}`;
  return remedy.command(
    ref.cluster,
    [
      ...removal.command,
      `istioctl create-remote-secret ${flags} | kubectl --context ${shellWord(ref.cluster)} -n ${shellWord(namespace)} apply -f -`,
    ],
    removal.action === 'label' ? { note: 'the first command puts the Secret aside, delete it once nothing misses it' } : {},
  );
}

/** Primaries before other clusters, younger before older: those are easier to name anew. */
function youngestFirst({ controlPlane: a, by }: Claim, { controlPlane: b, by: other }: Claim): number {
  if (a === undefined || b === undefined) return Number(b !== undefined) - Number(a !== undefined) || compareText(by.name, other.name);
  return compareText(b.createdAt ?? '', a.createdAt ?? '') || compareText(a.uid ?? '', b.uid ?? '');
}

function rename({ cluster, controlPlane }: Claim): Remedy {
  const name = shellWord(cluster);
  const set =
    controlPlane === undefined
      ? `-f REMOTE.yaml --set values.istiodRemote.injectionPath=/inject/cluster/${name}/net/NETWORK`
      : `-f PRIMARY.yaml --set values.global.multiCluster.clusterName=${name}`;
  return remedy.installer(
    cluster,
    [`istioctl install --context ${name} ${set}`],
    `then create the remote secrets of ${cluster} again with --name=${name} and restart its workloads; ${installAgain}`,
  );
}
