import {
  type ClusterName,
  defineCheck,
  type EndpointSlice,
  kubeconfigRules,
  listOf,
  remoteSecrets,
  type RemoteKubeconfig,
  type RemoteSecret,
  shellWord,
} from 'meshdoctor/api';
import { effectsOfUnread, entryField, named, renewSecret } from '../_area.ts';

const words = {
  loopback: 'the loopback of whoever calls it',
  unspecified: 'no address of a machine',
  'link-local': 'an address valid on one link only',
  'cluster-internal': 'a name every cluster gives its own API server',
  'no-address': 'no address at all',
} as const;

export default defineCheck({
  id: 'loopback-server',
  title: 'Remote secrets name an API server that another cluster can reach',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'remoteSecrets'], member: [] },
  uses: { primary: [], member: ['endpointSlices'] },
  path: { hops: ['endpoints', 'name', 'route', 'caller'] },
  catalogue: ['SEC-02'],
  explains: [
    { code: 'unled-remote', match: 'cluster' },
    { code: 'stale-ca-bundle', match: 'cluster' },
    { code: 'foreign-root', match: 'cluster' },
    { code: 'missing-root', match: 'cluster' },
    ...effectsOfUnread,
  ],
  docs: {
    why: 'create-remote-secret copies the server of your kubeconfig. On kind, minikube, port-forwards and bastions that is 127.0.0.1: from the pod of istiod this is istiod itself. The cluster stays in timeout and its endpoints are unknown.',
    confirm: 'istioctl remote-clusters --context PRIMARY shows timeout',
    fix: 'Create the secret again with --server and an address of the API server that the pods of the other cluster reach.',
    notWhen: 'proxy-url is set in the kubeconfig: then the proxy, not istiod, resolves the server.',
  },
  messages: {
    unreachable: (a: {
      secret: RemoteSecret;
      entry: RemoteKubeconfig;
      read: ClusterName;
      why: keyof typeof words;
      server: string | undefined;
    }) => ({
      text: `${named(a.secret)} sends istiod to ${a.entry.server ?? 'no server'} for ${a.read}: that is ${words[a.why]}.`,
      expected: `an address of the API server of ${a.read} that pods of ${a.secret.ref.cluster} reach`,
      found: a.entry.server ?? 'none',
      effect: `istiod in ${a.secret.ref.cluster} cannot read ${a.read}; when it starts it knows none of its endpoints`,
      remedy: [
        renewSecret(a.secret, a.read, a.entry.clusterId, {
          more: `--server=${shellWord(a.server ?? 'https://ADDRESS:PORT')}`,
          note:
            a.server === undefined
              ? 'with an address that pods of the reading cluster reach and that the certificate of the API server names'
              : 'the address is that of EndpointSlice default/kubernetes; take another one where pods of the reading cluster do not reach it',
        }),
      ],
    }),
  },
  *run({ controlPlane, couple, member, finding }) {
    for (const { secret, entry } of remoteSecrets.readCredentials(controlPlane, couple.credentials)) {
      const why = kubeconfigRules.unreachableServer(entry.server);
      if (why === undefined || entry.proxyUrl !== undefined) continue;
      yield finding(
        'unreachable',
        { secret, entry, read: member.name, why, server: apiServer(listOf(member.endpointSlices)) },
        {
          at: secret.ref,
          field: entryField({ entry }),
          related: [controlPlane.ref],
          evidence: [{ ref: secret.ref, field: entryField({ entry }), observed: `server ${entry.server ?? 'missing'}` }],
          subject: entry.clusterId,
        },
      );
    }
  },
});

/** Where the API server itself says it listens. */
function apiServer(slices: readonly EndpointSlice[]): string | undefined {
  const slice = slices.find((candidate) => candidate.namespace === 'default' && candidate.service === 'kubernetes');
  const address = slice?.endpoints[0]?.addresses[0];
  const port = slice?.ports[0]?.port;
  if (address === undefined || port === undefined) return undefined;
  const server = `https://${address.includes(':') ? `[${address}]` : address}:${port}`;
  return kubeconfigRules.unreachableServer(server) === undefined ? server : undefined;
}
