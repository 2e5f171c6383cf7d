import type { MeshObjects } from '../../../src/model/kube.ts';
import type {
  ClusterObservations,
  GatewayHandshake,
  IstiodReplica,
  ListedEndpoint,
  ListedGateway,
} from '../../../src/model/observations.ts';
import { observedIn } from '../../../src/testkit/observed.ts';
import { handshakes, type ObservedEdit, replicas } from '../../../src/testkit/observed-edits.ts';
import type { Fault } from '../fault.ts';

// What probes see of faults that no object shows: istiod's own lists, DNS answers, handshakes.

/** Everybody does as the objects say, but for these edits of what is seen. */
export function seen(
  services: NonNullable<Fault['services']>,
  ...edits: readonly ObservedEdit[]
): (mesh: MeshObjects) => readonly ClusterObservations[] {
  return (mesh) => edits.reduce((before, edit) => edit(before), observedIn(mesh, services));
}

/** `/debug/clusterz` of a primary says `status` of a cluster, or does not list it. */
export function clusterStatus(primary: string, id: string, status: string | undefined): ObservedEdit {
  return replicas(primary, (replica) =>
    'failed' in replica.clusters
      ? replica
      : {
          ...replica,
          clusters: {
            answer: replica.clusters.answer.flatMap((entry) =>
              entry.id !== id ? [entry] : status === undefined ? [] : [{ ...entry, syncStatus: status }],
            ),
          },
        },
  );
}

/** Endpoints that istiods of a primary hold for one cluster. */
export function shardsOf(
  primary: string,
  id: string,
  change: (endpoints: readonly ListedEndpoint[]) => readonly ListedEndpoint[],
): ObservedEdit {
  return replicas(primary, (replica) => withShards(replica, id, change));
}

function withShards(
  replica: IstiodReplica,
  id: string,
  change: (endpoints: readonly ListedEndpoint[]) => readonly ListedEndpoint[],
): IstiodReplica {
  if ('failed' in replica.shards) return replica;
  return {
    ...replica,
    shards: {
      answer: replica.shards.answer.map((shard) => ({
        ...shard,
        clusters: shard.clusters.map((own) => (own.cluster === id ? { ...own, endpoints: change(own.endpoints) } : own)),
      })),
    },
  };
}

/** Gateways that istiods of a primary give to proxies of other networks. */
export function gatewaysOf(primary: string, change: (listed: readonly ListedGateway[]) => readonly ListedGateway[]): ObservedEdit {
  return replicas(primary, (replica) =>
    'failed' in replica.gateways ? replica : { ...replica, gateways: { answer: change(replica.gateways.answer) } },
  );
}

/** Handshakes with the gateways of a cluster end otherwise. */
export function handshakesEnd(
  cluster: string,
  outcome: GatewayHandshake['outcome'],
  of: (handshake: GatewayHandshake) => boolean = () => true,
): ObservedEdit {
  return handshakes(cluster, (handshake) => (of(handshake) ? { ...handshake, outcome } : handshake));
}

type Certificate = Extract<GatewayHandshake['outcome'], { stage: 'certificate' }>;

/** The certificate that services of a cluster present has something else in it. */
export function certificatesOf(cluster: string, change: Partial<Certificate>): ObservedEdit {
  return handshakes(cluster, (handshake) =>
    handshake.outcome.stage === 'certificate' ? { ...handshake, outcome: { ...handshake.outcome, ...change } } : handshake,
  );
}

/** Who ends TLS before the gateway has a certificate of its own. */
export function foreignCertificate(dnsNames: readonly string[]): GatewayHandshake['outcome'] {
  return {
    stage: 'certificate',
    uris: [],
    dnsNames,
    subject: dnsNames[0] === undefined ? 'CN=appliance' : `CN=${dnsNames[0]}`,
    issuer: 'CN=Example CA',
    chain: ['leaf'],
    verifiedBy: [],
    rootsTried: [],
    afterwards: 'open',
  };
}
