import {
  type ClusterName,
  count,
  defineCheck,
  effectsOfCutOff,
  groupBy,
  hosts,
  list,
  listOf,
  type Pod,
  remedy,
  type Remedy,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'missing-discovery-service',
  title: 'The Service from which proxies get their configuration exists in their cluster',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster', // a proxy resolves the name of istiod with the DNS of its own cluster
  needs: ['pods', 'services'],
  uses: ['injectors'],
  path: { hops: ['caller'] },
  catalogue: ['INJ-12'],
  explains: [...effectsOfCutOff],
  docs: {
    why: 'The address of istiod is written into a pod when it is injected, and stays. When an upgrade renames or removes that Service (the chart istiod-remote and its Service went with 1.24; a revision goes with its Service), pods of before have nobody to ask: they serve with what they know until their certificate runs out, within a day, and do not start again.',
    confirm:
      'kubectl get pods -A -o jsonpath=\'{range .items[*]}{.metadata.namespace}/{.metadata.name} {.spec.containers[?(@.name=="istio-proxy")].env[?(@.name=="CA_ADDR")].value}{"\\n"}{end}\' | grep istiod; kubectl get services -A | grep istiod',
    fix: 'Restart these workloads, so that they are injected with the address of today; or bring the Service back: in a remote install the istiod chart with profile=remote (and base) in place of istiod-remote, and mind enabledLocalInjectorIstiod before 1.27.',
    notWhen: 'An address outside the cluster, as proxies of an external control plane have it, is no Service.',
    since: 'Istio 1.24 for the chart istiod-remote; 1.27 brings its Service back with enabledLocalInjectorIstiod',
    see: ['https://github.com/istio/istio/issues/56328'],
  },
  messages: {
    missing: (a: Missing) => ({
      text: `Service ${a.namespace}/${a.name} does not exist in ${a.cluster}, but ${count(a.pods.length, 'proxy', 'proxies')} there, ${a.pods[0]?.namespace}/${a.pods[0]?.name} first, get their configuration from it.`,
      expected: `Service ${a.namespace}/${a.name}, or proxies that ask another`,
      found: list(a.present, 'no Service for istiod'),
      effect: 'they hear of no change, get no new certificate, and do not become ready again',
      remedy: fixes(a),
    }),
  },
  *run({ cluster, finding }) {
    const present = new Set(cluster.services.map(({ namespace, name }) => `${namespace}/${name}`));
    const asking = cluster.pods.filter(
      ({ proxy, phase }) => proxy?.discoveryHost !== undefined && phase !== 'Succeeded' && phase !== 'Failed',
    );
    for (const [host, pods] of groupBy(asking, ({ proxy }) => proxy?.discoveryHost ?? '')) {
      const service = hosts.discoveryService(host);
      if (service === undefined || present.has(`${service.namespace}/${service.name}`)) continue;
      const called = listOf(cluster.injectors).flatMap(({ target }) => (target.service === undefined ? [] : [target.service]));
      yield finding(
        'missing',
        {
          ...service,
          cluster: cluster.name,
          pods,
          present: [...present].filter((one) => hosts.revisionOfIstiodService(one.slice(one.indexOf('/') + 1)) !== undefined).sort(),
          isInjectable: called.some(({ namespace, name }) => present.has(`${namespace}/${name}`)),
        },
        {
          at: cluster.ref,
          related: pods.slice(0, 5).map(({ ref }) => ref),
          evidence: pods.slice(0, 3).map(({ ref }) => ({
            ref,
            field: '.spec.containers[?(@.name=="istio-proxy")].env',
            observed: `istiod at ${host}`,
            expected: 'a Service of this cluster',
          })),
          lacks: [{ cluster: cluster.name, fact: 'services' }],
          subject: host,
        },
      );
    }
  },
});

interface Missing {
  readonly cluster: ClusterName;
  readonly namespace: string;
  readonly name: string;
  readonly pods: readonly Pod[];
  /** Services of istiod that there are. */
  readonly present: readonly string[];
  /** Some injector of the cluster can be called: a restart gives the address of today. */
  readonly isInjectable: boolean;
}

function fixes({ pods, isInjectable }: Missing): Remedy[] {
  return isInjectable ? remedy.restartPods(pods, 'which are then injected with the address of today') : [];
}
