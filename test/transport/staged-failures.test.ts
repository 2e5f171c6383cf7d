import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mesh } from '../../src/builder/mesh.ts';
import { takenAt } from '../../src/builder/timeline.ts';
import type { Report } from '../../src/report/schema.ts';
import type { Mishap } from '../../src/sandbox/mishaps.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
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

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox(shop.objects(), { takenAt, reconcile: false });
}, seconds);
afterAll(async () => await sandbox.close());

/** Codes of causes, with how sure they are; advice and context left out. */
function causes({ causes: all, findings }: Report): string[] {
  return all
    .flatMap(({ fingerprint }) => findings.filter((finding) => finding.fingerprint === fingerprint))
    .filter(({ severity, advice }) => severity !== 'info' && !advice)
    .map(({ code, certainty, concerns }) => `${code} ${certainty} ${concerns.join(' ')}`)
    .sort();
}

interface Row {
  readonly about: string;
  readonly mishaps: readonly Mishap[];
  readonly causes: readonly string[];
}

const east = { cluster: 'east', port: 15443 } as const;
const rows: readonly Row[] = [
  { about: 'nothing at all', mishaps: [], causes: [] },
  {
    about: 'DNS: NXDOMAIN, the sidecar has an old table without the name',
    mishaps: [{ on: 'sidecar-dns', cluster: 'west', does: 'old-table', name: 'only.shop' }],
    causes: ['unanswered-name/unanswered certain west'],
  },
  {
    about: 'DNS: SERVFAIL to everything, the agent got no table yet',
    mishaps: [{ on: 'sidecar-dns', cluster: 'west', does: 'no-table' }],
    causes: ['unanswered-name/untabled certain west'],
  },
  {
    about: 'DNS: SERVFAIL to what the table lacks, since the upstream is dead',
    mishaps: [{ on: 'sidecar-dns', cluster: 'west', does: 'dead-upstream', name: 'only.shop' }],
    causes: ['unanswered-name/deadUpstream certain west'],
  },
  {
    about: 'DNS: an address that is nobody’s',
    mishaps: [{ on: 'sidecar-dns', cluster: 'west', does: 'other-address', name: 'only.shop' }],
    causes: ['unanswered-name/otherAddress likely west'],
  },
  {
    about: 'DNS: ndsz without configs, the proxy does not ask for names although its pod says so',
    mishaps: [{ on: 'name-table', cluster: 'west' }],
    causes: ['unanswered-name/unwatched likely west'],
  },
  {
    about: '15443: no connection, and the gateway is well',
    mishaps: [{ on: 'address', ...east, does: 'refuse' }],
    causes: ['unreachable-gateway/blocked possible east'],
  },
  {
    about: '15443: ended before any ServerHello by what stands before the gateway',
    mishaps: [{ on: 'address', ...east, does: 'end' }],
    causes: ['unreachable-gateway/severed likely east'],
  },
  {
    about: '15443: ended by the gateway itself, which knows no such name or has nobody behind it',
    mishaps: [{ on: 'gateway', ...east, does: 'end' }],
    causes: ['rejected-cross-network-call/reset likely east'],
  },
  {
    about: '15443: no listener in the gateway pod',
    mishaps: [{ on: 'gateway', ...east, does: 'close' }],
    causes: ['rejected-cross-network-call/closed certain east'],
  },
  {
    about: '15443: held, since the gateway does not get through to its pods',
    mishaps: [{ on: 'gateway', ...east, does: 'stall' }],
    causes: ['rejected-cross-network-call/late likely east'],
  },
  {
    about: '15443: the certificate of a load balancer',
    mishaps: [{ on: 'address', ...east, does: 'terminate' }],
    causes: ['terminated-cross-network-tls/inFront certain east'],
  },
  {
    about: '15443: a chain to another root',
    mishaps: [{ on: 'workload', cluster: 'east', root: 'other' }],
    causes: ['foreign-gateway-certificate/untrusted certain east west'],
  },
  {
    about: '15443: another trust domain',
    mishaps: [{ on: 'workload', cluster: 'east', trustDomain: 'elsewhere.example' }],
    // The sidecar that presents it says so itself.
    causes: ['unrenewed-sidecar-certificate/otherTrustDomain likely east'],
  },
  {
    about: '15443: another service account',
    mishaps: [{ on: 'workload', cluster: 'east', serviceAccount: 'stranger' }],
    causes: ['foreign-gateway-certificate/otherIdentity likely west'],
  },
  {
    about: '15012: ended at the ClientHello',
    mishaps: [{ on: 'gateway', cluster: 'east', port: 15012, does: 'end' }],
    causes: ['rejected-istiod-call/halfOpen likely west'],
  },
  {
    about: '15017: ended at the ClientHello, while discovery works',
    mishaps: [{ on: 'gateway', cluster: 'east', port: 15017, does: 'end' }],
    causes: ['rejected-istiod-call/halfOpen likely west'],
  },
  {
    about: '15012: the way to it is blocked, and the gateway is well',
    mishaps: [{ on: 'address', cluster: 'east', port: 15012, does: 'refuse' }],
    causes: ['rejected-istiod-call/blocked possible west'],
  },
  {
    about: '15012 and 15017: a certificate without the name that was asked for',
    mishaps: [{ on: 'istiod', cluster: 'east', does: 'other-name' }],
    causes: ['foreign-istiod-certificate/otherName certain west', 'foreign-istiod-certificate/otherName certain west'],
  },
  {
    about: '15012 and 15017: a chain to another root',
    mishaps: [{ on: 'istiod', cluster: 'east', does: 'other-root' }],
    causes: ['foreign-istiod-certificate/untrusted certain west', 'foreign-istiod-certificate/untrusted certain west'],
  },
  {
    about: '15017: GET /ready gives 503',
    mishaps: [{ on: 'istiod', cluster: 'east', does: 'wait' }],
    causes: ['rejected-istiod-call/notReady likely west'],
  },
  {
    about: '15021: 503, the gateway has no configuration yet',
    mishaps: [{ on: 'gateway', cluster: 'east', does: 'wait' }],
    causes: ['unconfigured-gateway likely east west'],
  },
];

describe('what fails beside the objects is reported as that, and as nothing else', () => {
  test.each(rows.map((row) => [row.about, row] as const))('%s', { timeout: seconds }, async (_about, { mishaps, causes: expected }) => {
    await sandbox.stage(mishaps);
    expect(causes((await checkLive(sandbox, flags)).report)).toEqual(expected);
  });
});
