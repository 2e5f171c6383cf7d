import type { Attributes, Rule } from './authorize.ts';
import { type Answer, type Context, jsonAnswer } from './context.ts';
import { fieldsAt, textAt } from './json-path.ts';
import { secondsOf } from '../store.ts';
import type { Target } from './read.ts';
import { notFound } from './status.ts';
import type { User } from './users.ts';

/** Questions that a user asks about itself. `plural` is that of the review; nothing for one that is not served. */
export function reviewAnswer(context: Context, user: User, plural: string, body: unknown): Answer | undefined {
  switch (plural) {
    case 'selfsubjectaccessreviews':
      return answered('authorization.k8s.io/v1', 'SelfSubjectAccessReview', body, accessStatus(context, user, body));
    case 'selfsubjectrulesreviews':
      return answered(
        'authorization.k8s.io/v1',
        'SelfSubjectRulesReview',
        body,
        rulesStatus(context, user, textAt(body, 'spec', 'namespace')),
      );
    case 'selfsubjectreviews': {
      const { name: username, groups, uid } = user;
      const userInfo = { username, groups, ...(uid === undefined ? {} : { uid }) };
      return answered('authentication.k8s.io/v1', 'SelfSubjectReview', body, { userInfo });
    }
    default:
      return undefined;
  }
}

function answered(apiVersion: string, kind: string, body: unknown, status: object): Answer {
  const spec = fieldsAt({ body }, 'body', 'spec');
  return jsonAnswer({ kind, apiVersion, metadata: {}, ...(kind === 'SelfSubjectReview' ? {} : { spec }), status }, 201);
}

function accessStatus({ authorizer }: Context, user: User, body: unknown): object {
  const path = fieldsAt(body, 'spec', 'nonResourceAttributes');
  if (Object.keys(path).length > 0) return { allowed: authorizer.allowsPath(user, textAt(path, 'verb'), textAt(path, 'path')) };
  const asked = fieldsAt(body, 'spec', 'resourceAttributes');
  const attributes: Attributes = {
    verb: textAt(asked, 'verb'),
    group: textAt(asked, 'group'),
    resource: textAt(asked, 'resource'),
    subresource: textAt(asked, 'subresource'),
    namespace: textAt(asked, 'namespace'),
    name: textAt(asked, 'name'),
  };
  return { allowed: authorizer.allows(user, attributes) };
}

/** Clusters that have the node authorizer, as nearly all have, never know all rules. */
function rulesStatus({ authorizer }: Context, user: User, namespace: string): object {
  const rules = authorizer.rules(user, namespace);
  const isOfPath = ({ nonResourceURLs }: Rule) => nonResourceURLs.length > 0;
  return {
    resourceRules: rules
      .filter(({ resources }) => resources.length > 0)
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({
        verbs,
        apiGroups,
        resources,
        ...(resourceNames.length === 0 ? {} : { resourceNames }),
      })),
    nonResourceRules: rules.filter(isOfPath).map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: true,
    evaluationError: 'node authorizer does not support user rule resolution',
  };
}

const defaultTokenSeconds = 3600;

/** A token for a service account, good for as long as the server runs. */
export function tokenAnswer(context: Context, target: Target, body: unknown): Answer {
  const { namespace, name, resource } = target;
  if (context.store.find(resource, namespace, name) === undefined) throw notFound(resource, name);
  const asked = fieldsAt({ body }, 'body', 'spec');
  const seconds = typeof asked['expirationSeconds'] === 'number' ? asked['expirationSeconds'] : defaultTokenSeconds;
  const now = secondsOf(context.clock());
  const expirationTimestamp = secondsOf(new Date(Date.parse(now) + seconds * 1000).toISOString());
  return jsonAnswer(
    {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name, namespace, creationTimestamp: now },
      spec: { audiences: ['https://kubernetes.default.svc'], ...asked, expirationSeconds: seconds },
      status: { token: context.users.issue(namespace, name), expirationTimestamp },
    },
    201,
  );
}
