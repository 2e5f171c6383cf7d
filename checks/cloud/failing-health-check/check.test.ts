import { checkTester, gatewayAnnotated, gatewayAppProtocol, gatewayTrafficPolicy, mesh, nodesOf } from 'meshdoctor/testkit';
import check from './check.ts';

const prefix = 'service.beta.kubernetes.io';
const health = `${prefix}/aws-load-balancer-healthcheck`;
const targets = `${prefix}/aws-load-balancer-nlb-target-type`;
const type = `${prefix}/aws-load-balancer-type`;
const west = { cluster: 'west' };
const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' });
const on = (annotations: Record<string, string>) => remote.edit(gatewayAnnotated({ ...west, annotations }));
const azure = remote.edit(
  nodesOf({ ...west, providerId: 'azure:///subscriptions/0f/resourceGroups/mesh/providers/Microsoft.Compute/x/0' }),
);
const spoken = gatewayAppProtocol({ ...west, port: 15443, appProtocol: 'https' });
const at = '@ west:Service/istio-system/istio-eastwestgateway (error likely)';
/** Without a healthy target it lets everything through. */
const open = 'failing-health-check/open @ west:Service/istio-system/istio-eastwestgateway (warning likely)';

checkTester(check, {
  healthy: {
    'load balancers with the checks of their providers': remote,
    'an ambient mesh': mesh().ambient('east', 'west'),
    'TCP on its own port': on({ [`${health}-protocol`]: 'TCP', [`${health}-port`]: 'traffic-port' }),
    'HTTP on the status port of pods': on({
      [type]: 'external',
      [targets]: 'ip',
      [`${health}-protocol`]: 'HTTP',
      [`${health}-port`]: '15021',
      [`${health}-path`]: '/healthz/ready',
    }),
    'a port of pods, where a default of the controller decides what targets are': on({ [type]: 'external', [`${health}-port`]: '15021' }),
    'HTTP, and the port that Kubernetes gives for it': remote
      .edit(gatewayTrafficPolicy({ ...west, policy: 'Local' }))
      .edit(gatewayAnnotated({ ...west, annotations: { [`${health}-protocol`]: 'HTTP' } })),
    'a port of pods on the network of nodes': on({ [type]: 'nlb', [`${health}-port`]: '15021' }).break((m) =>
      m.cluster('west').edit(onHostNetwork),
    ),
    'application protocols on AWS': remote.edit(nodesOf({ ...west, providerId: 'aws:///eu-west-1a/i-0f' })).edit(spoken),
    'Azure without application protocols': azure,
    'Azure, and a port that it knows no probe for': azure.edit(gatewayAppProtocol({ ...west, port: 15443, appProtocol: 'tls' })),
    'Azure, and externalTrafficPolicy Local': azure.edit(spoken).edit(gatewayTrafficPolicy({ ...west, policy: 'Local' })),
    'Azure, told to use TCP': azure
      .edit(spoken)
      .edit(gatewayAnnotated({ ...west, annotations: { [`${prefix}/port_15443_health-probe_protocol`]: 'tcp' } })),
    'Azure, sent to the status port': azure.edit(spoken).edit(
      gatewayAnnotated({
        ...west,
        annotations: {
          [`${prefix}/port_15443_health-probe_protocol`]: 'http',
          [`${prefix}/port_15443_health-probe_port`]: '15021',
          [`${prefix}/port_15443_health-probe_request-path`]: '/healthz/ready',
        },
      }),
    ),
    'Azure, and an application protocol on the status port': azure.edit(gatewayAppProtocol({ ...west, port: 15021, appProtocol: 'http' })),
    'Azure, without a probe for the port': azure
      .edit(spoken)
      .edit(gatewayAnnotated({ ...west, annotations: { [`${prefix}/port_15443_no_probe_rule`]: 'true' } })),
  },
  broken: {
    'HTTP on the port that carries TLS': { mesh: on({ [`${health}-protocol`]: 'HTTP' }), findings: [`failing-health-check/aws ${at}`] },
    'a port of pods, asked of nodes': {
      mesh: on({ [type]: 'nlb', [`${health}-port`]: '15021' }),
      findings: [open],
    },
    'a port of nodes, asked of pods': {
      mesh: on({ [type]: 'external', [targets]: 'ip', [`${health}-port`]: nodePortOf(15021) }),
      findings: [open],
    },
    'Azure, and HTTPS as application protocol': { mesh: azure.edit(spoken), findings: [`failing-health-check/azure ${at}`] },
    'Azure, told to use HTTP for all': {
      mesh: on({ [`${prefix}/azure-load-balancer-internal`]: 'true', [`${prefix}/azure-load-balancer-health-probe-protocol`]: 'http' }),
      findings: [`failing-health-check/azure ${at}`],
    },
    'Azure, sent to the status port with a path that is not there': {
      mesh: azure.edit(spoken).edit(gatewayAnnotated({ ...west, annotations: { [`${prefix}/port_15443_health-probe_port`]: '15021' } })),
      findings: [`failing-health-check/azure ${at}`],
    },
  },
});

function nodePortOf(port: number): string {
  const service = remote
    .objects()
    .get('west')
    ?.find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'istio-eastwestgateway');
  return (
    new RegExp(`"nodePort":(\\d+),"port":${port},|"port":${port},[^}]*"nodePort":(\\d+)`)
      .exec(JSON.stringify(service))
      ?.slice(1)
      .join('') ?? ''
  );
}

function onHostNetwork(objects: ReturnType<typeof remote.objects>): ReturnType<typeof remote.objects> {
  return new Map(objects).set(
    'west',
    (objects.get('west') ?? []).map((object) => {
      if (object.kind !== 'Pod' || object.metadata.labels?.['istio'] !== 'eastwestgateway') return object;
      return JSON.parse(JSON.stringify(object).replace('"spec":{', '"spec":{"hostNetwork":true,')) as typeof object;
    }),
  );
}
