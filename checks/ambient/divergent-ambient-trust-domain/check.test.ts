import { checkTester, inTrustDomain, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const ambient = (release: string, trustDomain?: string) =>
  mesh()
    .ambient('east', 'west', { release, ...(trustDomain === undefined ? {} : { trustDomain }) })
    .namespace('shop', { injected: true })
    .service('abc.shop');
const at = (cluster: string) => `@ ${cluster}:ConfigMap/istio-system/istio`;
const both = (key: string) => ['east', 'west'].map((cluster) => `divergent-ambient-trust-domain/${key} ${at(cluster)} (error likely)`);

checkTester(check, {
  healthy: {
    'the usual one': ambient('1.31.0'),
    'one of their own, in a release that knows it': ambient('1.28.6', 'mesh.example'),
    'the usual one in an old release': ambient('1.27.1'),
    'sidecars with aliases': mesh()
      .multiPrimary('east', 'west', { networks: 2 })
      .edit(inTrustDomain({ cluster: 'west', trustDomain: 'west.example', aliases: ['cluster.local'] })),
  },
  broken: {
    'another in one cluster, and aliases': {
      mesh: ambient('1.31.0').edit(inTrustDomain({ cluster: 'west', trustDomain: 'west.example', aliases: ['cluster.local'] })),
      findings: both('differing'),
    },
    'another in one cluster': {
      mesh: ambient('1.28.6').edit(inTrustDomain({ cluster: 'east', trustDomain: 'east.example' })),
      findings: both('differing'),
    },
    'one of their own, in a release that expects the usual one': { mesh: ambient('1.28.0', 'mesh.example'), findings: both('custom') },
  },
});
