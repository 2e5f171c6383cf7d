import { clusterId } from '../../../src/model/ids.ts';
import type { EffectiveMesh } from '../../../src/model/observations.ts';
import { type ObservedEdit, replicaBeside, replicas, sampled, states } from '../../../src/testkit/observed-edits.ts';
import type { Fault } from '../fault.ts';
import { seen } from './measured-edits.ts';

/** Failed watches of one cluster, counted between two readings. */
const watchesFail = (id: string, value: number): ObservedEdit =>
  sampled('east', [{ name: 'controller_sync_errors_total', labels: { cluster: id }, value }]);

const worksWith = (settings: Partial<EffectiveMesh>): ObservedEdit =>
  states('east', (state) => ({ ...state, mesh: 'failed' in state.mesh ? state.mesh : { answer: { ...state.mesh.answer, ...settings } } }));

const without = (kind: string): ObservedEdit =>
  states('east', (state) => ({
    ...state,
    ...(state.config === undefined || 'failed' in state.config
      ? {}
      : { config: { answer: state.config.answer.filter((key) => !key.startsWith(`${kind}/`)) } }),
  }));

const refuses = (proxy: string, types: readonly string[], error: string): ObservedEdit =>
  states('east', (state) => ({ ...state, rejections: { answer: [{ proxy, cluster: clusterId('west'), types, error }] } }));

/** Faults that only istiods tell of, by what they hold and count. */
export const faults: readonly Fault[] = [
  {
    id: 'remote-api-lost-after-it-was-read',
    mode: 'PERF-05',
    says: 'The way from istiod to the API server of a remote broke an hour after it had been read, and istiod still says synced.',
    meshes: ['primary-remote', 'two remotes'],
    edits: [],
    observed: seen([], watchesFail('west', 34)),
  },
  {
    id: 'peer-api-lost-after-it-was-read',
    mode: 'PERF-05',
    says: 'A firewall rule cut one primary off the API server of the other long after it had been read.',
    meshes: ['two primaries', 'three primaries'],
    edits: [],
    observed: seen([], watchesFail('west', 21)),
  },
  {
    id: 'dns-capture-in-a-config-that-is-refused',
    mode: 'DNS-02',
    says: 'DNS capture was changed in a mesh config that istiod refuses, since another line of it is misspelled.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [],
    observed: seen([], worksWith({ dnsCapture: 'false' })),
  },
  {
    id: 'selectors-in-a-config-that-is-refused',
    mode: 'DNS-10',
    says: 'Discovery selectors were taken out of a mesh config that istiod refuses, and it goes on leaving out a namespace.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [],
    observed: seen([], worksWith({ discoverySelectors: ['istio-discovery=enabled'] })),
  },
  {
    id: 'gateways-that-istiod-does-not-list',
    mode: 'POL-04',
    says: 'The watch of Gateways failed when istiod started, and it works without any of them.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [],
    observed: seen([], without('Gateway')),
  },
  {
    id: 'gateway-refuses-its-listeners',
    mode: 'EW-18',
    says: 'An EnvoyFilter of another release makes the gateway refuse every change of its listeners.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [],
    observed: seen([], refuses('istio-eastwestgateway-7d9.istio-system', ['Listener'], 'Didn’t find a registered implementation for type')),
  },
  {
    id: 'one-replica-lost-a-gateway',
    mode: 'EW-18',
    says: 'One of two replicas of istiod lost the gateway of a cluster.',
    meshes: ['two primaries'],
    edits: [],
    observed: seen([], twoReplicas(), lostGateway()),
  },
];

/** A second replica of istiod, which says the same. */
function twoReplicas(): ObservedEdit {
  return replicaBeside('east', 'istiod-second');
}

function lostGateway(): ObservedEdit {
  return replicas(
    'east',
    (replica) =>
      'failed' in replica.gateways
        ? replica
        : { ...replica, gateways: { answer: replica.gateways.answer.filter(({ cluster }) => cluster !== 'west') } },
    (index) => index === 1,
  );
}
