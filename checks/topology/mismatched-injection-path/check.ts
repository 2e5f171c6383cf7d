import {
  type ClusterId,
  type ClusterName,
  defineCheck,
  effectsOfCutOff,
  type Injector,
  type Message,
  releases,
  valueOf,
} from 'meshdoctor/api';
import { fieldOfPath, idsOfOthers, injectorsFor, injectionPath, knownAs, pathOf, rewritePath, valuesOf } from '../_area.ts';

const none = 'no network';

export default defineCheck({
  id: 'mismatched-injection-path',
  title: 'Injectors give pods the ID and network of their own cluster',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes'], member: ['injectors'] },
  uses: { primary: ['remoteSecrets', 'injectorValues'], member: [] },
  explains: [
    { code: 'failing-injection/otherPlace', match: 'cluster' },
    { code: 'mismatched-injection-path/network', match: 'object', keys: ['identity'] },
    { code: 'stale-proxy-network', match: 'cluster' },
    { code: 'mismatched-cluster-id', match: 'cluster', keys: ['identity'] },
    { code: 'mismatched-secret-key', match: 'cluster', keys: ['identity'] },
    { code: 'unready-east-west-gateway/refused', match: 'cluster', keys: ['identity'] },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
    ...effectsOfCutOff,
  ],
  path: { hops: ['caller', 'network'], onlyExplains: true },
  catalogue: ['ID-11'],
  docs: {
    why: 'Pods of a remote learn their cluster ID and network from the path of the injector, /inject/cluster/ID/net/NETWORK. Where it names none they get those of the primary. With the ID of another cluster istiod checks their token with the wrong API server and refuses them; with the wrong network they are sent addresses they cannot reach.',
    confirm: 'kubectl --context REMOTE get mutatingwebhookconfigurations -l app=sidecar-injector -o yaml | grep -E "path:|url:"',
    fix: 'Install the remote again with istiodRemote.injectionPath=/inject/cluster/ID/net/NETWORK, where ID is the key of its remote secret and NETWORK the label of its system namespace; then restart the pods that were created meanwhile.',
    notWhen: 'The injector of a primary has the plain path /inject: its istiod gives its own ID and network.',
    see: ['https://istio.io/latest/docs/setup/install/multicluster/primary-remote_multi-network/'],
  },
  messages: {
    identity: (a: Args) => message(a, `istiod refuses new pods of ${a.cluster}: they never become ready`),
    network: (a: Args) => ({
      ...message(a, `new pods of ${a.cluster} and their callers are sent addresses that they cannot reach`),
      ...(a.isHarmless ? { severity: 'warning' as const } : {}),
    }),
  },
  *run({ primary, member, controlPlane, couple, mesh, finding, undecided }) {
    if (couple.kind === 'peer') return;
    const network = valueOf(member.member.network);
    const isRemote = couple.kind === 'remote';
    const foreign = new Set(idsOfOthers(controlPlane, couple, mesh, primary.remoteSecrets));
    const values = valuesOf(controlPlane, primary.injectorValues);
    const secrets = primary.remoteSecrets;
    const hasSecrets = secrets.status === 'collected' && (secrets.partial !== true || couple.credentials.length > 0);
    const path = (first: Injector): string =>
      injectionPath(rightId(first, knownAs(controlPlane, couple), foreign, member.name), network ?? first.injectedNetwork);
    const identity: Wrong[] = [];
    const networks: Wrong[] = [];
    for (const injector of injectorsFor(controlPlane, member.injectors)) {
      const { injectedClusterId: id, injectedNetwork } = injector;
      if (isRemote && id === undefined) {
        identity.push({ injector, said: `no cluster ID, so that they claim ${controlPlane.clusterId}` });
        continue;
      }
      if (isRemote && !hasSecrets) {
        yield undecided('it is not known under which ID istiod reads the cluster', {
          missing: [{ cluster: primary.name, fact: 'remoteSecrets' }],
        });
      } else if (id !== undefined && foreign.has(id)) identity.push({ injector, said: `cluster ID ${id}` });
      // Where the path of a remote names no network istiod gives its own, which is only wrong in a mesh that has several.
      const isSilent = isRemote && injectedNetwork === undefined && mesh.networks.length > 1;
      if (network === undefined || injectedNetwork === network || (injectedNetwork === undefined && !isSilent)) continue;
      if (isSilent && values === undefined) {
        yield undecided('it is not known which network istiod gives to pods', {
          missing: [{ cluster: primary.name, fact: 'injectorValues' }],
        });
      } else if (injectedNetwork !== undefined) networks.push({ injector, said: `network ${injectedNetwork}` });
      else if ((values?.network ?? '') === '') networks.push({ injector, said: none });
      else if (values?.network !== network) networks.push({ injector, said: `network ${values?.network ?? ''}` });
    }
    const copes = releases.behaves(controlPlane.version, 'emptyNetworkUsesGateway') === true;
    for (const [key, wrong] of [
      ['identity', identity],
      ['network', networks],
    ] as const) {
      const [first] = wrong;
      if (first === undefined) continue;
      // Without other networks there is no gateway to miss; since 1.30 a proxy without network is sent to gateways like any other.
      const isHarmless = mesh.networks.length < 2 || (copes && first.said === none);
      yield finding(
        key,
        { wrong, cluster: member.name, path: path(first.injector), isHarmless },
        {
          at: first.injector.ref,
          field: fieldOfPath(first.injector),
          related: [...wrong.slice(1).map(({ injector }) => injector), ...couple.credentials.map(({ secret }) => secret), controlPlane].map(
            ({ ref }) => ref,
          ),
          evidence: wrong.map(({ injector }) => ({
            ref: injector.ref,
            field: fieldOfPath(injector),
            observed: pathOf(injector),
            expected: path(first.injector),
          })),
        },
      );
    }
  },
});

/** An injector and what it gives new pods. */
interface Wrong {
  readonly injector: Injector;
  readonly said: string;
}

interface Args {
  readonly wrong: readonly Wrong[];
  readonly cluster: ClusterName;
  readonly path: string;
  readonly isHarmless: boolean;
}

function message({ wrong, cluster, path }: Args, effect: string): Message {
  const [first] = wrong;
  return {
    text: `MutatingWebhookConfiguration ${first?.injector.name ?? ''} in ${cluster} gives new pods ${first?.said ?? ''}, which is not what ${cluster} has.`,
    expected: path,
    found: first === undefined ? '' : pathOf(first.injector),
    effect,
    remedy: rewritePath(
      cluster,
      wrong.map(({ injector }) => injector),
      path,
    ),
  };
}

/** The key of the secret; where there is none, what the path says, unless that is another cluster's, else what the user calls the cluster. */
function rightId(
  { injectedClusterId: said }: Injector,
  keys: readonly ClusterId[],
  foreign: ReadonlySet<ClusterId>,
  cluster: ClusterName,
): string {
  if (said !== undefined && keys.includes(said)) return said;
  return keys[0] ?? (said === undefined || foreign.has(said) ? cluster : said);
}
