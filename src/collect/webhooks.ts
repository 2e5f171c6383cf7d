import { labels as label, names } from '../istio/labels.ts';
import { defined, type Fields, fields, filled, objects, port, text, type Tally } from '../model/decode.ts';
import type { Injector, Validator, WebhookEntry, WebhookTarget } from '../model/facts.ts';
import { clusterId, networkId, revision } from '../model/ids.ts';
import type { ReducedObject } from '../model/snapshot.ts';
import { caBundleOf, recordedCaBundle } from './certificates.ts';
import { shownAddress } from './credentials.ts';
import { clusterEntity, defineFact, uncounted } from './fact.ts';
import { injectedIdentity } from './injection-path.ts';
import { defineKind } from './kind.ts';
import { selectorOf } from './selectors.ts';

const registration = { group: 'admissionregistration.k8s.io', namespaced: false, managedFields: 'fields', reduce: reduceWebhooks } as const;

export const mutatingWebhooks = defineKind({
  ...registration,
  resource: 'mutatingwebhookconfigurations',
  kind: 'MutatingWebhookConfiguration',
});
export const validatingWebhooks = defineKind({
  ...registration,
  resource: 'validatingwebhookconfigurations',
  kind: 'ValidatingWebhookConfiguration',
});

function reduceWebhooks(object: Fields, odd: Tally): Fields {
  return {
    webhooks: objects(odd, object['webhooks']).map((webhook) => {
      const client = fields(odd, webhook['clientConfig']);
      const url = filled(odd, client['url']);
      return defined({
        name: text(odd, webhook['name']) ?? '',
        namespaceSelector: selectorOf(odd, webhook['namespaceSelector']),
        objectSelector: selectorOf(odd, webhook['objectSelector']),
        service: client['service'] === undefined || client['service'] === null ? undefined : serviceOf(odd, client['service']),
        url: url === undefined ? undefined : shownAddress(url),
        caBundle: caBundleOf(odd, client['caBundle']),
        failurePolicy: filled(odd, webhook['failurePolicy']) ?? 'Fail',
      });
    }),
  };
}

function serviceOf(odd: Tally, value: unknown): NonNullable<WebhookTarget['service']> {
  const service = fields(odd, value);
  return {
    namespace: text(odd, service['namespace']) ?? '',
    name: text(odd, service['name']) ?? '',
    path: text(odd, service['path']) ?? '',
    port: port(odd, service['port']) ?? 443,
  };
}

const injectorSuffix = 'sidecar-injector.istio.io';

export const injectorsFact = defineFact({
  fact: 'injectors',
  reads: [mutatingWebhooks],
  place: 'all',
  project: (items, projection): readonly Injector[] =>
    items.filter(isInjector).map((object) => {
      const entity = clusterEntity(projection, object);
      const webhooks = webhookEntries(object);
      const target = (webhooks.find((webhook) => webhook.name.endsWith(injectorSuffix)) ?? webhooks[0])?.target ?? {};
      const identity = injectedIdentity(target);
      return Object.assign(entity, {
        revision: revision(entity.labels[label.revision] || names.defaultRevision),
        ...(entity.labels[label.tag] === undefined ? undefined : { tag: entity.labels[label.tag] }),
        webhooks,
        target,
        ...(identity.cluster ? { injectedClusterId: clusterId(identity.cluster) } : undefined),
        ...(identity.network ? { injectedNetwork: networkId(identity.network) } : undefined),
      });
    }),
});

/** A MutatingWebhookConfiguration of Istio's injector, whatever its name. */
export function isInjector(object: ReducedObject): boolean {
  return (
    object.metadata.labels?.['app'] === 'sidecar-injector' ||
    objects(uncounted, object['webhooks']).some((webhook) => text(uncounted, webhook['name'])?.endsWith(injectorSuffix) === true)
  );
}

export const validatorsFact = defineFact({
  fact: 'validators',
  reads: [validatingWebhooks],
  place: 'all',
  project: (items, projection): readonly Validator[] =>
    items
      .filter((object) =>
        objects(uncounted, object['webhooks']).some((webhook) => text(uncounted, webhook['name'])?.endsWith('.istio.io') === true),
      )
      .map((object) => {
        const entity = clusterEntity(projection, object);
        return Object.assign(entity, {
          revision: revision(entity.labels[label.revision] || names.defaultRevision),
          webhooks: webhookEntries(object),
        });
      }),
});

function webhookEntries(object: ReducedObject): readonly WebhookEntry[] {
  return objects(uncounted, object['webhooks']).map((webhook) => ({
    name: text(uncounted, webhook['name']) ?? '',
    namespaceSelector: selectorOf(uncounted, webhook['namespaceSelector']),
    objectSelector: selectorOf(uncounted, webhook['objectSelector']),
    target: targetOf(webhook),
    failurePolicy: text(uncounted, webhook['failurePolicy']) ?? 'Fail',
    caBundle: recordedCaBundle(fields(uncounted, webhook['caBundle'])),
  }));
}

/** Where a reduced webhook sends its reviews. */
export function targetOf(webhook: Fields): WebhookTarget {
  const url = filled(uncounted, webhook['url']);
  return defined({ service: webhook['service'] === undefined ? undefined : serviceOf(uncounted, webhook['service']), url });
}
