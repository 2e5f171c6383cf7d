import { describe, expect, test } from 'vitest';
import { ipFamily, isInCidr } from './addresses.ts';

describe('addresses', () => {
  test.each([
    ['10.0.0.1', 4],
    ['::1', 6],
    ['2001:db8::5', 6],
    ['::ffff:10.0.0.1', 4],
    ['1:2:3:4:5:6:7:8', 6],
    ['1:2:3:4:5:6:7', undefined],
    ['10.0.0.256', undefined],
    ['10.0.0', undefined],
    ['010.0.0.1', undefined],
    ['lb.example.com', undefined],
    ['a::b::c', undefined],
    ['', undefined],
  ])('%s is of family %s', (address, family) => expect(ipFamily(address)).toBe(family));

  test.each([
    ['10.1.2.3', '10.1.0.0/16', true],
    ['10.2.2.3', '10.1.0.0/16', false],
    ['10.1.2.3', '10.1.2.0/23', true],
    ['10.1.4.3', '10.1.2.0/23', false],
    ['10.1.2.3', '0.0.0.0/0', true],
    ['2001:db8::1', '2001:db8::/32', true],
    ['2001:db9::1', '2001:db8::/32', false],
    ['10.1.2.3', '2001:db8::/32', false],
    ['10.1.2.3', '10.1.2.3', false],
    ['10.1.2.3', '10.1.2.3/33', false],
  ])('%s in %s: %s', (address, cidr, expected) => expect(isInCidr(address, cidr)).toBe(expected));
});
