import { expect, test } from 'vitest';
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

test('the address, where it leads, and who said so', () => {
  expect(shown([own, captured])).toEqual([
    '  NAMES',
    '  abc.default:5000  from east  ✓  10.96.1.2 (Service of east) → east; measured by cluster DNS',
    '                    from west  ✓  10.96.1.2 (ClusterIP of east, by DNS capture) → east through 10.200.1.1:15443, west;',
    '                                  measured by sidecar shop/client-xyz',
  ]);
});

test('more of it on demand', () => {
  expect(shown([own], { verbosity: 1 }).at(-1)).toContain('→ east (2); measured by cluster DNS');
  expect(shown([captured], { verbosity: 1, width: 200 }).at(-1)).toContain('sidecar shop/client-xyz and istiod for shop/client-xyz');
});

test('what is broken or unknown says why, and nothing else', () => {
  expect(shown([broken, unknown])).toEqual([
    '  NAMES',
    '  abc.default:5000  from west  ✗  shop/client-xyz was asked and has no address: NXDOMAIN',
    '                    from west  ?  no pod of west with a sidecar could call it',
  ]);
});

test('a cluster where nobody was asked, beside one where somebody was', () => {
  expect(shown([own, unasked], { width: 160 }).at(-1)).toContain('west; nobody there was asked');
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
  expect(shown([captured, unknown], { width: 80, unicode: false })).toEqual([
    '  NAMES',
    '  abc.default:5000  from west  ok    10.96.1.2 (ClusterIP of east, by DNS',
    '                                     capture) -> east through 10.200.1.1:15443,',
    '                                     west; measured by sidecar shop/client-xyz',
    '                    from west  ????  no pod of west with a sidecar could call it',
  ]);
});

test('a long name has a line of its own', () => {
  const lines = shown([own], { width: 80, service: 'payments-production/settlement-reconciliation-worker' });
  expect(lines).toEqual([
    '  NAMES',
    '  settlement-reconciliation-worker.payments-production:5000',
    '    from east  ✓  10.96.1.2 (Service of east) → east; measured by cluster DNS',
  ]);
});
