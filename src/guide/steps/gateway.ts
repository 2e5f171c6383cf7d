import { externalAddresses } from '../../mesh/pilot-address.ts';
import { gatewayOperator, install, releaseNote } from '../commands.ts';
import { eastWestServices, isMultiNetwork, itemsOf, lookAt, writerOf } from '../looking.ts';
import type { Plan, Step } from '../types.ts';

/** The way into a cluster: between networks for services, in a primary also to its istiod. */
export function gateway(of: (plan: Plan) => Plan['primaries']): Step {
  return {
    id: 'gateway',
    title: () => 'East-west gateway with an address',
    checks: [
      'missing-east-west-gateway',
      'unready-east-west-gateway',
      'unaddressed-gateway',
      'unbacked-gateway-node',
      'unserved-gateway-revision',
      'mismatched-gateway-network',
      'unusable-gateway-family',
      'unresolved-gateway-hostname',
      'unreachable-gateway',
      'unread-external-ips',
      'unread-proxy-header',
      'foreign-gateway-certificate',
      'failing-health-check',
      'terminating-load-balancer',
      'colliding-gateways',
      'hbone-only-gateway',
      'public-gateway',
      'unlisted-gateway',
    ],
    tooLate: ['premature-canary-gateway'],
    places: (plan) => of(plan).map((site) => ({ site })),
    look: (world, { site }, plan) =>
      lookAt(world, site.cluster, 'services', (services) => {
        const [service] = eastWestServices(services, site);
        if (service === undefined)
          return { state: 'missing', what: site.network === '' ? 'no east-west gateway' : `no east-west gateway of ${site.network}` };
        const addresses = externalAddresses(service, itemsOf(world, site.cluster, 'nodes'));
        const name = `Service ${service.namespace}/${service.name}`;
        const by = writerOf(service);
        if (addresses.length === 0 && isNeeded(plan, site)) return { state: 'other', what: `${name} has no address yet`, by };
        return { state: 'there', what: [name, addresses[0]].filter(Boolean).join(', '), by };
      }),
    doing: (_world, { site }, plan) => ({
      commands: [install(site.cluster, gatewayOperator(plan, site, isMultiNetwork(plan)))],
      note: releaseNote(plan),
    }),
  };
}

function isNeeded(plan: Plan, { role }: { readonly role: string }): boolean {
  return isMultiNetwork(plan) || role === 'primary';
}
