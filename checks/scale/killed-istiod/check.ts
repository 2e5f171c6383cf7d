import {
  type ControlPlane,
  count,
  defineCheck,
  type Clock,
  knownFaults,
  kubectl,
  type Pod,
  remedy,
  type Remedy,
  shellWord,
} from 'meshdoctor/api';
import { podsOf, readBy } from '../_area.ts';

/** What happened longer ago than this says nothing of today. */
const recentDays = 7;

export default defineCheck({
  id: 'killed-istiod',
  title: 'istiod has the memory it needs',
  severity: 'warning',
  certainty: 'likely',
  scope: 'managed',
  needs: { primary: ['clock', 'controlPlanes', 'pods'], member: [] },
  explains: [{ code: 'unavailable-istiod', match: 'cluster' }],
  catalogue: ['PERF-01'],
  docs: {
    why: 'istiod keeps everything of every cluster that it reads in memory. Too little of it, or a release that does not let go of clusters that were removed or whose secret was renewed, ends with the kernel killing it: all proxies connect anew, remote clusters are read from the beginning, and pods are refused meanwhile.',
    confirm:
      'kubectl --context PRIMARY -n istio-system get pods -l app=istiod -o custom-columns=POD:.metadata.name,RESTARTS:.status.containerStatuses[*].restartCount,REASON:.status.containerStatuses[*].lastState.terminated.reason',
    fix: 'Raise the memory limit of istiod, keep what nobody needs out of its sight (discoverySelectors), and upgrade releases that leak.',
    notWhen: 'One kill long ago, since which nothing happened, is history: after a week it is not told any more.',
    see: ['istio/istio#48224', 'istio/istio#57269', 'istio/istio#60033'],
  },
  messages: {
    killed: (a: { controlPlane: ControlPlane; pods: readonly Pod[]; clusters: number; leaks: readonly knownFaults.KnownFault[] }) => {
      const { ref, namespace, name, limits } = a.controlPlane;
      const restarts = a.pods.reduce((sum, pod) => sum + (pod.restarts ?? 0), 0);
      const [leak] = a.leaks;
      return {
        text: `Deployment ${namespace}/${name} in ${ref.cluster} ran out of memory (${count(a.pods.length, 'pod')} OOMKilled, started again ${count(restarts, 'time')}) and reads ${count(a.clusters, 'other cluster')}: each time all proxies lose it.`,
        expected: 'pods that are not killed',
        found: `OOMKilled${limits?.memory === undefined ? '' : ` at a limit of ${limits.memory}`}`,
        effect:
          leak === undefined
            ? 'until istiod has read every cluster again, new endpoints are late and pods are not injected'
            : `${leak.effect} (${leak.issues[0] ?? ''}), which release ${a.controlPlane.version ?? ''} is known for`,
        remedy: remediesFor(a.controlPlane),
      };
    },
  },
  *run({ primary, controlPlane, couple, mesh, finding }) {
    if (couple.kind !== 'self') return;
    const killed = podsOf(controlPlane, primary.pods).filter(
      ({ lastEnd }) => lastEnd?.reason === 'OOMKilled' && isRecent(lastEnd.at, primary.clock),
    );
    if (killed.length === 0) return;
    const leaks = knownFaults.faultsOf(controlPlane.version).filter(({ modes }) => modes.includes('PERF-01'));
    yield finding(
      'killed',
      { controlPlane, pods: killed, clusters: readBy(controlPlane, mesh), leaks },
      {
        at: controlPlane.ref,
        concerns: mesh.couples.flatMap(({ member, controlPlane: { ref } }) => (ref.cluster === controlPlane.ref.cluster ? [member] : [])),
        related: killed.slice(0, 5).map(({ ref }) => ref),
        evidence: killed.slice(0, 5).map(({ ref, lastEnd, restarts }) => ({
          ref,
          field: '.status.containerStatuses[*].lastState.terminated.reason',
          observed: `${lastEnd?.reason ?? ''}${lastEnd?.at === undefined ? '' : ` at ${lastEnd.at}`}, ${count(restarts ?? 0, 'restart')}`,
        })),
      },
    );
  },
});

function isRecent(at: string | undefined, clock: Clock): boolean {
  return at !== undefined && Date.parse(clock.takenAt) - Date.parse(at) < recentDays * 86_400_000;
}

/** Twice what it has, where that can be told. */
function remediesFor({ ref, name, limits }: ControlPlane): Remedy[] {
  const found = /^(\d+)(Mi|Gi)$/.exec(limits?.memory ?? '');
  if (found === null) return [];
  const raised = `${2 * Number(found[1])}${found[2] ?? ''}`;
  return [
    remedy.command(ref.cluster, [`${kubectl(ref)} set resources deployment ${shellWord(name)} -c discovery --limits=memory=${raised}`], {
      ref,
      note: 'restarts istiod; set pilot.resources in the values, too',
      disruptive: true,
    }),
  ];
}
