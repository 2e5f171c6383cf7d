import {
  type ClusterName,
  type ControlPlane,
  defineCheck,
  distinct,
  installAgain,
  labels,
  list,
  listOf,
  type PolicyRule,
  readerRules,
  remedy,
  remoteSecrets,
  type Role,
  type RoleBinding,
} from 'meshdoctor/api';

const effects = {
  authentication: 'its proxies cannot be authenticated: none of them connects',
  discovery: 'istiod cannot list what runs there: its services and endpoints are unknown',
  management: 'istiod cannot write root certificates and webhook bundles there',
  sync: 'the cluster counts as timed out for ever, although its endpoints are known',
  feature: 'an optional feature does not work there',
} as const;

export default defineCheck({
  id: 'insufficient-reader-role',
  title: 'The reader of every remote secret has the rights istiod uses',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'remoteSecrets'], member: ['clusterRoles', 'clusterRoleBindings'] },
  uses: { primary: [], member: ['customResources'] },
  catalogue: ['SEC-06'],
  explains: [
    { code: 'unled-remote', match: 'cluster' },
    { code: 'stale-ca-bundle', match: 'cluster' },
    { code: 'foreign-root/wholeCluster', match: 'cluster' },
  ],
  docs: {
    why: 'istiod reads another cluster as the service account of the remote secret. Each right it lacks takes something away: without tokenreviews no proxy of that cluster is let in, without list and watch its endpoints are unknown, without configmaps and webhooks nobody keeps its root certificate up to date.',
    confirm: 'kubectl --context REMOTE auth can-i --list --as=system:serviceaccount:istio-system:istio-reader-service-account',
    fix: 'Bring the reader role up to the release of the istiod that uses it: upgrade the base and istiod charts (profile remote) in the cluster that is read.',
    notWhen: 'Rights on Telemetry or WasmPlugin objects are only used by analyzers.',
  },
  messages: {
    lacking: (a: {
      controlPlane: ControlPlane;
      read: ClusterName;
      subject: string;
      rights: readonly string[];
      worst: readerRules.ReaderEffect;
      severity: 'error' | 'warning' | 'info';
      role: Role | undefined;
      rules: readonly PolicyRule[];
    }) => ({
      text: `${a.subject} in ${a.read} may not ${list(a.rights, 'nothing', 3)}, which istiod of ${a.controlPlane.ref.cluster} needs: ${effects[a.worst]}.`,
      expected: `ClusterRoles that allow ${list(a.rights)}`,
      found: 'no rule allows it',
      effect: effects[a.worst],
      severity: a.severity,
      remedy: [
        ...(a.role === undefined ? [] : [remedy.patch(a.role.ref, { rules: a.rules.map(jsonRule) })]),
        remedy.installer(
          a.read,
          [`istioctl install --context ${a.read} -f REMOTE.yaml`],
          `with the values it was installed with; ${installAgain}`,
        ),
      ],
    }),
  },
  *run({ member, controlPlane, couple, finding }) {
    if (couple.kind === 'self') return;
    for (const { secret, entry } of remoteSecrets.readCredentials(controlPlane, couple.credentials)) {
      const subject = entry.token?.subject;
      // Users and groups of certificates and identity providers are not among the objects of a cluster.
      if (subject === undefined || !subject.startsWith('system:serviceaccount:')) continue;
      const bound = member.clusterRoleBindings.filter((binding) => binds(binding, subject));
      const names = new Set(bound.map((binding) => binding.role.name));
      const roles = member.clusterRoles.filter((role) => names.has(role.name));
      const served =
        member.customResources.status === 'collected' && member.isComplete('customResources')
          ? new Set(listOf(member.customResources).map((crd) => crd.group))
          : undefined;
      const isManaged = couple.kind === 'remote' && controlPlane.externalIstiod;
      const missing = readerRules.missingRights(
        roles.flatMap((role) => role.rules),
        { version: controlPlane.version, isManaged, ...(served === undefined ? {} : { served }) },
      );
      const [worst] = missing;
      if (worst === undefined) continue;
      const role =
        roles.find((candidate) => candidate.labels[labels.operatorVersion] !== undefined || candidate.name.startsWith('istio-reader')) ??
        roles[0];
      const rights = distinct(missing.map((right) => `${right.verb} ${right.resource}`));
      yield finding(
        'lacking',
        {
          controlPlane,
          read: member.name,
          subject,
          rights,
          worst: worst.effect,
          severity: worst.severity,
          role,
          rules: [...(role?.rules ?? []), ...missing.map(ruleOf)],
        },
        {
          at: role?.ref ?? bound[0]?.ref ?? member.ref,
          field: '.rules',
          related: [secret.ref, controlPlane.ref, ...bound.map((binding) => binding.ref)],
          evidence: roles.map((bad) => ({ ref: bad.ref, field: '.rules', observed: `none allows ${list(rights)}` })),
          lacks: [
            { cluster: member.name, fact: 'clusterRoles' },
            { cluster: member.name, fact: 'clusterRoleBindings' },
          ],
          subject,
        },
      );
    }
  },
});

function binds(binding: RoleBinding, subject: string): boolean {
  const [, , namespace = '', name = ''] = subject.split(':');
  const groups = new Set(['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated']);
  return binding.subjects.some(
    (candidate) =>
      (candidate.kind === 'ServiceAccount' && candidate.name === name && candidate.namespace === namespace) ||
      (candidate.kind === 'User' && candidate.name === subject) ||
      (candidate.kind === 'Group' && groups.has(candidate.name)),
  );
}

function ruleOf(right: readerRules.ReaderRight): PolicyRule {
  return { apiGroups: [right.group], resources: [right.resource], verbs: [right.verb], resourceNames: [] };
}

function jsonRule({ resourceNames, ...rule }: PolicyRule): {
  apiGroups: readonly string[];
  resources: readonly string[];
  verbs: readonly string[];
  resourceNames?: readonly string[];
} {
  return resourceNames.length === 0 ? rule : { ...rule, resourceNames };
}
