import { createPrivateKey, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { type KubeconfigEntry, kubeconfigOf } from '../lab/cluster.ts';
import { type Lab, entryOf } from '../lab/lab.ts';
import { at, textAt } from '../lab/kube.ts';
import { until } from '../lab/processes.ts';

/*
 * Somebody who has exactly the rights that `meshdoctor rbac` prints: a service account of a namespace of its own, in every cluster.
 */

export const account = 'meshdoctor';
export const accountUser = `system:serviceaccount:${account}:${account}`;

const ruleSchema = z.strictObject({ apiGroups: z.array(z.string()), resources: z.array(z.string()), verbs: z.array(z.string()) });
const roleSchema = z.looseObject({
  kind: z.literal('ClusterRole'),
  metadata: z.strictObject({ name: z.string() }),
  rules: z.array(ruleSchema),
});

export type Rule = z.infer<typeof ruleSchema>;

/** One right of a role: some verbs on one resource. */
export interface Right {
  readonly group: string;
  /** `pods`, `pods/portforward`. */
  readonly resource: string;
  readonly verbs: readonly string[];
}

export interface Reader {
  /** The rules as they were printed. */
  readonly rules: readonly Rule[];
  readonly tokens: ReadonlyMap<string, string>;
  /** Path of a kubeconfig with a context per cluster. */
  readonly kubeconfig: string;
}

/** Follows the instructions that are printed with these flags in every cluster, and hands over a kubeconfig. Ends with everything taken away again. */
export async function asReader(lab: Lab, use: (reader: Reader) => Promise<void>, flags: readonly string[] = []): Promise<void> {
  const printed = await lab.meshdoctor(['rbac', '--user', `${account}/${account}`, ...flags]);
  if (printed.code !== 0) throw new Error(`rbac: ${printed.stderr}`);
  const role = roleSchema.parse(parseAllDocuments(printed.stdout)[0]?.toJS());
  try {
    const tokens = new Map<string, string>();
    for (const { cluster } of lab.clusters()) {
      await lab.apply(cluster.name, [
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: account } },
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account, namespace: account } },
      ]);
      await lab.kubectl(cluster.name, ['apply', '--validate=false', '-f', '-'], printed.stdout);
      tokens.set(cluster.name, (await lab.kubectl(cluster.name, ['create', 'token', account, '-n', account])).trim());
      await untilRights(lab, cluster.name, rightsOf(role.rules), true);
    }
    const kubeconfig = writeKubeconfig(
      lab,
      'reader',
      lab.clusters().map(({ cluster }) => ({ ...entryOf(cluster), token: tokens.get(cluster.name) ?? '' })),
    );
    await use({ rules: role.rules, tokens, kubeconfig });
  } finally {
    for (const { cluster } of lab.clusters()) {
      await lab.kubectl(cluster.name, ['delete', '--ignore-not-found', 'clusterrolebinding,clusterrole', role.metadata.name]);
      await lab.kubectl(cluster.name, ['delete', '--ignore-not-found', 'namespace', account]);
    }
  }
}

export function rightsOf(rules: readonly Rule[]): readonly Right[] {
  return rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.map((resource) => ({ group, resource, verbs }))),
  );
}

/** Gives the role of a cluster these rights, and waits until its API server goes by them. */
export async function setRights(lab: Lab, cluster: string, rights: readonly Right[], without: readonly Right[]): Promise<void> {
  const rules = rights.map(({ group, resource, verbs }) => ({ apiGroups: [group], resources: [resource], verbs }));
  const path = `/apis/rbac.authorization.k8s.io/v1/clusterroles/${account}`;
  const { status } = await lab.cluster(cluster).cluster.kube.call('PATCH', path, { rules }, 'application/merge-patch+json');
  if (status !== 200) throw new Error(`PATCH ${path}: ${status}`);
  await untilRights(lab, cluster, rights, true);
  await untilRights(lab, cluster, without, false);
}

async function untilRights(lab: Lab, cluster: string, rights: readonly Right[], isAllowed: boolean): Promise<void> {
  const { kube } = lab.cluster(cluster).cluster;
  const asked = rights.flatMap(({ group, resource: path, verbs }) => {
    const [resource, subresource] = path.split('/');
    return verbs.map((verb) => ({ group, resource, verb, ...(subresource === undefined ? {} : { subresource }) }));
  });
  await until(`rights of ${account} in ${cluster}`, async () => {
    const answers = await Promise.all(
      asked.map(async (resourceAttributes) => {
        const groups = ['system:serviceaccounts', `system:serviceaccounts:${account}`, 'system:authenticated'];
        const review = await kube.call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: { user: accountUser, groups, resourceAttributes },
        });
        return at(review.body, 'status', 'allowed') === isAllowed;
      }),
    );
    return answers.every(Boolean) ? true : undefined;
  });
}

/** A kubeconfig of these entries in the folder of the lab. */
export function writeKubeconfig(lab: Lab, name: string, entries: readonly KubeconfigEntry[]): string {
  const file = join(lab.folder, `${name}.kubeconfig`);
  writeFileSync(file, kubeconfigOf(entries), { mode: 0o600 });
  return file;
}

/** A token like a given one of that cluster, by the same key, that ran out an hour ago. */
export function expiredLike(lab: Lab, cluster: string, token: string): string {
  const [header = '', payload = ''] = token.split('.');
  const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const now = Math.floor(Date.now() / 1000);
  const past = { ...(typeof claims === 'object' ? claims : {}), iat: now - 7200, nbf: now - 7200, exp: now - 3600 };
  const body = `${header}.${Buffer.from(JSON.stringify(past)).toString('base64url')}`;
  const key = createPrivateKey(readFileSync(join(lab.cluster(cluster).cluster.folder, 'sa.key')));
  const algorithm = textAt(JSON.parse(Buffer.from(header, 'base64url').toString()), 'alg');
  if (algorithm !== 'ES256') throw new Error(`Tokens of ${cluster} are signed by ${algorithm ?? 'nothing'}.`);
  return `${body}.${sign('sha256', Buffer.from(body), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const eventSchema = z.looseObject({
  stage: z.string(),
  verb: z.string(),
  requestURI: z.string(),
  user: z.looseObject({ username: z.string() }),
  objectRef: z
    .looseObject({
      resource: z.string().default(''),
      apiGroup: z.string().default(''),
      subresource: z.string().optional(),
      name: z.string().optional(),
    })
    .optional(),
  responseStatus: z.looseObject({ code: z.number().optional() }).optional(),
});

export type AuditEvent = z.infer<typeof eventSchema>;

/** What the API server of a cluster wrote down of this account since the log was `from` bytes long. */
export function auditedSince(lab: Lab, cluster: string, from: number): readonly AuditEvent[] {
  const text = readFileSync(lab.cluster(cluster).cluster.audit).subarray(from).toString();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => eventSchema.parse(JSON.parse(line)))
    .filter(({ user }) => user.username === accountUser);
}
