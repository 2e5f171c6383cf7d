import { describe, expect, test } from 'vitest';
import { clusterName } from '../model/ids.ts';
import { installAmbientGateway, installGateway, remedy } from './remedy.ts';

describe('installGateway', () => {
  const west = clusterName('west');

  test('gives the script the revision that serves the cluster: its pods are not injected otherwise', () => {
    expect(installGateway(west, 'network2', ['1-31-0']).command).toEqual([
      'samples/multicluster/gen-eastwest-gateway.sh --network network2 --revision 1-31-0 > eastwest-gateway.yaml && istioctl install --context west -y -f eastwest-gateway.yaml',
    ]);
  });

  test('makes room for it first', () => {
    const [first, second, ...more] = installGateway(west, 'network2', ['default'], '', ['make room']).command;
    expect([first, more]).toEqual(['make room', []]);
    expect(second).toContain('--network network2');
  });

  test('names no revision where the default one serves it, or nobody can tell which', () => {
    const plain =
      'samples/multicluster/gen-eastwest-gateway.sh --network network2 > eastwest-gateway.yaml && istioctl install --context west -y -f eastwest-gateway.yaml';
    expect(installGateway(west, 'network2', ['default']).command).toEqual([plain]);
    expect(installGateway(west, 'network2', ['default']).note).not.toContain('--revision');
    expect(installGateway(west, 'network2', []).command).toEqual([plain]);
    expect(installGateway(west, 'network2', ['1-30-0', '1-31-0']).note).toContain('add --revision');
  });
});

describe('a Gateway of Kubernetes', () => {
  const west = clusterName('west');

  test('is not taken for one of Istio', () => {
    const ref = { cluster: west, kind: 'Gateway', namespace: 'istio-system', name: 'istio-eastwestgateway' };
    expect(remedy.labelKubeGateway(ref, { 'topology.istio.io/network': 'network2' }).command).toEqual([
      'kubectl --context west -n istio-system label gateways.gateway.networking.k8s.io istio-eastwestgateway topology.istio.io/network=network2 --overwrite',
    ]);
  });

  test('is what the sample gives an ambient mesh, and istioctl has nothing to install', () => {
    expect(installAmbientGateway(west, 'network2').command).toEqual([
      'samples/multicluster/gen-eastwest-gateway.sh --network network2 --ambient | kubectl --context west apply -f -',
    ]);
  });
});

describe('the note behind a command', () => {
  const west = clusterName('west');
  const ref = { cluster: west, kind: 'Service', namespace: 'shop', name: 'abc' };

  test.each([
    ['changes the cluster', remedy.label(ref, { a: 'b' })],
    ['changes the cluster; in the values, too', remedy.patch(ref, {}, { note: 'in the values, too' })],
    ['changes the cluster and may restart pods', remedy.delete(ref, { disruptive: true })],
    ['changes the cluster; restarts istiod', remedy.command(west, ['x'], { note: 'restarts istiod', disruptive: true })],
    ['changes the cluster and may restart pods; with its values', remedy.installer(west, ['istioctl install'], 'with its values')],
    ['changes the cluster; restarts pods', remedy.restart(ref)],
  ])('%s', (note, given) => expect(given.note).toBe(note));
});
