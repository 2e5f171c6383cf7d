import { describe, expect, test } from 'vitest';
import { dnsPod, planInput } from '../../test/support/probe-mesh.ts';
import { mesh } from '../builder/mesh.ts';
import { clusterName } from '../model/ids.ts';
import type { PlanInput } from './plan.ts';
import { type NameQuestion, planNames } from './plan-names.ts';

const west = clusterName('west');
const shop = mesh()
  .primaryRemote('east', 'west', { networks: 2 })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['east'] })
  .workload('caller.shop', { in: ['west'] });
const withDns = shop.break((m) => m.cluster('west').add(dnsPod('coredns-c')).add(dnsPod('coredns-b')).add(dnsPod('coredns-a', false)));

function questionsIn(input: PlanInput): readonly NameQuestion[] {
  const plan = planNames(west, input);
  return 'targets' in plan ? plan.targets : [];
}

const inShort = ({ via, pod, port, asked, types }: NameQuestion) =>
  `${via} ${pod.name.replace(/-[0-9a-f]+-[0-9a-z]+$/, '')}:${port} ${asked} ${types.join('+')}`;

describe('planNames', () => {
  test('a sidecar is asked for the short name and the FQDN, the first ready DNS pod for the FQDN; both for what every cluster has', () => {
    expect(questionsIn(planInput(withDns)).map(inShort)).toEqual([
      'sidecar caller:15053 kubernetes.default.svc.cluster.local A',
      'cluster coredns-b:53 kubernetes.default.svc.cluster.local A',
      'sidecar caller:15053 abc.shop A',
      'sidecar caller:15053 abc.shop.svc.cluster.local A',
      'cluster coredns-b:53 abc.shop.svc.cluster.local A',
    ]);
  });

  test('the sidecar is the first by namespace and name that is ready and captures DNS', () => {
    const built = shop
      .namespace('aaa', { injected: true })
      .workload('deaf.aaa', { in: ['west'], dnsCapture: false })
      .workload('asked.aaa', { in: ['west'] });
    expect(questionsIn(planInput(built))[0]?.pod).toMatchObject({ namespace: 'aaa', name: expect.stringMatching(/^asked-/) as string });
    const notReady = built.edit(
      (objects) =>
        new Map(
          [...objects].map(([cluster, own]) => [
            cluster,
            own.map((object) =>
              object.kind === 'Pod' && object.metadata.namespace === 'aaa'
                ? { ...object, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] } }
                : object,
            ),
          ]),
        ),
    );
    expect(questionsIn(planInput(notReady))[0]?.pod).toMatchObject({ namespace: 'shop' });
  });

  test('where no sidecar captures DNS only the cluster is asked', () => {
    const deaf = mesh()
      .primaryRemote('east', 'west', { networks: 2, dnsCapture: false })
      .namespace('shop', { injected: true })
      .service('abc.shop', { in: ['east'] })
      .workload('caller.shop', { in: ['west'] });
    expect(planNames(west, planInput(deaf))).toEqual({ status: 'not-asked', because: 'nothing to probe' });
    expect(questionsIn(planInput(deaf.break((m) => m.cluster('west').add(dnsPod('coredns-a'))))).map(inShort)).toEqual([
      'cluster coredns-a:53 kubernetes.default.svc.cluster.local A',
      'cluster coredns-a:53 abc.shop.svc.cluster.local A',
    ]);
  });

  test("OpenShift's DNS pods listen elsewhere", () => {
    const pod = dnsPod('dns-default-x', true, { 'dns.operator.openshift.io/daemonset-dns': 'default' });
    const built = shop.break((m) => m.cluster('west').add({ ...pod, metadata: { ...pod.metadata, namespace: 'openshift-dns' } }));
    expect(questionsIn(planInput(built)).map(inShort)).toContain('cluster dns-default-x:5353 abc.shop.svc.cluster.local A');
  });

  test('types follow the families of the Services of the cluster', () => {
    const withServiceIps = (change: (spec: Readonly<Record<string, unknown>>) => object) =>
      withDns.edit(
        (objects) =>
          new Map(
            [...objects].map(([cluster, own]) => [
              cluster,
              own.map((object) =>
                object.kind === 'Service' ? { ...object, spec: change(object['spec'] as Record<string, unknown>) } : object,
              ),
            ]),
          ),
      );
    const types = (built: typeof shop) => new Set(questionsIn(planInput(built)).map((question) => question.types.join('+')));
    expect(types(withServiceIps((spec) => ({ ...spec, clusterIP: 'fd00::1', clusterIPs: ['fd00::1'] })))).toEqual(new Set(['AAAA']));
    expect(types(withServiceIps((spec) => ({ ...spec, clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9', 'fd00::1'] })))).toEqual(
      new Set(['A+AAAA']),
    );
  });

  test('a named service is asked for whether any cluster has it or not', () => {
    const asked = questionsIn(planInput(shop, [{ namespace: 'shop', name: 'nobody' }])).map(({ asked }) => asked);
    expect(asked).toEqual(['kubernetes.default.svc.cluster.local', 'nobody.shop', 'nobody.shop.svc.cluster.local']);
  });

  test('pods that could not be read are no reason to say there is nothing', () => {
    const refused = { status: 'forbidden', verb: 'list', resource: 'pods' } as const;
    const input = planInput(withDns, [], (cluster, facts) => (cluster === west ? { ...facts, pods: refused } : facts));
    expect(planNames(west, input)).toEqual(refused);
  });
});
