import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withIstiodEnv } from '../../src/builder/edits/control-plane.ts';
import { inOrder } from '../../src/builder/edits/edit.ts';
import { mesh } from '../../src/builder/mesh.ts';
import { takenAt } from '../../src/builder/timeline.ts';
import { markOfCell } from '../../src/report/name-marks.ts';
import type { Report } from '../../src/report/schema.ts';
import type { Alarm } from '../../src/probe/pace.ts';
import type { ProbeIo } from '../../src/probe/probe.ts';
import type { Mishap } from '../../src/sandbox/mishaps.ts';
import type { HttpAnswer, OwnAnswer, Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { type Real, testsOnReal } from '../recorded/on-real.ts';
import { checkLive } from '../support/live-check.ts';

/*
 * Every way in which a name, a gateway or the way to istiod fails beside the objects, staged as it looks to whoever calls: it is reported
 * as that failure, and as nothing else. east is a primary behind its gateway, west its remote on another network.
 */

const seconds = 60_000;
const flags = { service: ['only.shop'] };

const shop = mesh()
  .primaryRemote('east', 'west', { networks: 2 })
  .namespace('shop', { injected: true })
  .service('only.shop', { in: ['east'] })
  .workload('caller.shop', { in: ['west'] });

/** The gateway of west, as east calls it, and the other way round. */
const ambient = mesh().ambient('east', 'west');

let sandbox: Sandbox;
let ofAmbient: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox(shop.objects(), { takenAt, reconcile: false });
  ofAmbient = await startSandbox(ambient.objects(), { takenAt, reconcile: false });
}, seconds);
afterAll(async () => await Promise.all([sandbox.close(), ofAmbient.close()]));

/** Codes of causes, with how sure they are; advice and context left out. */
function causes({ causes: all, findings }: Report): string[] {
  return all
    .flatMap(({ fingerprint }) => findings.filter((finding) => finding.fingerprint === fingerprint))
    .filter(({ severity, advice }) => severity !== 'info' && !advice)
    .map(({ code, certainty, concerns }) => `${code} ${certainty} ${concerns.join(' ')}`)
    .sort();
}

/** Cells of the table of names that are marked as wrong although nothing is found about that name. */
function unfounded({ names, findings }: Report): string[] {
  const isFound = (service: string): boolean => {
    const [namespace = '', name = ''] = service.split('/');
    return findings.some(({ message }) => message.includes(`${name}.${namespace}`) || message.includes(service));
  };
  return names.flatMap((name) =>
    name.callers.flatMap((caller) =>
      markOfCell(name, caller) === 'error' && !isFound(name.service) ? [`${name.service} from ${caller.cluster}: ${caller.because}`] : [],
    ),
  );
}

interface Row {
  readonly about: string;
  readonly mishaps: readonly Mishap[];
  /** Ports of the address of east from which no packet comes back. */
  readonly drops?: readonly number[];
  /** Where in east, on 15443, the time of a question is over as soon as it has a connection: who listens there is silent. */
  readonly silent?: readonly ('address' | 'pod')[];
  /** What the istiod of east says of itself. */
  readonly istiod?: OwnAnswer;
  readonly causes: readonly string[];
  /** Whether real components show it. */
  readonly real?: Real;
}

/** Time for the probes in which nothing has to be waited for: whose question meets nobody, its time is over at once. */
function impatient({ drops = [], silent = [] }: Pick<Row, 'drops' | 'silent'>): (io: ProbeIo) => ProbeIo {
  // A question sets its alarm and then asks: the last that was set is that of whoever opens something.
  let ringLast: () => void = () => undefined;
  const after: Alarm = (milliseconds, ring) => {
    ringLast = ring;
    const timer = setTimeout(ring, milliseconds);
    return () => clearTimeout(timer);
  };
  const overOnce = async <T>(isSilent: boolean, opened: Promise<T>): Promise<T> => {
    const ring = ringLast;
    if (isSilent) void opened.then(() => setImmediate(ring));
    return await opened;
  };
  return (io) => ({
    ...io,
    after,
    forward: async (cluster, pod, port, signal) =>
      await overOnce(silent.includes('pod') && cluster === 'east' && port === 15443, io.forward(cluster, pod, port, signal)),
    connect: async (address, signal) => {
      const isEasts = address.host === addressOfEast;
      if (!isEasts || !drops.includes(address.port))
        return await overOnce(isEasts && silent.includes('address') && address.port === 15443, io.connect(address, signal));
      setImmediate(ringLast);
      return await new Promise(() => undefined);
    },
  });
}

const addressOfEast = '10.200.1.1';
const text = (status: number, said: string): HttpAnswer => ({ status, text: said });
const table = (records: object): HttpAnswer => ({
  status: 200,
  json: { configs: [{ '@type': 'type.googleapis.com/istio.networking.nds.v1.NameTable', table: records }] },
});
/** What istiod says to `/debug/ndsz` of the caller in west. */
const ndsz =
  (answer: HttpAnswer): OwnAnswer =>
  ({ path, query }) =>
    path === '/debug/ndsz' && query.get('proxyID')?.startsWith('caller-') === true ? answer : undefined;

const east = { cluster: 'east', port: 15443 } as const;
const rows: readonly Row[] = [
  { about: 'nothing at all', mishaps: [], causes: [] },
  {
    about: 'DNS: NXDOMAIN, the sidecar has an old table without the name',
    mishaps: [{ on: 'sidecar-dns', cluster: 'west', does: 'old-table', name: 'only.shop' }],
    causes: ['unanswered-name/unanswered certain west'],
    real: { fault: 'service-made-while-cut-off', as: 'unconnected-proxy/unconnected' },
  },
  {
    about: 'DNS: SERVFAIL to everything, the agent got no table yet',
    mishaps: [{ on: 'sidecar-dns', cluster: 'west', does: 'no-table' }],
    causes: ['unanswered-name/untabled certain west'],
    real: { fault: 'client-started-while-cut-off', as: 'unconnected-proxy/unconnected' },
  },
  {
    about: 'DNS: SERVFAIL to what the table lacks, since the upstream is dead',
    mishaps: [{ on: 'sidecar-dns', cluster: 'west', does: 'dead-upstream', name: 'only.shop' }],
    causes: ['unanswered-name/deadUpstream certain west'],
    real: { fault: 'service-made-while-cut-off-without-dns', as: 'unconnected-proxy/unconnected' },
  },
  {
    about: 'DNS: an address that is nobody’s',
    mishaps: [{ on: 'sidecar-dns', cluster: 'west', does: 'other-address', name: 'only.shop' }],
    causes: ['unanswered-name/otherAddress likely west'],
    real: { fault: 'service-made-anew-while-cut-off', as: 'unconnected-proxy/unconnected' },
  },
  {
    about: 'DNS: ndsz without configs, the proxy does not ask for names although its pod says so',
    mishaps: [{ on: 'name-table', cluster: 'west' }],
    causes: ['unanswered-name/unwatched likely west'],
    real: { never: 'an agent does as the environment of its container says' },
  },
  {
    about: 'DNS: ndsz says HTTP 400, DNS capture is not enabled, as istiods before 1.25 do',
    mishaps: [{ on: 'name-table', cluster: 'west' }],
    istiod: ndsz(text(400, 'DNS capture is not enabled in the proxy\n')),
    causes: ['unanswered-name/unwatched likely west'],
    real: { never: 'that release is not served' },
  },
  {
    about: 'DNS: the table that istiod has for the proxy lacks the name, and so does the proxy',
    mishaps: [{ on: 'sidecar-dns', cluster: 'west', does: 'old-table', name: 'only.shop' }],
    istiod: ndsz(table({})),
    causes: ['unanswered-name/unlisted certain east'],
    real: { fault: 'secret-left-out' },
  },
  {
    about: 'DNS: the proxy goes by an older table than istiod has for it',
    mishaps: [],
    istiod: ndsz(table({ 'only.shop.svc.cluster.local': { ips: ['10.99.0.99'], registry: 'Kubernetes' } })),
    causes: ['unanswered-name/outdated likely west'],
    real: { fault: 'service-made-anew-while-cut-off', as: 'unconnected-proxy/unconnected' },
  },
  {
    about: '15443: no packet comes back, and the gateway is well',
    mishaps: [],
    drops: [15443],
    causes: ['unreachable-gateway/blocked possible east'],
    real: { fault: 'cross-network-port-behind-firewall' },
  },
  {
    about: '15443: no packet comes back, and the gateway has no listener',
    mishaps: [{ on: 'gateway', ...east, does: 'close' }],
    drops: [15443],
    causes: ['rejected-cross-network-call/closed certain east'],
    real: { fault: 'services-not-exposed', as: 'unexposed-services/unexposed' },
  },
  {
    about: '15443: ended by a load balancer behind which the gateway has no listener',
    mishaps: [
      { on: 'address', ...east, does: 'end' },
      { on: 'gateway', ...east, does: 'close' },
    ],
    causes: ['rejected-cross-network-call/closed certain east'],
    real: { fault: 'services-not-exposed', as: 'unexposed-services/unexposed' },
  },
  {
    about: '15443: a connection and then silence, and the gateway is well',
    mishaps: [{ on: 'address', ...east, does: 'hold' }],
    silent: ['address'],
    causes: ['unreachable-gateway/severed likely east'],
    real: { fault: 'load-balancer-holds-calls' },
  },
  {
    about: '15443: no connection, and the gateway is well',
    mishaps: [{ on: 'address', ...east, does: 'refuse' }],
    causes: ['unreachable-gateway/blocked possible east'],
    real: { fault: 'load-balancer-without-port' },
  },
  {
    about: '15443: ended before any ServerHello by what stands before the gateway',
    mishaps: [{ on: 'address', ...east, does: 'end' }],
    causes: ['unreachable-gateway/severed likely east'],
    real: { fault: 'load-balancer-sends-proxy-headers' },
  },
  {
    about: '15443: ended by the gateway itself, which knows no such name or has nobody behind it',
    mishaps: [{ on: 'gateway', ...east, does: 'end' }],
    causes: ['rejected-cross-network-call/reset likely east'],
    real: { fault: 'mutual-tls-disabled' },
  },
  {
    about: '15443: no listener in the gateway pod',
    mishaps: [{ on: 'gateway', ...east, does: 'close' }],
    causes: ['rejected-cross-network-call/closed certain east'],
    real: { fault: 'services-not-exposed', as: 'unexposed-services/unexposed' },
  },
  {
    about: '15443: held, since the gateway does not get through to its pods',
    mishaps: [{ on: 'gateway', ...east, does: 'stall' }],
    silent: ['address', 'pod'],
    causes: ['rejected-cross-network-call/late likely east'],
    real: { fault: 'gateway-cut-off-from-its-pods' },
  },
  {
    about: '15443: the certificate of a load balancer',
    mishaps: [{ on: 'address', ...east, does: 'terminate' }],
    causes: ['terminated-cross-network-tls/inFront certain east'],
    real: { fault: 'load-balancer-ends-tls' },
  },
  {
    about: '15443: the certificate of a load balancer that speaks TLS 1.2 at most',
    mishaps: [{ on: 'address', ...east, does: 'terminate', most: 'TLSv1.2' }],
    causes: ['terminated-cross-network-tls/inFront certain east'],
    real: { fault: 'load-balancer-ends-old-tls' },
  },
  {
    about: '15443: a load balancer that wants another protocol by ALPN',
    mishaps: [{ on: 'address', ...east, does: 'other-protocol' }],
    causes: ['unreachable-gateway/severed likely east'],
    real: { fault: 'load-balancer-for-browsers' },
  },
  {
    about: '15443: the gateway answers, but not in TLS',
    mishaps: [{ on: 'gateway', ...east, does: 'plain' }],
    causes: ['rejected-cross-network-call/refused likely east'],
    real: { never: 'a listener of another kind has to be in a Gateway, and is found there' },
  },
  {
    // Calls of the mesh get through: whoever has a certificate of the mesh is let in by 1.2 as by 1.3, with or without ALPN.
    about: '15443: sidecars that speak TLS 1.2 at most, and end the handshake of whoever has no certificate',
    mishaps: [{ on: 'workload', cluster: 'east', most: 'TLSv1.2' }],
    causes: [],
    real: { case: 'mesh-that-speaks-tls-1.2' },
  },
  {
    about: '15443: the same, and their chain leads to another root',
    mishaps: [{ on: 'workload', cluster: 'east', most: 'TLSv1.2', root: 'other' }],
    causes: ['foreign-gateway-certificate/untrusted certain east west'],
    real: { fault: 'peer-roots-differ', as: 'divergent-roots/disjoint' },
  },
  {
    about: '15443: a chain to another root',
    mishaps: [{ on: 'workload', cluster: 'east', root: 'other' }],
    causes: ['foreign-gateway-certificate/untrusted certain east west'],
    real: { fault: 'peer-roots-differ' },
  },
  {
    about: '15443: another trust domain',
    mishaps: [{ on: 'workload', cluster: 'east', trustDomain: 'elsewhere.example' }],
    // The sidecar that presents it says so itself.
    causes: ['unrenewed-sidecar-certificate/otherTrustDomain likely east'],
    real: { fault: 'peer-of-another-trust-domain', as: 'foreign-gateway-certificate/otherTrustDomain' },
  },
  {
    about: '15443: another service account',
    mishaps: [{ on: 'workload', cluster: 'east', serviceAccount: 'stranger' }],
    causes: ['foreign-gateway-certificate/otherIdentity likely west'],
    real: { never: 'a gateway passes calls on to pods of the Service that was asked for, and to no others' },
  },
  {
    about: '15012: ended at the ClientHello',
    mishaps: [{ on: 'gateway', cluster: 'east', port: 15012, does: 'end' }],
    causes: ['rejected-istiod-call/halfOpen likely west'],
    real: { fault: 'another-revision-exposed', as: 'mismatched-exposed-revision' },
  },
  {
    about: '15017: ended at the ClientHello, while discovery works',
    mishaps: [{ on: 'gateway', cluster: 'east', port: 15017, does: 'end' }],
    causes: ['rejected-istiod-call/halfOpen likely west'],
    real: { fault: 'webhook-port-left-out', as: 'missing-istiod-port' },
  },
  {
    about: '15012 and 15017: ended at the ClientHello',
    mishaps: [
      { on: 'gateway', cluster: 'east', port: 15012, does: 'end' },
      { on: 'gateway', cluster: 'east', port: 15017, does: 'end' },
    ],
    causes: ['rejected-istiod-call/ended likely west', 'rejected-istiod-call/ended likely west'],
    real: { fault: 'another-revision-exposed', as: 'mismatched-exposed-revision' },
  },
  {
    about: '15012: no listener in the gateway pod',
    mishaps: [{ on: 'gateway', cluster: 'east', port: 15012, does: 'close' }],
    causes: ['rejected-istiod-call/closed certain west'],
    real: { fault: 'istiod-routed-by-half' },
  },
  {
    about: '15017: no packet comes back, and the gateway is well',
    mishaps: [],
    drops: [15017],
    causes: ['rejected-istiod-call/blocked possible west'],
    real: { fault: 'injection-port-behind-firewall' },
  },
  {
    about: '15012: ended by what stands before the gateway',
    mishaps: [{ on: 'address', cluster: 'east', port: 15012, does: 'end' }],
    causes: ['rejected-istiod-call/severed likely west'],
    real: { fault: 'load-balancer-sends-proxy-headers-to-istiod' },
  },
  {
    about: '15012: the certificate of a load balancer',
    mishaps: [{ on: 'address', cluster: 'east', port: 15012, does: 'terminate' }],
    causes: ['foreign-istiod-certificate/otherName certain west'],
    real: { fault: 'load-balancer-ends-tls-of-istiod' },
  },
  {
    about: '15012: no protocol agreed on by ALPN',
    mishaps: [{ on: 'istiod', cluster: 'east', does: 'no-protocol' }],
    causes: ['rejected-istiod-call/noHttp2 likely west'],
    real: { never: 'istiod offers h2, and what ends TLS for it has another certificate' },
  },
  {
    about: '15012: another protocol wanted by ALPN than gRPC speaks',
    mishaps: [{ on: 'address', cluster: 'east', port: 15012, does: 'other-protocol' }],
    causes: ['rejected-istiod-call/severed likely west'],
    real: { fault: 'load-balancer-for-browsers-before-istiod' },
  },
  {
    about: '15012: the way to it is blocked, and the gateway is well',
    mishaps: [{ on: 'address', cluster: 'east', port: 15012, does: 'refuse' }],
    causes: ['rejected-istiod-call/blocked possible west'],
    real: { fault: 'load-balancer-without-istiod-port' },
  },
  {
    about: '15012 and 15017: a certificate without the name that was asked for',
    mishaps: [{ on: 'istiod', cluster: 'east', does: 'other-name' }],
    causes: ['foreign-istiod-certificate/otherName certain west', 'foreign-istiod-certificate/otherName certain west'],
    real: { fault: 'istiod-with-certificate-of-another-name' },
  },
  {
    about: '15012 and 15017: a chain to another root',
    mishaps: [{ on: 'istiod', cluster: 'east', does: 'other-root' }],
    causes: ['foreign-istiod-certificate/untrusted certain west', 'foreign-istiod-certificate/untrusted certain west'],
    real: { fault: 'istiod-with-certificate-of-another-authority' },
  },
  {
    about: '15017: GET /ready gives 503',
    mishaps: [{ on: 'istiod', cluster: 'east', does: 'wait' }],
    causes: ['rejected-istiod-call/notReady likely west'],
    real: { never: 'an istiod that is not ready gets no calls' },
  },
  {
    about: '15021: 503, the gateway has no configuration yet',
    mishaps: [{ on: 'gateway', cluster: 'east', does: 'wait' }],
    causes: ['unconfigured-gateway likely east west'],
    real: { fault: 'gateway-started-with-refused-filter' },
  },
  {
    about: '15021: not open from outside, as at many load balancers',
    mishaps: [{ on: 'address', cluster: 'east', port: 15021, does: 'refuse' }],
    drops: [15021],
    causes: [],
    real: { case: 'load-balancer-without-status-port' },
  },
];

const hbone = { cluster: 'east', port: 15008 } as const;
const rowsOfAmbient: readonly Row[] = [
  { about: 'nothing at all', mishaps: [], causes: [] },
  {
    about: '15008: no packet comes back, and the gateway is well',
    mishaps: [],
    drops: [15008],
    causes: ['unreachable-gateway/blocked possible east'],
    real: { fault: 'ambient-gateway-behind-firewall' },
  },
  {
    about: '15008: ended by what stands before the gateway',
    mishaps: [{ on: 'address', ...hbone, does: 'end' }],
    causes: ['unreachable-gateway/severed likely east'],
    real: { fault: 'ambient-load-balancer-sends-proxy-headers' },
  },
  {
    about: '15008: the certificate of a load balancer',
    mishaps: [{ on: 'address', ...hbone, does: 'terminate' }],
    causes: ['terminated-cross-network-tls/inFront certain east'],
    real: { fault: 'ambient-load-balancer-ends-tls' },
  },
  {
    about: '15008: what stands before the gateway ends TLS with the certificate of the gateway, and asks for none',
    mishaps: [{ on: 'address', ...hbone, does: 'terminate', as: 'gateway' }],
    causes: ['terminated-cross-network-tls/inFront certain east'],
    real: { never: 'the key of that certificate leaves the gateway in no mesh' },
  },
  {
    about: '15008: the gateway itself asks nobody for a certificate',
    mishaps: [{ on: 'gateway', ...hbone, does: 'unguarded' }],
    causes: ['terminated-cross-network-tls/unguarded likely east'],
    real: { never: 'istiod makes that listener, and no setting of it asks for less' },
  },
  {
    about: '15008: TLS 1.2 at most, which no ztunnel speaks',
    mishaps: [{ on: 'workload', cluster: 'east', most: 'TLSv1.2' }],
    causes: ['terminated-cross-network-tls/unguarded likely east'],
    real: { never: 'istiod makes that listener' },
  },
  {
    about: '15008: no certificate is asked for, and the one that is shown is of another root',
    mishaps: [
      { on: 'gateway', ...hbone, does: 'unguarded' },
      { on: 'workload', cluster: 'east', root: 'other' },
    ],
    causes: ['terminated-cross-network-tls/unguarded likely east'],
    real: { never: 'istiod makes that listener' },
  },
  {
    about: '15008: no listener in the gateway pod',
    mishaps: [{ on: 'gateway', ...hbone, does: 'close' }],
    causes: ['rejected-cross-network-call/closed certain east'],
    real: { fault: 'ambient-gateway-on-another-port' },
  },
  {
    about: '15008: ended by the gateway itself',
    mishaps: [{ on: 'gateway', ...hbone, does: 'end' }],
    causes: ['rejected-cross-network-call/noHbone likely east'],
    real: { never: 'istiod makes that listener' },
  },
  {
    about: '15008: the gateway answers, but not in TLS',
    mishaps: [{ on: 'gateway', ...hbone, does: 'plain' }],
    causes: ['rejected-cross-network-call/noHbone likely east'],
    real: { never: 'istiod makes that listener' },
  },
  {
    about: '15008: a chain to another root',
    mishaps: [{ on: 'workload', cluster: 'east', root: 'other' }],
    causes: ['foreign-gateway-certificate/untrusted certain east west'],
    real: { fault: 'ambient-gateway-of-another-authority' },
  },
  {
    about: '15008: another service account',
    mishaps: [{ on: 'workload', cluster: 'east', serviceAccount: 'stranger' }],
    causes: ['foreign-gateway-certificate/otherIdentity likely west'],
    real: { never: 'istiod makes the gateway, with the account that it expects' },
  },
];

describe('the same of gateways that ztunnels call', () => {
  test.each(rowsOfAmbient.map((row) => [row.about, row] as const))('%s', { timeout: seconds }, async (_about, row) => {
    await ofAmbient.stage(row.mishaps);
    const { report } = await checkLive(ofAmbient, {}, { probing: impatient(row) });
    expect(causes(report)).toEqual(row.causes);
  });
});

/** What istiods have proxies and themselves speak, and how far that is measured. */
const policies = [
  ['fips-140-2', 'TLS 1.2 is meant', []],
  ['pqc', 'TLS that this program cannot speak shows nothing', ['COMPLIANCE_POLICY pqc asks for TLS that this Node.js may not speak']],
] as const;

describe('where istiods have a policy of compliance', () => {
  const meshes = { sidecars: shop, ambient } as const;
  const rowsOfPolicies = policies.flatMap((row) => (['sidecars', 'ambient'] as const).map((which) => [which, ...row] as const));
  test.each(rowsOfPolicies)('%s, %s: %s', { timeout: seconds }, async (which, policy, _means, gaps) => {
    const variables = { COMPLIANCE_POLICY: policy };
    const kept = meshes[which].edit(
      inOrder(withIstiodEnv('east', variables), ...(which === 'ambient' ? [withIstiodEnv('west', variables)] : [])),
    );
    const own = await startSandbox(kept.objects(), { takenAt, reconcile: false });
    try {
      const { report } = await checkLive(own, which === 'ambient' ? {} : flags, { probing: impatient({}) });
      expect(causes(report)).toEqual([]);
      const reasons = new Set(report.notChecked.map(({ reason }) => reason));
      for (const gap of gaps) expect([...reasons].some((reason) => reason.includes(gap))).toBe(true);
      if (gaps.length === 0) expect([...reasons]).toEqual([]);
    } finally {
      await own.close();
    }
  });
});

describe('what fails beside the objects is reported as that, and as nothing else', () => {
  test.each(rows.map((row) => [row.about, row] as const))('%s', { timeout: seconds }, async (_about, row) => {
    await sandbox.stage(row.mishaps);
    sandbox.clusters.get('east')?.setAnswer(row.istiod ?? null);
    const { report } = await checkLive(sandbox, flags, { probing: impatient(row) });
    expect(causes(report)).toEqual(row.causes);
    expect(unfounded(report)).toEqual([]);
  });
});

describe('what real components show of it is staged on them, with the same result', () => {
  testsOnReal(
    [...rows, ...rowsOfAmbient].flatMap(({ about, causes: all, real }) =>
      real === undefined ? [] : [{ about, codes: all.map((cause) => cause.split(' ')[0] ?? cause), real }],
    ),
  );
});
