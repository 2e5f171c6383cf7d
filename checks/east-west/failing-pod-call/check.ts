import {
  type ClusterName,
  defineCheck,
  distinct,
  list,
  type ObjectRef,
  type PodAnswer,
  type ProbePod,
  remedy,
  shellWord,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'failing-pod-call',
  title: 'A pod of every cluster gets to the gateways of the others, and to the names and services that it asks for',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['probePods', 'services'],
  applies: { probed: ['probePods'] },
  // A pod where the caller is, at the very address: what is seen from elsewhere does not outweigh that.
  path: { hops: ['gateway'], isOn: ({ code }) => code === 'failing-pod-call/unreachable' },
  catalogue: ['EW-12'],
  explains: [
    { code: 'unreachable-gateway', match: 'cluster', keys: ['unreachable'] },
    { code: 'rejected-cross-network-call', match: 'cluster', keys: ['rejected'] },
    { code: 'foreign-gateway-certificate', match: 'cluster', keys: ['untrusted'] },
  ],
  docs: {
    why: 'What is seen from the desk of an operator says nothing about the way between two clusters: firewalls, private load balancers and routes are different for nodes. A pod in the cluster of the callers goes the way that calls go.',
    confirm:
      'kubectl --context CALLER -n NAMESPACE run probe --rm -it --restart=Never --image=IMAGE -- openssl s_client -connect ADDRESS:15443 -servername outbound_.PORT_._.NAME.NAMESPACE.svc.cluster.local -alpn istio',
    fix: 'Let the nodes of the cluster of the callers reach the address and port of the gateway: egress rules there, the firewall and load balancer of the other side.',
    notWhen:
      'Asked only with --probe=pod. NetworkPolicies of the namespace of the pod hold for the pod, too: give --probe-namespace the namespace of callers.',
  },
  messages: {
    unreachable: (a: Handshake) => ({
      text: `A pod in ${a.caller} does not get to ${a.to.join(':')} of gateway ${gatewayOf(a)}: ${a.said}.`,
      expected: `a connection to ${a.to.join(':')}`,
      found: a.said,
      effect: `no call from ${a.caller} gets into ${a.gateway.cluster} by this gateway`,
      remedy: [look(a)],
    }),
    rejected: (a: Handshake) => ({
      text: `Gateway ${gatewayOf(a)} ends a call from a pod in ${a.caller} for ${a.sni}.`,
      expected: 'the certificate of a pod of that service',
      found: a.said,
      effect: `calls from ${a.caller} to that service fail`,
      certainty: 'likely',
      remedy: [look(a)],
    }),
    untrusted: (a: Handshake) => ({
      text: `A pod in ${a.caller} is shown a certificate behind gateway ${gatewayOf(a)} that no root of ${a.caller} verifies (${a.said}).`,
      expected: `a certificate under a root of ${a.caller}`,
      found: a.said,
      effect: `calls from ${a.caller} into ${a.gateway.cluster} are refused by the caller`,
    }),
    unresolved: (a: Asked & { asked: string; at: ObjectRef }) => ({
      text: `A pod in namespace ${a.pod.namespace} of ${a.caller} does not resolve ${a.asked}, although its cluster has the Service.`,
      expected: 'the address of the Service',
      found: 'no address',
      effect: 'applications there do not find the service',
      certainty: a.pod.isInjected ? 'likely' : 'certain',
    }),
    unanswered: (a: Asked & { service: string; said: string }) => ({
      text: `A pod with sidecar in namespace ${a.pod.namespace} of ${a.caller} gets no use out of a call to ${a.service}: ${a.said}.`,
      expected: 'an answer of the service',
      found: a.said,
      effect: `calls from ${a.caller} to ${a.service} fail`,
      certainty: 'likely',
    }),
  },
  *run({ cluster, finding, undecided }) {
    for (const pod of cluster.probePods) {
      if ('failed' in pod.answers) {
        yield undecided(`no pod could ask from namespace ${pod.namespace} (${pod.answers.reason})`);
        continue;
      }
      const common = { caller: cluster.name, pod };
      const silent = new Set<string>();
      for (const answer of pod.answers.answer) {
        if (answer.is === 'handshake') {
          const key = keyOf(answer);
          if (key === undefined) continue;
          const { gateway, host, port, sni } = answer;
          // Whichever name is asked for: nobody is there.
          if (key === 'unreachable' && silent.has(`${host} ${port}`)) continue;
          if (key === 'unreachable') silent.add(`${host} ${port}`);
          const said = saidBy(answer);
          yield finding(
            key,
            { ...common, gateway, to: [host, String(port)], sni, said },
            {
              at: gateway,
              between: { from: cluster.name, to: gateway.cluster },
              evidence: [
                { ref: gateway, observed: `from a pod in ${cluster.name}/${pod.namespace}: ${said}`, expected: `${host}:${port}` },
              ],
              concerns: distinct<ClusterName>([cluster.name, gateway.cluster]),
              subject: `${cluster.name} ${host}:${port} ${key === 'unreachable' ? '' : sni}`,
            },
          );
        } else if (answer.is === 'name') {
          const own = cluster.services.find((one) => one.namespace === answer.service.namespace && one.name === answer.service.name);
          if (answer.addresses.length > 0 || own === undefined || own.clusterIP === '' || own.clusterIP === 'None') continue;
          const { asked } = answer;
          yield finding('unresolved', { ...common, asked, at: own.ref }, { at: own.ref, subject: `name ${asked}` });
        } else if (pod.isInjected && (answer.status === 0 || answer.status === 503)) {
          const service = `${answer.service.namespace}/${answer.service.name}:${answer.service.port}`;
          const said = answer.status === 0 ? answer.reason : `HTTP ${answer.status}`;
          yield finding('unanswered', { ...common, service, said }, { at: cluster.ref, subject: `call ${service}` });
        }
      }
    }
  },
});

interface Asked {
  readonly caller: ClusterName;
  readonly pod: ProbePod;
}

interface Handshake extends Asked {
  readonly gateway: ObjectRef;
  readonly to: readonly string[];
  readonly sni: string;
  readonly said: string;
}

type HandshakeAnswer = Extract<PodAnswer, { readonly is: 'handshake' }>;

/** A control name has to be refused; of a certificate that nobody could verify it is not known whether anybody should. */
function keyOf({ outcome, purpose }: HandshakeAnswer): 'unreachable' | 'rejected' | 'untrusted' | undefined {
  if (outcome.stage === 'tcp') return outcome.code === 'interrupted' ? undefined : 'unreachable';
  if (purpose === 'control') return undefined;
  if (outcome.stage !== 'certificate') return 'rejected';
  return outcome.rootsTried.length > 0 && outcome.verifiedBy.length === 0 ? 'untrusted' : undefined;
}

function saidBy({ outcome }: HandshakeAnswer): string {
  switch (outcome.stage) {
    case 'tcp':
    case 'tls':
      return outcome.reason;
    case 'reset':
      return 'the connection was cut before any certificate';
    case 'silence':
      return `says nothing for ${outcome.milliseconds} ms`;
    case 'certificate':
      return list(outcome.uris, outcome.subject === '' ? outcome.issuer : outcome.subject);
    default:
      return outcome satisfies never;
  }
}

function gatewayOf({ gateway }: Handshake): string {
  return `${gateway.namespace ?? ''}/${gateway.name} in ${gateway.cluster}`;
}

function look({ gateway }: Handshake) {
  const kubectl = `kubectl --context ${shellWord(gateway.cluster)} -n ${shellWord(gateway.namespace ?? 'istio-system')}`;
  return remedy.command(gateway.cluster, [`${kubectl} get services,endpointslices,pods -l istio=eastwestgateway -o wide`], {
    note: 'reads only: whether the gateway answers at all; if others get to it, something between the two clusters does not let these through',
  });
}
