import { describe, expect, test } from 'vitest';
import {
  discoveryService,
  gatewayHost,
  hostMatches,
  hostOfAddress,
  hostsOverlap,
  istiodDnsNames,
  istiodServiceName,
  parseSni,
  resolveHost,
  revisionOfIstiodService,
  serviceOfFqdn,
  sniOf,
} from './hosts.ts';

describe('hosts', () => {
  test.each([
    ['*', 'foo.com', true],
    ['*.local', 'abc.sample.svc.cluster.local', true],
    ['*.foo.com', 'foo.com', false],
    ['foo.com', 'foo.com', true],
    ['foo.com', 'bar.com', false],
    ['*.svc.mesh.internal', 'abc.sample.svc.cluster.local', false],
  ])('%s covers %s: %s', (pattern, host, expected) => expect(hostMatches(pattern, host)).toBe(expected));

  test('patterns overlap in either direction', () => {
    expect(hostsOverlap('*.com', '*.foo.com')).toBe(true);
    expect(hostsOverlap('bar.com', '*.com')).toBe(true);
    expect(hostsOverlap('*.org', '*.com')).toBe(false);
  });

  test('a Gateway host may name a namespace', () => {
    expect(gatewayHost('./*.local')).toEqual({ namespace: '.', host: '*.local' });
    expect(gatewayHost('*')).toEqual({ namespace: '*', host: '*' });
  });

  test('a name without a dot is a Service of the route own namespace', () => {
    expect(resolveHost('istiod', 'istio-system')).toBe('istiod.istio-system.svc.cluster.local');
    expect(resolveHost('istiod.istio-system', 'other')).toBe('istiod.istio-system');
    expect(serviceOfFqdn('abc.sample.svc.cluster.local')).toEqual({ namespace: 'sample', name: 'abc' });
    expect(serviceOfFqdn('abc.sample.svc.mesh', 'mesh')).toEqual({ namespace: 'sample', name: 'abc' });
    expect(serviceOfFqdn('pod-0.abc.sample.svc.cluster.local')).toBeUndefined();
    expect(serviceOfFqdn('example.com')).toBeUndefined();
  });

  test('SNI names are read as they are written', () => {
    const sni = sniOf({ port: 5000, host: 'abc.sample.svc.cluster.local' });
    expect(sni).toBe('outbound_.5000_._.abc.sample.svc.cluster.local');
    expect(parseSni(sni)).toEqual({ port: 5000, host: 'abc.sample.svc.cluster.local' });
    expect(parseSni(sniOf({ port: 80, host: 'a.b', subset: 'v1' }))).toEqual({ port: 80, host: 'a.b', subset: 'v1' });
    expect(parseSni('istiod.istio-system.svc')).toBeUndefined();
  });

  test('names of istiod', () => {
    expect(istiodServiceName('default')).toBe('istiod');
    expect(istiodServiceName('1-31-0')).toBe('istiod-1-31-0');
    expect(revisionOfIstiodService('istiod')).toBe('default');
    expect(revisionOfIstiodService('istiod-1-31-0')).toBe('1-31-0');
    expect(revisionOfIstiodService('istiod-revision-tag-default')).toBeUndefined();
    expect(istiodDnsNames({ revision: '1-31-0', namespace: 'istio-system', customHosts: 'b.example.com, a.example.com' })).toEqual([
      'a.example.com',
      'b.example.com',
      'istio-pilot.istio-system.svc',
      'istiod-1-31-0.istio-system.svc',
      'istiod-remote.istio-system.svc',
      'istiod.istio-system.svc',
    ]);
  });

  test('a discovery address names a Service only inside a cluster', () => {
    expect(discoveryService('istiod-1-31-0.istio-system.svc:15012')).toEqual({
      name: 'istiod-1-31-0',
      namespace: 'istio-system',
      port: 15012,
    });
    expect(discoveryService('istiod.istio-system.svc.cluster.local')).toEqual({ name: 'istiod', namespace: 'istio-system' });
    expect(discoveryService('istiod.mesh.example.com:15012')).toBeUndefined();
    expect(discoveryService(undefined)).toBeUndefined();
    expect(hostOfAddress('[2001:db8::1]:15012')).toBe('2001:db8::1');
    expect(hostOfAddress('2001:db8::1')).toBe('2001:db8::1');
    expect(hostOfAddress('a.b:15012')).toBe('a.b');
  });
});
