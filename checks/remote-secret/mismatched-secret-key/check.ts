import {
  type ClusterId,
  type ClusterName,
  type Couple,
  defineCheck,
  distinct,
  effectsOfCutOff,
  type Fact,
  list,
  listOf,
  type Mesh,
  refKey,
  type RemoteKubeconfig,
  type RemoteSecret,
  remoteSecrets,
  type ServiceAccount,
  type ServiceAccountToken,
  valueOf,
} from 'meshdoctor/api';
import { entryField, named, recreateSecret } from '../_area.ts';

export default defineCheck({
  id: 'mismatched-secret-key',
  title: 'The key of a remote secret is the cluster ID its cluster goes by',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'remoteSecrets'], member: ['injectors', 'controlPlanes'] },
  uses: {
    primary: ['serviceAccounts', 'serviceAccountTokens'],
    member: ['pods', 'apiServerCa', 'serviceAccounts', 'serviceAccountTokens'],
  },
  path: { hops: ['endpoints', 'name', 'route', 'caller'] },
  catalogue: ['ID-08', 'SEC-07'],
  explains: [
    { code: 'missing-remote-secret', match: 'cluster', keys: ['opensAnother'] },
    { code: 'mismatched-cluster-id', match: 'cluster', keys: ['ofRemote'] },
    { code: 'unready-east-west-gateway/refused', match: 'cluster', keys: ['ofRemote'] },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster', keys: ['ofRemote'] },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
    ...effectsOfCutOff,
  ],
  docs: {
    why: 'istiod calls a cluster by the data key of its remote secret. A proxy that claims another name is checked against the wrong API server, or none, and refused: gateways and new pods stay at 0/1.',
    confirm:
      'kubectl --context PRIMARY -n istio-system get secret NAME -o jsonpath="{.data}" | jq keys; kubectl --context REMOTE get mutatingwebhookconfigurations -o yaml | grep path:',
    fix: 'Create the secret again with --name set to the cluster ID that the injection path and the proxies carry, and delete the old one.',
    notWhen:
      'Name and annotation of the Secret may be anything. Between primaries any key works: their proxies connect to their own istiod.',
  },
  messages: {
    ofRemote: (a: { secret: RemoteSecret; key: ClusterId; claimed: readonly string[]; read: ClusterName }) => ({
      text: `${named(a.secret)} calls ${a.read} ${a.key}, but its proxies call it ${list(a.claimed)}, so istiod refuses them.`,
      expected: `key ${list(a.claimed)}`,
      found: `key ${a.key}`,
      effect: `proxies of ${a.read} are refused when they next connect`,
      remedy: [recreateSecret(a.secret, a.read, a.key, { id: a.claimed[0] ?? a.read })],
    }),
    opensAnother: (a: { secret: RemoteSecret; key: ClusterId; meant: ClusterName; read: ClusterName }) => ({
      text: `${named(a.secret)} has key ${a.key}, which is ${a.meant}, but opens ${a.read}, so istiod does not read ${a.meant}.`,
      expected: `a kubeconfig for ${a.meant}`,
      found: `a kubeconfig for ${a.read}`,
      effect: `services of ${a.meant} are unknown, those of ${a.read} are read twice, and tokens are reviewed by the wrong API server`,
      remedy: [recreateSecret(a.secret, a.meant, a.key)],
    }),
    ofPeer: (a: { secret: RemoteSecret; key: ClusterId; claimed: readonly string[]; read: ClusterName }) => ({
      text: `${named(a.secret)} calls ${a.read} ${a.key}, but its own istiod calls it ${list(a.claimed)}; only rules by cluster miss it.`,
      expected: `key ${list(a.claimed)}`,
      found: `key ${a.key}`,
      effect: `subsets and failover by topology.istio.io/cluster=${a.claimed[0] ?? a.read} find no endpoint of ${a.read}`,
      severity: 'info',
      remedy: [recreateSecret(a.secret, a.read, a.key, { id: a.claimed[0] ?? a.read })],
    }),
  },
  *run({ primary, member, controlPlane, couple, mesh, finding, undecided }) {
    if (couple.kind === 'self') return;
    const read = remoteSecrets.readCredentials(controlPlane, couple.credentials).filter((match) => match.by === 'identity');
    const keys = new Set<string>(read.map(({ entry }) => entry.clusterId));
    const injected = distinct(member.injectors.flatMap((injector) => injector.injectedClusterId ?? []));
    const own = distinct(member.controlPlanes.map((istiod) => istiod.clusterId));
    const claimed = couple.kind === 'peer' && own.length > 0 ? own : injected;
    const opensAnother = (secret: RemoteSecret, entry: RemoteKubeconfig, meant: ClusterName, opened: ClusterName) =>
      finding(
        'opensAnother',
        { secret, key: entry.clusterId, meant, read: opened },
        {
          at: secret.ref,
          field: entryField({ entry }),
          evidence: [{ ref: secret.ref, field: entryField({ entry }), observed: `opens ${opened}`, expected: `opens ${meant}` }],
          subject: entry.clusterId,
          lacks: [{ cluster: primary.name, fact: 'remoteSecrets' }],
          concerns: [primary.name, opened, meant],
        },
      );
    if (couple.credentials.length === 0) {
      // Made with the context of the cluster that it was applied to.
      for (const secret of primary.remoteSecrets)
        for (const entry of secret.entries)
          if (
            claimed.includes(entry.clusterId) &&
            remoteSecrets.entryState(controlPlane, secret, entry) === 'read' &&
            opens(entry, primary)
          )
            yield opensAnother(secret, entry, member.name, primary.name);
      return;
    }
    if (claimed.some((id) => keys.has(id))) {
      for (const { secret, entry } of read) {
        const meant = unopened(mesh, couple, entry.clusterId);
        // API servers may share an authority: only the token tells which of them is opened.
        if (meant !== undefined && opens(entry, member)) yield opensAnother(secret, entry, meant, member.name);
      }
      return;
    }
    if (claimed.length === 0) return;
    // A path that names istiod's own cluster or another member is the odd one out, not the key.
    const others = new Set([controlPlane.clusterId, ...otherIds(mesh, member.name)]);
    if (claimed.some((id) => others.has(id))) return;
    if (couple.kind === 'remote' && read.length > 0) {
      // So it is where running proxies go by the key: then the path is newer than they are.
      if (listOf(member.pods).some((pod) => pod.proxy?.clusterId !== undefined && keys.has(pod.proxy.clusterId))) return;
      if (member.pods.status !== 'collected') {
        yield undecided('it is not known which ID the proxies of the cluster claim', { missing: [{ cluster: member.name, fact: 'pods' }] });
        return;
      }
    }
    for (const { secret, entry } of read) {
      yield finding(
        couple.kind === 'peer' ? 'ofPeer' : 'ofRemote',
        { secret, key: entry.clusterId, claimed, read: member.name },
        {
          at: secret.ref,
          field: entryField({ entry }),
          related: [...member.injectors.map((injector) => injector.ref), controlPlane.ref],
          evidence: [{ ref: secret.ref, field: '.data', observed: `key ${entry.clusterId}`, expected: list(claimed) }],
          lacks: [{ cluster: primary.name, fact: 'remoteSecrets' }],
          subject: member.name,
        },
      );
    }
  },
});

/** Whether its token is one of the cluster's, or of an account there. */
function opens(
  { token }: RemoteKubeconfig,
  cluster: {
    readonly serviceAccounts: Fact<readonly ServiceAccount[]>;
    readonly serviceAccountTokens: Fact<readonly ServiceAccountToken[]>;
  },
): boolean {
  if (token === undefined) return false;
  return (
    listOf(cluster.serviceAccountTokens).some((known) => known.token?.hash === token.hash) ||
    listOf(cluster.serviceAccounts).some(({ uid }) => uid !== undefined && uid === token.serviceAccountUid)
  );
}

function otherIds(mesh: Mesh, member: ClusterName): ClusterId[] {
  return [...mesh.members.values()].flatMap((other) => (other.cluster === member ? [] : (valueOf(other.clusterId) ?? [])));
}

/** The cluster that goes by `key`, when it is not the couple's own and no Secret of this istiod opens it. */
function unopened(mesh: Mesh, { controlPlane, member }: Couple, key: ClusterId): ClusterName | undefined {
  return [...mesh.members.values()].find(
    (other) =>
      other.cluster !== member &&
      valueOf(other.clusterId) === key &&
      mesh.couples.some(
        (couple) =>
          couple.member === other.cluster &&
          couple.kind !== 'self' &&
          refKey(couple.controlPlane.ref) === refKey(controlPlane.ref) &&
          couple.credentials.length === 0,
      ),
  )?.cluster;
}
