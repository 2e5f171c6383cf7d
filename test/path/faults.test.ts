import { describe, expect, test } from 'vitest';
import type { callPaths } from '../../src/api/index.ts';
import { mesh, type MeshBuilder } from '../../src/builder/mesh.ts';
import type { KubeObject } from '../../src/model/kube.ts';
import type { GatewayHandshake } from '../../src/model/observations.ts';
import { observedIn } from '../../src/testkit/observed.ts';
import * as observedEdits from '../../src/testkit/observed-edits.ts';
import { snapshotAt } from '../corpus/corpus.ts';
import { codesAtFirst, firstHop, follow, outcomeOf } from './follow.ts';

/*
 * What breaks a call at each hop, staged as edits of a healthy mesh: also what no check is about, since it is of one application or meant
 * that way: policies, scopes, pods that are not ready.
 */

const twoPrimaries = mesh()
  .multiPrimary('east', 'west', { networks: 2 })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['west'] })
  .namespace('front', { injected: true })
  .workload('curl.front', { in: ['east'] })
  .namespace('plain')
  .workload('batch.plain');
const remote = mesh()
  .primaryRemote('east', 'west', { networks: 2 })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['east'] })
  .workload('curl.shop', { in: ['west'] });

const istio = (kind: string, group: 'networking' | 'security', namespace: string, name: string, spec: object): KubeObject => ({
  apiVersion: `${group}.istio.io/v1`,
  kind,
  metadata: { name, namespace },
  spec,
});
const withObjects = (built: MeshBuilder, cluster: string, ...objects: readonly KubeObject[]): MeshBuilder =>
  built.edit((before) => new Map([...before].map(([name, own]) => [name, name === cluster ? [...own, ...objects] : own])));
const inWest = (...objects: readonly KubeObject[]): MeshBuilder => withObjects(twoPrimaries, 'west', ...objects);
const inEast = (...objects: readonly KubeObject[]): MeshBuilder => withObjects(twoPrimaries, 'east', ...objects);
const policy = (spec: object): KubeObject => istio('AuthorizationPolicy', 'security', 'shop', 'callers', spec);
const route = (destination: object): KubeObject =>
  istio('VirtualService', 'networking', 'shop', 'abc', { hosts: ['abc.shop.svc.cluster.local'], http: [{ route: [{ destination }] }] });
const host = 'abc.shop.svc.cluster.local';
const curl = 'east/front/deploy/curl';
/** Every object of a kind in a namespace of a cluster, as `change` makes it. */
const changed = (
  built: MeshBuilder,
  cluster: string,
  kind: string,
  namespace: string,
  change: (object: KubeObject) => readonly KubeObject[],
): MeshBuilder =>
  built.edit(
    (before) =>
      new Map(
        [...before].map(([name, own]) => [
          name,
          name === cluster ? own.flatMap((one) => (one.kind === kind && one.metadata.namespace === namespace ? change(one) : [one])) : own,
        ]),
      ),
  );

interface Staged {
  readonly mesh: MeshBuilder;
  readonly from?: string;
  readonly hop: callPaths.HopName | 'works';
  /** What the report says there. */
  readonly says: RegExp;
  readonly code?: string;
  readonly isOpen?: true;
}

const staged: Readonly<Record<string, Staged>> = {
  'a pod that does not run': {
    mesh: changed(twoPrimaries, 'east', 'Pod', 'front', (pod) => [{ ...pod, status: { phase: 'Pending' } }]),
    hop: 'caller',
    says: /does not run \(Pending/,
  },
  'a caller without sidecar asks for a Service of another cluster': {
    mesh: twoPrimaries,
    from: 'east/plain/batch',
    hop: 'name',
    says: /without a sidecar nobody else answers/,
  },
  'a Sidecar leaves the host out, so that the sidecar does not know its name': {
    mesh: inEast(istio('Sidecar', 'networking', 'front', 'default', { egress: [{ hosts: ['./*', 'istio-system/*'] }] })),
    hop: 'name',
    says: /Sidecar front\/default keeps it from namespace front/,
  },
  'a Sidecar imports other workloads only': {
    mesh: inEast(
      istio('Sidecar', 'networking', 'front', 'narrow', { workloadSelector: { labels: { app: 'other' } }, egress: [{ hosts: ['~/*'] }] }),
    ),
    hop: 'works',
    says: /^$/,
  },
  'the Service is kept in its namespace': {
    mesh: twoPrimaries.break((m) => m.cluster('west').annotate('Service', 'shop', 'abc', { 'networking.istio.io/exportTo': '.' })),
    hop: 'name',
    says: /istiod does not tell callers of east/,
    code: 'unresolvable-service',
  },
  'a VirtualService leads to a Service that is not there': {
    mesh: inEast(route({ host: 'gone.shop.svc.cluster.local' })),
    hop: 'route',
    says: /gone\.shop\.svc\.cluster\.local, which istiod of east does not know/,
  },
  'a VirtualService leads to a subset that nobody defines': {
    mesh: inEast(route({ host, subset: 'v2' })),
    hop: 'cluster',
    says: /subset v2 is nowhere/,
  },
  'no endpoint is ready': {
    mesh: changed(twoPrimaries, 'west', 'EndpointSlice', 'shop', (slice) => [{ ...slice, endpoints: [] }]),
    hop: 'endpoints',
    says: /no cluster has an endpoint/,
  },
  'mutual TLS is turned off by the rule of the caller': {
    mesh: inEast(istio('DestinationRule', 'networking', 'shop', 'abc', { host, trafficPolicy: { tls: { mode: 'DISABLE' } } })),
    hop: 'endpoints',
    says: /DestinationRule shop\/abc in east sets TLS mode DISABLE/,
  },
  'plain text to a Service of the own cluster that is strict': {
    mesh: withObjects(
      twoPrimaries.service('own.shop', { in: ['east'] }),
      'east',
      istio('PeerAuthentication', 'security', 'shop', 'default', { mtls: { mode: 'STRICT' } }),
    ),
    from: 'east/plain/batch → own.shop',
    hop: 'mtls',
    says: /plain text is sent, and PeerAuthentication shop\/default in east says STRICT/,
  },
  'nobody is let in': {
    mesh: inWest(policy({})),
    hop: 'authorization',
    says: /allows others only, not cluster\.local\/ns\/front\/sa\/default/,
  },
  'others are let in': {
    mesh: inWest(policy({ rules: [{ from: [{ source: { principals: ['cluster.local/ns/other/sa/*'] } }] }] })),
    hop: 'authorization',
    says: /AuthorizationPolicy shop\/callers in west allows others only/,
  },
  'the namespace of the caller is denied': {
    mesh: inWest(policy({ action: 'DENY', rules: [{ from: [{ source: { namespaces: ['front'] } }] }] })),
    hop: 'authorization',
    says: /denies cluster\.local\/ns\/front\/sa\/default/,
  },
  'a method is let in, which a request shows and no object': {
    mesh: inWest(policy({ rules: [{ to: [{ operation: { methods: ['GET'] } }] }] })),
    hop: 'authorization',
    says: /depends on the request/,
    isOpen: true,
  },
  'the caller is let in by its name': {
    mesh: inWest(policy({ rules: [{ from: [{ source: { principals: ['cluster.local/ns/front/sa/default'] } }] }] })),
    hop: 'works',
    says: /^$/,
  },
  'a policy of the cluster of the caller is none of the destination': { mesh: inEast(policy({})), hop: 'works', says: /^$/ },
  'of a remote the primary has the policies': {
    mesh: withObjects(remote, 'east', policy({})),
    from: 'west/shop/curl → abc.shop',
    hop: 'authorization',
    says: /AuthorizationPolicy shop\/callers in east/,
  },
};

describe('predicted from objects', () => {
  test.each(Object.entries(staged))('%s', async (_, { mesh: built, from = curl, hop, says, code, isOpen }) => {
    const [caller = '', to = 'abc.shop'] = from.split(' → ');
    const report = await follow(snapshotAt(built.objects(), built.takenAt), caller, to);
    expect(outcomeOf(report)).toBe(hop === 'works' ? 'works' : `${isOpen === true ? 'unknown' : 'broken'} at ${hop}`);
    expect(firstHop(report)?.predicted.text ?? '').toMatch(says);
    if (code !== undefined) expect(codesAtFirst(report).map((one) => one.split('/')[0])).toContain(code);
  });
});

describe('what is measured, beside what is predicted', () => {
  const objects = remote.objects();
  const observations = observedIn(objects, [{ namespace: 'shop', name: 'abc', port: 80 }]);
  const observed = (change: (text: string) => string) =>
    follow(
      { ...snapshotAt(objects, remote.takenAt), observations: JSON.parse(change(JSON.stringify(observations))) as typeof observations },
      'west/shop/curl',
      'abc.shop',
    );

  test('the sidecar has no address for a name that it should know: what it says counts, and both are told', async () => {
    const report = await observed((text) =>
      text.replace(/("via":"sidecar"[^[]*?"rcode":)"NOERROR","addresses":\["[\d.]+"\]/g, '$1"NXDOMAIN","addresses":[]'),
    );
    expect(outcomeOf(report)).toBe('broken at name');
    const name = firstHop(report);
    expect([name?.predicted.verdict, name?.measured.map(({ verdict, decisive }) => [verdict, decisive])[0]]).toEqual([
      'works',
      ['broken', true],
    ]);
    expect(codesAtFirst(report)).toContain('unanswered-name/unanswered');
  });

  test('an address that does not answer from here proves nothing of the caller', async () => {
    const report = await observed((text) =>
      text.replace(
        /"outcome":\{"stage":"(?:certificate|reset)"[^}]*\}/g,
        '"outcome":{"stage":"tcp","code":"timeout","reason":"no connection within 5s"}',
      ),
    );
    expect([outcomeOf(report), report.exit.code]).toEqual(['unknown at gateway', 3]);
    expect(firstHop(report)?.predicted.verdict).toBe('works');
  });

  test.each([
    ['in the cluster of the caller', 'west', 'broken at gateway', ['failing-pod-call/unreachable']],
    ['in another cluster', 'east', 'works', []],
  ])('a pod that does not get to the gateway, %s', async (_, cluster, outcome, codes) => {
    const timedOut = { stage: 'tcp', code: 'timeout', reason: 'no connection within 5s' } as const;
    const pods = observations.map((own) => {
      const [shake] = observations.flatMap(({ gatewayHandshakes: all }) => (all?.status === 'observed' ? all.value : []));
      if (own.cluster !== cluster || shake === undefined) return own;
      const answers = { answer: [{ ...shake, is: 'handshake' as const, outcome: timedOut }] };
      const pod = { namespace: 'shop', name: 'meshdoctor-probe-0a', image: 'istio/proxyv2:1.31.0', isInjected: true, answers };
      return { ...own, probePods: { status: 'observed' as const, value: [pod] } };
    });
    const report = await follow({ ...snapshotAt(objects, remote.takenAt), observations: pods }, 'west/shop/curl', 'abc.shop');
    expect([outcomeOf(report), codesAtFirst(report)]).toEqual([outcome, codes]);
  });

  test('a certificate under no root of the mesh is told where the destination proves who it is', async () => {
    const report = await observed((text) => text.replaceAll(/"verifiedBy":\[[^\]]*\]/g, '"verifiedBy":[]'));
    expect(outcomeOf(report)).toBe('broken at mtls');
    expect(codesAtFirst(report)).toContain('foreign-gateway-certificate/untrusted');
  });
});

describe('a call of ambient meets at the gateway what is found at its port for tunnels', () => {
  const ambient = mesh()
    .ambient('east', 'west')
    .namespace('shop', { injected: true })
    .service('abc.shop', { serviceLabels: { 'istio.io/global': 'true' } });
  const objects = ambient.objects();
  const seen = observedIn(objects, [{ namespace: 'shop', name: 'abc', port: 80 }]);
  const inWest = (outcome: GatewayHandshake['outcome']) =>
    follow(
      { ...snapshotAt(objects, ambient.takenAt), observations: observedEdits.handshakes('west', (one) => ({ ...one, outcome }))(seen) },
      'east/shop/abc',
      'abc.shop',
    );

  test.each<readonly [string, GatewayHandshake['outcome'], string]>([
    [
      'no certificate of the caller is asked for',
      { ...presented(seen), asksForCertificate: false },
      'terminated-cross-network-tls/unguarded',
    ],
    ['the certificate of somebody else', { ...presented(seen), uris: [] }, 'terminated-cross-network-tls/terminated'],
    ['no TLS', { stage: 'tls', reason: 'the other side does not speak TLS' }, 'rejected-cross-network-call/noHbone'],
  ])('%s', async (_, outcome, code) => {
    const report = await inWest(outcome);
    expect([outcomeOf(report), report.ways.map(({ cluster, verdict }) => [cluster, verdict]), codesAtFirst(report)]).toEqual([
      'broken at gateway',
      [
        ['east', 'works'],
        ['west', 'broken'],
      ],
      [code],
    ]);
  });
});

/** The certificate that gateways of ambient show. */
function presented(seen: ReturnType<typeof observedIn>): Extract<GatewayHandshake['outcome'], { stage: 'certificate' }> {
  const [outcome] = seen.flatMap(({ gatewayHandshakes: all }) => (all?.status === 'observed' ? all.value : [])).map((one) => one.outcome);
  if (outcome?.stage !== 'certificate') throw new Error('no gateway shows a certificate');
  return outcome;
}

describe('several ways', () => {
  const both = mesh()
    .multiPrimary('east', 'west', { networks: 2, more: ['south'] })
    .namespace('shop', { injected: true })
    .service('abc.shop');

  test('one that is broken is named beside those that are not', async () => {
    const built = both.break((m) => m.cluster('west').remove('Gateway', 'istio-system', 'cross-network-gateway'));
    const report = await follow(snapshotAt(built.objects(), built.takenAt), 'east/shop/abc', 'abc.shop');
    expect(report.verdict.text).toMatch(/^BROKEN at SNI on 1 of 3 ways: /);
    expect(report.ways.map(({ cluster, verdict }) => [cluster, verdict])).toEqual([
      ['east', 'works'],
      ['south', 'works'],
      ['west', 'broken'],
    ]);
  });

  test('one whose pods are not ready is not used while others are', async () => {
    const built = changed(both, 'west', 'EndpointSlice', 'shop', (slice) => [
      { ...slice, endpoints: (slice['endpoints'] as object[]).map((one) => ({ ...one, conditions: { ready: false } })) },
    ]);
    const report = await follow(snapshotAt(built.objects(), built.takenAt), 'east/shop/abc', 'abc.shop');
    expect([outcomeOf(report), report.ways.map(({ verdict }) => verdict)]).toEqual(['works', ['works', 'works', 'unused']]);
  });
});

test('what a directory does not claim to hold proves nothing', async () => {
  const built = twoPrimaries.break((m) => m.cluster('west').remove('Gateway', 'istio-system', 'cross-network-gateway'));
  const whole = snapshotAt(built.objects(), built.takenAt);
  const partial = {
    ...whole,
    clusters: whole.clusters.map((cluster) => ({
      ...cluster,
      kinds: Object.fromEntries(
        Object.entries(cluster.kinds).map(([id, read]) => [id, read.status === 'read' ? { ...read, complete: false } : read]),
      ),
    })),
  };
  const [known, open] = [await follow(whole, curl, 'abc.shop'), await follow(partial, curl, 'abc.shop')];
  expect([outcomeOf(known), known.exit.code]).toEqual(['broken at sni', 1]);
  expect([open.first?.verdict, open.exit.code]).toEqual(['unknown', 3]);
  const sni = open.ways[0]?.hops.find(({ hop }) => hop === 'sni');
  expect([sni?.verdict, sni?.missing.map(({ cluster, fact, why }) => [cluster, fact, why])]).toEqual([
    'unknown',
    [
      ['west', 'gateways', 'partial'],
      ['west', 'kubeGateways', 'partial'],
      ['west', 'pods', 'partial'],
    ],
  ]);
});
