import { defineCheck, type EndpointSlice, labels, list, listOf, remedy, type Service, type ServicePort } from 'meshdoctor/api';
import { gatewayServices } from '../_area.ts';

export default defineCheck({
  id: 'missing-cross-network-port',
  title: 'Network gateways have the cross-network port',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['services'],
  uses: ['nodes', 'endpointSlices'],
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
    fix: 'Add port 15443 (name tls, targetPort 15443) to the Service, or correct the label. Its protocol is TCP, and a targetPort by name is one of the container ports of the gateway pods.',
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
    notTcp: (a: { service: Service; port: ServicePort; hasOther: boolean }) => ({
      text: `Port ${a.port.port} of Gateway Service ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} is declared as ${a.port.protocol}, so connections of other networks find nobody there.`,
      expected: `port ${a.port.port} of protocol TCP`,
      found: a.port.protocol,
      effect: `calls from other networks to ${a.service.ref.cluster} fail`,
      ...(a.hasOther ? { severity: 'warning' as const } : {}),
      remedy: [withPort(a.service, { ...a.port, protocol: 'TCP' })],
    }),
    unresolved: (a: { service: Service; port: ServicePort; hasOther: boolean }) => ({
      text: `Port ${a.port.port} of Gateway Service ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} leads to container port "${a.port.targetPort}", which none of its pods has.`,
      expected: 'the name of a container port, or a number',
      found: `targetPort: ${a.port.targetPort}`,
      effect: `calls from other networks to ${a.service.ref.cluster} fail`,
      ...(a.hasOther ? { severity: 'warning' as const } : {}),
      remedy: [withPort(a.service, { ...a.port, targetPort: a.port.port })],
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
    const slices = listOf(cluster.endpointSlices);
    const all = gatewayServices(cluster.services, listOf(cluster.nodes));
    for (const { service, network, problems, wantedPort, isPortLabelUnreadable } of all) {
      const hasOther = all.some((other) => other.service !== service && other.network === network && !other.problems.includes('no-port'));
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
        continue;
      }
      const port = service.ports.find((one) => one.port === wantedPort);
      const isServed = service.ports.some((one) => one.port === wantedPort && one.protocol === 'TCP');
      if (port !== undefined && !isServed) {
        yield finding(
          'notTcp',
          { service, port, hasOther },
          {
            at: service.ref,
            field: '.spec.ports',
            evidence: [{ ref: service.ref, field: '.spec.ports', observed: port.protocol, expected: 'TCP' }],
          },
        );
      } else if (port !== undefined && isUnresolved(service, port, slices)) {
        yield finding(
          'unresolved',
          { service, port, hasOther },
          {
            at: service.ref,
            field: '.spec.ports',
            evidence: [{ ref: service.ref, field: '.spec.ports', observed: `targetPort: ${port.targetPort}` }],
            lacks: [{ cluster: cluster.name, fact: 'endpointSlices' }],
          },
        );
      }
      if (isPortLabelUnreadable) {
        yield finding(
          'unreadable',
          { service, value: service.labels[labels.gatewayPort] ?? '' },
          { at: service.ref, field: '.metadata.labels["networking.istio.io/gatewayPort"]' },
        );
      }
    }
  },
});

/** Pods are ready behind the Service, and its slices lead nowhere for this port: that is what becomes of a name that no container port has. */
function isUnresolved(service: Service, port: ServicePort, slices: readonly EndpointSlice[]): boolean {
  if (typeof port.targetPort !== 'string') return false;
  const own = slices.filter((slice) => slice.namespace === service.namespace && slice.service === service.name);
  return (
    own.some((slice) => slice.endpoints.some(({ ready }) => ready)) &&
    !own.some((slice) => slice.ports.some(({ name }) => name === port.name))
  );
}

/** A merge patch replaces the list of ports. */
function withPort(service: Service, by: ServicePort) {
  const ports = service.ports.map((port) => {
    const { name, port: number, targetPort, protocol, nodePort } = port.port === by.port ? by : port;
    return { ...(name === '' ? {} : { name }), port: number, targetPort, protocol, ...(nodePort === undefined ? {} : { nodePort }) };
  });
  return remedy.patch(service.ref, { spec: { ports } }, { note: 'set it in the values of the gateway too' });
}
