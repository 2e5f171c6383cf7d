import { describe, expect, test } from 'vitest';
import { markOfCell } from '../name-marks.ts';
import { inkOf } from '../symbols.ts';
import type { Report, ReportName } from '../schema.ts';
import { nameTable } from './text-names.ts';

type Caller = ReportName['callers'][number];

const own: Caller = {
  cluster: 'east',
  verdict: 'ok',
  because: 'Service of east',
  predicted: { by: 'cluster-dns', addresses: ['10.96.1.2'], cluster: 'east', because: 'Service of east' },
  measured: [{ by: 'cluster-dns', pod: 'kube-system/coredns-1', outcome: 'answered', addresses: ['10.96.1.2'], said: '10.96.1.2' }],
  leadsTo: [{ cluster: 'east', via: 'pod', endpoints: 2 }],
};
const captured: Caller = {
  cluster: 'west',
  verdict: 'ok',
  because: 'ClusterIP of east, by DNS capture',
  predicted: { by: 'sidecar', addresses: ['10.96.1.2'], cluster: 'east', because: 'ClusterIP of east, by DNS capture' },
  measured: [
    { by: 'sidecar', pod: 'shop/client-xyz', outcome: 'answered', addresses: ['10.96.1.2'], said: '10.96.1.2' },
    { by: 'istiod', pod: 'shop/client-xyz', outcome: 'answered', addresses: ['10.96.1.2'], said: '10.96.1.2' },
  ],
  leadsTo: [
    { cluster: 'east', via: 'gateway', endpoints: 2, gateway: '10.200.1.1:15443' },
    { cluster: 'west', via: 'pod', endpoints: 1 },
  ],
};
const broken: Caller = { ...captured, verdict: 'broken', because: 'shop/client-xyz was asked and has no address: NXDOMAIN' };
const unasked: Caller = { ...captured, verdict: 'predicted', measured: [] };
const unknown: Caller = { ...unasked, verdict: 'unknown', because: 'no pod of west with a sidecar could call it', leadsTo: [] };

function shown(
  callers: readonly Caller[],
  more: {
    width?: number;
    unicode?: boolean;
    verbosity?: number;
    source?: Report['source'];
    of?: 'live' | 'manifests';
    service?: string;
  } = {},
): string[] {
  const { width = 120, unicode = true, verbosity = 0, source = 'live', service = 'default/abc' } = more;
  // Only the source and the names matter to the table.
  const recorded = more.of === undefined ? {} : { recorded: { of: more.of } };
  const report = { source, ...recorded, names: [{ service, port: 5000, named: true, callers }] } as unknown as Report;
  const style = { width, colour: false, unicode, verbosity };
  return nameTable(report, inkOf(style), style);
}

test('nothing where there is no name', () => {
  const style = { width: 80, colour: false, unicode: true, verbosity: 0 };
  // As above.
  expect(nameTable({ source: 'live', names: [] } as unknown as Report, inkOf(style), style)).toEqual([]);
});

test('what was predicted, what each of those that were asked says, where it leads, and why', () => {
  expect(shown([own, captured], { width: 140 })).toEqual([
    '  NAMES                           predicted  istiod  sidecar  cluster DNS',
    '  abc.default:5000  from east  ✓  10.96.1.2  -       -        same         Service of east → east',
    '                    from west  ✓  10.96.1.2  same    same     -            ClusterIP of east, by DNS capture → east through',
    '                                                                           10.200.1.1:15443, west',
  ]);
});

test('who was asked, and how many endpoints there are, on demand', () => {
  expect(shown([own], { verbosity: 1 }).join(' ')).toMatch(/Service of east → east \(2\); +asked +cluster +DNS +kube-system\/coredns-1/);
  expect(shown([captured], { verbosity: 1, width: 240 }).at(-1)).toContain(
    '; asked sidecar shop/client-xyz and istiod for shop/client-xyz',
  );
});

test('where they differ each says its own', () => {
  const measured: Caller['measured'] = [
    { by: 'sidecar', pod: 'shop/client-xyz', outcome: 'answered', addresses: ['10.96.7.7'], said: '10.96.7.7' },
    { by: 'istiod', pod: 'shop/client-xyz', outcome: 'unanswered', addresses: [], said: 'not in the name table of istiod' },
    { by: 'cluster-dns', pod: 'kube-system/coredns-1', outcome: 'unanswered', addresses: [], said: 'NXDOMAIN' },
  ];
  expect(shown([{ ...captured, measured }], { width: 80 })).toEqual([
    '  NAMES                           predicted  istiod      sidecar    cluster DNS',
    '  abc.default:5000  from west  ✓  10.96.1.2  not listed  10.96.7.7  NXDOMAIN',
    '                                  ClusterIP of east, by DNS capture → east',
    '                                  through 10.200.1.1:15443, west',
  ]);
});

test('what is broken or unknown says why', () => {
  expect(shown([broken, unknown], { width: 80 })).toEqual([
    '  NAMES                           predicted  istiod  sidecar  cluster DNS',
    '  abc.default:5000  from west  ✗  10.96.1.2  same    same     -',
    '                                  shop/client-xyz was asked and has no address:',
    '                                  NXDOMAIN',
    '                    from west  ?  10.96.1.2  -       -        -',
    '                                  no pod of west with a sidecar could call it',
  ]);
});

test.each([
  ['directories', { source: 'manifests' }, '  NAMES as predicted; probes need live clusters'],
  ['live clusters', { source: 'live' }, '  NAMES as predicted; probes are off'],
  ['recorded directories', { source: 'recorded', of: 'manifests' }, '  NAMES as predicted; probes need live clusters'],
  ['recorded live clusters', { source: 'recorded', of: 'live' }, '  NAMES as predicted; probes are off'],
] as const)('a prediction says that it is one: %s', (_, source, title) => {
  expect(shown([unasked], source)).toEqual([
    title,
    '  abc.default:5000  from west  ·  10.96.1.2 (ClusterIP of east, by DNS capture) → east through 10.200.1.1:15443, west',
  ]);
});

test('80 columns of ASCII', () => {
  const lines = shown([captured, unknown], { width: 80, unicode: false });
  expect(lines).toEqual([
    '  NAMES                              predicted  istiod  sidecar  cluster DNS',
    '  abc.default:5000  from west  ok    10.96.1.2  same    same     -',
    '                                     ClusterIP of east, by DNS capture -> east',
    '                                     through 10.200.1.1:15443, west',
    '                    from west  ????  10.96.1.2  -       -        -',
    '                                     no pod of west with a sidecar could call it',
  ]);
});

test('long addresses have no columns: each stands with whose it is', () => {
  const address = 'fd00:10:96:0:1234:5678:9abc:def0';
  const measured: Caller['measured'] = [{ by: 'sidecar', pod: 'a/b', outcome: 'answered', addresses: ['fd00::7'], said: 'fd00::7' }];
  const lines = shown([{ ...captured, predicted: { ...captured.predicted, addresses: [address] }, measured }], { width: 80 });
  expect(lines.join(' ').replace(/\s+/g, ' ')).toContain(
    `predicted ${address}, istiod -, sidecar fd00::7, cluster DNS -; ClusterIP of east`,
  );
  expect(lines.every((line) => line.length <= 80)).toBe(true);
});

test('a long name has a line of its own', () => {
  const lines = shown([own], { width: 80, service: 'payments-production/settlement-reconciliation-worker' });
  expect(lines[1]).toBe('  settlement-reconciliation-worker.payments-production:5000');
  expect(lines[2]).toBe('    from east  ✓  10.96.1.2  -       -        same');
});

describe('how a cell is marked', () => {
  const nobody: Caller = {
    ...unasked,
    verdict: 'broken',
    because: 'it is only in east, and no sidecar of west answers DNS',
    predicted: { by: 'nobody', addresses: [], because: 'it is only in east, and no sidecar of west answers DNS' },
    leadsTo: [],
  };
  const denied: Caller = {
    ...captured,
    verdict: 'broken',
    measured: [{ by: 'sidecar', pod: 'shop/client-xyz', outcome: 'unanswered', addresses: [], said: 'NXDOMAIN' }],
  };
  const astray: Caller = { ...captured, verdict: 'broken', leadsTo: [{ cluster: 'east', via: 'raw', endpoints: 1 }] };
  const empty: Caller = { ...captured, verdict: 'broken', because: 'no ready endpoint is behind it', leadsTo: [] };

  test('what nobody asked for and nobody there should know is how it is; named, it is wrong', () => {
    expect([nobody, empty].map((caller) => markOfCell({ named: false }, caller))).toEqual(['info', 'info']);
    expect([nobody, empty].map((caller) => markOfCell({ named: true }, caller))).toEqual(['error', 'error']);
  });

  test('what a pod denies, or leads astray, is wrong whoever asked', () => {
    expect([denied, astray].map((caller) => markOfCell({ named: false }, caller))).toEqual(['error', 'error']);
  });

  test('the DNS of a cluster that does not know a name of another one is as it should be', () => {
    const measured: Caller['measured'] = [{ by: 'cluster-dns', pod: 'a/b', outcome: 'unanswered', addresses: [], said: 'NXDOMAIN' }];
    expect(markOfCell({ named: false }, { ...empty, measured })).toBe('info');
  });
});
