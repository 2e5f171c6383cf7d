import {
  type ClusterName,
  defineCheck,
  kubeconfigRules,
  remoteSecrets,
  type RemoteKubeconfig,
  type RemoteSecret,
  shellWord,
  remedy,
} from 'meshdoctor/api';
import { entryField, named } from '../_area.ts';

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
  catalogue: ['SEC-02'],
  explains: [
    { code: 'unled-remote', match: 'cluster' },
    { code: 'stale-ca-bundle', match: 'cluster' },
    { code: 'foreign-root/wholeCluster', match: 'cluster' },
  ],
  docs: {
    why: 'create-remote-secret copies the server of your kubeconfig. On kind, minikube, port-forwards and bastions that is 127.0.0.1: from the pod of istiod this is istiod itself. The cluster stays in timeout and its endpoints are unknown.',
    confirm: 'istioctl remote-clusters --context PRIMARY shows timeout',
    fix: 'Create the secret again with --server and an address of the API server that the pods of the other cluster reach.',
    notWhen: 'proxy-url is set in the kubeconfig: then the proxy, not istiod, resolves the server.',
  },
  messages: {
    unreachable: (a: { secret: RemoteSecret; entry: RemoteKubeconfig; read: ClusterName; why: keyof typeof words }) => ({
      text: `${named(a.secret)} sends istiod to ${a.entry.server ?? 'no server'} for ${a.read}: that is ${words[a.why]}.`,
      expected: `an address of the API server of ${a.read} that pods of ${a.secret.ref.cluster} reach`,
      found: a.entry.server ?? 'none',
      effect: `istiod in ${a.secret.ref.cluster} cannot read ${a.read}; when it starts it knows none of its endpoints`,
      remedy: [
        remedy.command(a.secret.ref.cluster, [
          `istioctl create-remote-secret --context=${shellWord(a.read)} --name=${shellWord(a.entry.clusterId)} -i ${shellWord(a.secret.namespace)} --server=https://ADDRESS:PORT | kubectl --context ${shellWord(a.secret.ref.cluster)} -n ${shellWord(a.secret.namespace)} apply -f -`,
        ]),
      ],
    }),
  },
  *run({ controlPlane, couple, member, finding }) {
    if (couple.kind === 'self') return;
    for (const { secret, entry } of remoteSecrets.readCredentials(controlPlane, couple.credentials)) {
      const why = kubeconfigRules.unreachableServer(entry.server);
      if (why === undefined || entry.proxyUrl !== undefined) continue;
      yield finding(
        'unreachable',
        { secret, entry, read: member.name, why },
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
