import { defineCheck, effectsOfCutOff, json, list, pilotAddress, ports, remedy, type Service } from 'meshdoctor/api';
import { gatewaysToward, needsExposure, unknownUse } from '../_area.ts';

const wanted = [
  { port: ports.discovery, name: 'tls-istiod', what: 'proxies cannot connect to istiod' },
  { port: ports.webhook, name: 'tls-webhook', what: 'the injector cannot be called: no pod can be created in injected namespaces' },
];

export default defineCheck({
  id: 'missing-istiod-port',
  title: 'The gateway a remote uses for istiod has the ports of istiod',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'services', 'pods'], member: ['services', 'endpointSlices', 'endpoints', 'injectors'] },
  path: {
    hops: ['caller'],
    isOn: ({ args }) => json.itemsAt(args, 'missing').some((one) => json.fieldAt(one, 'port') === ports.discovery),
  },
  catalogue: ['CPX-01'],
  explains: [
    { code: 'unreachable-injector', match: 'cluster' },
    { code: 'failing-injection', match: 'cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
    ...effectsOfCutOff,
    { code: 'rejected-istiod-call', match: 'cluster' },
    { code: 'foreign-istiod-certificate', match: 'cluster' },
  ],
  docs: {
    why: "A remote reaches istiod on ports 15012 (discovery) and 15017 (webhook) of a gateway of its primary. A port that is not on the Service is not on the load balancer. Port lists of Helm values replace the chart's own list, and gateways for services only need 15443.",
    confirm: 'kubectl --context PRIMARY -n istio-system get service istio-eastwestgateway -o jsonpath="{.spec.ports[*].port}"',
    fix: "Add ports 15012 and 15017 to the gateway's Service.",
  },
  messages: {
    missing: (a: { gateway: Service; missing: readonly { port: number; name: string; what: string }[] }) => ({
      text: `Service ${a.gateway.namespace}/${a.gateway.name} in ${a.gateway.ref.cluster}, through which remotes reach istiod, has no port ${list(a.missing.map(({ port }) => String(port)))}.`,
      expected: 'ports 15012 and 15017',
      found: `ports ${list(
        a.gateway.ports.map(({ port }) => String(port)),
        'none',
        8,
      )}`,
      effect: list(a.missing.map(({ what }) => what)),
      remedy: [
        remedy.patch(
          a.gateway.ref,
          {
            spec: {
              ports: [
                ...a.gateway.ports.map(({ name, port, targetPort, protocol, nodePort }) => ({
                  name,
                  port,
                  targetPort,
                  protocol,
                  ...(nodePort === undefined ? {} : { nodePort }),
                })),
                ...a.missing.map(({ port, name }) => ({ name, port, targetPort: port, protocol: 'TCP' })),
              ],
            },
          },
          { note: 'set the ports in the values of the gateway too' },
        ),
      ],
    }),
  },
  *run({ primary, member, controlPlane, couple, finding, undecided }) {
    const isNeeded = needsExposure(couple);
    if (isNeeded === undefined) yield undecided(unknownUse);
    if (isNeeded !== true) return;
    const pilots = pilotAddress.remotePilots(controlPlane, member.services, member.endpointSlices, member.endpoints, member.injectors);
    const { gateways, isReached } = gatewaysToward(pilots, primary);
    const lacking = gateways.map((gateway) => ({
      gateway,
      missing: wanted.filter(({ port }) => !gateway.ports.some((candidate) => candidate.port === port)),
    }));
    const isInjected = member.injectors.some(
      (injector) => injector.revision === controlPlane.revision && injector.target.service !== undefined,
    );
    if (lacking.some(({ missing }) => missing.length === 0)) return;
    for (const { gateway, missing } of lacking) {
      const needed = missing.filter(({ port }) => port !== ports.webhook || isInjected);
      if (needed.length === 0) continue;
      yield finding(
        'missing',
        { gateway, missing: needed },
        {
          at: gateway.ref,
          field: '.spec.ports',
          related: pilots.map(({ service }) => service.ref),
          evidence: [
            {
              ref: gateway.ref,
              field: '.spec.ports',
              observed: list(
                gateway.ports.map(({ port }) => String(port)),
                'none',
                8,
              ),
              expected: '15012 and 15017',
            },
          ],
          // That its own addresses lead nowhere is what a missing Service may be the reason of.
          ...(isReached ? {} : { lacks: [{ cluster: primary.name, fact: 'services' as const }] }),
          subject: list(needed.map(({ port }) => String(port))),
        },
      );
    }
  },
});
