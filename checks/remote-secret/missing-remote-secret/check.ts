import {
  clusterName,
  type ClusterName,
  clusterRef,
  type ControlPlane,
  defineCheck,
  effectsOfCutOff,
  leadership,
  type Mesh,
  names,
  refKey,
  type RemoteSecret,
  remoteSecrets,
  shellWord,
  valueOf,
} from 'meshdoctor/api';
import { createConfigSecret, createSecret, isLeftOut } from '../_area.ts';

export default defineCheck({
  id: 'missing-remote-secret',
  title: 'Every control plane holds a remote secret for each cluster it must read',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'remoteSecrets'], member: [] },
  uses: { primary: ['pods'], member: ['leaderElections', 'clock'] },
  path: { hops: ['endpoints', 'name', 'route', 'caller'] },
  catalogue: ['SEC-01'],
  explains: [
    { code: 'unled-remote', match: 'cluster' },
    { code: 'stale-ca-bundle', match: 'cluster' },
    { code: 'foreign-root', match: 'cluster' },
    { code: 'missing-root', match: 'cluster' },
    { code: 'mismatched-cluster-id', match: 'cluster' },
    // Proxies of a remote that istiod does not know are not let in.
    { code: 'unready-east-west-gateway/notReady', match: 'cluster', keys: ['ofRemote'] },
    // Without its config cluster an external istiod makes itself an authority of its own.
    { code: 'foreign-istiod-certificate/untrusted', match: 'cluster', keys: ['ofConfig'] },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unknown-destination/elsewhere', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
    ...effectsOfCutOff,
  ],
  docs: {
    why: 'istiod learns the services, endpoints and gateways of another cluster only through a Secret that holds a kubeconfig for it. Without one it does not know that cluster at all: its proxies are refused, its endpoints are unknown, nobody distributes its root certificate.',
    confirm: 'istioctl remote-clusters --context PRIMARY; kubectl --context PRIMARY -n istio-system get secrets -l istio/multiCluster=true',
    fix: 'Create the secret with istioctl create-remote-secret from the cluster that is to be read, under the cluster ID its proxies claim, and apply it where istiod runs.',
    notWhen: 'In a hub and spoke mesh some directions are left out on purpose: declare them under withoutSecret in the configuration file.',
    see: ['https://istio.io/latest/docs/setup/install/multicluster/'],
  },
  messages: {
    ofRemote: (a: {
      controlPlane: ControlPlane;
      reader: ClusterName;
      read: ClusterName;
      id: string;
      namespace: string;
      isDeclared: boolean;
    }) => ({
      text: `No Secret in ${a.namespace} of ${a.reader} opens ${a.read}, so istiod does not know that cluster and refuses its proxies.`,
      expected: `a Secret labelled istio/multiCluster=true with key ${a.id}`,
      found: 'none',
      effect: `proxies of ${a.read} cannot connect, its services are unknown, its root certificate and webhook are not kept up to date`,
      confirm: [`istioctl remote-clusters --context ${shellWord(a.controlPlane.ref.cluster)}`],
      remedy: [createSecret(a.reader, a.namespace, a.read, a.id)],
      // That the two belong together is inferred from what is left of their relation.
      ...(a.isDeclared ? {} : { certainty: 'likely' as const }),
    }),
    ofConfig: (a: { controlPlane: ControlPlane; read: ClusterName; isLed: boolean }) => ({
      text: `No Secret ${names.externalKubeconfigSecret} lies beside Deployment ${a.controlPlane.namespace}/${a.controlPlane.name} in ${a.controlPlane.ref.cluster}, so istiod takes that cluster for ${a.read} when it starts.`,
      expected: `Secret ${a.controlPlane.namespace}/${names.externalKubeconfigSecret} with a kubeconfig for ${a.read}`,
      found: 'none',
      effect: `istiod reads no configuration of ${a.read}, makes a root certificate of its own and hands that out: proxies are refused`,
      remedy: [createConfigSecret(a.controlPlane, a.read)],
      ...(a.isLed ? { severity: 'warning' as const } : {}),
    }),
    ofPeer: (a: {
      controlPlane: ControlPlane;
      reader: ClusterName;
      read: ClusterName;
      id: string;
      namespace: string;
      isDeclared: boolean;
      isPerhapsMeant: boolean;
    }) => ({
      text: `No Secret in ${a.namespace} of ${a.reader} opens ${a.read}, so workloads of ${a.reader} never reach a service of ${a.read}.`,
      expected: `a Secret labelled istio/multiCluster=true with key ${a.id}`,
      found: 'none',
      effect: `calls from ${a.reader} stay in ${a.reader}`,
      confirm: [`istioctl remote-clusters --context ${shellWord(a.controlPlane.ref.cluster)}`],
      remedy: [createSecret(a.reader, a.namespace, a.read, a.id)],
      // Hub and spoke meshes leave directions out on purpose (FP-13): two spokes without any secret between them prove little.
      certainty: a.isDeclared ? 'certain' : a.isPerhapsMeant ? 'possible' : 'likely',
    }),
  },
  *run({ primary, member, controlPlane, couple, mesh, finding, undecided }) {
    if (couple.kind === 'self') {
      // An external istiod mounts what opens its config cluster. What it has read once it keeps until it starts again.
      const isMounted =
        controlPlane.remoteKubeconfigSecret !== undefined ||
        couple.credentials.some(({ secret }) => remoteSecrets.isExternalKubeconfig(secret));
      if (primary.name === member.name || isMounted) return;
      const { clock, leaderElections: elections } = member;
      const led = leadership.leadershipOf({
        controlPlane,
        primary: primary.name,
        pods: primary.pods,
        member: member.name,
        elections,
        clock,
      });
      yield finding(
        'ofConfig',
        { controlPlane, read: member.name, isLed: led.state !== 'stale' },
        {
          at: controlPlane.ref,
          field: '.spec.template.spec.volumes[*].secret.secretName',
          related: [clusterRef(member.name)],
          lacks: [{ cluster: primary.name, fact: 'remoteSecrets' }],
          subject: member.name,
          // Started without it, istiod hands its root out in the cluster in which it runs. Only that it leads proves it was not.
          ...(led.state === 'led' ? {} : { concerns: [primary.name, member.name] }),
        },
      );
      return;
    }
    if (couple.credentials.length > 0 || !remoteSecrets.readsSecrets(controlPlane)) return;
    // Hub and spoke, as declared (FP-13).
    if (isLeftOut(mesh, primary.name, member.name)) return;
    if (couple.credentialGaps.length > 0) {
      const missing = couple.credentialGaps.map(({ cluster, fact }) => ({ cluster: clusterName(cluster), fact }));
      yield undecided('it is not known which cluster a remote secret opens', { missing });
      return;
    }
    const id = valueOf(member.member.clusterId) ?? member.name;
    const reader = readerOf(controlPlane, mesh);
    const args = { controlPlane, reader, read: member.name, id, namespace: controlPlane.namespace, isDeclared: mesh.isDeclared };
    const lacks = [{ cluster: reader, fact: 'remoteSecrets' as const }];
    const where = { at: clusterRef(reader), related: [controlPlane.ref, clusterRef(member.name)], lacks, subject: member.name };
    if (couple.kind === 'remote') {
      yield finding('ofRemote', args, where);
      return;
    }
    const back = mesh.couples.find((other) => other.controlPlane.cluster === member.name && other.member === primary.name);
    const isMutual = back === undefined || back.credentials.length === 0;
    // A secret for a cluster that is not among those given says that the mesh is larger; one that nothing is known of may open this one.
    const opened = new Set(mesh.couples.flatMap((other) => other.credentials.map(({ secret }) => refKey(secret.ref))));
    const opensOthers = primary.remoteSecrets.some((secret) => isRead(controlPlane, secret) && !opened.has(refKey(secret.ref)));
    // A primary that has no secret and that no secret opens is no spoke of anything.
    const isLinked = (cluster: ClusterName): boolean =>
      mesh.couples.some(
        (other) =>
          (other.credentials.length > 0 || other.credentialGaps.length > 0) &&
          other.member !== other.controlPlane.cluster &&
          [other.member, other.controlPlane.cluster].includes(cluster),
      );
    const isSpoke = mesh.members.size > 2 && isLinked(primary.name) && isLinked(member.name);
    const isPerhapsMeant = isMutual && (opensOthers || isSpoke);
    yield finding('ofPeer', { ...args, isPerhapsMeant }, { ...where, concerns: [primary.name, member.name] });
  },
});

/** The cluster whose Secrets istiod watches: its own, or the config cluster of an external one that was not told otherwise. */
function readerOf(controlPlane: ControlPlane, mesh: Mesh): ClusterName {
  const home = controlPlane.ref.cluster;
  const config = mesh.couples.find((other) => refKey(other.controlPlane.ref) === refKey(controlPlane.ref) && other.kind === 'self');
  return config === undefined || controlPlane.localClusterSecretWatcher ? clusterName(home) : config.member;
}

function isRead(controlPlane: ControlPlane, secret: RemoteSecret): boolean {
  return secret.entries.some((entry) => remoteSecrets.entryState(controlPlane, secret, entry) === 'read');
}
