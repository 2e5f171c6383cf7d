import { describe, expect, test } from 'vitest';
import { type Edit, inCluster, inOrder, put } from '../../src/builder/edits/edit.ts';
import { ambientGatewayListens } from '../../src/builder/edits/ambient.ts';
import { withIstiodEnv } from '../../src/builder/edits/control-plane.ts';
import { gatewayUnready } from '../../src/builder/edits/east-west.ts';

import { gatewayReaddressed } from '../../src/builder/edits/exposure.ts';
import { gatewaySourceRanges } from '../../src/builder/edits/load-balancer.ts';
import { mesh } from '../../src/builder/mesh.ts';
import { takenAt } from '../../src/builder/timeline.ts';
import type { Answer, GatewayHandshake, HandshakeOutcome, IstiodHandshake, SidecarState } from '../../src/model/observations.ts';
import { clusterId } from '../../src/model/ids.ts';
import type { ObjectRef } from '../../src/model/refs.ts';
import { observedIn } from '../../src/testkit/observed.ts';
import * as observedEdits from '../../src/testkit/observed-edits.ts';
import type { ObservedEdit } from '../../src/testkit/observed-edits.ts';
import { crashes, run, snapshotAt } from '../corpus/corpus.ts';

/*
 * One fault, with what probes see of it at istiods, gateways and sidecars: it is told once, by its cause; and what a cause does not account for stands
 * beside it. east is a primary, west its remote on another network; each has a service of its own and a caller.
 */

const shop = mesh()
  .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['east'] })
  .service('def.shop', { in: ['west'] });

const ambient = mesh().ambient('east', 'west').namespace('shop', { injected: true }).service('abc.shop');

const timeout = { stage: 'tcp', code: 'timeout', reason: 'no connection within 5s' } as const;
const refused = { stage: 'tcp', code: 'refused', reason: 'connection refused' } as const;
const ended = { stage: 'reset', milliseconds: 4 } as const;

type Call = Pick<GatewayHandshake, 'outcome'> | Pick<IstiodHandshake, 'outcome'>;

/** Calls of istiod in east give one thing at the address, another at the pod of the gateway; `undefined` = as before. */
function istiodCalls(outside: HandshakeOutcome | undefined, inside: HandshakeOutcome | undefined): ObservedEdit {
  return (seen) =>
    seen.map((own) => {
      if (own.cluster !== 'east' || own.istiodHandshakes?.status !== 'observed') return own;
      const value = own.istiodHandshakes.value.flatMap(({ ready: _ready, ...call }): IstiodHandshake[] => {
        const pod = podOf(call.gateway);
        const at: IstiodHandshake = { ...call, outcome: outside ?? call.outcome };
        return pod === undefined ? [at] : [at, { ...call, pod, outcome: inside ?? call.outcome }];
      });
      return { ...own, istiodHandshakes: { status: 'observed', value } };
    });
}

const podOf = (gateway: ObjectRef | undefined): ObjectRef | undefined =>
  gateway === undefined ? undefined : { ...gateway, kind: 'Pod', name: `${gateway.name}-0` };

/** The same of calls of services. */
const serviceCalls = (cluster: string, outside: HandshakeOutcome, inside: (call: Call) => HandshakeOutcome): ObservedEdit[] => [
  observedEdits.gatewayPods(cluster, inside),
  (seen) => observedEdits.handshakes(cluster, (call) => (call.pod === undefined ? { ...call, outcome: outside } : call))(seen),
];

/** Sidecars of a cluster have nothing of a service. */
const lacking = (cluster: string, host: string): ObservedEdit =>
  observedEdits.sidecars(cluster, (sidecar) =>
    'failed' in sidecar.endpoints
      ? sidecar
      : { ...sidecar, endpoints: { answer: sidecar.endpoints.answer.map((one) => (one.host === host ? { ...one, addresses: [] } : one)) } },
  );

const abc = 'abc.shop.svc.cluster.local';
const def = 'def.shop.svc.cluster.local';

/** Sidecars of a cluster trust a root that nobody hands out. */
const formerRoot = (cluster: string): ObservedEdit =>
  observedEdits.sidecars(cluster, (sidecar): SidecarState => {
    const held = {
      fingerprint: 'f0'.repeat(32),
      subject: 'CN=Former',
      notBefore: '2020-01-01T00:00:00Z',
      notAfter: '2100-01-01T00:00:00Z',
    };
    return { ...sidecar, roots: { answer: [held] } };
  });

/** What answers behind the gateways of a cluster was signed under a root that nobody hands out. */
const formerCertificates = (cluster: string): ObservedEdit =>
  observedEdits.handshakes(cluster, (call) =>
    call.outcome.stage === 'certificate' ? { ...call, outcome: { ...call.outcome, verifiedBy: [] } } : call,
  );

const otherTrustDomain = (cluster: string): readonly ObservedEdit[] => [
  observedEdits.handshakes(cluster, (call) =>
    call.outcome.stage === 'certificate'
      ? { ...call, outcome: { ...call.outcome, uris: call.outcome.uris.map((uri) => uri.replace('cluster.local', 'former.example')) } }
      : call,
  ),
  observedEdits.sidecars(cluster, (sidecar): SidecarState => {
    const { certificate } = sidecar;
    if ('failed' in certificate || certificate.answer === 'none') return sidecar;
    const uris = certificate.answer.uris.map((uri) => uri.replace('cluster.local', 'former.example'));
    return { ...sidecar, certificate: { answer: { ...certificate.answer, uris } } };
  }),
];

/** A second replica of istiod reads no cluster but its own, and knows no gateway there. */
const ignorantReplica: readonly ObservedEdit[] = [
  observedEdits.replicaBeside('east', 'istiod-1-31-0-second'),
  observedEdits.replicas(
    'east',
    (replica) => ({
      ...replica,
      clusters: mapped(replica.clusters, (all) => all.map((one) => (one.id === 'west' ? { ...one, syncStatus: 'timeout' } : one))),
      gateways: mapped(replica.gateways, (all) => all.filter(({ cluster }) => cluster !== 'west')),
    }),
    (index) => index === 1,
  ),
];

function mapped<T>(answer: Answer<T>, change: (value: T) => T): Answer<T> {
  return 'answer' in answer ? { answer: change(answer.answer) } : answer;
}

const officeOnly = (cluster: string): Edit => gatewaySourceRanges({ cluster, ranges: ['10.64.0.0/16'] });

/** No replica of istiod has a connection of a proxy of a cluster. */
const cutOff = (cluster: string, of: string): ObservedEdit =>
  observedEdits.replicas(cluster, (replica) => ({
    ...replica,
    nameTables: replica.nameTables.map((one) => (one.proxy.cluster === of ? { ...one, table: { answer: 'elsewhere' as const } } : one)),
  }));

const denied: Edit = inCluster('east', (objects) => [
  ...objects,
  {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name: 'nothing', namespace: 'istio-system' },
    spec: { selector: { matchLabels: { istio: 'eastwestgateway' } } },
  },
]);

/** Its istiod has a gateway of ambient that refuses a listener. */
const refusing = (cluster: string): ObservedEdit =>
  observedEdits.states(cluster, (state) => ({
    ...state,
    rejections: {
      answer: [
        {
          proxy: 'istio-eastwestgateway-0.istio-system',
          cluster: clusterId(cluster),
          types: ['Listener'],
          error: "error adding listener 'envoy://main_internal/': no filter chains specified",
        },
      ],
    },
  }));

/** The Service that istiod made for the gateway of ambient in west is reached by nobody from outside. */
const inside: Edit = inCluster('west', (objects) =>
  objects.map((object) =>
    object.kind === 'Service' && object.metadata.name === 'istio-eastwestgateway'
      ? put({ ...object, status: { loadBalancer: {} } }, ['spec', 'type'], 'ClusterIP')
      : object,
  ),
);

const onAnotherPort = ambientGatewayListens({
  cluster: 'west',
  listener: { name: 'mesh', port: 15_443, protocol: 'HBONE', tls: { mode: 'Terminate' } },
});

interface Row {
  readonly about: string;
  /** Left out: that of a primary and a remote. */
  readonly on?: ReturnType<typeof mesh>;
  readonly edits: readonly Edit[];
  readonly seen: readonly ObservedEdit[];
  readonly causes: readonly string[];
}

const rows: readonly Row[] = [
  { about: 'nothing at all', edits: [], seen: [], causes: [] },
  {
    about: 'a gateway of the primary that is not ready listens for nobody',
    edits: [gatewayUnready({ cluster: 'east' })],
    seen: [istiodCalls(refused, refused), ...serviceCalls('east', refused, () => refused), lacking('west', abc)],
    causes: ['unready-east-west-gateway/notReady certain east'],
  },
  {
    about: 'a gateway of the remote that is not ready is no reason why istiod cannot be called',
    edits: [gatewayUnready({ cluster: 'west' })],
    seen: [istiodCalls(ended, ended)],
    // Whether it gets ready is a matter of whether it reaches istiod.
    causes: ['rejected-istiod-call/ended likely east', 'rejected-istiod-call/ended likely east'],
  },
  {
    about: 'a remote with an old address of istiod goes on with what it had',
    edits: [gatewayReaddressed({ cluster: 'east', address: '203.0.113.9' })],
    seen: [lacking('west', abc), lacking('west', def)],
    causes: ['stale-pilot-address/stale certain west'],
  },
  {
    about: 'and that is no reason why sidecars of the primary lack something',
    edits: [gatewayReaddressed({ cluster: 'east', address: '203.0.113.9' })],
    seen: [lacking('east', def)],
    causes: ['stale-pilot-address/stale certain west', 'unexpected-sidecar-endpoints/missing likely east'],
  },
  {
    about: 'a firewall before all ports of a gateway',
    edits: [],
    seen: [istiodCalls(timeout, undefined), ...serviceCalls('east', timeout, ({ outcome }) => outcome)],
    causes: ['unreachable-gateway/blocked possible east'],
  },
  {
    about: 'a firewall before the ports of istiod, and another gateway behind one, too',
    edits: [],
    seen: [istiodCalls(timeout, undefined), ...serviceCalls('west', timeout, ({ outcome }) => outcome)],
    causes: [
      'rejected-istiod-call/blocked possible east',
      'rejected-istiod-call/blocked possible east',
      'unreachable-gateway/blocked possible west',
    ],
  },
  {
    about: 'source ranges that hold none of the addresses of a remote, whose proxies are connected to nobody',
    edits: [officeOnly('east')],
    seen: [cutOff('east', 'west'), lacking('west', abc)],
    causes: ['narrow-source-ranges/cutOff likely east'],
  },
  {
    about: 'the same, seen from a desk that is kept away itself',
    edits: [officeOnly('east')],
    seen: [istiodCalls(timeout, undefined), ...serviceCalls('east', timeout, ({ outcome }) => outcome), cutOff('east', 'west')],
    causes: ['narrow-source-ranges/cutOff likely east'],
  },
  {
    about: 'and source ranges keep away a desk alone, where proxies of the remote are connected',
    edits: [officeOnly('east')],
    seen: [istiodCalls(timeout, undefined), ...serviceCalls('east', timeout, ({ outcome }) => outcome)],
    causes: ['unreachable-gateway/blocked possible east'],
  },
  {
    about: 'one replica that never read a cluster knows no gateway of it',
    edits: [],
    seen: ignorantReplica,
    causes: ['unsynced-cluster/partly certain east'],
  },
  {
    about: 'a root was replaced, and nothing but istiod restarted',
    edits: [],
    seen: [formerCertificates('east'), formerCertificates('west'), formerRoot('east'), formerRoot('west')],
    causes: ['foreign-gateway-certificate/untrusted certain east', 'foreign-gateway-certificate/untrusted certain west'],
  },
  {
    about: 'the same where only one cluster has a service behind its gateway',
    edits: [],
    seen: [formerCertificates('east'), formerRoot('east'), formerRoot('west')],
    causes: ['foreign-gateway-certificate/untrusted certain east'],
  },
  {
    about: 'sidecars that have a certificate of another trust domain present it',
    edits: [],
    seen: otherTrustDomain('east'),
    causes: ['unrenewed-sidecar-certificate/otherTrustDomain likely east'],
  },
  {
    about: 'a policy before the gateway that exposes istiod',
    edits: [denied],
    seen: [istiodCalls(ended, ended), lacking('west', abc)],
    causes: ['denied-istiod-connection likely east'],
  },
  {
    about: 'a policy does not close ports',
    edits: [denied],
    seen: [istiodCalls(refused, refused)],
    causes: [
      'denied-istiod-connection likely east',
      'rejected-istiod-call/closed certain east',
      'rejected-istiod-call/closed certain east',
    ],
  },
  {
    about: 'a gateway of ambient that has a Service for its own cluster is called at an address of that',
    on: ambient,
    edits: [inside],
    seen: serviceCalls('west', timeout, ({ outcome }) => outcome),
    causes: ['unaddressed-gateway/notExposed certain west'],
  },
  {
    about: 'and that is no reason why another gateway cannot be reached',
    on: ambient,
    edits: [inside],
    seen: serviceCalls('east', timeout, ({ outcome }) => outcome),
    causes: ['unaddressed-gateway/notExposed certain west', 'unreachable-gateway/blocked possible east'],
  },
  {
    about: 'an istiod that does not span networks sends its gateway of ambient a listener that no Envoy takes',
    on: ambient,
    edits: [withIstiodEnv('west', { AMBIENT_ENABLE_MULTI_NETWORK: undefined })],
    seen: [refusing('west')],
    causes: ['disabled-multi-network/off certain west'],
  },
  {
    about: 'and has no part in what another istiod sends',
    on: ambient,
    edits: [withIstiodEnv('west', { AMBIENT_ENABLE_MULTI_NETWORK: undefined })],
    seen: [refusing('east')],
    causes: ['disabled-multi-network/off certain west', 'rejected-push certain east'],
  },
  {
    about: 'a gateway of ambient whose listener has another port is called at 15008',
    on: ambient,
    edits: [onAnotherPort],
    seen: serviceCalls('west', timeout, ({ outcome }) => outcome),
    causes: ['rejected-ambient-gateway/noListener certain west'],
  },
];

describe('what is measured of a fault stands under its cause, and nothing else does', () => {
  test.each(rows.map((row) => [row.about, row] as const))('%s', { timeout: 60_000 }, async (_about, { on = shop, edits, seen, causes }) => {
    const broken = inOrder(...edits)(on.objects());
    const observations = seen.reduce((before, edit) => edit(before), observedIn(broken));
    const { judgement, causes: found } = await run({ ...snapshotAt(broken, takenAt), observations });
    const told = found
      .filter(({ severity }) => severity !== 'info')
      .map(({ finding }) => `${finding.code} ${finding.certainty} ${finding.at.cluster}`);
    expect([...crashes(judgement), ...told].sort()).toEqual(causes);
  });
});
