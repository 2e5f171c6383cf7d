import { defineCheck, injection, labels, list, listOf, type Namespace, remedy, type Revision, selectors, type Workload } from 'meshdoctor/api';

export default defineCheck({
  id: 'unserved-gateway-revision',
  title: 'Injected gateways ask for a revision that a webhook of their cluster serves',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['workloads', 'namespaces', 'injectors'],
  uses: ['pods'],
  catalogue: ['INJ-03', 'INJ-15'],
  explains: [
    { code: 'unready-east-west-gateway/notReady', match: 'cluster' },
    { code: 'unserved-revision', match: 'object' },
  ],
  docs: {
    why: 'A gateway of the samples and of Helm has the image "auto": the injector puts the real one in. When it asks for a revision nobody serves, the pod stays as written and cannot pull its image. The gateway generator and the installation each take a revision, and the one on the command line wins.',
    confirm: 'kubectl -n istio-system get deployments -L istio.io/rev; kubectl get mutatingwebhookconfigurations -L istio.io/rev,istio.io/tag',
    fix: 'Set the label on the pod template of the gateway to a revision or tag that is served.',
  },
  messages: {
    unserved: (a: { workload: Workload; wanted: Revision; offered: readonly Revision[]; isRunning: boolean }) => ({
      text: `${a.workload.kind} ${a.workload.namespace}/${a.workload.name} in ${a.workload.ref.cluster} asks for revision ${a.wanted}, which no webhook there serves, so its ${a.isRunning ? 'next ' : ''}pods cannot start.`,
      expected: list(a.offered, 'any injector at all'),
      found: a.wanted,
      effect: a.isRunning ? 'the running pod still serves; its successor never will' : 'the gateway does not run',
      ...(a.isRunning ? { severity: 'warning' as const } : {}),
      remedy:
        a.offered.length === 1 && a.offered[0] !== undefined
          ? [remedy.patch(a.workload.ref, { spec: { template: { metadata: { labels: { [labels.revision]: a.offered[0] } } } } }, { note: 'restarts the gateway', disruptive: true })]
          : [],
    }),
  },
  *run({ cluster, finding }) {
    const namespaces = new Map<string, Namespace>(cluster.namespaces.map((namespace) => [namespace.name, namespace]));
    for (const workload of cluster.workloads) {
      const namespace = namespaces.get(workload.namespace);
      if (namespace === undefined || !wantsGatewayTemplate(workload)) continue;
      const pod = { labels: workload.podLabels, annotations: workload.podAnnotations, hostNetwork: workload.hostNetwork };
      const wanted = injection.wantedByPod(namespace, pod);
      if (wanted === undefined || injection.serverOfPod(namespace, pod, cluster.injectors) !== undefined) continue;
      const pods = listOf(cluster.pods).filter((candidate) => candidate.namespace === workload.namespace && selectors.selectsPods(workload.selector, candidate.labels));
      const isRunning = workload.readyReplicas > 0;
      const offered = injection.offered(cluster.injectors);
      yield finding(
        'unserved',
        { workload, wanted, offered, isRunning },
        {
          at: workload.ref,
          field: '.spec.template.metadata.labels["istio.io/rev"]',
          related: pods.filter((candidate) => candidate.imageAuto).map((candidate) => candidate.ref),
          evidence: [{ ref: workload.ref, field: '.spec.template.metadata.labels["istio.io/rev"]', observed: wanted, expected: list(offered, 'none is served') }],
          lacks: [{ cluster: cluster.name, fact: 'injectors' }],
          subject: wanted,
        },
      );
    }
  },
});

/** Gateways name their template; application workloads are judged by their namespace. */
function wantsGatewayTemplate(workload: Workload): boolean {
  return (workload.podAnnotations['inject.istio.io/templates'] ?? '').split(',').includes('gateway');
}
