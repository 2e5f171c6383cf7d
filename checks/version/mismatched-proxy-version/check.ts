import {
  annotations,
  type ClusterName,
  type ControlPlane,
  defineCheck,
  groupBy,
  listOf,
  refKey,
  type Remedy,
  remedy,
  shellWord,
  versions,
  workloadOf,
} from 'meshdoctor/api';
import { podsIn, proxiesOf, spelledIstiod, type VersionedPod } from '../_area.ts';

/** Minor releases that a proxy may be behind: one in an upgrade in place, two where a revision is skipped. */
const mostBehind = 2;

interface Args {
  readonly cluster: ClusterName;
  readonly controlPlane: ControlPlane;
  readonly pods: readonly VersionedPod[];
  readonly version: string;
  readonly minors: number;
}

export default defineCheck({
  id: 'mismatched-proxy-version',
  title: 'Proxies are no newer than their istiod, and at most two minor releases older',
  severity: 'warning',
  certainty: 'likely',
  scope: 'managed',
  needs: { primary: ['controlPlanes'], member: ['pods'] },
  uses: { primary: [], member: ['injectors'] },
  catalogue: ['VER-01'],
  docs: {
    why: 'istiod writes configuration for the proxies it was released with and for older ones. A newer proxy may refuse or misread it, and one that is many releases older lacks what the configuration relies on: listeners or clusters are rejected, and only those proxies behave differently.',
    confirm: 'istioctl --context PRIMARY proxy-status; istioctl --context PRIMARY version',
    fix: 'Restart the workloads once istiod has the release they shall have: injection gives them its proxy, unless annotation sidecar.istio.io/proxyImage names another. Upgrade istiod before gateways, and both before workloads.',
    notWhen: 'Proxies one minor release behind are usual in an upgrade. Other patch releases of the same minor do not matter.',
    see: ['https://istio.io/latest/docs/releases/supported-releases/', 'istio/istio#51795', 'istio/istio#30437'],
  },
  messages: {
    ahead: (a: Args) => ({
      text: `Cluster ${a.cluster} has ${podsIn(a.pods)} with proxy ${a.version}, newer than their ${spelledIstiod(a.controlPlane)}, which may send what they do not accept.`,
      expected: `at most ${versions.minorOf(a.controlPlane.version) ?? 'the release of istiod'}`,
      found: a.version,
      effect: 'configuration may be refused by these proxies only',
      remedy: [
        ...newProxies(a.pods.filter(isInjected)),
        remedy.installer(
          a.controlPlane.ref.cluster,
          [`istioctl install --context ${shellWord(a.controlPlane.ref.cluster)} -f PRIMARY.yaml`],
          `with istioctl ${a.version} and the values it was installed with`,
        ),
      ],
    }),
    behind: (a: Args) => ({
      text: `Cluster ${a.cluster} has ${podsIn(a.pods)} with proxy ${a.version}, ${a.minors} minor releases behind their ${spelledIstiod(a.controlPlane)}.`,
      expected: `at most ${mostBehind} minor releases behind`,
      found: a.version,
      effect: 'these proxies may refuse configuration, and lack fixes that the mesh counts on',
      remedy: newProxies(a.pods),
    }),
  },
  *run({ member, controlPlane, couple, mesh, finding }) {
    if (couple.kind === 'peer' || controlPlane.version === undefined) return;
    const { version: own } = controlPlane;
    const proxies = proxiesOf(controlPlane, member.name, mesh, member.pods, listOf(member.injectors));
    for (const [version, pods] of groupBy(proxies, (pod) => pod.proxy.version)) {
      const minors = versions.minorsBetween(version, own);
      if (minors === undefined || (minors >= 0 && minors <= mostBehind)) continue;
      yield finding(
        minors < 0 ? 'ahead' : 'behind',
        { cluster: member.name, controlPlane, pods, version, minors },
        {
          at: member.ref,
          subject: `${controlPlane.revision} ${version}`,
          related: [controlPlane.ref],
          evidence: pods.slice(0, 5).map((pod) => ({ ref: pod.ref, field: '.spec.containers[*].image', observed: version, expected: own })),
        },
      );
    }
  },
});

/** A ztunnel comes from its own chart: starting it again changes nothing. */
function isInjected(pod: VersionedPod): boolean {
  return pod.proxy.kind !== 'ztunnel';
}

/** Injection gives a new pod the proxy of its istiod, but for one that names an image: that has to be taken out of the template. */
function newProxies(pods: readonly VersionedPod[]): Remedy[] {
  const pinned = pods.filter((pod) => pod.annotations[annotations.proxyImage] !== undefined);
  const workloads = new Map(pinned.flatMap((pod) => workloadOf(pod) ?? []).map((ref) => [refKey(ref), ref]));
  return [
    ...[...workloads.values()].map((ref) =>
      remedy.patch(
        ref,
        { spec: { template: { metadata: { annotations: { [annotations.proxyImage]: null } } } } },
        { note: 'its template names the image of the proxy; the next pods get that of their istiod', disruptive: true },
      ),
    ),
    ...remedy.restartPods(pods.filter((pod) => !pinned.includes(pod))),
  ];
}
