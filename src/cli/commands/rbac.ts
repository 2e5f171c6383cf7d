import { stringify } from 'yaml';
import { UsageError } from '../../base/errors.ts';
import { oneOf, words } from '../../config/values.ts';
import { fixRules } from '../../remedy/rights.ts';
import { plannedReads, rulesFor } from '../../run/plan.ts';
import { select } from '../../run/select.ts';
import { flag } from '../flags.ts';
import type { Host } from '../host.ts';
import type { Given } from '../parser.ts';
import { configOf, knownChecks } from './common.ts';
import { type Footprint, footprints, reaches } from '../../base/footprint.ts';

const name = 'meshdoctor';

/** A ClusterRole with exactly what a run with this selection asks, and on request its binding. Nothing is contacted. */
export async function rbacCommand(given: Given, host: Host): Promise<number> {
  const config = await configOf(given, host);
  const checks = select(await knownChecks(given, host), {
    only: words(flag.list(given, 'only')) ?? config?.values.only ?? [],
    skip: words(flag.list(given, 'skip')) ?? config?.values.skip ?? [],
    advice: flag.on(given, 'advice') ?? config?.values.advice ?? false,
  });
  const probe = oneOf('--probe', flag.text(given, 'probe'), footprints) ?? config?.values.probe ?? 'query';
  const subjects = (flag.list(given, 'user') ?? []).map(subjectOf);
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name },
    rules: rulesFor(plannedReads(checks, probe), probe),
  };
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects,
  };
  const writes = flag.on(given, 'fix') === true;
  const fixer = `${name}-fix`;
  const fixRole = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: fixer }, rules: fixRules() };
  const fixBinding = { ...binding, metadata: { name: fixer }, roleRef: { ...binding.roleRef, name: fixer } };
  const documents = [
    `# What meshdoctor check reads of every cluster with ${checks.length} checks and --probe=${probe}; ${rightsToWrite(probe)}\n# Secrets are reduced to hashes and fingerprints as they are read. Apply it in every cluster of the mesh.\n${stringify(role)}`,
    ...(subjects.length === 0 ? [] : [stringify(binding)]),
    ...(writes
      ? [
          `# What fix --apply and fix --undo take beside it: these rights change clusters. Of Secrets only labels and annotations are ever changed.\n${stringify(fixRole)}`,
          ...(subjects.length === 0 ? [] : [stringify(fixBinding)]),
        ]
      : []),
  ];
  host.stdout.write(documents.join('---\n'));
  return 0;
}

function rightsToWrite(probe: Footprint): string {
  if (reaches(probe, 'pod'))
    return 'with create and delete on pods it makes one of its own\n# in each cluster and removes it: bind it for as long as you need that. Nothing else lets it write.';
  return reaches(probe, 'dry-run')
    ? 'with create on pods it may ask for dry runs,\n# which API servers allow only to those who may create pods: bind it for as long as you need that. Nothing else lets it write.'
    : 'nothing here lets it write.';
}

type Subject = { readonly kind: string; readonly name: string; readonly namespace?: string; readonly apiGroup?: string };

/** `NAMESPACE/NAME` is a service account, `group:NAME` a group, anything else a user. */
function subjectOf(text: string): Subject {
  const rbac = 'rbac.authorization.k8s.io';
  const group = /^group:(.+)$/.exec(text)?.[1];
  if (group !== undefined) return { kind: 'Group', apiGroup: rbac, name: group };
  const account = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(text);
  if (account?.[1] !== undefined && account[2] !== undefined) return { kind: 'ServiceAccount', namespace: account[1], name: account[2] };
  if (text.trim() === '') throw new UsageError('ERR_BAD_VALUE', '--user needs a user, group:NAME, or NAMESPACE/NAME of a service account.');
  return { kind: 'User', apiGroup: rbac, name: text };
}
