import type { Fields } from '../model/decode.ts';
import type { Declared } from './declared.ts';
import { operatorObjects } from './operator.ts';
import { sailObjects } from './sail.ts';

/** What an installer would make of a document that describes an installation of Istio; nothing for any other document. */
export function declaredObjects(document: Fields): readonly Declared[] | undefined {
  const { apiVersion, kind } = document;
  if (typeof apiVersion !== 'string') return undefined;
  const group = apiVersion.split('/')[0];
  if (group === 'install.istio.io' && kind === 'IstioOperator') return operatorObjects(document);
  if ((group === 'sailoperator.io' || group === 'operator.istio.io') && (kind === 'Istio' || kind === 'IstioRevision'))
    return sailObjects(document);
  return undefined;
}

/**
 * Kinds, by their collectors' ids, of which an installer makes more than its document tells: with such a document in a directory, that something of
 * them is not there is not known, whatever the directory says of itself.
 */
export const madeByInstallers: ReadonlySet<string> = new Set([
  'services',
  'endpoints',
  'endpointslices.discovery.k8s.io',
  'configmaps',
  'serviceaccounts',
  'daemonsets.apps',
  'pods',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'clusterroles.rbac.authorization.k8s.io',
  'clusterrolebindings.rbac.authorization.k8s.io',
  'customresourcedefinitions.apiextensions.k8s.io',
]);

export { type Chart, chartObjects, chartOf, type Release } from './charts.ts';
export type { Declared } from './declared.ts';
