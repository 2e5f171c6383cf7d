import { ambient, type ClusterName, type ControlPlane, defineCheck, knownFaults, type MeshConfig, releases } from 'meshdoctor/api';
import { isHalfSpanned, spanningIstiod } from '../_area.ts';

const defaultDomain = 'cluster.local';

export default defineCheck({
  id: 'divergent-ambient-trust-domain',
  title: 'Clusters that ambient spans have one trust domain',
  severity: 'error',
  certainty: 'likely',
  scope: 'pair',
  needs: { from: ['controlPlanes', 'meshConfigs'], to: ['controlPlanes', 'meshConfigs'] },
  applies: { dataPlane: 'ambient', networks: 'multi' },
  path: { hops: ['mtls'] },
  catalogue: ['AMB-07'],
  docs: {
    why: 'istiod tells ztunnel to expect its own trust domain from workloads and gateways of every cluster, and ztunnel accepts callers of its own trust domain only; trustDomainAliases are not told to it. Two trust domains that sidecars get along with by aliases cut ambient in both directions. Before 1.28.1 gateways of other networks are even expected in cluster.local.',
    confirm:
      "kubectl --context CLUSTER -n istio-system logs ds/ztunnel | grep 'expected SAN'; kubectl --context CLUSTER -n istio-system get configmap istio -o jsonpath='{.data.mesh}' | grep -i trustDomain",
    fix: 'Install all clusters with the same meshConfig.trustDomain, and restart istiod, ztunnel, gateways and waypoints. For a trust domain other than cluster.local use 1.28.1 or newer.',
    notWhen: 'Only sidecars cross the clusters.',
    since: '1.27',
    see: [
      'https://github.com/istio/istio/issues/61608',
      'https://github.com/istio/istio/issues/58511',
      'https://github.com/istio/istio/issues/58427',
    ],
  },
  messages: {
    differing: (a: Sides) => ({
      text: `Trust domains of ${a.from} and ${a.to} differ (${a.config.trustDomain} and ${a.other.trustDomain}), and ztunnel accepts only its own${isAliased(a) ? ', whatever trustDomainAliases say' : ''}.`,
      expected: 'one trust domain',
      found: `${a.config.trustDomain} in ${a.from}, ${a.other.trustDomain} in ${a.to}`,
      effect: `ambient calls from ${a.from} to ${a.to} fail: "peer did not present the expected SAN"`,
      ...(a.isSure ? {} : { certainty: 'possible' as const }),
      remedy: [],
    }),
    custom: (a: Sides & { istiod: ControlPlane }) => ({
      text: `Deployment ${a.istiod.namespace}/${a.istiod.name} in ${a.from} (${a.istiod.version ?? ''}) expects the gateway of ${a.to} in trust domain ${defaultDomain}, but it is of ${a.other.trustDomain}.`,
      expected: `1.28.1 or newer for trust domain ${a.other.trustDomain}`,
      found: a.istiod.version ?? '',
      effect: `ambient calls from ${a.from} to ${a.to} fail: "peer did not present the expected SAN"`,
      remedy: [],
    }),
  },
  *run({ from, to, mesh, finding, undecided }) {
    if (isHalfSpanned(from, to, mesh)) {
      yield undecided('one of the two does not span networks', { blockedBy: 'disabled-multi-network', clusters: [from.name, to.name] });
      return;
    }
    const [istiod, far] = [spanningIstiod(from, mesh), spanningIstiod(to, mesh)];
    if (istiod === undefined || far === undefined) return;
    const config = ambient.configOf(istiod, from.meshConfigs);
    const other = ambient.configOf(far, to.meshConfigs);
    if (config === undefined || other === undefined) return;
    const where = {
      at: config.ref,
      field: '.data.mesh',
      related: [other.ref, istiod.ref],
      evidence: [config, other].map(({ ref, trustDomain }) => ({ ref, field: '.trustDomain', observed: trustDomain })),
    };
    const sides = { from: from.name, to: to.name, config, other };
    if (config.trustDomain !== other.trustDomain)
      yield finding('differing', { ...sides, isSure: releases.behaves(istiod.version, 'assumesOneTrustDomain') === true }, where);
    else if (
      other.trustDomain !== defaultDomain &&
      knownFaults.isAffected(knownFaults.faultNamed('foreign-trust-domain-in-ambient'), istiod.version) === true
    )
      yield finding('custom', { ...sides, istiod, isSure: true }, where);
  },
});

interface Sides {
  readonly from: ClusterName;
  readonly to: ClusterName;
  readonly config: MeshConfig;
  readonly other: MeshConfig;
  readonly isSure: boolean;
}

function isAliased({ config, other }: Sides): boolean {
  return config.trustDomainAliases.includes(other.trustDomain) || other.trustDomainAliases.includes(config.trustDomain);
}
