import {
  type ClusterName,
  type ControlPlane,
  defineCheck,
  effectsOfCutOff,
  gatewayWays,
  hosts,
  ipAddresses,
  type IstiodHandshake,
  listOf,
  loadBalancers,
  measured,
  type ObjectRef,
  refusals,
  shellWord,
  versions,
} from 'meshdoctor/api';
import { calledBy } from '../_area.ts';

export default defineCheck({
  id: 'rejected-istiod-call',
  title: 'istiod answers where clusters without one of their own call it',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['istiodHandshakes'], member: [] },
  uses: { primary: ['istiods', 'services'], member: ['injectionTrials', 'injectors'] },
  applies: { probed: ['istiodHandshakes'] },
  catalogue: ['CPX-05'],
  explains: [
    ...effectsOfCutOff,
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
    { code: 'unready-east-west-gateway/notReady', match: 'cluster' },
    { code: 'failing-injection', match: 'cluster' },
    { code: 'unconfigured-gateway', match: 'within' },
  ],
  docs: {
    why: 'Proxies of a remote call istiod on port 15012 of a gateway, its API server calls the injector on 15017. Here both calls were made as they make them, up to GET /ready of istiod itself. A call that is ended at once has no route: no Gateway, no VirtualService that names this istiod, or nobody behind it. Discovery that works while injection does not means that the second server or route is missing.',
    confirm:
      'openssl s_client -connect ADDRESS:15012 -servername istiod.istio-system.svc -alpn h2 </dev/null; curl -vk --connect-to istiod.istio-system.svc:15017:ADDRESS:15017 https://istiod.istio-system.svc:15017/ready',
    fix: 'Apply Gateway and VirtualService of expose-istiod for this revision, with both ports; see that the gateway pods are ready; open 15012 and 15017 from the remote to the address.',
    notWhen:
      'It was tried from where meshdoctor runs: that nobody answers there means nothing where the address is open to the other clusters only, unless istiod or the API server of such a cluster says the same. Proxies that are told so (GRPC_ENFORCE_ALPN_ENABLED=false) do without h2.',
  },
  messages: {
    unreachable: (a: Call & { reason: string }) => ({
      text: `Nobody answers at ${where(a)}, where ${a.member} calls istiod for ${a.call.purpose}, as seen from here: ${a.reason}.${ranged(a)}${echo(a)}`,
      expected: 'a TCP connection',
      found: a.reason,
      ...graded(a),
      confirm: confirm(a),
    }),
    blocked: (a: Call & { reason: string; pod: ObjectRef }) => ({
      text: `The way to ${where(a)} is blocked, as seen from here: ${a.reason}. Istiod answers through pod ${a.pod.namespace ?? ''}/${a.pod.name} of the gateway itself.${ranged(a)}${echo(a)}`,
      expected: 'a TCP connection',
      found: a.reason,
      ...graded(a),
      confirm: confirm(a),
    }),
    severed: (a: Call & { reason: string; pod: ObjectRef }) => ({
      text: `What stands before ${where(a)} accepts connections and gives no certificate of istiod (${a.reason}), while pod ${a.pod.namespace ?? ''}/${a.pod.name} of the gateway does.`,
      expected: 'a certificate of istiod',
      found: a.reason,
      effect: effect(a),
      confirm: confirm(a),
      certainty: 'likely',
    }),
    closed: (a: Call & { pod: ObjectRef }) => ({
      text: `Gateway pod ${a.pod.namespace ?? ''}/${a.pod.name} listens on no port for ${where(a)}, where ${a.member} calls istiod for ${a.call.purpose}.`,
      expected: `a listener for port ${a.call.port}`,
      found: 'connection refused',
      effect: effect(a),
    }),
    ended: (a: Call & { reason: string }) => ({
      text: `Calls of ${a.member} for ${a.call.sni} at ${where(a)} are not passed on to istiod: ${a.reason}.`,
      expected: 'a certificate of istiod',
      found: a.reason,
      effect: effect(a),
      confirm: confirm(a),
      certainty: 'likely',
    }),
    halfOpen: (a: Call & { reason: string }) => ({
      text: `Istiod answers ${a.member} for ${a.call.purpose === 'injection' ? 'discovery and not for injection' : 'injection and not for discovery'}: ${a.call.sni} at ${where(a)} is not passed on (${a.reason}).`,
      expected: 'both ports of istiod',
      found: `port ${a.call.port}: ${a.reason}`,
      effect: effect(a),
      confirm: confirm(a),
      certainty: 'likely',
    }),
    noHttp2: (a: Call & { protocol: string }) => ({
      text: `What answers ${a.member} at ${where(a)} for discovery agrees on ${a.protocol === '' ? 'no protocol' : a.protocol} by ALPN: proxies of 1.24 and later want h2, and end the connection without it.`,
      expected: 'h2',
      found: a.protocol === '' ? 'none' : a.protocol,
      effect: effect(a),
      confirm: confirm(a, ' -alpn h2'),
      certainty: 'likely',
    }),
    notReady: (a: Call & { status: string }) => ({
      text: `Istiod says that it is not ready where ${a.member} calls it for injection: GET /ready at ${where(a)} gives ${a.status}.`,
      expected: '200',
      found: a.status,
      effect: effect(a),
      certainty: 'likely',
    }),
  },
  *run({ primary, member, controlPlane, finding }) {
    const seen = calledBy(member.name, controlPlane, primary.istiodHandshakes);
    const isAnswered = (purpose: IstiodHandshake['purpose']): boolean =>
      seen.some(({ call, inside }) => call.purpose === purpose && [call, inside].some((one) => one?.outcome.stage === 'certificate'));
    const replicas = measured.replicasOf(controlPlane, listOf(primary.istiods));
    const trials = listOf(member.injectionTrials);
    const mayBeIgnored = listOf(member.injectors).some(
      ({ revision, webhooks }) => revision === controlPlane.revision && webhooks.some(({ failurePolicy }) => failurePolicy === 'Ignore'),
    );
    /** What callers in the member meet. */
    const feltBy = (purpose: IstiodHandshake['purpose']): Call['felt'] => {
      if (purpose === 'discovery') return measured.connectionOf(member.name, replicas, controlPlane) === 'cut-off' ? 'cut-off' : undefined;
      if (trials.some(({ outcome }) => outcome.is === 'refused' && isUnanswered(outcome.message))) return 'unanswered';
      return mayBeIgnored && trials.some(({ outcome }) => outcome.is === 'made' && outcome.proxy === undefined) ? 'ignored' : undefined;
    };
    for (const { call, inside } of seen) {
      // One port that is closed beside another that is open: where its callers say the same it is no matter of from where one looks.
      const isOpenBeside = seen.some(
        (one) => one.call.host === call.host && one.call.port !== call.port && one.call.outcome.stage !== 'tcp',
      );
      const ranges = call.gateway === undefined ? undefined : loadBalancers.rangesAt(call.gateway, listOf(primary.services));
      const base: Call = { call, member: member.name, controlPlane, ranges, felt: isOpenBeside ? feltBy(call.purpose) : undefined };
      const place = {
        at: call.gateway ?? call.named,
        related: [controlPlane.ref, call.named],
        evidence: [
          { ref: call.gateway ?? call.named, observed: `${call.sni} at ${gatewayWays.addressOf(call)}: ${told(call)}` },
          ...(inside?.pod === undefined
            ? []
            : [{ ref: call.gateway ?? call.named, observed: `pod ${inside.pod.name}, port-forward: ${told(inside)}` }]),
          ...(ranges === undefined || call.gateway === undefined || call.outcome.stage !== 'tcp'
            ? []
            : [{ ref: call.gateway, field: ranges.field, observed: ranges.value }]),
        ],
        subject: `${gatewayWays.addressOf(call)} ${call.purpose}`,
        concerns: [member.name],
      };
      const { outcome } = call;
      if (outcome.stage === 'certificate') {
        // Older recordings do not say; older proxies do not ask.
        const { protocol } = outcome;
        if (
          call.purpose === 'discovery' &&
          protocol !== undefined &&
          protocol !== 'h2' &&
          isIstiods(call.sni, outcome) &&
          wantsHttp2(controlPlane)
        )
          yield finding('noHttp2', { ...base, protocol }, place);
        if (call.ready !== undefined && 'answer' in call.ready && call.ready.answer >= 500)
          yield finding('notReady', { ...base, status: `HTTP ${call.ready.answer}` }, place);
        continue;
      }
      const reason = told(call);
      const pod = inside?.pod;
      if (pod !== undefined && inside !== undefined && inside.outcome.stage === 'certificate') {
        yield finding(outcome.stage === 'tcp' ? 'blocked' : 'severed', { ...base, reason, pod }, place);
      } else if (pod !== undefined && inside?.outcome.stage === 'tcp') yield finding('closed', { ...base, pod }, place);
      else if (outcome.stage === 'tcp' && inside === undefined) yield finding('unreachable', { ...base, reason }, place);
      else {
        const isHalf = isAnswered(call.purpose === 'injection' ? 'discovery' : 'injection');
        yield finding(isHalf ? 'halfOpen' : 'ended', { ...base, reason: told(inside ?? call) }, place);
      }
    }
  },
});

interface Call {
  readonly call: IstiodHandshake;
  readonly member: ClusterName;
  readonly controlPlane: ControlPlane;
  /** Callers in the member do not get there, either: proxies are connected to nobody, the API server says so, or goes without. */
  readonly felt: 'cut-off' | 'unanswered' | 'ignored' | undefined;
  /** Whom the load balancer before it admits, where that is not everybody. */
  readonly ranges: loadBalancers.SourceRanges | undefined;
}

function ranged({ ranges }: Call): string {
  return ranges === undefined ? '' : ` The load balancer there admits ${loadBalancers.admitted(ranges)}.`;
}

function isUnanswered(message: string): boolean {
  const kind = refusals.refusalIn(message)?.kind;
  return kind === 'timeout' || kind === 'refused' || kind === 'reset';
}

/** What is seen from one desk alone proves nothing of the way of others. */
function graded(a: Call) {
  return a.felt !== undefined
    ? ({ effect: effect(a), certainty: 'likely' } as const)
    : ({ effect: `where it is the same for ${a.member}, ${effect(a)}`, certainty: 'possible' } as const);
}

function echo({ member, felt }: Call): string {
  switch (felt) {
    case 'cut-off':
      return ` No proxy of ${member} that was asked about is connected.`;
    case 'unanswered':
      return ` The API server of ${member} gets no answer there, either.`;
    case 'ignored':
      return ` The webhook of ${member} may be ignored, and a new pod there gets no sidecar.`;
    case undefined:
      return '';
    default:
      return felt satisfies never;
  }
}

function where({ call }: Call): string {
  const of = call.gateway === undefined ? '' : `, gateway ${call.gateway.namespace ?? ''}/${call.gateway.name} of ${call.gateway.cluster}`;
  return `${gatewayWays.addressOf(call)}${of}`;
}

function effect({ call, member }: Call): string {
  return call.purpose === 'discovery'
    ? `proxies of ${member} hear of no change, get no new certificate, and new pods do not get ready`
    : `no pod with a sidecar can be created in ${member}`;
}

function confirm({ call: { host, port, sni } }: Call, more = ''): string[] {
  return [`openssl s_client -connect ${shellWord(gatewayWays.addressOf({ host, port }))} -servername ${shellWord(sni)}${more} </dev/null`];
}

/** A certificate of somebody else is told of elsewhere, and what that one speaks does not matter. */
function isIstiods(
  sni: string,
  { dnsNames, verifiedBy, isPublic, rootsTried }: Extract<IstiodHandshake['outcome'], { stage: 'certificate' }>,
): boolean {
  const isNamed = ipAddresses.ipFamily(sni) !== undefined || dnsNames.some((name) => hosts.hostMatches(name, sni));
  return isNamed && (verifiedBy.length > 0 || isPublic === true || rootsTried.length === 0);
}

/** gRPC for Go ends connections without ALPN since 1.67, which came with 1.24; of a control plane whose release is not known nothing is said. */
function wantsHttp2({ version }: ControlPlane): boolean {
  return versions.isAtLeast(version, '1.24') === true;
}

function told({ outcome }: IstiodHandshake): string {
  switch (gatewayWays.layerOf(outcome)) {
    case 'mute':
      return 'silence';
    case 'ended':
      return 'the connection is ended at once';
    default:
      return 'reason' in outcome ? outcome.reason : 'a certificate';
  }
}
