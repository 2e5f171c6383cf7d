import { istiodRestarted } from '../../src/builder/edits/control-plane.ts';
import { meshDnsCapture } from '../../src/builder/edits/dns.ts';
import { gatewayAddressPending } from '../../src/builder/edits/east-west.ts';
import { change, type Edit, find, inCluster, put } from '../../src/builder/edits/edit.ts';
import { gatewayReaddressed } from '../../src/builder/edits/exposure.ts';
import { isRecord } from '../../src/builder/edits/json.ts';
import { meshConfigWith } from '../../src/builder/edits/services.ts';
import type { KubeObject } from '../../src/model/kube.ts';
import type { HttpAnswer, OwnAnswer } from '../../src/sandbox/sandbox.ts';
import type { Behaviour } from './served.ts';

const second = 'istiod-second';

/** By fault: how a mesh with it behaves. Faults that are in their objects alone need no word; all that `observed` says of others has to come about here. */
export const behaviours: Readonly<Record<string, Behaviour>> = {
  // What stands at addresses, and at ports of gateways.
  'address-leads-to-istiod-of-another-installation': { mishaps: [{ on: 'istiod', cluster: 'east', does: 'other-name' }] },
  'appliance-ends-tls-before-istiod': {
    mishaps: [
      { on: 'address', cluster: 'east', port: 15012, does: 'terminate' },
      { on: 'address', cluster: 'east', port: 15017, does: 'terminate' },
    ],
  },
  'load-balancer-ends-calls-of-istiod': {
    mishaps: [
      { on: 'address', cluster: 'east', port: 15012, does: 'end' },
      { on: 'address', cluster: 'east', port: 15017, does: 'end' },
    ],
  },
  'load-balancer-ends-tls': { mishaps: [{ on: 'address', cluster: 'west', port: 15443, does: 'terminate' }] },
  'load-balancer-without-targets': { mishaps: [{ on: 'address', cluster: 'west', port: 15443, does: 'refuse' }] },
  'gateway-drained-by-hand': { mishaps: [{ on: 'gateway', cluster: 'west', does: 'wait' }] },
  'gateway-has-no-endpoint-of-a-service': { mishaps: [{ on: 'gateway', cluster: 'west', port: 15443, does: 'end' }] },
  'nodes-of-remote-not-admitted': {
    mishaps: [{ on: 'node', cluster: 'west', to: 'east', does: 'drop' }],
    flags: { probe: 'pod' },
    reconcile: true,
  },
  'nodes-of-peer-not-admitted': {
    mishaps: [{ on: 'node', cluster: 'east', to: 'west', does: 'refuse' }],
    flags: { probe: 'pod' },
    reconcile: true,
  },
  'source-ranges-without-nodes-of-peer': {
    mishaps: [{ on: 'node', cluster: 'east', to: 'west', does: 'drop' }],
    flags: { probe: 'pod' },
    reconcile: true,
  },
  // What proxies hold, and whom they hear.
  'firewall-before-discovery': { mishaps: [{ on: 'proxy', cluster: 'west', does: 'lose' }] },
  'proxies-at-istiod-of-another-primary': { mishaps: [{ on: 'proxy', cluster: 'west', does: 'stray', to: 'east' }] },
  'own-proxies-at-istiod-of-next-primary': { mishaps: [{ on: 'proxy', cluster: 'east', does: 'stray', to: 'west' }] },
  'sidecars-never-heard-of-a-gateway': {
    past: { edits: [gatewayAddressPending({ cluster: 'east' })], mishaps: [{ on: 'proxy', cluster: 'west', does: 'keep' }] },
  },
  'sidecars-kept-the-address-of-before': {
    past: {
      edits: [gatewayReaddressed({ cluster: 'east', address: '203.0.113.253' })],
      mishaps: [{ on: 'proxy', cluster: 'west', does: 'keep' }],
    },
  },
  'workloads-kept-the-authority-of-before': {
    edits: [istiodRestarted({ cluster: 'east' })],
    past: { edits: [], mishaps: [{ on: 'proxy', cluster: 'west', does: 'keep' }] },
  },
  'pods-of-another-trust-domain': { mishaps: [{ on: 'workload', cluster: 'west', trustDomain: 'west.example' }] },
  'name-not-answered': { mishaps: [{ on: 'sidecar-dns', cluster: 'west', does: 'old-table', name: 'abc.shop' }] },
  // What lives in istiods.
  'remote-api-lost-after-it-was-read': {
    mishaps: [{ on: 'api-server', cluster: 'east', to: 'west' }],
    flags: { sample: '1100ms' },
  },
  'peer-api-lost-after-it-was-read': {
    mishaps: [{ on: 'api-server', cluster: 'east', to: 'west' }],
    flags: { sample: '1100ms' },
  },
  'dns-capture-in-a-config-that-is-refused': {
    edits: [misspelled('east')],
    past: { edits: [meshDnsCapture({ cluster: 'east', value: 'false' })] },
  },
  'selectors-in-a-config-that-is-refused': {
    edits: [misspelled('east')],
    past: {
      edits: [meshConfigWith({ cluster: 'east', lines: ['discoverySelectors:', '- matchLabels:', '    istio-discovery: enabled'] })],
    },
  },
  'gateways-that-istiod-does-not-list': {
    istiods: { east: answering('/debug/configz', (items) => items.filter((item) => !isRecord(item) || item['kind'] !== 'Gateway')) },
  },
  'one-replica-lost-a-gateway': {
    edits: [secondReplica('east')],
    istiods: { east: answering('/debug/networkz', withoutGatewaysOf('west'), second) },
  },
  'gateway-lost-after-a-rotation': { istiods: { east: answering('/debug/networkz', withoutGatewaysOf('west')) } },
  'endpoints-lost-in-a-rotation': { istiods: { east: withoutShard('Kubernetes/west') } },
  'gateway-refuses-its-listeners': { istiods: { east: refusing('Didn’t find a registered implementation for type') } },
  'sample-certificates-plugged-in': { mintCertificates: false },
  // What follows from the objects by itself.
  'ca-bundle-of-before-and-a-new-pod-tried': { flags: { probe: 'dry-run' } },
  'secret-of-a-remote-that-is-gone': {},
  'secret-of-a-primary-that-is-gone': {},
};

/** A second replica of istiod beside the first, which is as old. */
function secondReplica(cluster: string): Edit {
  return inCluster(cluster, (objects) => {
    const first = find(objects, isIstiodPod, 'pod of istiod');
    const pod: KubeObject = { ...first, metadata: { ...first.metadata, name: second, uid: `${first.metadata.uid ?? ''}-2` } };
    return [...change(objects, isIstiod, (object) => put(object, ['spec', 'replicas'], 2), 'istiod'), pod];
  });
}

const isIstiodPod = ({ kind, metadata }: KubeObject): boolean => kind === 'Pod' && metadata.labels?.['app'] === 'istiod';
const isIstiod = ({ kind, metadata }: KubeObject): boolean => kind === 'Deployment' && metadata.labels?.['app'] === 'istiod';

/** A word in the mesh config that istiod does not know, for which it leaves the whole. */
function misspelled(cluster: string): Edit {
  return meshConfigWith({ cluster, lines: ['outboundTrafficPolicy:', '  mode: ALLOW-ANY'] });
}

/** An istiod, or the one of a pod, whose list at a path is another than it should be. */
function answering(path: string, how: (items: readonly unknown[]) => readonly unknown[], pod?: string): OwnAnswer {
  return (asked) => {
    if (asked.path !== path || (pod !== undefined && asked.pod !== pod)) return undefined;
    const usual = asked.usual();
    return 'json' in usual && Array.isArray(usual.json) ? { status: usual.status, json: how(usual.json) } : usual;
  };
}

function withoutGatewaysOf(cluster: string): (items: readonly unknown[]) => readonly unknown[] {
  return (items) => items.filter((item) => !isRecord(item) || item['Cluster'] !== cluster);
}

/** istiods hold nothing of one registry. */
function withoutShard(key: string): OwnAnswer {
  const dropped = (value: unknown): unknown =>
    isRecord(value)
      ? Object.fromEntries(Object.entries(value).flatMap(([name, item]) => (name === key ? [] : [[name, dropped(item)]])))
      : value;
  return ({ path, usual }) => {
    if (path !== '/debug/endpointShardz' && path !== '/debug/endpointz') return undefined;
    const answer = usual();
    return 'json' in answer ? { ...answer, json: dropped(answer.json) } : answer;
  };
}

/** Gateways refuse the listeners that they are sent: istiod counts it, and says of each what it said last. */
function refusing(error: string): OwnAnswer {
  const listeners = 'type.googleapis.com/envoy.config.listener.v3.Listener';
  return ({ path, usual }): HttpAnswer | undefined => {
    const answer = usual();
    if (path === '/metrics' && 'text' in answer)
      return { ...answer, text: `${answer.text}# TYPE pilot_total_xds_rejects counter\npilot_total_xds_rejects{type="lds"} 3\n` };
    if (path !== '/debug/syncz' || !('json' in answer) || !Array.isArray(answer.json)) return undefined;
    const json = answer.json.map((proxy: unknown): unknown =>
      isRecord(proxy) && proxy['proxy_type'] === 'router' && isRecord(proxy['resources'])
        ? {
            ...proxy,
            resources: { ...proxy['resources'], [listeners]: { ...resourceOf(proxy['resources'][listeners]), lastError: error } },
          }
        : proxy,
    );
    return { ...answer, json };
  };
}

function resourceOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}
