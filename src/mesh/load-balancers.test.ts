import { describe, expect, test } from 'vitest';
import { service as serviceFact } from '../../test/support/mesh-facts.ts';
import type { Service } from '../model/facts.ts';
import { admits, sourceRanges } from './load-balancers.ts';

const prefix = 'service.beta.kubernetes.io';
const service = (parts: Partial<Pick<Service, 'type' | 'annotations' | 'loadBalancerSourceRanges'>>): Service =>
  serviceFact('istio-system', 'istio-eastwestgateway', { type: 'LoadBalancer', ...parts });

describe('who is admitted', () => {
  test('is everybody where nothing says otherwise', () => {
    expect(sourceRanges(service({}))).toBeUndefined();
    expect(sourceRanges(service({ loadBalancerSourceRanges: ['10.0.0.0/8', '0.0.0.0/0'] }))).toBeUndefined();
    expect(sourceRanges(service({ loadBalancerSourceRanges: ['::/0'] }))).toBeUndefined();
  });

  test('is nobody’s business but a load balancer’s', () => {
    expect(sourceRanges(service({ type: 'NodePort', loadBalancerSourceRanges: ['10.0.0.0/8'] }))).toBeUndefined();
  });

  test('is said by the field before the annotation of the same meaning', () => {
    const annotations = { [`${prefix}/load-balancer-source-ranges`]: '192.0.2.0/24' };
    expect(sourceRanges(service({ annotations, loadBalancerSourceRanges: ['10.0.0.0/8'] }))?.ranges).toEqual(['10.0.0.0/8']);
    expect(sourceRanges(service({ annotations }))).toMatchObject({
      ranges: ['192.0.2.0/24'],
      field: `.metadata.annotations["${prefix}/load-balancer-source-ranges"]`,
    });
  });

  test('is added to by providers', () => {
    const annotations = { [`${prefix}/azure-allowed-ip-ranges`]: '192.0.2.0/24, 198.51.100.1/32' };
    expect(sourceRanges(service({ annotations, loadBalancerSourceRanges: ['10.0.0.0/8'] }))?.ranges).toEqual([
      '10.0.0.0/8',
      '192.0.2.0/24',
      '198.51.100.1/32',
    ]);
    const rules = { [`${prefix}/do-loadbalancer-allow-rules`]: 'cidr:192.0.2.0/24,ip:198.51.100.1' };
    expect(sourceRanges(service({ annotations: rules }))?.ranges).toEqual(['192.0.2.0/24', '198.51.100.1']);
  });

  test('is not known where a group or tag admits somebody', () => {
    for (const key of ['aws-load-balancer-security-groups', 'aws-load-balancer-security-group-prefix-lists', 'azure-allowed-service-tags'])
      expect(
        sourceRanges(service({ annotations: { [`${prefix}/${key}`]: 'one' }, loadBalancerSourceRanges: ['10.0.0.0/8'] })),
      ).toBeUndefined();
  });

  test('is an address or a range', () => {
    expect(admits({ ranges: ['10.0.0.0/8'] }, '10.1.2.3')).toBe(true);
    expect(admits({ ranges: ['198.51.100.1'] }, '198.51.100.1')).toBe(true);
    expect(admits({ ranges: ['10.0.0.0/8', '198.51.100.1'] }, '198.51.100.2')).toBe(false);
  });
});
