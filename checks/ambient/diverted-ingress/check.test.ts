import { checkTester, ingressGatewayAdded, inOrder, mesh, withIstiodEnv } from 'meshdoctor/testkit';
import check from './check.ts';

const sidecars = mesh().multiPrimary('east', 'west', { networks: 2 }).namespace('shop', { injected: true }).service('abc.shop');
const on = { PILOT_ENABLE_AMBIENT: 'true', AMBIENT_ENABLE_MULTI_NETWORK: 'true' };
const ingress = { ...on, AMBIENT_ENABLE_MULTI_NETWORK_INGRESS: 'true' };
const at = (cluster: string) => `@ ${cluster}:Deployment/istio-system/istiod`;

checkTester(check, {
  healthy: {
    'sidecars only': sidecars,
    'ambient inside each cluster': sidecars.edit(withIstiodEnv('east', { PILOT_ENABLE_AMBIENT: 'true' })),
    'ambient only': mesh()
      .ambient('east', 'west')
      .namespace('shop', { injected: true })
      .service('abc.shop')
      .edit(inOrder(ingressGatewayAdded({ cluster: 'east', namespace: 'shop', network: 'network1' }), withIstiodEnv('east', ingress))),
    'a release that does not know the setting': mesh()
      .multiPrimary('east', 'west', { networks: 2, release: '1.28.6' })
      .namespace('shop', { injected: true })
      .service('abc.shop')
      .edit(withIstiodEnv('east', ingress)),
  },
  broken: {
    'ingress gateways go by HBONE': {
      mesh: sidecars.edit(inOrder(withIstiodEnv('east', ingress), withIstiodEnv('west', ingress))),
      findings: [`diverted-ingress/diverted ${at('east')} (error likely)`, `diverted-ingress/diverted ${at('west')} (error likely)`],
    },
    'they keep to their network': {
      mesh: sidecars.edit(withIstiodEnv('east', on)),
      findings: [`diverted-ingress/kept ${at('east')} (warning possible)`],
    },
  },
});
