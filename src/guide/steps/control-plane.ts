import { install, primaryOperator, releaseNote } from '../commands.ts';
import { istiodOf, lookAt, writerOf } from '../looking.ts';
import type { Step } from '../types.ts';

/** istiod, of the one revision that everything else is made for. */
export const controlPlane: Step = {
  id: 'control-plane',
  title: (_place, { revision }) => `istiod, revision ${revision}`,
  checks: [
    'unavailable-istiod',
    'unset-external-istiod',
    'stray-istiod',
    'mismatched-cluster-id',
    'duplicate-cluster-id',
    'divergent-cluster-domain',
    'distant-control-planes',
    'interrupted-upgrade',
    'unsupported-kubernetes',
    'outdated-crds',
    'killed-istiod',
    'premature-istiod',
    'stale-validator-ca-bundle',
  ],
  places: ({ primaries }) => primaries.map((site) => ({ site })),
  look: (world, { site }, plan) =>
    lookAt(world, site.cluster, 'controlPlanes', (controlPlanes) => {
      const istiod = istiodOf(controlPlanes, plan);
      if (istiod === undefined) {
        const others = controlPlanes.filter(({ namespace }) => namespace === plan.namespace).map(({ revision }) => revision);
        const only = others.length === 0 ? '' : `, only of ${others.join(', ')}`;
        return { state: 'missing', what: `no istiod of revision ${plan.revision} in ${plan.namespace}${only}` };
      }
      const by = writerOf(istiod);
      if (istiod.clusterId !== site.clusterId)
        return { state: 'other', what: `${istiod.name} calls its cluster ${istiod.clusterId}, not ${site.clusterId}`, by };
      return { state: 'there', what: [istiod.name, istiod.version, `cluster ID ${istiod.clusterId}`].filter(Boolean).join(', '), by };
    }),
  doing: (_world, { site }, plan) => ({ commands: [install(site.cluster, primaryOperator(plan, site))], note: releaseNote(plan) }),
};
