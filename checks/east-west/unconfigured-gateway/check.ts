import { defineCheck, type GatewayReadiness, shellWord } from 'meshdoctor/api';
import { touched } from '../_area.ts';

export default defineCheck({
  id: 'unconfigured-gateway',
  title: 'Gateways that do not answer have at least got their configuration',
  severity: 'error',
  certainty: 'likely',
  scope: 'cluster',
  needs: ['gatewayReadiness'],
  applies: { probed: ['gatewayReadiness'] },
  catalogue: ['EW-20'],
  explains: [
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'unreachable-gateway', match: 'cluster' },
    { code: 'rejected-istiod-call', match: 'object' },
    { code: 'unconnected-proxy', match: 'same-cluster' },
    { code: 'unanswered-name', match: 'other-cluster' },
  ],
  docs: {
    why: 'A gateway says 503 on /healthz/ready of port 15021 where its Envoy refused part of the first configuration that istiod sent, and while it ends. Load balancers that ask there leave it out. One that was sent nothing yet opens no port at all, not even 15021.',
    confirm:
      'kubectl -n istio-system get pods -l istio=eastwestgateway; kubectl -n istio-system logs deploy/istio-eastwestgateway --tail=20',
    fix: 'See in its log why it gets no configuration: it does not reach istiod, istiod refuses it, or Envoy rejects what it was sent. Pods that are shutting down say the same for a moment.',
    notWhen:
      'It is asked only where its gateway did not answer as it should. A pod that just started, or is about to end, says 503 for a moment.',
  },
  messages: {
    unconfigured: (a: { readiness: GatewayReadiness }) => ({
      text: `Gateway pod ${a.readiness.pod.namespace ?? ''}/${a.readiness.pod.name} of ${a.readiness.pod.cluster} is not ready to serve: /healthz/ready on port 15021 says 503.`,
      expected: 'HTTP 200',
      found: 'HTTP 503',
      effect: `nobody reaches ${a.readiness.pod.cluster} through it`,
      confirm: [
        `kubectl --context ${shellWord(a.readiness.pod.cluster)} -n ${shellWord(a.readiness.pod.namespace ?? '')} logs ${shellWord(a.readiness.pod.name)} --tail=20`,
      ],
    }),
  },
  *run({ cluster, mesh, finding }) {
    for (const readiness of cluster.gatewayReadiness) {
      if (!('answer' in readiness.status) || readiness.status.answer !== 503) continue;
      yield finding(
        'unconfigured',
        { readiness },
        {
          at: readiness.gateway,
          evidence: [
            { ref: readiness.gateway, observed: `pod ${readiness.pod.name}: GET /healthz/ready on 15021: HTTP 503`, expected: 'HTTP 200' },
          ],
          subject: readiness.pod.name,
          concerns: touched(cluster.name, mesh),
        },
      );
    }
  },
});
