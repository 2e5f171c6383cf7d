import { defineCheck, destinationRules, type IstioResource, remedy, type worlds } from 'meshdoctor/api';
import { worldNeeds, worldsIn, worldUses } from '../_area.ts';

export default defineCheck({
  id: 'missing-outlier-detection',
  title: 'Rules that ask for failover between localities have outlier detection',
  severity: 'warning',
  certainty: 'likely',
  scope: 'mesh',
  needs: worldNeeds,
  uses: worldUses,
  applies: { dataPlane: 'sidecar' },
  path: { hops: ['endpoints'] },
  catalogue: ['POL-09'],
  docs: {
    why: 'istiod orders endpoints by locality only where outlier detection would take failing ones out. Without it, failover and failoverPriority of a DestinationRule are passed over: calls are spread over all clusters, and nobody fails over.',
    confirm: 'kubectl --context PRIMARY get destinationrules -A -o yaml | grep -E "failover|outlierDetection"',
    fix: 'Add trafficPolicy.outlierDetection to the rule, or take the failover settings out.',
    notWhen:
      'A rule that distributes by weight needs none. Outlier detection alone turns a preference for the same locality on: that calls then stay in their region is meant so.',
    see: ['https://github.com/istio/istio/issues/19257', 'https://github.com/istio/istio/issues/33024'],
  },
  messages: {
    idle: (a: { rule: IstioResource; host: string; field: string; isGeneral: boolean }) => ({
      text: `DestinationRule ${a.rule.namespace}/${a.rule.name} in ${a.rule.ref.cluster} sets failover for ${a.host} without outlierDetection, so callers never prefer or leave a locality.`,
      expected: 'outlierDetection in the same trafficPolicy',
      found: `${a.field} alone`,
      effect: 'calls are spread over all clusters, failing ones included',
      ...(a.isGeneral
        ? { remedy: [remedy.patch(a.rule.ref, { spec: { trafficPolicy: { outlierDetection: {} } } }, { note: 'tune the thresholds' })] }
        : {}),
    }),
  },
  *run({ clusters, mesh, finding }) {
    for (const world of worldsIn(mesh, clusters)) {
      for (const rule of destinationRules.allRules(world.applied)) {
        if (clustersWith(rule.host, world) < 2) continue;
        const field = idleIn(rule);
        if (field === undefined) continue;
        yield finding(
          'idle',
          { rule: rule.object, host: rule.host, field, isGeneral: !field.startsWith('portLevelSettings') },
          {
            at: rule.object.ref,
            field: '.spec.trafficPolicy',
            evidence: [{ ref: rule.object.ref, observed: `${field} without outlierDetection` }],
            subject: rule.host,
          },
        );
      }
    }
  },
});

/** A service of one cluster has nowhere to fail over to. */
function clustersWith(host: string, { predictions }: worlds.World): number {
  return predictions.shards.get(host)?.clusters.size ?? 0;
}

/** Where a rule sets failover and nothing in effect there detects outliers. */
function idleIn({ policy, subsets }: destinationRules.AppliedRule): string | undefined {
  if (failsOver(policy) && policy?.outlierDetection === undefined) return 'loadBalancer.localityLbSetting';
  const port = policy?.ports.find((settings) => failsOver(settings) && settings.outlierDetection === undefined);
  if (port !== undefined) return `portLevelSettings of ${port.port}`;
  const subset = subsets.find((one) => failsOver(one.policy) && (one.policy?.outlierDetection ?? policy?.outlierDetection) === undefined);
  return subset === undefined ? undefined : `localityLbSetting of subset ${subset.name}`;
}

function failsOver(settings: Pick<destinationRules.TrafficPolicy, 'localityLbSetting'> | undefined): boolean {
  const locality = settings?.localityLbSetting;
  if (locality === undefined || locality['enabled'] === false) return false;
  return ['failover', 'failoverPriority'].some((key) => Array.isArray(locality[key]) && locality[key].length > 0);
}
