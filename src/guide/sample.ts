import { labels, names } from '../istio/labels.ts';
import { apply } from './commands.ts';
import type { Plan, Site } from './types.ts';

const namespace = 'sample';

/** A service that only this cluster has, so that whoever resolves its name elsewhere has it from istiod; its pod calls the others. */
export function sampleService(plan: Plan, site: Site): string {
  const name = `hello-${site.clusterId}`.slice(0, 63).toLowerCase();
  const app = { app: name };
  const injection = plan.revision === names.defaultRevision ? { [labels.injection]: 'enabled' } : { [labels.revision]: plan.revision };
  return apply(site.cluster, [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: injection } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace, labels: app },
      spec: { selector: app, ports: [{ name: 'http', port: 5000, targetPort: 5000 }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace, labels: app },
      spec: {
        replicas: 1,
        selector: { matchLabels: app },
        template: {
          metadata: { labels: app },
          spec: {
            containers: [{ name: 'hello', image: 'docker.io/istio/examples-helloworld-v1:1.0', ports: [{ containerPort: 5000 }] }],
          },
        },
      },
    },
  ]);
}
