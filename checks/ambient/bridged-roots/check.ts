import {
  ambient,
  type Certificate,
  type ClusterName,
  compareText,
  defineCheck,
  remedy,
  type RootConfigMap,
  shellWord,
  valueOf,
} from 'meshdoctor/api';
import { isHalfSpanned, spanningIstiod } from '../_area.ts';

const field = '.data["root-cert.pem"]';

export default defineCheck({
  id: 'bridged-roots',
  title: 'Clusters that ambient spans have a root certificate in common',
  severity: 'error',
  certainty: 'likely',
  scope: 'pair',
  needs: { from: ['rootConfigMaps', 'controlPlanes', 'meshConfigs'], to: ['rootConfigMaps', 'controlPlanes', 'meshConfigs'] },
  applies: { dataPlane: 'ambient', networks: 'multi' },
  path: { hops: ['mtls'] },
  catalogue: ['AMB-06'],
  docs: {
    why: 'ztunnel trusts the root that its own istiod signs with and nothing else. Further roots under caCertificates of the mesh configuration, by which sidecars of meshes with several roots trust each other, never reach it: every call to the other cluster ends with BadSignature.',
    confirm:
      'kubectl --context CLUSTER -n istio-system logs ds/ztunnel | grep BadSignature; kubectl --context CLUSTER -n istio-system get configmap istio-ca-root-cert -o jsonpath="{.data.root-cert\\.pem}" | openssl x509 -noout -fingerprint -sha256',
    fix: 'Give every primary an intermediate CA under one root (Secret cacerts), restart istiod, then ztunnel, gateways and waypoints.',
    notWhen: 'Only sidecars cross the clusters. Intermediates may differ.',
    since: '1.27',
    see: ['https://github.com/istio/istio/issues/61719'],
  },
  messages: {
    bridged: (a: { one: ClusterName; other: ClusterName; map: RootConfigMap }) => ({
      text: `Primaries ${a.one} and ${a.other} have no root certificate in common; caCertificates of their mesh configurations, which name each other's, do not reach ztunnel.`,
      expected: 'one root for both',
      found: 'a root each, exchanged by meshConfig.caCertificates',
      effect: `ambient calls between ${a.one} and ${a.other} fail with BadSignature`,
      remedy: [
        remedy.installer(
          a.map.ref.cluster,
          [
            `kubectl --context ${shellWord(a.map.ref.cluster)} -n ${shellWord(a.map.namespace)} create secret generic cacerts --from-file=ca-cert.pem --from-file=ca-key.pem --from-file=root-cert.pem --from-file=cert-chain.pem`,
            `kubectl --context ${shellWord(a.map.ref.cluster)} -n ${shellWord(a.map.namespace)} rollout restart deployment -l app=istiod`,
            `kubectl --context ${shellWord(a.map.ref.cluster)} -n ${shellWord(a.map.namespace)} rollout restart daemonset ztunnel`,
          ],
          'an intermediate under the root of the other cluster',
        ),
      ],
    }),
  },
  *run({ from, to, mesh, finding, undecided }) {
    if (isHalfSpanned(from, to, mesh)) {
      yield undecided('one of the two does not span networks', { blockedBy: 'disabled-multi-network', clusters: [from.name, to.name] });
      return;
    }
    const sides = [from, to].flatMap((view) => {
      const istiod = spanningIstiod(view, mesh);
      const map = view.rootConfigMaps.find((one) => one.namespace === istiod?.namespace && one.certificates.length > 0);
      const config = istiod === undefined ? undefined : ambient.configOf(istiod, view.meshConfigs);
      if (istiod === undefined || map === undefined || config === undefined) return [];
      const id = valueOf(view.member.clusterId) ?? '';
      return [{ name: view.name, id, map, config, own: prints(map.certificates), further: prints(config.caCertificates) }];
    });
    const [one, other] = sides;
    // Each couple of clusters is looked at in both directions.
    if (one === undefined || other === undefined || compareText(one.id, other.id) > 0) return;
    if (meets(one.own, other.own) || !meets(one.further, other.own) || !meets(other.further, one.own)) return;
    yield finding(
      'bridged',
      { one: one.name, other: other.name, map: other.map },
      {
        at: other.map.ref,
        field,
        related: [one.map.ref, one.config.ref, other.config.ref],
        evidence: [one, other].map(({ map }) => ({ ref: map.ref, field, observed: map.certificates[0]?.subject ?? '' })),
        subject: one.id,
      },
    );
  },
});

function prints(certificates: readonly Certificate[]): ReadonlySet<string> {
  return new Set(certificates.map(({ fingerprint }) => fingerprint));
}

function meets(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return [...one].some((print) => other.has(print));
}
