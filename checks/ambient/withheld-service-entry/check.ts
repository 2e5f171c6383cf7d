import {
  ambient,
  type ClusterName,
  type ControlPlane,
  count,
  defineCheck,
  type IstioResource,
  list,
  type Pod,
  releases,
} from 'meshdoctor/api';
import { isSidecar, itemsAt, settings, textAt } from '../_area.ts';

export default defineCheck({
  id: 'withheld-service-entry',
  title: 'Sidecars of remotes are told of ServiceEntries that DNS resolves',
  severity: 'error',
  certainty: 'likely',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'istioResources'], member: ['pods'] },
  catalogue: ['AMB-14'],
  docs: {
    why: 'With AMBIENT_ENABLE_MULTI_NETWORK=true istiod takes the endpoints of a ServiceEntry for local to its own cluster. Sidecars of a remote get the listener of such an entry without the cluster behind it when its resolution is DNS, and their calls fail.',
    confirm: 'istioctl --context REMOTE proxy-config cluster POD.NAMESPACE | grep HOST',
    fix: 'Take AMBIENT_ENABLE_MULTI_NETWORK off an istiod that serves remotes with sidecars: ambient over several clusters is for primaries. Resolution NONE works, too, where the address that callers resolve is the right one.',
    notWhen: 'Sidecars of the cluster of istiod itself are not touched.',
    since: '1.30',
    see: ['https://github.com/istio/istio/issues/60343'],
  },
  messages: {
    withheld: (a: Withheld) => ({
      text: `Deployment ${a.controlPlane.namespace}/${a.controlPlane.name} in ${a.controlPlane.ref.cluster} keeps ${count(a.entries.length, 'ServiceEntry', 'ServiceEntries')} that DNS resolves from sidecars of ${a.remote}: ${list(
        a.entries.map(({ namespace, name }) => `${namespace}/${name}`),
        'none',
        3,
      )}.`,
      expected: `${settings.multiNetwork} off for an istiod with remotes`,
      found: `${settings.multiNetwork}=true`,
      effect: `calls from ${a.remote} to ${list(
        a.entries.flatMap(({ spec }) => itemsAt(spec, 'hosts').map(String)),
        'them',
        3,
      )} fail`,
      remedy: [],
    }),
  },
  *run({ primary, member, controlPlane, couple, finding }) {
    if (couple.kind !== 'remote' || !ambient.isMultiNetwork(controlPlane)) return;
    if (releases.behaves(controlPlane.version, 'keepsDnsEntriesFromRemotes') !== true) return;
    const sidecars = member.pods.filter(isSidecar);
    const entries = primary.istioResources.filter((resource) => isResolved(resource) && isSeen(resource, sidecars));
    const [first] = entries;
    if (first === undefined || sidecars.length === 0) return;
    yield finding(
      'withheld',
      { controlPlane, remote: member.name, entries },
      {
        at: first.ref,
        field: '.spec.resolution',
        related: [controlPlane.ref, ...entries.slice(1).map(({ ref }) => ref)],
        evidence: entries
          .slice(0, 5)
          .map(({ ref, spec }) => ({ ref, field: '.spec.resolution', observed: textAt(spec, 'resolution') ?? '' })),
        subject: 'sidecars of a remote',
        concerns: [member.name],
      },
    );
  },
});

interface Withheld {
  readonly controlPlane: ControlPlane;
  readonly remote: ClusterName;
  readonly entries: readonly IstioResource[];
}

function isResolved({ kind, spec }: IstioResource): boolean {
  return kind === 'ServiceEntry' && ['DNS', 'DNS_ROUND_ROBIN'].includes(textAt(spec, 'resolution') ?? '');
}

/** Whether some sidecar is in a namespace that the entry is exported to. */
function isSeen({ namespace, spec }: IstioResource, sidecars: readonly Pod[]): boolean {
  const exported = itemsAt(spec, 'exportTo').map(String);
  if (exported.length === 0 || exported.includes('*')) return true;
  return sidecars.some((pod) => exported.includes(pod.namespace) || (exported.includes('.') && pod.namespace === namespace));
}
