import {
  type ClusterId,
  type ClusterName,
  type ControlPlane,
  defineCheck,
  type Injector,
  listOf,
  type NetworkId,
  valueOf,
} from 'meshdoctor/api';
import { fieldOfPath, idsOfOthers, injectorsFor, injectionPath, knownAs, pathOf, rewritePath } from '../_area.ts';

export default defineCheck({
  id: 'mismatched-injection-path',
  title: 'Injectors give pods the ID and network of their own cluster',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes'], member: ['injectors', 'namespaces'] },
  uses: { primary: ['injectorValues'], member: [] },
  explains: [
    { code: 'mismatched-cluster-id', match: 'cluster' },
    { code: 'stale-proxy-network', match: 'cluster' },
    { code: 'mismatched-secret-key', match: 'cluster' },
    { code: 'unready-east-west-gateway', match: 'cluster' },
  ],
  catalogue: ['ID-11'],
  docs: {
    why: 'Pods of a remote learn their cluster ID and network from the path of the injector, /inject/cluster/ID/net/NETWORK. Where it names none they get those of the primary. With the ID of another cluster istiod checks their token with the wrong API server and refuses them; with the wrong network they are sent addresses they cannot reach.',
    confirm: 'kubectl --context REMOTE get mutatingwebhookconfigurations -l app=sidecar-injector -o yaml | grep -E "path:|url:"',
    fix: 'Install the remote again with istiodRemote.injectionPath=/inject/cluster/ID/net/NETWORK, where ID is the key of its remote secret and NETWORK the label of its system namespace; then restart the pods that were created meanwhile.',
    notWhen: 'The injector of a primary has the plain path /inject: its istiod gives its own ID and network.',
    see: ['https://istio.io/latest/docs/setup/install/multicluster/primary-remote_multi-network/'],
  },
  messages: {
    mismatched: (a: {
      injectors: readonly Injector[];
      cluster: ClusterName;
      wrong: readonly string[];
      path: string;
      refuses: boolean;
    }) => ({
      text: `MutatingWebhookConfiguration ${a.injectors[0]?.name ?? ''} in ${a.cluster} gives new pods ${a.wrong.join(' and ')}, which ${a.wrong.length > 1 ? 'are' : 'is'} not that of ${a.cluster}.`,
      expected: a.path,
      found: a.injectors[0] === undefined ? '' : pathOf(a.injectors[0]),
      effect: a.refuses
        ? `istiod refuses new pods of ${a.cluster}: they never become ready`
        : `new pods of ${a.cluster} and their callers are sent addresses that they cannot reach`,
      remedy: rewritePath(a.cluster, a.injectors, a.path),
    }),
  },
  *run({ primary, member, controlPlane, couple, mesh, finding, undecided }) {
    if (couple.kind === 'peer') return;
    const network = valueOf(member.member.network);
    const keys = couple.credentials.map(({ entry }) => entry.clusterId);
    const foreign = new Set(idsOfOthers(mesh, member.name).filter((id) => !keys.includes(id)));
    const injectors: Injector[] = [];
    const wrong = new Map<'id' | 'network', string>();
    for (const injector of injectorsFor(controlPlane, member.injectors)) {
      const id =
        couple.kind === 'remote' || injector.injectedClusterId !== undefined ? foreignId(injector, foreign, controlPlane) : undefined;
      // What istiod gives where the path names no network only matters in a remote of a mesh that has several.
      const isSilent =
        injector.injectedNetwork === undefined &&
        couple.kind === 'remote' &&
        mesh.networks.length > 1 &&
        network !== undefined &&
        id === undefined;
      const values = listOf(primary.injectorValues).find(
        (candidate) => candidate.namespace === controlPlane.namespace && candidate.revision === controlPlane.revision,
      );
      if (isSilent && values === undefined) {
        yield undecided('it is not known which network istiod gives pods whose injector names none', {
          missing: [{ cluster: primary.name, fact: 'injectorValues' }],
        });
        continue;
      }
      const net = foreignNetwork(isSilent ? (values?.network ?? 'none') : injector.injectedNetwork, network);
      if (id === undefined && net === undefined) continue;
      injectors.push(injector);
      if (id !== undefined) wrong.set('id', id);
      if (net !== undefined) wrong.set('network', net);
    }
    const [first] = injectors;
    if (first === undefined) return;
    const path = injectionPath(rightId(first, knownAs(controlPlane, couple), foreign, member.name), network ?? first.injectedNetwork);
    yield finding(
      'mismatched',
      { injectors, cluster: member.name, wrong: [...wrong.values()], path, refuses: wrong.has('id') },
      {
        at: first.ref,
        field: fieldOfPath(first),
        related: [...injectors.slice(1), ...couple.credentials.map(({ secret }) => secret), controlPlane].map(({ ref }) => ref),
        evidence: injectors.map((injector) => ({
          ref: injector.ref,
          field: fieldOfPath(injector),
          observed: pathOf(injector),
          expected: path,
        })),
      },
    );
  },
});

/** An ID that no cluster has may be right, and the secret's key wrong: other checks weigh that. Here it is one that another cluster has. */
function foreignId({ injectedClusterId: id }: Injector, foreign: ReadonlySet<ClusterId>, { clusterId }: ControlPlane): string | undefined {
  if (id === undefined) return `no cluster ID of their own, so that they claim ${clusterId}`;
  return foreign.has(id) ? `cluster ID ${id}` : undefined;
}

function foreignNetwork(said: string | undefined, network: NetworkId | undefined): string | undefined {
  return said === undefined || network === undefined || said === network ? undefined : `network ${said}`;
}

function rightId(
  { injectedClusterId: said }: Injector,
  keys: readonly ClusterId[],
  foreign: ReadonlySet<ClusterId>,
  cluster: ClusterName,
): string {
  if (said !== undefined && keys.includes(said)) return said;
  return keys[0] ?? (said === undefined || foreign.has(said) ? cluster : said);
}
