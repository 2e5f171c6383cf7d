import {
  defineCheck,
  hosts,
  injection,
  labels,
  list,
  listOf,
  type Namespace,
  remedy,
  type Revision,
  selectors,
  type Workload,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'unserved-gateway-revision',
  title: 'Injected gateways ask for a revision that a webhook of their cluster serves',
  severity: 'error',
  certainty: 'likely',
  scope: 'cluster',
  needs: ['workloads', 'namespaces', 'injectors', 'services'],
  uses: ['pods'],
  path: { hops: ['gateway'] },
  catalogue: ['INJ-03', 'INJ-15'],
  explains: [{ code: 'unready-east-west-gateway/uninjected', match: 'cluster' }],
  docs: {
    why: 'A gateway of the samples and of Helm has the image "auto": the injector puts the real one in. When it asks for a revision nobody serves, the pod stays as written and cannot pull its image. The gateway generator and the installation each take a revision, and the one on the command line wins.',
    confirm:
      'kubectl -n istio-system get deployments -L istio.io/rev; kubectl get mutatingwebhookconfigurations -L istio.io/rev,istio.io/tag',
    fix: 'Set the label on the pod template of the gateway to a revision or tag that is served.',
  },
  messages: {
    unserved: (a: Unserved) => ({ ...sentence(a), ...(a.isRunning ? { severity: 'warning' as const } : {}) }),
    alsoNamespaces: (a: Unserved) => ({ ...sentence(a), ...(a.isRunning ? { severity: 'warning' as const } : {}) }),
  },
  *run({ cluster, finding }) {
    const namespaces = new Map<string, Namespace>(cluster.namespaces.map((namespace) => [namespace.name, namespace]));
    // Where namespaces miss a revision whose Service is still there, its webhook is what is missing, not the gateway's label.
    const installed = new Set(cluster.services.flatMap((service) => hosts.revisionOfIstiodService(service.name) ?? []));
    const missed = cluster.namespaces
      .filter((namespace) => injection.serverOf(namespace, cluster.injectors) === undefined)
      .map(injection.wantedRevision);
    const missedByNamespaces = new Set(
      missed.filter((revision) => revision !== undefined && (revision === 'default' || installed.has(revision))),
    );
    for (const workload of cluster.workloads) {
      const namespace = namespaces.get(workload.namespace);
      if (namespace === undefined || !wantsGatewayTemplate(workload)) continue;
      const pod = { labels: workload.podLabels, annotations: workload.podAnnotations, hostNetwork: workload.hostNetwork };
      const wanted = injection.wantedByPod(namespace, pod);
      if (wanted === undefined || injection.serverOfPod(namespace, pod, cluster.injectors) !== undefined) continue;
      const pods = listOf(cluster.pods).filter(
        (candidate) => candidate.namespace === workload.namespace && selectors.selectsPods(workload.selector, candidate.labels),
      );
      const stuck = pods.filter((candidate) => candidate.imageAuto);
      const offered = injection.offered(cluster.injectors);
      const args = { workload, wanted, offered, isRunning: isIdle(workload) || (workload.readyReplicas > 0 && stuck.length === 0) };
      yield finding(missedByNamespaces.has(wanted) ? 'alsoNamespaces' : 'unserved', args, {
        at: workload.ref,
        field: '.spec.template.metadata.labels["istio.io/rev"]',
        related: stuck.map((candidate) => candidate.ref),
        evidence: [
          {
            ref: workload.ref,
            field: '.spec.template.metadata.labels["istio.io/rev"]',
            observed: wanted,
            expected: list(offered, 'none is served'),
          },
        ],
        lacks: [{ cluster: cluster.name, fact: 'injectors' }],
        subject: wanted,
      });
    }
  },
});

interface Unserved {
  readonly workload: Workload;
  readonly wanted: Revision;
  readonly offered: readonly Revision[];
  readonly isRunning: boolean;
}

function sentence({ workload, wanted, offered, isRunning }: Unserved) {
  const [only, ...more] = offered;
  return {
    text: `${workload.kind} ${workload.namespace}/${workload.name} in ${workload.ref.cluster} asks for revision ${wanted}, which no webhook there serves, so its ${isRunning ? 'next ' : ''}pods cannot start.`,
    expected: list(offered, 'any injector at all'),
    found: wanted,
    effect: isRunning
      ? 'the running pod still serves; its successor never will'
      : 'the gateway does not start; a pod of before may still serve',
    remedy:
      only === undefined || more.length > 0
        ? []
        : [
            remedy.patch(
              workload.ref,
              { spec: { template: { metadata: { labels: { [labels.revision]: only } } } } },
              { note: 'restarts the gateway', disruptive: true },
            ),
          ],
  };
}

/** Gateways name their template; application workloads are judged by their namespace. */
function wantsGatewayTemplate(workload: Workload): boolean {
  return (workload.podAnnotations['inject.istio.io/templates'] ?? '').split(',').includes('gateway');
}

/** Scaled to nothing on purpose: only what comes next is in danger. */
function isIdle(workload: Workload): boolean {
  return workload.desiredReplicas === 0;
}
