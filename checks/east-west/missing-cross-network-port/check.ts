import { defineCheck, labels, list, listOf, remedy, type Service } from 'meshdoctor/api';
import { gatewayServices } from '../_area.ts';

export default defineCheck({
  id: 'missing-cross-network-port',
  title: 'Network gateways have the cross-network port',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['services'],
  uses: ['nodes'],
  path: { hops: ['gateway'] },
  catalogue: ['EW-07'],
  explains: [
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
    { code: 'unreachable-gateway', match: 'cluster' },
    { code: 'failing-pod-call/unreachable', match: 'cluster' },
    { code: 'unlisted-gateway/unexpected', match: 'cluster' },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
  ],
  docs: {
    why: 'Clients of other networks are sent to port 15443 of the gateway (15008 in ambient), or to the port in label networking.istio.io/gatewayPort. A labelled Service without it is ignored since Istio 1.29, and a dead address before.',
    confirm: 'kubectl get services -A -l topology.istio.io/network -o wide',
    fix: 'Add port 15443 (name tls, targetPort 15443) to the Service, or correct the label.',
    notWhen: 'A gateway for ambient has 15008 and needs no 15443, and the other way round.',
  },
  messages: {
    missing: (a: { service: Service; wanted: number; isLabelled: boolean; hasOther: boolean }) => ({
      text: `Gateway Service ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} carries a network but has no port ${a.wanted}, so other networks have no way in through it.`,
      expected: a.isLabelled ? `a port ${a.wanted}, as label networking.istio.io/gatewayPort says, or 15008` : 'port 15443 or 15008',
      found: `ports ${list(
        a.service.ports.map(({ port }) => String(port)),
        'none',
        8,
      )}`,
      effect: a.hasOther
        ? 'istiod before 1.29 sends it a share of the calls, which fail; later ones pass over it'
        : `calls from other networks to ${a.service.ref.cluster} fail`,
      ...(a.hasOther ? { severity: 'warning' as const, certainty: 'likely' as const } : {}),
      remedy: [
        a.isLabelled && a.service.ports.some(({ port }) => port === 15443)
          ? remedy.label(a.service.ref, { [labels.gatewayPort]: null })
          : remedy.patch(
              a.service.ref,
              {
                spec: {
                  ports: [
                    ...a.service.ports.map(({ name, port, targetPort, protocol, nodePort }) => ({
                      // Of several ports each needs a name.
                      name: name === '' ? `port-${port}` : name,
                      port,
                      targetPort,
                      protocol,
                      ...(nodePort === undefined ? {} : { nodePort }),
                    })),
                    {
                      name: a.service.ports.some(({ name }) => name === 'tls') ? `tls-${a.wanted}` : 'tls',
                      port: a.wanted,
                      targetPort: a.wanted,
                      protocol: 'TCP',
                    },
                  ],
                },
              },
              { note: 'set the ports in the values of the gateway too' },
            ),
      ],
    }),
    unreadable: (a: { service: Service; value: string }) => ({
      text: `Label networking.istio.io/gatewayPort of Service ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} is "${a.value}", not a port number; istiod takes 15443 instead.`,
      expected: 'a port number of the Service',
      found: a.value,
      severity: 'warning',
      remedy: [remedy.label(a.service.ref, { [labels.gatewayPort]: null })],
    }),
  },
  *run({ cluster, finding }) {
    const all = gatewayServices(cluster.services, listOf(cluster.nodes));
    for (const { service, network, problems, wantedPort, isPortLabelUnreadable } of all) {
      const hasOther = all.some((other) => other.network === network && !other.problems.includes('no-port'));
      const isLabelled = service.labels[labels.gatewayPort] !== undefined && !isPortLabelUnreadable;
      if (problems.includes('no-port')) {
        const evidence = [
          {
            ref: service.ref,
            field: '.spec.ports',
            observed: list(
              service.ports.map(({ port }) => String(port)),
              'none',
              8,
            ),
            expected: String(wantedPort),
          },
        ];
        yield finding(
          'missing',
          { service, wanted: wantedPort, isLabelled, hasOther },
          { at: service.ref, field: '.spec.ports', evidence },
        );
      } else if (isPortLabelUnreadable) {
        yield finding(
          'unreadable',
          { service, value: service.labels[labels.gatewayPort] ?? '' },
          { at: service.ref, field: '.metadata.labels["networking.istio.io/gatewayPort"]' },
        );
      }
    }
  },
});
