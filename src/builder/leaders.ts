import { annotations, names } from '../istio/labels.ts';
import type { KubeObject } from '../model/kube.ts';
import { makerOf } from './objects.ts';
import type { Cluster, ControlPlane } from './plan.ts';
import { traitsOf } from './releases.ts';
import { numberOf } from './seeded.ts';
import { times } from './timeline.ts';

/** An istiod that holds locks. */
export interface Leader {
  readonly plane: ControlPlane;
  /** Name of its pod. */
  readonly pod: string;
  readonly since: string;
}

/** ConfigMaps and Leases that istiod holds in its own cluster. */
export function ownElections(cluster: Cluster, leader: Leader, namespace: string = leader.plane.systemNamespace): KubeObject[] {
  const { plane } = leader;
  const traits = traitsOf(plane.release);
  const held = (name: string) => election(cluster, namespace, name, leader, plane.revision, times.renewed);
  return [
    ...(traits.hasIpAutoallocate ? [held('istio-ip-autoallocate')] : []),
    held('istio-leader'),
    held(names.namespaceElection),
    lease(cluster, namespace, `istio-gateway-deployment-${plane.revision}`, leader),
    ...(traits.hasStatusLease
      ? [lease(cluster, namespace, `istio-gateway-status-leader-${plane.revision}`, leader)]
      : [held('istio-gateway-status-leader')]),
    ...(plane.ambient ? [lease(cluster, namespace, 'istio-status-leader', leader, { 'leader.istio.io/holder-key': plane.revision })] : []),
  ];
}

/** The lock in a remote that istiod of another cluster holds while it manages it: the key starts with `^`. */
export function remoteElection(cluster: Cluster, leader: Leader, namespace: string = leader.plane.systemNamespace): KubeObject {
  return election(cluster, namespace, names.namespaceElection, leader, `^${leader.plane.revision}`, times.renewedFromAfar);
}

function election(cluster: Cluster, namespace: string, name: string, leader: Leader, holderKey: string, renewTime: string): KubeObject {
  const record = {
    holderIdentity: leader.pod,
    holderKey,
    leaseDurationSeconds: 30,
    acquireTime: leader.since,
    renewTime,
    leaderTransitions: 0,
  };
  return makerOf(cluster.name, leader.since)('v1', 'ConfigMap', {
    name,
    namespace,
    annotations: { [annotations.leader]: JSON.stringify(record) },
  });
}

function lease(cluster: Cluster, namespace: string, name: string, leader: Leader, more?: Readonly<Record<string, string>>): KubeObject {
  const precise = (time: string, seed: string): string =>
    time.replace('Z', `.${100_000 + (numberOf(`${cluster.name}/${name}/${seed}`) % 900_000)}Z`);
  return makerOf(cluster.name, leader.since)(
    'coordination.k8s.io/v1',
    'Lease',
    { name, namespace, annotations: more },
    {
      spec: {
        acquireTime: precise(leader.since, 'acquire'),
        holderIdentity: leader.pod,
        leaseDurationSeconds: 30,
        leaseTransitions: 0,
        renewTime: precise(times.renewed, 'renew'),
      },
    },
  );
}
