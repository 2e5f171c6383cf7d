import type { LabelSelector } from '../model/facts.ts';
import type { StringMap } from '../model/kube.ts';

/** Whether a Kubernetes LabelSelector selects these labels (apimachinery: LabelSelectorAsSelector). An empty selector selects everything; an unknown operator nothing. */
export function selects(selector: LabelSelector, labels: StringMap): boolean {
  return hasLabels(selector.matchLabels, labels) && selector.matchExpressions.every((expression) => holds(expression, labels));
}

/** Whether labels hold every pair of `wanted`: matchLabels of a Deployment, selector of an Istio Gateway. Nothing wanted = everything has it. */
export function hasLabels(wanted: StringMap, labels: StringMap): boolean {
  for (const key in wanted) if (labels[key] !== wanted[key]) return false;
  return true;
}

/** As `hasLabels` for a Service's selector, where none at all selects no pod. */
export function selectsPods(selector: StringMap, labels: StringMap): boolean {
  return Object.keys(selector).length > 0 && hasLabels(selector, labels);
}

/** Whether one of several selectors selects these labels; no selector at all means everything, as with discoverySelectors. */
export function selectsAny(selectors: readonly LabelSelector[], labels: StringMap): boolean {
  return selectors.length === 0 || selectors.some((selector) => selects(selector, labels));
}

function holds(expression: LabelSelector['matchExpressions'][number], labels: StringMap): boolean {
  const value = labels[expression.key];
  switch (expression.operator) {
    case 'In':
      return value !== undefined && expression.values.includes(value);
    case 'NotIn':
      return value === undefined || !expression.values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}
