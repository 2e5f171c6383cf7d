import { fqdnOf } from '../istio/hosts.ts';
import { dataPlaneClusters } from '../mesh/names.ts';
import { listOf } from '../mesh/topology.ts';
import type { ClusterName } from '../model/ids.ts';
import type { ObjectRef } from '../model/refs.ts';
import { controlPlanesOf, namesOf, type PlanInput, type Planned } from './plan.ts';
import type { HandshakeTarget } from './plan-handshakes.ts';
import { sidecarsOf } from './plan-proxies.ts';
import type { PodQuestion } from './pod-script.ts';

/** What one pod in a cluster is asked. */
export interface PodTarget {
  readonly questions: readonly AskedInPod[];
  /** Pod whose sidecar's image can be had in the cluster. */
  readonly likeSidecarOf: ObjectRef | undefined;
}

type Service = { readonly namespace: string; readonly name: string };

/** A question with what the answer is about. */
export type AskedInPod =
  | { readonly question: Extract<PodQuestion, { is: 'name' }>; readonly service: Service }
  | { readonly question: Extract<PodQuestion, { is: 'handshake' }>; readonly target: HandshakeTarget }
  | { readonly question: Extract<PodQuestion, { is: 'call' }>; readonly service: Service & { readonly port: number } };

/** They are asked one after the other, and the slowest takes eight seconds. */
const most = { names: 4, handshakes: 6, calls: 2 } as const;

/** One pod for each cluster with callers, of a mesh with several: names, gateways of the other clusters, and calls of services. */
export function planPods(
  cluster: ClusterName,
  input: PlanInput,
  handshakes: ReadonlyMap<ClusterName, Planned<HandshakeTarget>>,
): Planned<PodTarget> {
  const mesh = input.topology.meshes.find((one) => dataPlaneClusters(one).includes(cluster));
  const members = mesh === undefined ? [] : dataPlaneClusters(mesh);
  if (mesh === undefined || members.length < 2) return { status: 'not-asked', because: 'nothing to probe' };
  const names = namesOf(mesh, input.names).slice(0, most.names);
  const domain = controlPlanesOf(mesh, input.facts)[0]?.clusterDomain;
  const gateways = members
    .filter((other) => other !== cluster)
    .flatMap((other) => {
      const planned = handshakes.get(other);
      // A ztunnel takes what a pod of ambient sends: that gets to a gateway of ambient as nobody but ztunnels do.
      return planned !== undefined && 'targets' in planned ? planned.targets.filter(({ purpose }) => purpose !== 'hbone') : [];
    });
  const questions: AskedInPod[] = [
    ...names.map(({ namespace, name }) => ({
      question: { is: 'name' as const, asked: fqdnOf(namespace, name, domain) },
      service: { namespace, name },
    })),
    ...gateways.slice(0, most.handshakes).map((target) => ({
      question: { is: 'handshake' as const, host: target.host, port: target.port, sni: target.sni },
      target,
    })),
    ...names
      .filter(({ namespace, name, port }) => isHttp(input, members, namespace, name, port))
      .slice(0, most.calls)
      .flatMap(({ namespace, name, port }) =>
        port === undefined
          ? []
          : [
              {
                question: { is: 'call' as const, url: `http://${fqdnOf(namespace, name, domain)}:${port}/` },
                service: { namespace, name, port },
              },
            ],
      ),
  ];
  if (questions.length === 0) return { status: 'not-asked', because: 'nothing to probe' };
  const [like] = sidecarsOf(mesh, cluster, input.facts);
  return { targets: [{ questions, likeSidecarOf: like?.ref }] };
}

/** Only what its Service calls HTTP is asked for a page: anything else may take it amiss. */
function isHttp({ facts }: PlanInput, members: readonly ClusterName[], namespace: string, name: string, port: number | undefined): boolean {
  return members.some((cluster) => {
    const services = facts.get(cluster)?.services;
    const service = (services === undefined ? [] : listOf(services)).find((one) => one.namespace === namespace && one.name === name);
    return service?.ports.some((one) => one.port === port && /^http(?:-|$)/.test(one.appProtocol ?? one.name)) === true;
  });
}
