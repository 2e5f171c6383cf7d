import { defineCheck, distinct, type IstioResource, list } from 'meshdoctor/api';
import { at, clustersOf, type Instance, itemsAt, nameOf, networkOf, sharedNames, textAt } from '../_area.ts';

export default defineCheck({
  id: 'ineffective-region-failover',
  title: 'Nobody counts on regions to choose between networks in ambient',
  severity: 'info',
  certainty: 'possible',
  scope: 'mesh',
  advice: true,
  needs: ['services', 'namespaces', 'controlPlanes', 'meshConfigs', 'istioResources'],
  applies: { dataPlane: 'ambient', networks: 'multi' },
  partial: true,
  catalogue: ['AMB-17'],
  docs: {
    why: 'For ambient all workloads of another network are one endpoint at its gateway, and nothing says in which region or zone that is. Settings that choose by region (failover, distribute) do not tell one other network from the next.',
    confirm: 'istioctl --context CLUSTER proxy-config endpoints deploy/WAYPOINT.NAMESPACE -o json | grep -A3 locality',
    fix: 'Prefer near endpoints instead: trafficDistribution PreferClose on the Service, or failoverPriority by topology.istio.io/cluster or topology.istio.io/network.',
    notWhen: 'There are only two networks: what is not here is there.',
    since: '1.27',
    see: ['https://github.com/istio/istio/issues/60889'],
  },
  messages: {
    regions: (a: { rule: IstioResource; service: string; setting: string }) => ({
      text: `DestinationRule ${a.rule.namespace}/${a.rule.name} in ${a.rule.ref.cluster} chooses by region (${a.setting}) for Service ${a.service}, but ambient knows no region of other networks.`,
      expected: 'failoverPriority by cluster or network, or trafficDistribution',
      found: a.setting,
      effect: 'which network answers when none is near is not what the rule says',
      remedy: [],
    }),
  },
  *run({ clusters, mesh, finding }) {
    const rules = clusters.flatMap(({ istioResources }) => istioResources.filter(({ kind }) => kind === 'DestinationRule'));
    if (rules.length === 0) return;
    const shared = sharedNames(clusters, mesh);
    for (const rule of rules) {
      const setting = settingOf(rule);
      const key = hostOf(rule);
      const instances = key === undefined ? [] : (shared.get(key) ?? []);
      if (setting === undefined || key === undefined || !isSpread(instances)) continue;
      yield finding(
        'regions',
        { rule, service: key, setting },
        {
          at: rule.ref,
          field: '.spec.trafficPolicy.loadBalancer.localityLbSetting',
          related: instances.map(({ service }) => service.ref),
          evidence: [{ ref: rule.ref, field: '.spec.trafficPolicy.loadBalancer.localityLbSetting', observed: setting }],
          concerns: clustersOf(instances),
        },
      );
    }
  },
});

/** How it chooses by region, if it does. */
function settingOf({ spec }: IstioResource): string | undefined {
  const setting = at(spec, 'trafficPolicy', 'loadBalancer', 'localityLbSetting');
  const used = ['failover', 'distribute'].filter((key) => itemsAt(setting, key).length > 0);
  return used.length === 0 || at(setting, 'enabled') === false ? undefined : list(used);
}

/** Namespace and name of the Service that the host of the rule means. */
function hostOf({ namespace, spec }: IstioResource): string | undefined {
  const host = textAt(spec, 'host');
  if (host === undefined || host.includes('*')) return undefined;
  const [name = '', of = namespace, kind] = host.split('.');
  return kind === undefined || kind === 'svc' ? nameOf({ namespace: of, name }) : undefined;
}

/** Whether it is global in clusters of different networks. */
function isSpread(instances: readonly Instance[]): boolean {
  return distinct(instances.filter(({ isGlobal }) => isGlobal).map(({ cluster }) => networkOf(cluster) ?? '')).length > 1;
}
