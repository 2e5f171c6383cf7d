import { checkTester, inOrder, mesh, withIstiodEnv } from 'meshdoctor/testkit';
import check from './check.ts';

const ambient = mesh().ambient('east', 'west').namespace('shop', { injected: true }).service('abc.shop');
const off = { AMBIENT_ENABLE_MULTI_NETWORK: undefined };
const at = (cluster: string) => `@ ${cluster}:Deployment/istio-system/istiod`;

checkTester(check, {
  healthy: {
    'both are set': ambient,
    'sidecars only': mesh().multiPrimary('east', 'west', { networks: 2 }),
    'ambient that stays in each cluster, beside sidecars that do not': mesh()
      .multiPrimary('east', 'west', { networks: 2 })
      .edit(inOrder(withIstiodEnv('east', { PILOT_ENABLE_AMBIENT: 'true' }), withIstiodEnv('west', { PILOT_ENABLE_AMBIENT: 'true' }))),
    'a cluster of sidecars beside one that is set for ambient': mesh()
      .multiPrimary('east', 'west', { networks: 2 })
      .edit(withIstiodEnv('east', { PILOT_ENABLE_AMBIENT: 'true', AMBIENT_ENABLE_MULTI_NETWORK: 'true' })),
  },
  broken: {
    'it is not set in one cluster': {
      mesh: ambient.edit(withIstiodEnv('west', off)),
      findings: [`disabled-multi-network/off ${at('west')} (error certain)`],
    },
    'it is off in the values of one cluster': {
      mesh: ambient.edit(withIstiodEnv('east', { AMBIENT_ENABLE_MULTI_NETWORK: 'false' })),
      findings: [`disabled-multi-network/off ${at('east')} (error certain)`],
    },
    'it is set nowhere, and the gateways wait': {
      mesh: ambient.edit(inOrder(withIstiodEnv('east', off), withIstiodEnv('west', off))),
      findings: [`disabled-multi-network/off ${at('east')}`, `disabled-multi-network/off ${at('west')}`],
    },
    'it is ignored, because ambient itself is off': {
      mesh: ambient.edit(withIstiodEnv('west', { PILOT_ENABLE_AMBIENT: undefined })),
      findings: [`disabled-multi-network/ignored ${at('west')}`],
    },
    'one cluster has ztunnel and an istiod of the default profile': {
      mesh: ambient.edit(withIstiodEnv('west', { ...off, PILOT_ENABLE_AMBIENT: undefined })),
      findings: [`disabled-multi-network/withoutAmbient ${at('west')}`],
    },
  },
});
