import {
  clusterId,
  type ClusterId,
  type ClusterName,
  defineCheck,
  distinct,
  list,
  listOf,
  remoteSecrets,
  type RemoteSecret,
  remedy,
  shellWord,
} from 'meshdoctor/api';
import { entryField, named } from '../_area.ts';

export default defineCheck({
  id: 'mismatched-secret-key',
  title: 'The key of a remote secret is the cluster ID its cluster goes by',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'remoteSecrets'], member: ['injectors', 'controlPlanes'] },
  uses: { primary: [], member: ['pods', 'apiServerCa', 'serviceAccounts', 'serviceAccountTokens'] },
  catalogue: ['ID-08'],
  explains: [
    { code: 'mismatched-cluster-id', match: 'cluster' },
    { code: 'unready-east-west-gateway/refused', match: 'cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
  ],
  docs: {
    why: 'istiod calls a cluster by the data key of its remote secret. A proxy that claims another name is checked against the wrong API server, or none, and refused: gateways and new pods stay at 0/1.',
    confirm:
      'kubectl --context PRIMARY -n istio-system get secret NAME -o jsonpath="{.data}" | jq keys; kubectl --context REMOTE get mutatingwebhookconfigurations -o yaml | grep path:',
    fix: 'Create the secret again with --name set to the cluster ID that the injection path and the proxies carry, and delete the old one.',
    notWhen: 'Name and annotation of the Secret may be anything.',
  },
  messages: {
    otherKey: (a: { secret: RemoteSecret; key: ClusterId; claimed: readonly string[]; read: ClusterName }) => ({
      text: `${named(a.secret)} calls ${a.read} ${a.key}, but its proxies call it ${list(a.claimed)}, so istiod refuses them.`,
      expected: `key ${list(a.claimed)}`,
      found: `key ${a.key}`,
      effect: `proxies of ${a.read} are refused when they next connect`,
      remedy: [
        remedy.command(a.secret.ref.cluster, [
          `istioctl create-remote-secret --context=${shellWord(a.read)} --name=${shellWord(a.claimed[0] ?? a.read)} -i ${shellWord(a.secret.namespace)} | kubectl --context ${shellWord(a.secret.ref.cluster)} -n ${shellWord(a.secret.namespace)} apply -f -`,
          `kubectl --context ${shellWord(a.secret.ref.cluster)} -n ${shellWord(a.secret.namespace)} delete secret ${shellWord(a.secret.name)}`,
        ]),
      ],
    }),
  },
  *run({ primary, member, controlPlane, couple, mesh, finding }) {
    if (couple.kind === 'self') return;
    const read = remoteSecrets.readCredentials(controlPlane, couple.credentials).filter((match) => match.by === 'identity');
    const proxies = distinct(listOf(member.pods).flatMap((pod) => (pod.proxy?.clusterId === undefined ? [] : [pod.proxy.clusterId])));
    const injected = distinct(
      member.injectors.flatMap((injector) => (injector.injectedClusterId === undefined ? [] : [injector.injectedClusterId])),
    );
    const own = distinct(member.controlPlanes.map((istiod) => istiod.clusterId));
    const claimed = couple.kind === 'peer' && own.length > 0 ? own : injected;
    if (claimed.length === 0) return;
    const keys = new Set(read.map(({ entry }) => entry.clusterId));
    // A path that names istiod's own cluster or another member is the odd one out, not the key.
    const others = new Set([controlPlane.clusterId, ...otherIds(mesh, member.name)]);
    if (claimed.some((id) => others.has(clusterId(id)))) return;
    if (claimed.some((id) => keys.has(clusterId(id))) || (couple.kind === 'remote' && proxies.some((id) => keys.has(clusterId(id)))))
      return;
    for (const { secret, entry } of read) {
      yield finding(
        'otherKey',
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

function otherIds(
  mesh: { readonly members: ReadonlyMap<ClusterName, { readonly cluster: ClusterName; readonly clusterId: unknown }> },
  member: ClusterName,
): ClusterId[] {
  return [...mesh.members.values()].flatMap((other) => {
    const id = other.clusterId as { readonly known?: ClusterId };
    return other.cluster !== member && id.known !== undefined ? [id.known] : [];
  });
}
