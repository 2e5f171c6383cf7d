import {
  type ClusterName,
  type ControlPlane,
  defineCheck,
  distinct,
  effectsOfCutOff,
  hosts,
  type Injector,
  list,
  listOf,
  pilotAddress,
  type Pod,
  refusals,
  remedy,
  valueOf,
  containers,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'mismatched-istiod-certificate',
  title: 'The certificate of istiod covers the names that remotes ask for',
  severity: 'error',
  certainty: 'likely',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'meshConfigs', 'gateways'], member: ['injectors', 'services', 'meshConfigs'] },
  uses: { primary: [], member: ['pods', 'workloads'] },
  path: { hops: ['caller'] },
  catalogue: ['CPX-07'],
  explains: [
    { code: 'failing-injection/untrusted', match: 'cluster' },
    ...effectsOfCutOff,
    { code: 'foreign-istiod-certificate', match: 'cluster' },
    { code: 'rejected-istiod-call', match: 'cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
    { code: 'unready-east-west-gateway/notReady', match: 'cluster' },
  ],
  docs: {
    why: 'istiod presents a certificate with the names istiod, istiod-remote, istio-pilot and its own Service in its own namespace, its discoveryAddress, and what ISTIOD_CUSTOM_HOST lists. Whoever asks for another name, a host of a load balancer or a Service in another namespace, refuses it: certificate is valid for those, not for this.',
    confirm:
      'openssl s_client -connect ADDRESS:15012 -servername istiod.istio-system.svc </dev/null | openssl x509 -noout -ext subjectAltName; kubectl --context REMOTE get mutatingwebhookconfigurations -o yaml | grep -E "url:|namespace:"',
    fix: 'List the name in ISTIOD_CUSTOM_HOST of istiod, or let remotes ask for the Service of istiod in its own namespace.',
    notWhen: 'A gateway that ends TLS itself presents a certificate of its own, whose names are in a Secret.',
    see: ['https://github.com/istio/istio/issues/21912'],
  },
  messages: {
    uncovered: (a: Uncovered) => ({
      text: `Istiod ${a.controlPlane.namespace}/${a.controlPlane.name} in ${a.controlPlane.ref.cluster} has no certificate for ${list(a.missing)}, which ${list(who(a))} of ${a.member} ${who(a).length === 1 ? 'asks' : 'ask'} for.`,
      expected: list(a.missing),
      found: list(a.names, 'none', 8),
      effect: list([
        ...(a.injectors.length > 0 ? ['the API server refuses the injector: no pod can be created'] : []),
        ...(a.proxies.length > 0 ? ['proxies refuse discovery and do not get ready'] : []),
      ]),
      remedy: [
        remedy.setEnv(
          a.controlPlane.ref,
          containers.istiod,
          { ISTIOD_CUSTOM_HOST: [...a.custom, ...a.missing].join(',') },
          { note: 'restarts istiod; set pilot.env.ISTIOD_CUSTOM_HOST in its values too' },
        ),
      ],
    }),
  },
  *run({ primary, member, controlPlane, couple, finding, undecided }) {
    if (!pilotAddress.isServedFromOutside(couple) || valueOf(couple.serves) !== true) return;
    // Where a gateway ends TLS its own certificate counts, which nobody reads.
    const isTerminated = primary.gateways.some(({ servers }) =>
      servers.some(({ port, tlsMode }) => (port === 15012 || port === 15017) && tlsMode !== 'PASSTHROUGH' && tlsMode !== ''),
    );
    const configs = [...primary.meshConfigs, ...member.meshConfigs];
    if (isTerminated || configs.some(({ unreadable }) => unreadable)) return;
    // A name of any of its istiods will do: which of them is reached is another question.
    const names = distinct([
      ...primary.controlPlanes.flatMap((one) => namesOf(one)),
      ...configs.flatMap(({ discoveryAddress }) => (discoveryAddress === undefined ? [] : [hosts.hostOfAddress(discoveryAddress)])),
    ]);
    const present = new Set(member.services.map(({ namespace, name }) => `${namespace}/${name}`));
    const isAsked = (host: string | undefined): host is string => {
      if (host === undefined || names.includes(host)) return false;
      const service = hosts.discoveryService(host);
      // The name of a Service may be written in full, and one that does not exist is never resolved.
      return (
        service === undefined ||
        (!names.includes(`${service.name}.${service.namespace}.svc`) && present.has(`${service.namespace}/${service.name}`))
      );
    };
    // Something in front may have a certificate for a url: only that the API server refuses it says that there is none.
    const words = refusals.refusalsBy(member.injectors, listOf(member.workloads)).filter(({ kind }) => kind === 'name');
    const isRefused = (host: string | undefined): boolean => words.some((refusal) => refusal.host === host);
    const injectors = member.injectors
      .filter(({ revision }) => revision === controlPlane.revision)
      .filter(({ target }) => isAsked(refusals.hostOf(target)) && (target.url === undefined || isRefused(refusals.hostOf(target))))
      .sort((a, b) => Number(a.tag !== undefined) - Number(b.tag !== undefined));
    // A proxy that is ready was given its configuration by that name.
    const proxies = listOf(member.pods).filter(
      ({ proxy, phase, ready }) =>
        proxy?.revision === controlPlane.revision && phase === 'Running' && !ready && isAsked(proxy.discoveryHost),
    );
    const missing = distinct([
      ...injectors.flatMap(({ target }) => refusals.hostOf(target) ?? []),
      ...proxies.flatMap(({ proxy }) => proxy?.discoveryHost ?? []),
    ]);
    if (missing.length === 0) return;
    const provider = controlPlane.env['PILOT_CERT_PROVIDER'] ?? '';
    if ((provider !== '' && provider !== 'istiod') || controlPlane.env['ENABLE_CA_SERVER'] === 'false') {
      yield undecided('the certificate of istiod is made elsewhere: its names are not known');
      return;
    }
    yield finding(
      'uncovered',
      { controlPlane, member: member.name, missing, names, injectors, proxies, custom: customOf(controlPlane) },
      {
        at: injectors[0]?.ref ?? controlPlane.ref,
        field: injectors.length > 0 ? '.webhooks[*].clientConfig' : '.spec.template.spec.containers[0].env',
        related: [controlPlane.ref, ...proxies.slice(0, 3).map(({ ref }) => ref)],
        evidence: [
          ...injectors.slice(0, 3).map(({ ref, target }) => ({
            ref,
            field: '.webhooks[*].clientConfig',
            observed: refusals.hostOf(target) ?? '',
            expected: 'a name of the certificate of istiod',
          })),
          ...proxies.slice(0, 2).map(({ ref, proxy }) => ({ ref, observed: `istiod at ${proxy?.discoveryHost}` })),
          ...words
            .slice(0, 2)
            .map(({ workload, reason }) => ({ ref: workload.ref, field: '.status.conditions', observed: reason.slice(0, 160) })),
        ],
        subject: missing.join(','),
        concerns: [member.name],
      },
    );
  },
});

interface Uncovered {
  readonly controlPlane: ControlPlane;
  readonly member: ClusterName;
  readonly missing: readonly string[];
  /** Of the certificates of that cluster's istiods. */
  readonly names: readonly string[];
  readonly injectors: readonly Injector[];
  readonly proxies: readonly Pod[];
  readonly custom: readonly string[];
}

function who({ injectors, proxies }: Uncovered): string[] {
  return [
    ...(injectors[0] === undefined ? [] : [`webhook ${injectors[0].name}`]),
    ...(proxies[0] === undefined ? [] : [`proxy ${proxies[0].namespace}/${proxies[0].name}`]),
  ];
}

function customOf({ env }: ControlPlane): string[] {
  return (env['ISTIOD_CUSTOM_HOST'] ?? '').split(',').filter((host) => host !== '');
}

function namesOf({ revision, namespace, env }: ControlPlane): string[] {
  return hosts.istiodDnsNames({ revision, namespace, customHosts: env['ISTIOD_CUSTOM_HOST'] });
}
