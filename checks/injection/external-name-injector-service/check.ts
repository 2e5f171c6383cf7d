import { defineCheck, type Injector, installAgain, type Namespace, remedy, type Remedy, type Service, shellWord } from 'meshdoctor/api';
import { namespacesOf, refusal } from '../_area.ts';

export default defineCheck({
  id: 'external-name-injector-service',
  title: 'Injectors call Services that an API server can call',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['injectors', 'services', 'namespaces'],
  path: { hops: ['caller'], onlyExplains: true },
  catalogue: ['INJ-14', 'CPX-04', 'CLD-04'],
  explains: [
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
    { code: 'unreachable-injector', match: 'cluster' },
    { code: 'failing-injection', match: 'cluster' },
  ],
  docs: {
    why: 'When remotePilotAddress is a host name, the installer makes the Service istiod of the remote an ExternalName. Proxies can use it, because they only resolve it. The API server cannot: it refuses the type, or dials port 443 of that host instead of 15017. No pod can be created in the namespaces of that webhook (failurePolicy Fail).',
    confirm: 'kubectl get services -A --field-selector spec.type=ExternalName; kubectl get events -A | grep "failed calling webhook"',
    fix: 'Give the gateway of the primary a static address and install the remote with it, or set istiodRemote.injectionURL and have istiod present a certificate for that name.',
    notWhen: 'A webhook that calls a url does not use the Service: then an ExternalName only serves proxies.',
    see: ['https://github.com/istio/istio/issues/45014'],
  },
  messages: {
    refused: (a: { injector: Injector; service: Service; namespaces: readonly Namespace[] }) => ({
      text: `Webhook ${a.injector.name} of ${a.injector.ref.cluster} calls Service ${a.service.namespace}/${a.service.name}, an ExternalName, which the API server does not call.`,
      expected: 'a Service with an IP address behind it, or a url in the webhook',
      found: `ExternalName ${a.service.externalName ?? ''}`.trim(),
      ...refusal(a.namespaces),
      remedy: fixes(a.injector, a.service),
    }),
  },
  *run({ cluster, finding }) {
    for (const service of cluster.services) {
      if (service.type !== 'ExternalName') continue;
      const calling = cluster.injectors.filter(
        ({ target }) => target.service?.name === service.name && target.service.namespace === service.namespace,
      );
      // A revision's webhook and its tags call one Service: one finding, at the webhook of the revision.
      const [injector, ...others] = calling.sort((a, b) => Number(a.tag !== undefined) - Number(b.tag !== undefined));
      if (injector === undefined) continue;
      yield finding(
        'refused',
        { injector, service, namespaces: calling.flatMap((one) => namespacesOf(one, cluster.namespaces, cluster.injectors)) },
        {
          at: service.ref,
          field: '.spec.type',
          related: [injector, ...others].map(({ ref }) => ref),
          evidence: [
            { ref: service.ref, field: '.spec.type', observed: 'ExternalName', expected: 'ClusterIP' },
            {
              ref: injector.ref,
              field: '.webhooks[*].clientConfig.service.name',
              observed: `${service.namespace}/${service.name}`,
              expected: 'a url, or a Service with an address',
            },
          ],
        },
      );
    }
  },
});

/** The name can stay where the webhook calls it by a url; without the names that go into it there is no complete command. */
function fixes(injector: Injector, { externalName }: Service): Remedy[] {
  const { injectedClusterId: id, injectedNetwork: network, ref } = injector;
  if (externalName === undefined || externalName === '' || id === undefined) return [];
  const path = `/inject/cluster/${id}${network === undefined ? '' : `/net/${network}`}`;
  const url = shellWord(`values.istiodRemote.injectionURL=https://${externalName}:15017${path}`);
  return [
    remedy.installer(
      ref.cluster,
      [`istioctl install --context ${shellWord(ref.cluster)} -f REMOTE.yaml --set ${url}`],
      `REMOTE.yaml is what this cluster was installed from; istiod has to present a certificate for ${externalName} (ISTIOD_CUSTOM_HOST); better: a static address in remotePilotAddress; ${installAgain}`,
    ),
  ];
}
