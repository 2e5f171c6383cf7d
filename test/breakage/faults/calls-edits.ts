import { clusterOf, labelsOf } from '../../../src/builder/edits/edit.ts';
import { webhookRefusal } from '../../../src/builder/edits/control-plane.ts';
import { at, itemsAt, textAt } from '../../../src/builder/edits/json.ts';
import { ports } from '../../../src/istio/labels.ts';
import type { MeshObjects } from '../../../src/model/kube.ts';
import type {
  HandshakeOutcome,
  InjectionTrial,
  IstiodHandshake,
  PodAnswer,
  ProbePod,
  SidecarState,
} from '../../../src/model/observations.ts';
import type { ObjectRef } from '../../../src/model/refs.ts';
import { type ObservedEdit, sidecars } from '../../../src/testkit/observed-edits.ts';

// What is seen of calls that somebody makes on the way: of an istiod from outside, from a pod that asks in the cluster of the callers, of an
// API server that was asked to make a pod.

/** Calls of the istiods of a cluster end otherwise. `inside`: and what the gateway's own pod answers, by port-forward. */
export function istiodCallsEnd(cluster: string, outcome: HandshakeOutcome, inside?: HandshakeOutcome | 'as ever'): ObservedEdit {
  return (seen) =>
    seen.map((own) => {
      if (own.cluster !== cluster || own.istiodHandshakes?.status !== 'observed') return own;
      const value = own.istiodHandshakes.value.flatMap((call): IstiodHandshake[] => {
        const { ready: _ready, ...rest } = call;
        const pod = call.gateway === undefined ? undefined : podOf(call.gateway);
        if (inside === undefined || pod === undefined) return [{ ...rest, outcome }];
        const behind = inside === 'as ever' ? { ...call, pod } : { ...rest, pod, outcome: inside };
        return [{ ...rest, outcome }, behind];
      });
      return { ...own, istiodHandshakes: { status: 'observed', value } };
    });
}

/** What answers for the istiods of a cluster presents something else. */
export function istiodsPresent(
  cluster: string,
  change: (call: IstiodHandshake) => Partial<Extract<HandshakeOutcome, { stage: 'certificate' }>>,
): ObservedEdit {
  return (seen) =>
    seen.map((own) => {
      if (own.cluster !== cluster || own.istiodHandshakes?.status !== 'observed') return own;
      const value = own.istiodHandshakes.value.map((call) =>
        call.outcome.stage === 'certificate' ? { ...call, outcome: { ...call.outcome, ...change(call) } } : call,
      );
      return { ...own, istiodHandshakes: { status: 'observed', value } };
    });
}

/** A pod was made in a cluster: calls of the gateways of `to` end otherwise than those from here, all others alike. */
export function podAsks(from: string, to: string, outcome: HandshakeOutcome): ObservedEdit {
  return (seen) => {
    const calls = seen.flatMap(({ cluster, gatewayHandshakes }) =>
      cluster === from || gatewayHandshakes?.status !== 'observed'
        ? []
        : gatewayHandshakes.value.map((call): PodAnswer => ({ is: 'handshake', ...call, ...(cluster === to ? { outcome } : {}) })),
    );
    const pod: ProbePod = {
      namespace: 'default',
      name: 'meshdoctor-probe-0a',
      image: 'istio/proxyv2:1.31.0',
      isInjected: false,
      answers: { answer: calls },
    };
    return seen.map((own) => (own.cluster === from ? { ...own, probePods: { status: 'observed', value: [pod] } } : own));
  };
}

/** The API server of a cluster was asked to make a pod as if it kept it, and could not use the injector for this reason. */
export function podTried(mesh: MeshObjects, cluster: string, namespace: string, reason: string): ObservedEdit {
  const message = `Internal error occurred: ${webhookRefusal(clusterOf(mesh, cluster), reason)}`;
  const trial: InjectionTrial = { namespace, outcome: { is: 'refused', message } };
  return (seen) => seen.map((own) => (own.cluster === cluster ? { ...own, injectionTrials: { status: 'observed', value: [trial] } } : own));
}

type Held = { readonly address: string; readonly port: number };

/** Sidecars of a cluster hold something else where they should have gateways of other networks. */
export function sidecarsHold(cluster: string, instead: readonly Held[]): ObservedEdit {
  const isOfGateway = ({ port }: Held): boolean => port === ports.crossNetwork;
  return sidecars(cluster, (sidecar) =>
    'failed' in sidecar.endpoints
      ? sidecar
      : {
          ...sidecar,
          endpoints: {
            answer: sidecar.endpoints.answer.map((one) =>
              one.addresses.some(isOfGateway)
                ? { ...one, addresses: [...one.addresses.filter((address) => !isOfGateway(address)), ...instead] }
                : one,
            ),
          },
        },
  );
}

/** Addresses and ports of the pods behind a service in a cluster. */
export function podsBehind(mesh: MeshObjects, cluster: string, service: string): Held[] {
  return clusterOf(mesh, cluster)
    .filter((object) => object.kind === 'EndpointSlice' && labelsOf(object)['kubernetes.io/service-name'] === service)
    .flatMap((slice) =>
      itemsAt(slice, 'endpoints').flatMap((endpoint) =>
        itemsAt(slice, 'ports').flatMap((port) => {
          const [address, number] = [textAt(endpoint, 'addresses', 0), at(port, 'port')];
          return address === undefined || typeof number !== 'number' ? [] : [{ address, port: number }];
        }),
      ),
    );
}

/** Sidecars of a cluster hold a certificate of another life, or trust other roots. */
export function sidecarsTrust(cluster: string, change: Partial<Pick<SidecarState, 'certificate' | 'roots'>>): ObservedEdit {
  return sidecars(cluster, (sidecar) => ({ ...sidecar, ...change }));
}

function podOf(gateway: ObjectRef): ObjectRef {
  return { ...gateway, kind: 'Pod', name: `${gateway.name}-0` };
}
