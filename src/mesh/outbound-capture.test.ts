import { expect, test } from 'vitest';
import { bypassOf } from './outbound-capture.ts';

const prefix = 'traffic.sidecar.istio.io/';
const rows: readonly (readonly [string, Readonly<Record<string, string>>, string | undefined])[] = [
  ['nothing is said', {}, undefined],
  ['the port is excluded', { excludeOutboundPorts: '3306, 80' }, 'excludeOutboundPorts'],
  ['another port is excluded', { excludeOutboundPorts: '8080' }, undefined],
  ['the port is excluded and included: excluded', { excludeOutboundPorts: '80', includeOutboundPorts: '80' }, 'excludeOutboundPorts'],
  ['the address is excluded', { excludeOutboundIPRanges: '10.96.0.0/12' }, 'excludeOutboundIPRanges'],
  ['another block is excluded', { excludeOutboundIPRanges: '10.112.0.0/12' }, undefined],
  ['the address is excluded, its port included', { excludeOutboundIPRanges: '10.96.0.0/12', includeOutboundPorts: '80' }, undefined],
  ['the interface of the pod is excluded', { excludeInterfaces: 'net1,eth0', includeOutboundPorts: '80' }, 'excludeInterfaces'],
  ['a second interface is excluded', { excludeInterfaces: 'net1' }, undefined],
  ['all are included', { includeOutboundIPRanges: '*' }, undefined],
  ['its block is included', { includeOutboundIPRanges: '10.96.0.0/12' }, undefined],
  ['another block is included', { includeOutboundIPRanges: '10.112.0.0/12' }, 'includeOutboundIPRanges'],
  ['no block is included', { includeOutboundIPRanges: '' }, 'includeOutboundIPRanges'],
  ['no block is included, but every port', { includeOutboundIPRanges: '', includeOutboundPorts: '*' }, undefined],
];

test.each(rows)('%s', (_sentence, said, expected) => {
  const own = Object.fromEntries(Object.entries(said).map(([key, value]) => [`${prefix}${key}`, value]));
  expect(bypassOf(own, '10.96.7.1', 80)).toBe(expected === undefined ? undefined : `${prefix}${expected}`);
});
