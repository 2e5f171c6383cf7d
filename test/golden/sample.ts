import type { AnyCheck, Finding, Mesh, Outcome } from '../../src/api/index.ts';
import { clusterName, networkId, revision, type ClusterName, type ControlPlane } from '../../src/api/index.ts';
import { correlate, withBlockers } from '../../src/correlate/correlate.ts';
import type { Judgement, RegisteredCheck } from '../../src/engine/types.ts';
import { type About, buildReport } from '../../src/report/build.ts';
import { defaultPolicy, type Policy } from '../../src/report/policy.ts';
import type { Report } from '../../src/report/schema.ts';

/*
 * A judgement made by hand, so that reports can be tested without checks: three clusters, two causes, one cluster that could
 * not be read, one crashed check. Names and numbers are invented.
 */

export const east = clusterName('east');
export const west = clusterName('west');
export const south = clusterName('south');

const istiod = { cluster: east, kind: 'Deployment', namespace: 'istio-system', name: 'istiod-1-24-3' };
const plane = { cluster: east, namespace: 'istio-system', revision: revision('1-24-3'), ref: istiod };
const forbidden = { status: 'forbidden', verb: 'list', resource: 'secrets in istio-system' } as const;
const refused = { status: 'failed', code: 'timeout', reason: 'TLS handshake timeout after 5s' } as const;

const mesh: Mesh = {
  controlPlanes: [plane],
  members: new Map(
    [
      { cluster: east, role: 'primary', network: 'net-e' },
      { cluster: south, role: undefined, network: undefined },
      { cluster: west, role: 'remote', network: 'net-w' },
    ].map(({ cluster, role, network }) => [
      cluster,
      {
        cluster,
        role:
          role === undefined ? { unknown: [{ cluster, fact: 'controlPlanes', why: refused }] } : { known: role as 'primary', evidence: [] },
        clusterId: { known: cluster as never, evidence: [] },
        network:
          network === undefined
            ? { unknown: [{ cluster, fact: 'namespaces', why: refused }] }
            : { known: networkId(network), evidence: [] },
        systemNamespace: 'istio-system',
        servedBy: role === undefined ? { unknown: [{ cluster, fact: 'injectors', why: refused }] } : { known: [plane], evidence: [] },
        revisions: role === undefined ? [] : ['1-24-3'],
      },
    ]),
  ),
  couples: [],
  kind: { known: 'primary-remote', evidence: [istiod] },
  networks: [networkId('net-e'), networkId('net-w')],
  networkGaps: [],
  dataPlanes: ['sidecar'],
  isDeclared: false,
  withoutSecret: [],
  evidence: [
    {
      because: 'a remote secret holds its credentials',
      ref: { cluster: east, kind: 'Secret', namespace: 'istio-system', name: 'istio-remote-secret-west' },
    },
  ],
};

function check(id: string, area: string, more: Partial<AnyCheck> = {}): RegisteredCheck {
  return {
    area,
    origin: 'built-in',
    check: {
      id,
      title: `All is well with ${id}`,
      severity: 'error',
      certainty: 'certain',
      scope: 'cluster',
      needs: ['namespaces'],
      docs: { why: 'Because.', confirm: 'kubectl get namespaces', fix: 'Mend it.' },
      messages: {},
      run: () => [],
      ...more,
    },
  };
}

const gateway = {
  cluster: west,
  kind: 'Deployment',
  namespace: 'istio-system',
  name: 'istio-eastwestgateway',
  origin: { file: 'west/gateway.yaml', line: 12 },
};

function finding(code: string, more: Partial<Finding>): Finding {
  const at = more.at ?? gateway;
  return {
    code,
    check: code.split('/')[0] as string,
    area: 'topology',
    catalogue: [],
    severity: 'error',
    certainty: 'certain',
    message: 'Something is wrong.',
    confirm: [],
    args: null,
    at,
    related: [],
    evidence: [],
    remedy: [],
    concerns: [at.cluster],
    fingerprint: `${code} ${at.cluster}:${at.kind}/${at.name}`,
    ...more,
  };
}

const findings: Finding[] = [
  finding('unserved-gateway-revision', {
    area: 'east-west',
    catalogue: ['INJ-02'],
    message:
      'Deployment istio-system/istio-eastwestgateway in west asks for revision 1-23-0, which no control plane of the mesh runs, so it gets no configuration.',
    expected: 'a revision that runs: 1-24-3 (istiod in east)',
    found: '1-23-0',
    effect: '14 services of west cannot be reached from east (payments, cart, search and 11 more)',
    confirm: ['kubectl --context west -n istio-system get deployment istio-eastwestgateway -o yaml'],
    field: '.metadata.labels["istio.io/rev"]',
    evidence: [{ ref: gateway, field: '.metadata.labels["istio.io/rev"]', observed: '1-23-0' }],
    remedy: [
      {
        cluster: west,
        action: 'restart',
        ref: gateway,
        command: ['kubectl --context west -n istio-system rollout restart deployment istio-eastwestgateway'],
        note: 'changes the cluster; restarts pods',
        disruptive: true,
      },
    ],
    concerns: [east, west],
  }),
  finding('unreachable-services', {
    area: 'east-west',
    message: 'No service of west can be reached from east.',
    between: { from: east, to: west },
    concerns: [east, west],
  }),
  ...Array.from({ length: 23 }, (_, n) =>
    finding('unresolvable-name', {
      area: 'dns',
      severity: 'warning',
      certainty: 'likely',
      message: `Service shop/svc-${n} cannot be resolved.`,
      at: { cluster: east, kind: 'Service', namespace: 'shop', name: `svc-${String(n).padStart(2, '0')}` },
      concerns: [east],
    }),
  ),
  finding('expiring-root', {
    area: 'trust',
    severity: 'warning',
    certainty: 'likely',
    message: 'The root certificate of the mesh ends on 2026-12-01.',
    at: { cluster: east, kind: 'Secret', namespace: 'istio-system', name: 'cacerts' },
    expected: 'a root that lasts longer than 30 days',
    found: '2026-12-01',
  }),
  finding('lonely-gateway', { severity: 'info', message: 'The gateway has one replica.', concerns: [west] }),
];

const checks: RegisteredCheck[] = [
  check('unserved-gateway-revision', 'east-west', {
    explains: [
      { code: 'unreachable-services', match: 'cluster' },
      { code: 'unresolvable-name', match: 'mesh' },
    ],
  }),
  check('unreachable-services', 'east-west', { scope: 'pair' }),
  check('unresolvable-name', 'dns', { severity: 'warning', certainty: 'likely', scope: 'service' }),
  check('expiring-root', 'trust', { severity: 'warning', certainty: 'likely' }),
  check('lonely-gateway', 'east-west', { severity: 'info', advice: true }),
  check('expired-credential', 'remote-secret', { needs: ['remoteSecrets'], scope: 'mesh' }),
  check('duplicate-secret', 'remote-secret', { needs: ['remoteSecrets'], scope: 'mesh' }),
  check('stale-lease', 'topology', { needs: ['clock'] }),
  check('unlistening-gateway', 'east-west'),
  check('acme/odd-name', 'acme', { severity: 'warning' }),
];

function outcomesOf(): Outcome[] {
  const of = (id: string, clusters: readonly ClusterName[], outcome: Record<string, unknown>): Outcome =>
    ({ check: id, clusters, subject: clusters.join(' '), ...outcome }) as Outcome;
  const said = (id: string): Finding[] => findings.filter((item) => item.check === id);
  return [
    of('unserved-gateway-revision', [east], { kind: 'healthy' }),
    of('unserved-gateway-revision', [west], { kind: 'findings', findings: said('unserved-gateway-revision') }),
    of('unreachable-services', [east, west], { kind: 'findings', findings: said('unreachable-services') }),
    of('unreachable-services', [west, east], { kind: 'healthy' }),
    of('unresolvable-name', [east, west, south], { kind: 'findings', findings: said('unresolvable-name') }),
    of('expiring-root', [east], { kind: 'findings', findings: said('expiring-root') }),
    of('expiring-root', [west], { kind: 'not-applicable', because: 'no root here' }),
    of('lonely-gateway', [west], { kind: 'findings', findings: said('lonely-gateway') }),
    ...['expired-credential', 'duplicate-secret'].map((id) =>
      of(id, [east, west], {
        kind: 'inconclusive',
        because: 'a fact it needs could not be read',
        missing: [{ cluster: east, fact: 'remoteSecrets', why: forbidden }],
      }),
    ),
    of('stale-lease', [west], {
      kind: 'inconclusive',
      because: 'a fact it needs could not be read',
      missing: [{ cluster: west, fact: 'clock', why: { status: 'not-asked', because: 'no clock' } }],
    }),
    of('unlistening-gateway', [west], {
      kind: 'inconclusive',
      because: 'the gateway gets no configuration',
      missing: [],
      blockedBy: 'unserved-gateway-revision',
    }),
    of('acme/odd-name', [east], { kind: 'crashed', error: { name: 'TypeError', message: 'x is <not> a function', stack: '' } }),
    ...['unserved-gateway-revision', 'expiring-root'].map((id) =>
      of(id, [south], {
        kind: 'inconclusive',
        because: 'a fact it needs could not be read',
        missing: [{ cluster: south, fact: 'namespaces', why: refused }],
      }),
    ),
  ];
}

const controlPlane = {
  ref: istiod,
  namespace: 'istio-system',
  name: istiod.name,
  revision: plane.revision,
  version: '1.24.3',
} as unknown as ControlPlane;

/** A judgement in which only the outcomes named are kept; findings follow from them. */
export function judgement(keep: (outcome: Outcome) => boolean = () => true): Judgement {
  const outcomes = outcomesOf().filter(keep);
  return {
    snapshot: {
      schema: 1,
      source: { kind: 'manifests' },
      clusters: [east, south, west].map((name) => ({
        name,
        kinds: {},
        oddities: name === west ? { pods: 2 } : {},
        unread: name === south ? [{ what: 'south/broken.yaml:3', reason: 'a mapping value is not allowed here' }] : [],
      })),
      observations: [],
    },
    facts: new Map([[east, { controlPlanes: { status: 'collected', value: [controlPlane] } } as never]]),
    topology: { meshes: [mesh], withoutIstio: [], unknownRelations: [] },
    checks,
    outcomes,
    findings: outcomes.flatMap((outcome) => (outcome.kind === 'findings' ? outcome.findings : [])),
  };
}

export function sampleReport(
  keep: (outcome: Outcome) => boolean = () => true,
  policy: Partial<Policy> = {},
  about: Partial<About> = {},
): Report {
  const judged = judgement(keep);
  return buildReport(
    { ...judged, outcomes: withBlockers(judged) },
    correlate(judged),
    { ...defaultPolicy, ...policy },
    { version: '0.0.0', ...about },
  );
}
