import { defineCheck, hosts, type Injector, installAgain, list, type Namespace, remedy } from 'meshdoctor/api';
import { namespacesOf, refusal } from '../_area.ts';

export default defineCheck({
  id: 'dangling-injector-service',
  title: 'The Service that every injector calls exists',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['injectors', 'services', 'namespaces'],
  catalogue: ['INJ-02'],
  explains: [
    { code: 'stale-pilot-address', match: 'cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
  ],
  docs: {
    why: 'The API server calls the injector through a Service of its own cluster. When it does not exist every pod creation in the namespaces of that webhook is refused (failurePolicy Fail). It happens when a remote was installed without the revision, or its Service was cleaned up.',
    confirm:
      'kubectl get mutatingwebhookconfigurations -o jsonpath="{range .items[*].webhooks[*]}{.clientConfig.service.namespace}/{.clientConfig.service.name}{\'\\n\'}{end}" | sort -u; kubectl get services -A | grep istiod',
    fix: 'Install the remote profile again with the same revision as its primary.',
    notWhen: 'Webhooks that call a url use no Service.',
  },
  messages: {
    dangling: (a: { injector: Injector; service: string; present: readonly string[]; namespaces: readonly Namespace[] }) => ({
      text: `Webhook ${a.injector.name} of ${a.injector.ref.cluster} calls Service ${a.service}, which does not exist there${a.namespaces.length === 0 ? '' : ', so pods cannot be created'}.`,
      expected: `Service ${a.service}`,
      found: list(a.present, 'no Service for istiod'),
      ...refusal(a.namespaces),
      remedy: [
        remedy.installer(
          a.injector.ref.cluster,
          [`istioctl install --context ${a.injector.ref.cluster} -f REMOTE.yaml --set revision=${a.injector.revision}`],
          installAgain,
        ),
      ],
    }),
  },
  *run({ cluster, finding }) {
    const present = new Set(cluster.services.map((service) => `${service.namespace}/${service.name}`));
    const istiods = cluster.services
      .filter((service) => hosts.revisionOfIstiodService(service.name) !== undefined)
      .map((service) => `${service.namespace}/${service.name}`);
    const told = new Set<string>();
    for (const injector of [...cluster.injectors].sort((a, b) => Number(a.tag !== undefined) - Number(b.tag !== undefined))) {
      const target = injector.target.service;
      if (target === undefined) continue;
      const service = `${target.namespace}/${target.name}`;
      // A tag calls the Service of its revision: one finding for one missing Service.
      if (present.has(service) || told.has(service)) continue;
      told.add(service);
      const same = cluster.injectors.filter(
        (other) => other.target.service?.name === target.name && other.target.service.namespace === target.namespace,
      );
      const namespaces = same.flatMap((other) => namespacesOf(other, cluster.namespaces, cluster.injectors));
      yield finding(
        'dangling',
        { injector, service, present: istiods, namespaces },
        {
          at: injector.ref,
          field: '.webhooks[*].clientConfig.service.name',
          related: same.filter((other) => other !== injector).map((other) => other.ref),
          evidence: [
            { ref: injector.ref, field: '.webhooks[*].clientConfig.service', observed: service, expected: 'a Service that exists' },
          ],
          lacks: [{ cluster: cluster.name, fact: 'services' }],
          subject: service,
        },
      );
    }
  },
});
