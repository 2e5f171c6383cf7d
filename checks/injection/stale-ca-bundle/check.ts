import {
  defineCheck,
  distinct,
  type FieldManager,
  injection,
  type Injector,
  leadership,
  list,
  type Namespace,
  type Remedy,
  remedy,
  shellWord,
  valueOf,
} from 'meshdoctor/api';
import { namespacesOf, refusal, rootsOf, wrongBundle } from '../_area.ts';

export default defineCheck({
  id: 'stale-ca-bundle',
  title: 'Webhooks of a cluster trust the control plane that serves it',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'rootConfigMaps'], member: ['injectors', 'namespaces', 'rootConfigMaps'] },
  uses: { primary: ['pods', 'leaderElections'], member: ['leaderElections', 'clock'] },
  path: { hops: ['caller'], onlyExplains: true },
  catalogue: ['INJ-07', 'INJ-09'],
  explains: [
    { code: 'failing-injection/untrusted', match: 'cluster' },
    { code: 'unconnected-proxy', match: 'cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
    { code: 'expiring-ca-bundle', match: 'cluster' },
    { code: 'stale-validator-ca-bundle', match: 'cluster' },
    { code: 'foreign-istiod-certificate/untrusted', match: 'cluster' },
  ],
  docs: {
    why: 'The API server only calls the injector when its certificate leads to the caBundle of the webhook. istiod fills it in, in a remote only while it manages that cluster. Empty, or with the root of another CA, every pod creation in the namespaces of that webhook fails: x509, certificate signed by unknown authority.',
    confirm:
      'kubectl get mutatingwebhookconfigurations -o jsonpath="{range .items[*]}{.metadata.name}: {.webhooks[0].clientConfig.caBundle}{\'\\n\'}{end}" | cut -c1-80',
    fix: 'Let the managing istiod write it: repair what keeps it from leading the cluster. When it leads and the field still goes wrong, a tool resets it: make that tool ignore caBundle.',
    notWhen:
      'A webhook that calls a url with a public certificate needs no caBundle. The bundle must hold the root of the control plane, not of the remote.',
  },
  messages: {
    wrong: (a: Wrong) => ({
      text: `Webhook ${a.injector.name} of ${a.injector.ref.cluster} has ${a.held}, ${a.state === 'led' ? `although istiod leads there and repairs it in seconds: ${list(a.tools, 'some tool')} resets it` : `not the root of ${a.from}, so the API server refuses the injector`}.`,
      expected: a.expected,
      found: `${a.held}${a.tools.length === 0 ? '' : `, written by ${list(a.tools)}`}`,
      ...refusal(a.namespaces),
      // Only that nobody leads makes sure that the bundle stays as it is.
      ...(a.state === 'stale' ? {} : { certainty: 'likely' as const }),
      remedy: a.state === 'led' ? [findsTool(a)] : copies(a.injector, a.from),
    }),
  },
  *run({ primary, member, controlPlane, couple, mesh, finding, undecided }) {
    if (couple.kind === 'peer' || (couple.kind === 'remote' && valueOf(couple.serves) !== true)) return;
    const isOwn = couple.kind === 'self' || valueOf(mesh.kind) === 'external';
    const maps = isOwn ? member.rootConfigMaps : primary.rootConfigMaps;
    const roots = rootsOf(maps, controlPlane.namespace);
    const injectors = member.injectors.filter(
      (injector) =>
        injector.revision === controlPlane.revision &&
        injector.target.service?.namespace === controlPlane.namespace &&
        injection.isActive(injector),
    );
    if (injectors.length === 0) return;
    if (roots.length === 0) {
      yield undecided('the root certificate of the control plane is not known', {
        missing: [{ cluster: isOwn ? member.name : primary.name, fact: 'rootConfigMaps' }],
      });
      return;
    }
    const provider = controlPlane.env['PILOT_CERT_PROVIDER'] ?? '';
    if (provider !== '' && provider !== 'istiod') {
      yield undecided(`the certificate of istiod comes from ${provider}, not from the CA of the mesh`);
      return;
    }
    const led = leadership.leadershipOf({
      controlPlane,
      primary: primary.name,
      pods: primary.pods,
      heartbeats: primary.leaderElections,
      member: member.name,
      elections: member.leaderElections,
      clock: member.clock,
    });
    // A revision's webhook and its tags are written by the same hand: one finding for all of them, at the one that most namespaces use.
    const wrong = injectors
      .flatMap((injector) => {
        const held = wrongBundle(injector, roots);
        return held === undefined ? [] : [{ injector, held, namespaces: namespacesOf(injector, member.namespaces, member.injectors) }];
      })
      .sort(
        (a, b) => b.namespaces.length - a.namespaces.length || Number(a.injector.tag !== undefined) - Number(b.injector.tag !== undefined),
      );
    const [first] = wrong;
    if (first === undefined) return;
    const { injector, held } = first;
    const namespaces = wrong.flatMap((one) => one.namespaces);
    const tools = distinct(wrong.flatMap((one) => one.injector.managers.filter(writesBundle).map((manager) => manager.manager)));
    const args = {
      injector,
      held,
      expected: `the root ${roots[0]?.subject.replaceAll('\n', ', ')} of ${primary.name}`,
      namespaces,
      from: primary.name,
    };
    const where = {
      at: injector.ref,
      field: '.webhooks[*].clientConfig.caBundle',
      related: [...wrong.slice(1).map((one) => one.injector.ref), controlPlane.ref, ...led.evidence.map(({ ref }) => ref)],
      evidence: [
        ...wrong.map((one) => ({
          ref: one.injector.ref,
          field: '.webhooks[*].clientConfig.caBundle',
          observed: one.held,
          expected: args.expected,
        })),
        ...led.evidence,
      ],
      subject: controlPlane.revision,
    };
    // An istiod that is told no webhook leaves them to whoever installed them.
    const isPatched = controlPlane.env['INJECTION_WEBHOOK_CONFIG_NAME'] !== '';
    const state = led.state === 'led' && !isPatched ? 'unknown' : led.state;
    yield finding('wrong', { ...args, tools, state }, where);
  },
});

interface Wrong {
  readonly injector: Injector;
  readonly held: string;
  readonly expected: string;
  readonly namespaces: readonly Namespace[];
  readonly tools: readonly string[];
  readonly state: leadership.Leadership['state'];
  readonly from: string;
}

function findsTool({ injector, tools }: Wrong): Remedy {
  const { cluster } = injector.ref;
  return remedy.command(
    cluster,
    [`kubectl --context ${shellWord(cluster)} get mutatingwebhookconfiguration ${shellWord(injector.name)} -o yaml --show-managed-fields`],
    {
      note: `reads only: find who writes caBundle, and change it in Git: ${list(tools, 'that tool')} must not render or compare the field`,
    },
  );
}

function writesBundle(manager: FieldManager): boolean {
  return manager.manager !== 'pilot-discovery' && manager.fields.some((field) => field.includes('caBundle'));
}

/** A stop-gap: the bundle copied by hand from where it is right. */
function copies(injector: Injector, from: string): Remedy[] {
  const { cluster } = injector.ref;
  if (cluster === from) return [];
  const read = `$(kubectl --context ${shellWord(from)} -n ${shellWord(injector.target.service?.namespace ?? 'istio-system')} get configmap istio-ca-root-cert -o jsonpath='{.data.root-cert\\.pem}' | base64 -w0)`;
  const patch = injector.webhooks
    .map((_, index) => `{"op":"add","path":"/webhooks/${index}/clientConfig/caBundle","value":"'"${read}"'"}`)
    .join(',');
  return [
    remedy.command(
      cluster,
      [
        `kubectl --context ${shellWord(cluster)} patch mutatingwebhookconfiguration ${shellWord(injector.name)} --type=json -p '[${patch}]'`,
      ],
      { note: 'a stop-gap until istiod leads the cluster again', ref: injector.ref },
    ),
  ];
}
