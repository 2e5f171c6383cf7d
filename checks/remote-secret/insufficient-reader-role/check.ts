import {
  access,
  type ClusterName,
  type ControlPlane,
  defineCheck,
  distinct,
  groupBy,
  installAgain,
  json,
  list,
  listOf,
  type PolicyRule,
  readerRules,
  remedy,
  remoteSecrets,
  type Role,
  shellWord,
} from 'meshdoctor/api';
import { effectsOfUnread } from '../_area.ts';

const effects = {
  authentication: 'its proxies cannot be authenticated: none of them connects',
  discovery: 'istiod cannot list what runs there: its services and endpoints are unknown',
  management: 'istiod cannot write root certificates and webhook bundles there',
  sync: 'the cluster counts as timed out for ever, although its endpoints are known',
  feature: 'an optional feature does not work there',
} as const;

const bundlesOnly = 'istiod cannot write webhook bundles there';

export default defineCheck({
  id: 'insufficient-reader-role',
  title: 'The reader of every remote secret has the rights istiod uses',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'remoteSecrets'], member: ['clusterRoles', 'clusterRoleBindings'] },
  uses: { primary: [], member: ['customResources'] },
  path: {
    hops: ['endpoints', 'name', 'route', 'caller'],
    // Who is connected stays so: without reviews of tokens nobody new gets in.
    isOn: ({ args }) => json.itemsAt(args, 'missing').some((one) => json.fieldAt(one, 'effect') !== 'authentication'),
  },
  catalogue: ['SEC-06', 'VER-03'],
  explains: [
    { code: 'unled-remote', match: 'cluster', keys: ['manages'] },
    { code: 'stale-ca-bundle', match: 'cluster', keys: ['manages', 'patches'] },
    { code: 'foreign-root', match: 'cluster', keys: ['manages'] },
    ...effectsOfUnread,
  ],
  docs: {
    why: 'istiod reads another cluster as the service account of the remote secret. Each right it lacks takes something away: without tokenreviews no proxy of that cluster is let in, without list and watch its endpoints are unknown, without configmaps and webhooks nobody keeps its root certificate up to date.',
    confirm: 'kubectl --context REMOTE auth can-i --list --as=system:serviceaccount:istio-system:istio-reader-service-account',
    fix: 'Bring the reader role up to the release of the istiod that uses it: upgrade the base and istiod charts (profile remote) in the cluster that is read.',
    notWhen: 'Rights on Telemetry or WasmPlugin objects are only used by analyzers.',
  },
  messages: {
    reads: lacking,
    manages: lacking,
    patches: lacking,
  },
  *run({ member, controlPlane, couple, finding, undecided }) {
    const unread = couple.kind === 'self' ? undefined : remoteSecrets.unreadBecause(controlPlane, couple);
    if (unread !== undefined && 'blockedBy' in unread) yield undecided('istiod reads no secret that opens the cluster', unread);
    for (const { secret, entry } of remoteSecrets.readCredentials(controlPlane, couple.credentials)) {
      const account = access.accountOf(entry.token?.subject);
      // An external istiod has other rights in its config cluster than a reader.
      if (account === undefined || couple.kind === 'self') continue;
      const { rules, ownRoles, bindings } = access.accessOf(account, member.clusterRoles, member.clusterRoleBindings);
      const istiod = {
        version: controlPlane.version,
        isManaged: couple.kind === 'remote' && controlPlane.externalIstiod,
        // A resource that is not known to be served there is not asked for.
        served: new Set(listOf(member.customResources).map((resource) => resource.group)),
      };
      const missing = readerRules.missingRights(rules, istiod);
      const [worst] = missing;
      if (worst === undefined) continue;
      const role = ownRoles.find(isForReaders) ?? ownRoles.find((candidate) => !candidate.name.startsWith('system:'));
      const unbound = member.clusterRoles.find(
        (candidate) => isForReaders(candidate) && readerRules.missingRights(candidate.rules, istiod).length === 0,
      );
      const managing = missing.filter((right) => right.effect === 'management');
      // Webhooks are patched beside the election: without rights on them istiod leads the cluster all the same.
      const key = managing.length === 0 ? 'reads' : managing.every(isOnWebhooks) ? 'patches' : 'manages';
      const effect = key === 'patches' && worst.effect === 'management' ? bundlesOnly : effects[worst.effect];
      yield finding(
        key,
        { controlPlane, read: member.name, account, missing, worst, effect, role, unbound },
        {
          at: role?.ref ?? member.ref,
          field: '.rules',
          related: [secret.ref, controlPlane.ref, ...bindings.map((binding) => binding.ref)],
          evidence: ownRoles.map(({ ref }) => ({ ref, field: '.rules', observed: `none allows ${list(spelled(missing))}` })),
          lacks: [
            { cluster: member.name, fact: 'clusterRoles' },
            { cluster: member.name, fact: 'clusterRoleBindings' },
          ],
          subject: `${account.namespace}/${account.name}`,
        },
      );
    }
  },
});

interface Lacking {
  readonly controlPlane: ControlPlane;
  readonly read: ClusterName;
  readonly account: access.AccountName;
  readonly missing: readonly readerRules.ReaderRight[];
  readonly worst: readerRules.ReaderRight;
  readonly effect: string;
  readonly role: Role | undefined;
  /** A role that would do and is bound to others or to nobody. */
  readonly unbound: Role | undefined;
}

function lacking(a: Lacking) {
  return {
    text: `Service account ${a.account.namespace}/${a.account.name} of ${a.read} may not ${list(spelled(a.missing), 'nothing', 3)}, which istiod of ${a.controlPlane.ref.cluster} needs: ${a.effect}.`,
    expected: `ClusterRoles that allow ${list(spelled(a.missing))}`,
    found: 'no rule allows it',
    effect: a.effect,
    confirm: [
      `kubectl --context ${shellWord(a.read)} auth can-i ${a.worst.verb} ${a.worst.resource}${a.worst.group === '' ? '' : `.${a.worst.group}`} -A --as=system:serviceaccount:${a.account.namespace}:${a.account.name}`,
    ],
    severity: a.worst.severity,
    remedy: [
      ...(a.role === undefined
        ? a.unbound === undefined
          ? []
          : [remedy.apply(a.read, bindingOf(a.unbound, a.account))]
        : [remedy.patch(a.role.ref, { rules: [...a.role.rules, ...rulesFor(a.missing)].map(jsonRule) })]),
      remedy.installer(
        a.read,
        [`istioctl install --context ${shellWord(a.read)} -f REMOTE.yaml`],
        `with the values it was installed with; ${installAgain}`,
      ),
    ],
  };
}

function isOnWebhooks({ resource }: readerRules.ReaderRight): boolean {
  return resource === 'mutatingwebhookconfigurations';
}

function isForReaders(role: Role): boolean {
  return role.name.startsWith('istio-reader');
}

/** `get/list/watch configmaps`, worst first. */
function spelled(rights: readonly readerRules.ReaderRight[]): string[] {
  return [...groupBy(rights, (right) => right.resource)].map(
    ([resource, same]) => `${distinct(same.map((right) => right.verb)).join('/')} ${resource}`,
  );
}

/** One rule for each resource, as people write them. */
function rulesFor(rights: readonly readerRules.ReaderRight[]): PolicyRule[] {
  return [...groupBy(rights, ({ group, resource }) => `${group}/${resource}`).values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    return [{ apiGroups: [first.group], resources: [first.resource], verbs: distinct(same.map(({ verb }) => verb)), resourceNames: [] }];
  });
}

function jsonRule({ resourceNames, ...rule }: PolicyRule) {
  return resourceNames.length === 0 ? rule : { ...rule, resourceNames };
}

function bindingOf(role: Role, account: access.AccountName) {
  const apiGroup = 'rbac.authorization.k8s.io';
  return {
    apiVersion: `${apiGroup}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: role.name },
    roleRef: { apiGroup, kind: 'ClusterRole', name: role.name },
    subjects: [{ kind: 'ServiceAccount', ...account }],
  };
}
