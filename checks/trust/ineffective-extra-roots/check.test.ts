import {
  agingCertificates,
  certificates,
  checkTester,
  mesh,
  type MeshBuilder,
  proxyMetadataSet,
  trustsRoot,
  withIstiodEnv,
} from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const { firstRoot, secondRoot } = certificates;
const strangers = mesh().multiPrimary(east, west, { authorities: { west: certificates.secondCa } });
const federated = strangers.edit(trustsRoot({ cluster: east, root: secondRoot })).edit(trustsRoot({ cluster: west, root: firstRoot }));
const flags = (built: MeshBuilder, cluster: string): MeshBuilder => built.edit(withIstiodEnv(cluster, { ISTIO_MULTIROOT_MESH: 'true' }));
const agents = (built: MeshBuilder, cluster: string): MeshBuilder =>
  built.edit(proxyMetadataSet({ cluster, name: 'PROXY_CONFIG_XDS_AGENT', value: 'true' }));
const whole = (built: MeshBuilder): MeshBuilder => [east, west].reduce((so, cluster) => agents(flags(so, cluster), cluster), built);

checkTester(check, {
  healthy: {
    'two primaries of one root': mesh().multiPrimary(east, west),
    'two that trust each other, all of it set up': whole(federated),
    'two that have nothing to do with each other': strangers,
    'only one trusts the other, which is another fault': strangers.edit(trustsRoot({ cluster: east, root: secondRoot })),
    'one root in common, and a further one that nobody signs with': mesh()
      .multiPrimary(east, west)
      .edit(trustsRoot({ cluster: east, root: agingCertificates.thirdRoot })),
    'a primary and its remote': mesh().primaryRemote(east, west),
    'certificates come from elsewhere': federated
      .edit(withIstiodEnv(west, { ENABLE_CA_SERVER: 'false' }))
      .edit(withIstiodEnv(east, { ENABLE_CA_SERVER: 'false' })),
    'an ambient mesh': mesh().ambient(east, west),
  },
  broken: {
    'nothing else was set up': {
      mesh: federated,
      findings: [east, west].map((cluster) => `ineffective-extra-roots/istiod @ ${cluster}:Deployment/istio-system/istiod (error certain)`),
    },
    'istiod of one primary runs without the flag': {
      mesh: flags(agents(agents(federated, east), west), east),
      findings: ['ineffective-extra-roots/istiod @ west:Deployment/istio-system/istiod (error certain)'],
    },
    'proxies of one primary do not ask': {
      mesh: agents(flags(flags(federated, east), west), east),
      findings: ['ineffective-extra-roots/proxies @ west:ConfigMap/istio-system/istio (error likely)'],
    },
  },
});
