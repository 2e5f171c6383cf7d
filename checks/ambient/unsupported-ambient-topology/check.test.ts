import { ambientOnOneNetwork, checkTester, inOrder, mesh, withIstiodEnv, ztunnelAdded } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { networks: 2 }).namespace('shop', { injected: true }).service('abc.shop');
const on = withIstiodEnv('east', { PILOT_ENABLE_AMBIENT: 'true', AMBIENT_ENABLE_MULTI_NETWORK: 'true' });
const inside = withIstiodEnv('east', { PILOT_ENABLE_AMBIENT: 'true' });
const ztunnel = (cluster: string, network: string) => ztunnelAdded({ cluster, network });
const flat = ambientOnOneNetwork({ clusters: { east: 'network1', west: 'network2' }, network: 'network1' });
const at = '@ east:Deployment/istio-system/istiod';

checkTester(check, {
  healthy: {
    'two primaries on two networks': mesh().ambient('east', 'west'),
    'a remote with sidecars': remote,
    'ambient in the primary only': remote.edit(inOrder(inside, ztunnel('east', 'network1'))),
    'ambient inside each of two clusters on one network': mesh()
      .ambient('east', 'west')
      .edit(
        inOrder(
          flat,
          withIstiodEnv('east', { AMBIENT_ENABLE_MULTI_NETWORK: undefined }),
          withIstiodEnv('west', { AMBIENT_ENABLE_MULTI_NETWORK: undefined }),
        ),
      ),
  },
  broken: {
    'ztunnel in a remote': {
      mesh: remote.edit(inOrder(on, ztunnel('east', 'network1'), ztunnel('west', 'network2'))),
      findings: ['unsupported-ambient-topology/remote @ west:Cluster/west (warning likely)'],
    },
    'ztunnel in a remote, each on its own': {
      mesh: remote.edit(inOrder(inside, ztunnel('west', 'network2'))),
      findings: ['unsupported-ambient-topology/remote @ west:Cluster/west (warning possible)'],
    },
    'two primaries on one network': {
      mesh: mesh().ambient('east', 'west').edit(flat),
      findings: [`unsupported-ambient-topology/oneNetwork ${at} (warning possible)`],
    },
  },
});
