import {
  checkTester,
  discoverySelectors,
  mesh,
  type MeshBuilder,
  meshConfigWith,
  remoteSecretDeleted,
  selectorRemoved,
} from 'meshdoctor/testkit';
import check from './check.ts';

const options = { services: [{ name: 'db', namespace: 'shop' }] };
const remote = mesh().primaryRemote('east', 'west').namespace('shop', { injected: true }).workload('client.shop');
const peers = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).workload('client.shop');
const db = { port: 5432, portName: 'tcp', headless: true };
const eastOnly = (built: MeshBuilder): MeshBuilder => built.service('db.shop', { ...db, in: ['east'] });
const kept = ['serviceSettings:', '- settings:', '    clusterLocal: true', '  hosts:', '  - "*.shop.svc.cluster.local"'];

checkTester(check, {
  healthy: {
    'pods on both networks': { mesh: peers.service('db.shop', db), options },
    'pods in one cluster, and nobody asked': eastOnly(remote),
    'with an address': { mesh: remote.service('db.shop', { in: ['east'] }), options },
    'on one network': {
      mesh: eastOnly(mesh().multiPrimary('east', 'west', { networks: 1 }).namespace('shop', { injected: true }).workload('client.shop')),
      options,
    },
    'kept to its cluster': { mesh: eastOnly(remote).edit(meshConfigWith({ cluster: 'east', lines: kept })), options },
    'istiod of the callers does not read it': { mesh: eastOnly(peers).edit(remoteSecretDeleted({ cluster: 'west', of: 'east' })), options },
    'nobody could call it': { mesh: eastOnly(mesh().primaryRemote('east', 'west').namespace('shop', { injected: true })), options },
    'istiod does not look into that namespace': {
      mesh: eastOnly(remote).edit(discoverySelectors({ cluster: 'east', labels: { 'kubernetes.io/metadata.name': 'istio-system' } })),
      options,
    },
  },
  broken: {
    'asked for, in the primary only': {
      mesh: eastOnly(remote),
      options,
      findings: ['unreachable-headless-service/asked @ east:Service/shop/db (error likely)'],
    },
    'asked for, in the remote only': {
      mesh: remote.service('db.shop', { ...db, in: ['west'] }),
      options,
      findings: ['unreachable-headless-service/asked @ west:Service/shop/db (error likely)'],
    },
    'a copy that selects nothing': {
      mesh: remote.service('db.shop', db).edit(selectorRemoved({ cluster: 'west', service: 'db.shop' })),
      findings: ['unreachable-headless-service/stub @ west:Service/shop/db (warning likely)'],
    },
    'a copy whose pods are scaled to zero': {
      mesh: peers.service('db.shop', { ...db, in: ['east'] }).service('db.shop', { ...db, in: ['west'], withoutWorkload: true }),
      findings: ['unreachable-headless-service/stub @ west:Service/shop/db (warning possible)'],
    },
  },
});
