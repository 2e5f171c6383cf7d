import { checkTester, mesh, observedEdits, observedIn, type ObservedEdit } from 'meshdoctor/testkit';
import type { InjectionTrial } from 'meshdoctor/api';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' });
const withCallers = remote.namespace('shop', { injected: true }).service('cart.shop');
const at = '@ east:Service/istio-system/istio-eastwestgateway';

const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
type Call = Parameters<Parameters<typeof observedEdits.istiodCalls>[1]>[0];
const pod = { cluster: 'east', kind: 'Pod', namespace: 'istio-system', name: 'istio-eastwestgateway-0' } as Call['controlPlane'];
const refused = { stage: 'tcp', code: 'refused', reason: 'connection refused' } as const;
const reset = { stage: 'reset', milliseconds: 4 } as const;

/** The address gives one thing, the pod of the gateway another; `of`: one purpose only. */
const calls =
  (outside: Call['outcome'], inside?: Call['outcome'] | 'istiod', of?: Call['purpose']): ObservedEdit =>
  (before) =>
    before.map((own) => {
      if (own.cluster !== 'east' || own.istiodHandshakes?.status !== 'observed') return own;
      const { value } = own.istiodHandshakes;
      const changed = value.flatMap((call): Call[] => {
        if (of !== undefined && call.purpose !== of) return [call];
        const { ready: _ready, ...rest } = call;
        const outcome = inside === 'istiod' ? call.outcome : inside;
        return [{ ...rest, outcome: outside }, ...(outcome === undefined ? [] : [{ ...rest, pod, outcome }])];
      });
      return { ...own, istiodHandshakes: { status: 'observed', value: changed } };
    });

/** By ALPN, for discovery. */
const agreeing = (protocol: string, more: object = {}): ObservedEdit =>
  observedEdits.istiodCalls('east', (call) =>
    call.purpose === 'discovery' && call.outcome.stage === 'certificate'
      ? { ...call, outcome: { ...call.outcome, protocol, ...more } }
      : call,
  );

/** No replica of istiod is connected to a proxy of the remote. */
const cutOff = observedEdits.replicas('east', (replica) => ({
  ...replica,
  nameTables: replica.nameTables.map((one) => (one.proxy.cluster === 'west' ? { ...one, table: { answer: 'elsewhere' as const } } : one)),
}));

/** The API server of the remote waited for the injector in vain. */
const tried =
  (outcome: InjectionTrial['outcome']): ObservedEdit =>
  (before) =>
    before.map((own) =>
      own.cluster === 'west' ? { ...own, injectionTrials: { status: 'observed', value: [{ namespace: 'shop', outcome }] } } : own,
    );
const unheard = {
  is: 'refused',
  message:
    'Internal error occurred: failed calling webhook "rev.namespace.sidecar-injector.istio.io": failed to call webhook: Post "https://istiod-1-31-0.istio-system.svc:443/inject?timeout=10s": context deadline exceeded',
} as const;
const noWay = { stage: 'tcp', code: 'timeout', reason: 'no connection within 5s' } as const;

/** The injector of the remote. */
const injector = (withCallers.objects().get('west') ?? []).find(
  ({ kind, metadata }) => kind === 'MutatingWebhookConfiguration' && !metadata.name.includes('tag'),
);
const injectorName = injector?.metadata.name ?? '';
const webhooks = (injector?.['webhooks'] ?? []) as readonly object[];

checkTester(check, {
  healthy: {
    'istiod answers on both ports': { mesh: remote, options: seen() },
    'probes are off': remote,
    'h2 is agreed on': { mesh: remote, options: seen(agreeing('h2')) },
    'proxies of 1.23 do without ALPN': {
      mesh: mesh().primaryRemote('east', 'west', { release: '1.23.4' }),
      options: seen(agreeing('')),
    },
    'somebody else’s certificate without ALPN is told of elsewhere': {
      mesh: remote,
      options: seen(agreeing('', { dnsNames: ['lb.example.com'], verifiedBy: [] })),
    },
    'nobody calls from outside': { mesh: mesh().multiPrimary('east', 'west', { networks: 2 }), options: seen() },
  },
  broken: {
    'nobody answers at the address': {
      mesh: remote,
      options: seen(calls(refused)),
      findings: [`rejected-istiod-call/unreachable ${at} (error possible)`, `rejected-istiod-call/unreachable ${at} (error possible)`],
    },
    'the way to the gateway is blocked': {
      mesh: remote,
      options: seen(calls({ stage: 'tcp', code: 'timeout', reason: 'no connection within 5s' }, 'istiod', 'discovery')),
      findings: [`rejected-istiod-call/blocked ${at} (error possible)`],
    },
    'the way of proxies is blocked, and istiod has none of them': {
      mesh: withCallers,
      options: seen(calls(noWay, 'istiod', 'discovery'), cutOff),
      findings: [`rejected-istiod-call/blocked ${at} (error likely)`],
    },
    'the way of API servers is blocked, and one of them says so': {
      mesh: withCallers,
      options: seen(calls(noWay, 'istiod', 'injection'), tried(unheard)),
      findings: [`rejected-istiod-call/blocked ${at} (error likely)`],
    },
    'the way of API servers is blocked, and a webhook that may be ignored is': {
      mesh: withCallers.break((m) =>
        m.cluster('west').patch('MutatingWebhookConfiguration', undefined, injectorName, {
          webhooks: webhooks.map((webhook) => ({ ...webhook, failurePolicy: 'Ignore' })),
        }),
      ),
      options: seen(calls(noWay, 'istiod', 'injection'), tried({ is: 'made' })),
      findings: [`rejected-istiod-call/blocked ${at} (error likely)`],
    },
    'a pod without sidecar has other reasons where the webhook must answer': {
      mesh: withCallers,
      options: seen(calls(noWay, 'istiod', 'injection'), tried({ is: 'made' })),
      findings: [`rejected-istiod-call/blocked ${at} (error possible)`],
    },
    'nothing of an address answers, which another check is about': {
      mesh: withCallers,
      options: seen(calls(noWay, 'istiod'), cutOff, tried(unheard)),
      findings: [`rejected-istiod-call/blocked ${at} (error possible)`, `rejected-istiod-call/blocked ${at} (error possible)`],
    },
    'a load balancer ends what its gateway passes on': {
      mesh: remote,
      options: seen(calls(reset, 'istiod', 'injection')),
      findings: [`rejected-istiod-call/severed ${at} (error likely)`],
    },
    'the gateway does not listen': {
      mesh: remote,
      options: seen(calls(refused, { ...refused, reason: 'the pod does not listen on port 15012' }, 'discovery')),
      findings: [`rejected-istiod-call/closed ${at} (error certain)`],
    },
    'no route at all': {
      mesh: remote,
      options: seen(calls(reset, reset)),
      findings: [`rejected-istiod-call/ended ${at} (error likely)`, `rejected-istiod-call/ended ${at} (error likely)`],
    },
    'no route for injection': {
      mesh: remote,
      options: seen(calls(reset, reset, 'injection')),
      findings: [`rejected-istiod-call/halfOpen ${at} (error likely)`],
    },
    'what ends TLS for istiod agrees on no protocol': {
      mesh: remote,
      options: seen(agreeing('')),
      findings: [`rejected-istiod-call/noHttp2 ${at} (error likely)`],
    },
    'istiod is not ready': {
      mesh: remote,
      options: seen(observedEdits.istiodCalls('east', (call) => (call.ready === undefined ? call : { ...call, ready: { answer: 503 } }))),
      findings: [`rejected-istiod-call/notReady ${at} (error likely)`],
    },
  },
});
