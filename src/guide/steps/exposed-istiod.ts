import { names, ports } from '../../istio/labels.ts';
import { istiodGatewaySpec, istiodRouteSpec } from '../../istio/samples.ts';
import { apply } from '../commands.ts';
import { itemsOf, lookAt, writerOf } from '../looking.ts';
import type { Step } from '../types.ts';

const apiVersion = 'networking.istio.io/v1';

/** istiod behind the gateway of its cluster, for the proxies and API servers of remotes. */
export const exposedIstiod: Step = {
  id: 'exposed-istiod',
  title: () => 'istiod exposed on its gateway',
  checks: [
    'unexposed-istiod',
    'mismatched-exposed-revision',
    'missing-istiod-port',
    'shadowed-istiod-route',
    'untrusted-exposure',
    'mismatched-istiod-certificate',
    'denied-istiod-connection',
  ],
  places: ({ topology, primaries }) => (topology === 'primary-remote' ? primaries.map((site) => ({ site })) : []),
  look: (world, { site }) =>
    lookAt(world, site.cluster, 'gateways', (gateways) => {
      const open = gateways.find(({ servers }) => servers.some(({ port }) => port === ports.discovery));
      if (open === undefined) return { state: 'missing', what: `no Gateway opens port ${ports.discovery}` };
      return lookAt(world, site.cluster, 'virtualServices', (routes) => {
        const route = routes.find(({ tls }) => tls.some(({ matches }) => matches.some(({ port }) => port === ports.discovery)));
        if (route === undefined) return { state: 'missing', what: `no VirtualService routes port ${ports.discovery} to istiod` };
        const named = `Gateway ${open.namespace}/${open.name} and VirtualService ${route.namespace}/${route.name}`;
        return { state: 'there', what: named, by: writerOf(route) };
      });
    }),
  doing: (world, { site }, { revision, namespace }) => {
    const name = revision === names.defaultRevision ? 'istiod-vs' : `istiod-vs-${revision}`;
    const hasGateway = itemsOf(world, site.cluster, 'gateways').some(
      (gateway) => gateway.namespace === namespace && gateway.name === 'istiod-gateway',
    );
    const objects = [
      ...(hasGateway ? [] : [{ apiVersion, kind: 'Gateway', metadata: { name: 'istiod-gateway', namespace }, spec: istiodGatewaySpec }]),
      { apiVersion, kind: 'VirtualService', metadata: { name, namespace }, spec: istiodRouteSpec(revision, namespace) },
    ];
    return { commands: [apply(site.cluster, objects)] };
  },
};
