import { checkTester, ingressGatewayAdded, inOrder, mesh, objectsAdded } from 'meshdoctor/testkit';
import check from './check.ts';

const global = { 'istio.io/global': 'true' };
const shop = (release: string, labels: Readonly<Record<string, string>> = {}) =>
  mesh()
    .ambient('east', 'west', { release })
    .namespace('shop', { injected: true })
    .service('abc.shop', { serviceLabels: { ...global, 'istio.io/use-waypoint': 'waypoint', ...labels } })
    .waypoint('waypoint.shop', { serviceLabels: global });
const policy = (spec: Readonly<Record<string, unknown>>, kind = 'AuthorizationPolicy') => ({
  apiVersion: 'security.istio.io/v1',
  kind,
  metadata: { name: 'abc', namespace: 'shop' },
  spec,
});
const ofService = { targetRefs: [{ group: '', kind: 'Service', name: 'abc' }] };
const ofWaypoint = { targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'waypoint' }] };
const methods = { rules: [{ to: [{ operation: { methods: ['GET'] } }] }] };
const principals = { rules: [{ from: [{ source: { principals: ['cluster.local/ns/shop/sa/default'] } }] }] };
const west = (object: ReturnType<typeof policy>) => objectsAdded({ cluster: 'west', objects: [object] });
const ingress = { 'istio.io/ingress-use-waypoint': 'true' };
const ingressGateway = ingressGatewayAdded({ cluster: 'west', namespace: 'shop', network: 'network2' });
const at = '@ west:AuthorizationPolicy/shop/abc';

checkTester(check, {
  healthy: {
    'no policy': shop('1.28.6', ingress).edit(ingressGateway),
    'the newest release': shop('1.31.0', ingress).edit(inOrder(ingressGateway, west(policy({ ...ofService, ...methods })))),
    'a policy about identities': shop('1.28.6').edit(west(policy({ ...ofService, ...principals }))),
    'a policy that denies': shop('1.28.6').edit(west(policy({ ...ofService, ...methods, action: 'DENY' }))),
    'a policy of a local service': shop('1.28.6', { 'istio.io/global': 'false' }).edit(west(policy({ ...ofService, ...methods }))),
    'ingress that does not ask for the waypoint': shop('1.29.6').edit(inOrder(ingressGateway, west(policy({ ...ofService, ...methods })))),
  },
  broken: {
    'methods at the gateway': {
      mesh: shop('1.28.6').edit(west(policy({ ...ofService, ...methods }))),
      findings: [`bypassed-waypoint-policy/denied ${at}`],
    },
    'headers, by the singular form': {
      mesh: shop('1.30.2').edit(
        west(policy({ targetRef: ofService.targetRefs[0], rules: [{ when: [{ key: 'request.headers[x]', values: ['1'] }] }] })),
      ),
      findings: [`bypassed-waypoint-policy/denied ${at}`],
    },
    'ingress passes by the waypoint': {
      mesh: shop('1.29.6', ingress).edit(inOrder(ingressGateway, west(policy({ ...ofWaypoint, ...methods })))),
      findings: [`bypassed-waypoint-policy/passedBy ${at}`],
    },
    'both, and a request authentication': {
      mesh: shop('1.28.6', ingress).edit(
        inOrder(
          ingressGateway,
          west(policy({ ...ofService, ...methods })),
          west(policy({ ...ofService, jwtRules: [{ issuer: 'somebody' }] }, 'RequestAuthentication')),
        ),
      ),
      findings: [
        `bypassed-waypoint-policy/denied ${at}`,
        `bypassed-waypoint-policy/passedBy ${at}`,
        'bypassed-waypoint-policy/passedBy @ west:RequestAuthentication/shop/abc',
      ],
    },
  },
});
