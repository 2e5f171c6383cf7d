import { describe, expect, test } from 'vitest';
import { clusterName } from '../model/ids.ts';
import { installGateway } from './remedy.ts';

describe('installGateway', () => {
  const west = clusterName('west');

  test('gives the script the revision that serves the cluster: its pods are not injected otherwise', () => {
    expect(installGateway(west, 'network2', ['1-31-0']).command).toEqual([
      'samples/multicluster/gen-eastwest-gateway.sh --network network2 --revision 1-31-0 | istioctl install --context west -y -f -',
    ]);
  });

  test('names no revision where the default one serves it, or nobody can tell which', () => {
    const plain = 'samples/multicluster/gen-eastwest-gateway.sh --network network2 | istioctl install --context west -y -f -';
    expect(installGateway(west, 'network2', ['default']).command).toEqual([plain]);
    expect(installGateway(west, 'network2', ['default']).note).not.toContain('--revision');
    expect(installGateway(west, 'network2', []).command).toEqual([plain]);
    expect(installGateway(west, 'network2', ['1-30-0', '1-31-0']).note).toContain('add --revision');
  });
});
