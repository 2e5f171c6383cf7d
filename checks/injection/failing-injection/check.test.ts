import { checkTester, mesh, observedIn } from 'meshdoctor/testkit';
import type { InjectionTrial } from 'meshdoctor/api';
import { clusterId, networkId } from 'meshdoctor/api';
import check from './check.ts';

const shop = mesh().primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' }).namespace('shop', { injected: true });
const trial = (outcome: InjectionTrial['outcome'], namespace = 'shop') => ({
  observed: (objects: Parameters<typeof observedIn>[0]) =>
    observedIn(objects).map((own) =>
      own.cluster === 'west' ? { ...own, injectionTrials: { status: 'observed' as const, value: [{ namespace, outcome }] } } : own,
    ),
});
const injector = 'https://istiod-1-31-0.istio-system.svc:443/inject/cluster/west/net/network2?timeout=10s';
const webhook = 'rev.namespace.sidecar-injector.istio.io';
const refused = (reason: string, url = injector) =>
  trial({
    is: 'refused',
    message: `Internal error occurred: failed calling webhook "${webhook}": failed to call webhook: Post "${url}": ${reason}`,
  });
const at = '@ west:Namespace/shop';

checkTester(check, {
  healthy: {
    'a pod of this cluster and network': {
      mesh: shop,
      options: trial({ is: 'made', proxy: { clusterId: clusterId('west'), network: networkId('network2') } }),
    },
    'nobody asked for trials': { mesh: shop, options: { observed: observedIn } },
    'probes are off': shop,
    'PodSecurity does not let the trial in': {
      mesh: shop,
      options: trial({ is: 'denied', message: 'pods "x" is forbidden: violates PodSecurity "restricted:latest"' }),
      inconclusive: [
        'namespace shop does not let the trial pod in (pods "x" is forbidden: violates PodSecurity "restricted:latest") @ west',
      ],
    },
    'the webhook of somebody else does not answer': {
      mesh: shop,
      options: trial({
        is: 'refused',
        message: 'failed calling webhook "policy.example": failed to call webhook: Post "https://policy.kyverno.svc:443/": EOF',
      }),
      inconclusive: [
        'another webhook keeps pods out of namespace shop (failed calling webhook "policy.example": failed to call webhook: Post "https://policy.kyverno.svc:443/": EOF) @ west',
      ],
    },
    'the API server does not answer': {
      mesh: shop,
      options: trial({ is: 'failed', code: 'timeout', reason: 'no answer within 15s' }),
      inconclusive: ['no pod could be tried in namespace shop (no answer within 15s) @ west'],
    },
  },
  broken: {
    'the webhook times out': {
      mesh: shop,
      options: refused('context deadline exceeded'),
      findings: [`failing-injection/unanswered ${at} (error certain)`],
    },
    'the gateway cuts the connection': {
      mesh: shop,
      options: refused('read tcp 10.0.0.1:443: read: connection reset by peer'),
      findings: [`failing-injection/unanswered ${at}`],
    },
    'the certificate is of another root': {
      mesh: shop,
      options: refused('tls: failed to verify certificate: x509: certificate signed by unknown authority'),
      findings: [`failing-injection/untrusted ${at}`],
    },
    'the Service has no endpoints that this API server finds': {
      mesh: shop,
      options: refused('endpoints "istiod-1-31-0" not found'),
      findings: [`failing-injection/nowhere ${at}`],
    },
    'another revision answers, at another path': {
      mesh: shop,
      options: refused('the server could not find the requested resource'),
      findings: [`failing-injection/rejected ${at}`],
    },
    'the pod comes out without sidecar': {
      mesh: shop,
      options: trial({ is: 'made' }),
      findings: [`failing-injection/notInjected ${at} (error likely)`],
    },
    'the pod is told that it is in the primary': {
      mesh: shop,
      options: trial({ is: 'made', proxy: { clusterId: clusterId('east'), network: networkId('network1') } }),
      findings: [`failing-injection/otherPlace ${at}`],
    },
  },
});
