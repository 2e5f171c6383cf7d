import { checkTester, type Edit, injectionPath, mesh, remoteReinstalledAs, secretRekeyed, secretUnnamed } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const ofWest = { cluster: east, of: west };
const remote = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true });
const peers = mesh().multiPrimary(east, west);
const outside = mesh().externalControlPlane('outside', west, { remotes: ['north'] });

/** The secret for north was made with the context of west. */
const copied: Edit = (objects) => {
  const own = objects.get(east) ?? [];
  const source = own.find(({ metadata }) => metadata.name === 'istio-remote-secret-west');
  const kubeconfig = (source?.['data'] as Readonly<Record<string, string>> | undefined)?.['west'];
  return new Map(objects).set(
    east,
    own.map((object) => (object.metadata.name === 'istio-remote-secret-north' ? { ...object, data: { north: kubeconfig } } : object)),
  );
};

/** The secret for west was made with the context of the cluster that it was applied to: it holds what west has for east. */
const ofItself: Edit = (objects) => {
  const held = objects.get(west)?.find(({ metadata }) => metadata.name === 'istio-remote-secret-east');
  const kubeconfig = (held?.['data'] as Readonly<Record<string, string>> | undefined)?.['east'];
  return new Map(objects).set(
    east,
    (objects.get(east) ?? []).map((object) =>
      object.metadata.name === 'istio-remote-secret-west' ? { ...object, data: { west: kubeconfig } } : object,
    ),
  );
};

checkTester(check, {
  healthy: {
    'a remote': remote,
    'IDs that are no names of the user': mesh().primaryRemote(east, west, { clusterIds: { east: 'c-1', west: 'c-2' } }),
    'two primaries': peers,
    'an external istiod, which calls its config cluster config as well': outside,
    'an upgrade in flight': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'the injection path names the primary, which is another fault': remote.edit(
      injectionPath({ cluster: west, primary: east, path: { cluster: east, network: 'network2' }, since: 'edited' }),
    ),
    'the injection path is new and proxies still go by the key, which is another fault': remote.edit(
      injectionPath({ cluster: west, primary: east, path: { cluster: 'west-2', network: 'network2' }, since: 'edited' }),
    ),
  },
  broken: {
    'a remote that another is mistaken for': {
      mesh: mesh().primaryRemote(east, [west, 'north']).edit(copied),
      findings: ['mismatched-secret-key/opensAnother @ east:Secret/istio-system/istio-remote-secret-north (error certain)'],
    },
    'a cluster that is taken for its peer': {
      mesh: peers.edit(ofItself),
      findings: ['mismatched-secret-key/opensAnother @ east:Secret/istio-system/istio-remote-secret-west (error certain)'],
    },
    'a remote under another name': {
      mesh: remote.edit(secretRekeyed({ ...ofWest, key: 'prod-west' })),
      findings: ['mismatched-secret-key/ofRemote @ east:Secret/istio-system/istio-remote-secret-prod-west (error certain)'],
    },
    'a remote under its UID, because the secret was made without a name': {
      mesh: remote.edit(secretUnnamed(ofWest)),
      findings: [
        'mismatched-secret-key/ofRemote @ east:Secret/istio-system/istio-remote-secret-c24c3540-c98a-4abe-8957-4b7705d435e3 (error certain)',
      ],
    },
    'a remote that was installed again under another ID': {
      mesh: remote.edit(remoteReinstalledAs({ cluster: west, id: 'prod-west' })),
      findings: ['mismatched-secret-key/ofRemote @ east:Secret/istio-system/istio-remote-secret-west (error certain)'],
    },
    'a further remote of an external istiod': {
      mesh: outside.edit(secretRekeyed({ cluster: 'outside', of: 'north', key: 'prod-north' })),
      findings: ['mismatched-secret-key/ofRemote @ outside:Secret/external-istiod/istio-remote-secret-prod-north (error certain)'],
    },
    'a peer: its proxies connect to their own istiod and traffic flows': {
      mesh: peers.edit(secretRekeyed({ ...ofWest, key: 'prod-west' })),
      findings: ['mismatched-secret-key/ofPeer @ east:Secret/istio-system/istio-remote-secret-prod-west (info certain)'],
    },
  },
});
