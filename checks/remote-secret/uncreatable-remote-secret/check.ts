import {
  type ClusterName,
  clusterRef,
  defineCheck,
  installAgain,
  listOf,
  type Mesh,
  names,
  remedy,
  remoteSecrets,
  type ServiceAccountToken,
  shellWord,
  valueOf,
} from 'meshdoctor/api';
import { isLeftOut } from '../_area.ts';

export default defineCheck({
  id: 'uncreatable-remote-secret',
  title: 'What a missing remote secret is made from exists in its cluster',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'remoteSecrets'], member: ['serviceAccounts'] },
  uses: { primary: [], member: ['serviceAccountTokens'] },
  catalogue: ['SEC-14'],
  explains: [
    // The lack of an account keeps nobody from making a secret.
    { code: 'missing-remote-secret', match: 'cluster', keys: ['token', 'name'] },
    // Under the default ID that its primary has, too, pods are given nothing else.
    { code: 'mismatched-injection-path/identity', match: 'cluster', keys: ['name'] },
  ],
  docs: {
    why: 'istioctl create-remote-secret takes the token of the reader account of the cluster that is to be read, and calls the secret by the ID of that cluster. With a token that was never filled in, or with an ID that is no DNS label it fails, and the pipe into kubectl applies nothing. An account that is not there it makes itself, with its roles, unless it is called with --create-service-account=false; a chart of Istio that is installed later refuses what it did not make.',
    confirm:
      'kubectl --context REMOTE -n istio-system get serviceaccount istio-reader-service-account; kubectl --context REMOTE -n istio-system get secrets --field-selector type=kubernetes.io/service-account-token',
    fix: 'Delete a token that was never filled in, and give clusters IDs of small letters, digits and hyphens. Where Istio is installed by charts or an operator, install it in the cluster that is to be read before the secret is made.',
    notWhen: 'Where remote secrets exist already, however they were made.',
    see: [
      'https://github.com/istio/istio/pull/28059',
      'https://github.com/istio/istio/issues/38246',
      'https://github.com/istio/istio/issues/30565',
    ],
  },
  messages: {
    // No obstacle: istioctl has made the account itself since 1.8, with the roles that belong to it.
    account: (a: Lacking) => ({
      severity: 'info',
      text: `Cluster ${a.read} has no service account ${a.namespace}/${names.readerServiceAccount}, and ${a.reader} has no remote secret for it: istioctl create-remote-secret makes the account first, unless it is told or allowed not to.`,
      expected: `ServiceAccount ${a.namespace}/${names.readerServiceAccount}`,
      found: 'none',
      effect: `--create-service-account=false fails in ${a.read}, and a chart of Istio that is installed there afterwards refuses an account that it did not make`,
    }),
    token: (a: Lacking & { token: string }) => ({
      text: `Secret ${a.namespace}/${a.token} of ${a.read} holds no token, so no remote secret for ${a.read} can be made from it.`,
      expected: 'a token that Kubernetes filled in',
      found: 'none',
      effect: 'istioctl create-remote-secret waits for it in vain',
      certainty: 'likely',
      remedy: [
        remedy.command(
          a.read,
          [`kubectl --context ${shellWord(a.read)} -n ${shellWord(a.namespace)} delete secret ${shellWord(a.token)}`, creation(a, a.id)],
          {
            note: 'istioctl makes the Secret again; the token controller of the cluster has to run',
          },
        ),
      ],
    }),
    name: (a: Lacking) => ({
      text: `Cluster ${a.read} goes by the ID ${a.id}, which is no DNS label: istioctl create-remote-secret refuses it, and ${a.reader} has no secret for it.`,
      expected: 'an ID of small letters, digits and hyphens, at most 63',
      found: a.id,
      effect: `no remote secret for ${a.read} can be made with istioctl`,
      remedy: [
        remedy.installer(
          a.read,
          [
            `istioctl install --context ${shellWord(a.read)} -f REMOTE.yaml --set values.global.multiCluster.clusterName=${labelOf(a.id)}`,
            creation(a, labelOf(a.id)),
          ],
          `with the values it was installed with; restart its workloads afterwards; ${installAgain}`,
        ),
      ],
    }),
  },
  *run({ primary, member, controlPlane, couple, mesh, finding }) {
    if (couple.kind === 'self' || couple.credentials.length > 0 || couple.credentialGaps.length > 0) return;
    if (!remoteSecrets.readsSecrets(controlPlane) || isLeftOut(mesh, primary.name, member.name)) return;
    // Where a peer is perhaps not meant to be read, nothing is missing.
    if (couple.kind === 'peer' && !mesh.isDeclared && mesh.members.size > 2 && !isReadBack(mesh, primary.name, member.name)) return;
    const namespace = member.member.systemNamespace;
    const id = valueOf(member.member.clusterId) ?? member.name;
    const args: Lacking = { reader: primary.name, read: member.name, namespace, into: controlPlane.namespace, id };
    const where = {
      at: clusterRef(member.name),
      related: [controlPlane.ref],
      subject: primary.name,
      concerns: [primary.name, member.name],
    };
    const account = member.serviceAccounts.find((one) => one.namespace === namespace && one.name === names.readerServiceAccount);
    if (account === undefined) {
      yield finding('account', args, { ...where, lacks: [{ cluster: member.name, fact: 'serviceAccounts' }] });
      return;
    }
    if (valueOf(member.member.clusterId) !== undefined && !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(id)) {
      yield finding('name', args, {
        ...where,
        evidence: [{ ref: clusterRef(member.name), observed: `ID ${id}`, expected: 'a DNS label' }],
      });
      return;
    }
    const all = listOf(member.serviceAccountTokens);
    const tokens = all.filter((one) => one.namespace === namespace && one.serviceAccount === names.readerServiceAccount);
    const [empty] = tokens;
    // In a dump whose tokens were taken out none of them is there.
    if (empty !== undefined && tokens.every(isEmpty) && all.some((one) => !isEmpty(one)))
      yield finding(
        'token',
        { ...args, token: empty.name },
        { ...where, at: empty.ref, evidence: [{ ref: empty.ref, field: '.data.token', observed: 'none' }] },
      );
  },
});

interface Lacking {
  readonly reader: ClusterName;
  readonly read: ClusterName;
  /** System namespace of the cluster that is to be read. */
  readonly namespace: string;
  /** Where the secret has to go. */
  readonly into: string;
  readonly id: string;
}

function isEmpty({ token }: ServiceAccountToken): boolean {
  return token === undefined;
}

function isReadBack(mesh: Mesh, reader: ClusterName, read: ClusterName): boolean {
  return mesh.couples.some((other) => other.controlPlane.cluster === read && other.member === reader && other.credentials.length > 0);
}

/** The nearest label to an ID: `arn:aws:eks:eu:1:cluster/west` → `west`. */
function labelOf(id: string): string {
  const label = (id.split(/[/:]/).at(-1) ?? id)
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63);
  return label === '' ? 'CLUSTER' : label;
}

function creation(a: Lacking, id: string): string {
  return `istioctl create-remote-secret --context=${shellWord(a.read)} --name=${shellWord(id)} -i ${shellWord(a.namespace)} | kubectl --context ${shellWord(a.reader)} -n ${shellWord(a.into)} apply -f -`;
}
