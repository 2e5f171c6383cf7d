import {
  type Certificate,
  type ClusterName,
  defineCheck,
  type EndpointSlice,
  ipAddresses,
  leadership,
  listOf,
  type Node,
  remoteSecrets,
  type RemoteKubeconfig,
  type RemoteSecret,
} from 'meshdoctor/api';
import { effectsOfUnread, entryField, named, renewSecret } from '../_area.ts';

export default defineCheck({
  id: 'mismatched-api-server-ca',
  title: 'Remote secrets carry the certificate authority of the API server they open',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'remoteSecrets'], member: ['apiServerCa'] },
  uses: { primary: ['pods', 'leaderElections'], member: ['endpointSlices', 'nodes', 'leaderElections', 'clock'] },
  path: { hops: ['endpoints', 'name', 'route', 'caller'] },
  catalogue: ['SEC-03'],
  explains: [
    { code: 'unled-remote', match: 'cluster' },
    { code: 'stale-ca-bundle', match: 'cluster' },
    { code: 'foreign-root', match: 'cluster' },
    { code: 'missing-root', match: 'cluster' },
    ...effectsOfUnread,
  ],
  docs: {
    why: 'istiod verifies the API server of another cluster with certificate-authority-data of the remote secret. With another authority every call fails (x509: certificate signed by unknown authority): the cluster stays in timeout and its endpoints are unknown.',
    confirm:
      'istioctl remote-clusters --context PRIMARY; kubectl --context REMOTE -n default get configmap kube-root-ca.crt -o jsonpath="{.data}"',
    fix: 'Create the secret again with istioctl create-remote-secret, which takes the authority from the cluster itself.',
    notWhen:
      'Where a proxy or load balancer with a certificate of its own stands before the API server, the authority of that one is right.',
  },
  messages: {
    mismatched: (a: {
      secret: RemoteSecret;
      entry: RemoteKubeconfig;
      read: ClusterName;
      own: readonly Certificate[];
      why: 'direct' | 'unled' | 'unproven';
    }) => ({
      text: `${named(a.secret)} verifies the API server of ${a.read} with another certificate authority than the one it has.`,
      expected: nameOf(a.own[0]),
      found: nameOf(a.entry.certificateAuthorities[0]),
      effect: `istiod in ${a.secret.ref.cluster} cannot read ${a.read}; when it starts it knows none of its endpoints`,
      remedy: [renewSecret(a.secret, a.read, a.entry.clusterId)],
      ...(a.why === 'direct' ? {} : { certainty: a.why === 'unled' ? ('likely' as const) : ('possible' as const) }),
    }),
  },
  *run({ primary, member, controlPlane, couple, finding, undecided }) {
    const own = new Set(member.apiServerCa.map(({ fingerprint }) => fingerprint));
    if (own.size === 0) return;
    for (const { secret, entry } of remoteSecrets.readCredentials(controlPlane, couple.credentials).filter(({ by }) => by === 'identity')) {
      const given = entry.certificateAuthorities;
      if (given.length === 0 || entry.insecureSkipTlsVerify || entry.proxyUrl !== undefined) continue;
      if (given.some(({ fingerprint }) => own.has(fingerprint)) || isBehindPath(entry.server)) continue;
      const led = leadership.leadershipOf({
        controlPlane,
        primary: primary.name,
        pods: primary.pods,
        heartbeats: primary.leaderElections,
        member: member.name,
        elections: member.leaderElections,
        clock: member.clock,
      });
      const isDirect = isOwnAddress(entry.server, listOf(member.endpointSlices), listOf(member.nodes));
      const isManaged = couple.kind !== 'peer';
      // A leader that came by this very secret shows that what stands at that address is known to it.
      if (!isDirect && isManaged && led.state === 'led') continue;
      if (!isDirect && isManaged && led.state === 'unknown') {
        yield undecided('it is not known what stands before the API server', { missing: led.missing });
        continue;
      }
      yield finding(
        'mismatched',
        {
          secret,
          entry,
          read: member.name,
          own: member.apiServerCa,
          why: isDirect ? 'direct' : isManaged ? 'unled' : 'unproven',
        },
        {
          at: secret.ref,
          field: entryField({ entry }),
          related: [controlPlane.ref],
          evidence: [
            { ref: secret.ref, field: entryField({ entry }), observed: nameOf(given[0]), expected: nameOf(member.apiServerCa[0]) },
          ],
          subject: entry.clusterId,
        },
      );
    }
  },
});

/** Where the API server itself listens: nobody stands before it there. */
function isOwnAddress(server: string | undefined, slices: readonly EndpointSlice[], nodes: readonly Node[]): boolean {
  const host = hostOf(server);
  if (host === undefined) return false;
  const addresses = [
    ...slices
      .filter((slice) => slice.namespace === 'default' && slice.service === 'kubernetes')
      .flatMap((slice) => slice.endpoints.flatMap((endpoint) => endpoint.addresses)),
    ...nodes.flatMap((node) => node.addresses.map(({ address }) => address)),
  ];
  return addresses.some((address) => ipAddresses.isSameAddress(address, host));
}

/** An API server is at the root of its address; a path leads to it through something else. */
function isBehindPath(server: string | undefined): boolean {
  return server !== undefined && URL.canParse(server) && !['', '/'].includes(new URL(server).pathname);
}

function hostOf(server: string | undefined): string | undefined {
  return server !== undefined && URL.canParse(server) ? new URL(server).hostname.replace(/^\[(.*)\]$/, '$1') : undefined;
}

function nameOf(certificate: Certificate | undefined): string {
  return certificate === undefined
    ? 'no certificate'
    : `${certificate.subject.replaceAll('\n', ', ')} (SHA-256 ${certificate.fingerprint.slice(0, 12)}…)`;
}
