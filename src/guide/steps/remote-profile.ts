import { install, releaseNote, remoteOperator } from '../commands.ts';
import { lookAt, pilotAddressOf, writerOf } from '../looking.ts';
import type { Step } from '../types.ts';

/** Webhooks, reader account and the Service that stands for the istiod of the primary, with the injection path of this cluster. */
export const remoteProfile: Step = {
  id: 'remote-profile',
  title: (_place, { revision }) => `Remote profile and injection path, revision ${revision}`,
  checks: [
    'mismatched-injection-path',
    'stale-pilot-address',
    'dangling-injector-service',
    'external-name-injector-service',
    'missing-discovery-service',
    'unserved-injector',
    'unserved-revision',
    'shared-istiod-service',
    'stale-ca-bundle',
    'unreachable-injector',
    'misdirected-proxy',
    'unconnected-proxy',
  ],
  places: ({ topology, remotes }) => (topology === 'primary-remote' ? remotes.map((site) => ({ site })) : []),
  look: (world, { site }, plan) =>
    lookAt(world, site.cluster, 'injectors', (injectors) => {
      const injector = injectors.find(({ revision, tag }) => revision === plan.revision && tag === undefined);
      if (injector === undefined) {
        const others = [...new Set(injectors.map(({ revision }) => revision))];
        return {
          state: 'missing',
          what: `no injector of revision ${plan.revision}${others.length === 0 ? '' : `, only of ${others.join(', ')}`}`,
        };
      }
      const { injectedClusterId: id, injectedNetwork: network } = injector;
      const path =
        id === undefined ? 'without injection path' : `injects cluster ${id}${network === undefined ? '' : `, network ${network}`}`;
      return { state: 'there', what: `${injector.name} ${path}`, by: writerOf(injector) };
    }),
  doing: (world, { site }, plan) => {
    const address = plan.primaries.map((primary) => pilotAddressOf(world, primary)).find((found) => found !== undefined);
    if (address === undefined) return { waitsFor: 'gateway' };
    return { commands: [install(site.cluster, remoteOperator(plan, site, address))], note: releaseNote(plan) };
  },
};
