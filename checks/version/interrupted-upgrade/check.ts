import { type ControlPlane, defineCheck, releases, shellWord } from 'meshdoctor/api';
import { byCluster, spelledIstiod } from '../_area.ts';

interface Args {
  readonly older: ControlPlane;
  readonly newer: ControlPlane;
  readonly step: (typeof releases.brokenSteps)[number];
}

export default defineCheck({
  id: 'interrupted-upgrade',
  title: 'Clusters of one mesh are on the same side of releases that are known not to get on with each other',
  severity: 'warning',
  certainty: 'possible',
  scope: 'mesh',
  partial: true,
  needs: ['controlPlanes'],
  catalogue: ['VER-02'],
  docs: {
    why: 'While a mesh is upgraded cluster by cluster, old and new proxies call each other. Between a few releases such calls were seen to be reset, from one side only, until the other cluster was upgraded too.',
    confirm: 'istioctl --context CLUSTER version; istioctl --context CLUSTER proxy-status',
    fix: 'Upgrade the older cluster as well, gateways and workloads included, or go back until both can be upgraded together.',
    notWhen: 'Where calls between the clusters work, other things than the releases caused the resets that were reported.',
    see: releases.brokenSteps.map(({ issue }) => issue),
  },
  messages: {
    straddled: (a: Args) => ({
      text: `Clusters ${a.older.ref.cluster} and ${a.newer.ref.cluster} are on two sides of the step from ${a.step.from} to ${a.step.to} (${spelledIstiod(a.older)}, ${spelledIstiod(a.newer)}), where ${a.step.seen}.`,
      expected: `both before or both after ${a.step.to}`,
      found: `${a.older.version ?? ''} and ${a.newer.version ?? ''}`,
      effect: 'calls between the two clusters may be reset until the upgrade is finished',
      confirm: [a.older, a.newer].map(({ ref }) => `istioctl --context ${shellWord(ref.cluster)} version`),
    }),
  },
  *run({ clusters, finding }) {
    const homes = byCluster(clusters);
    for (const step of releases.brokenSteps) {
      const sides = homes.map((own) => ({
        before: own.find(({ version }) => releases.isBefore(version, step.to)),
        after: own.find(({ version }) => version !== undefined && !releases.isBefore(version, step.to)),
      }));
      // A cluster with an istiod on either side is in the middle of it, and has proxies that get on with both.
      const newer = sides.find(({ before, after }) => after !== undefined && before === undefined)?.after;
      if (newer === undefined) continue;
      for (const { before: older, after } of sides) {
        if (older === undefined || after !== undefined) continue;
        yield finding(
          'straddled',
          { older, newer, step },
          {
            at: older.ref,
            subject: step.to,
            related: [newer.ref],
            concerns: [older.ref.cluster, newer.ref.cluster],
            evidence: [older, newer].map(({ ref, version }) => ({
              ref,
              field: '.spec.template.spec.containers[*].image',
              observed: version ?? '',
            })),
          },
        );
      }
    }
  },
});
