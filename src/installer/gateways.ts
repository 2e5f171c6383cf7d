import { labels } from '../istio/labels.ts';
import { defined, type Fields } from '../model/decode.ts';
import { type Declared, labelField, named, traced, variableFields } from './declared.ts';
import type { Path } from './values.ts';

/** A text, and where it was given; no path where it is a default. */
export interface Sourced {
  readonly value: string;
  readonly path: Path | undefined;
}

/** A gateway that an installer deploys: proxies, and a Service in front of them. */
export interface GatewayPlan {
  readonly name: string;
  readonly namespace: string;
  /** On everything. */
  readonly labels: Readonly<Record<string, Sourced>>;
  /** By which the Service finds the pods. */
  readonly selector: Readonly<Record<string, string>>;
  /** Labels of Service and pods beside the others. */
  readonly more: Readonly<Record<string, Sourced>>;
  readonly podLabels: Readonly<Record<string, Sourced>>;
  readonly podAnnotations: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, Sourced>>;
  /** Nothing where there is no Service. */
  readonly service:
    | { readonly spec: Fields; readonly annotations: Fields; readonly ports: Path | undefined; readonly type: Path | undefined }
    | undefined;
  readonly root: Path;
}

/** Ports of an ingress gateway that was not told any. */
export const ingressPorts: readonly Fields[] = [
  { name: 'status-port', port: 15021, protocol: 'TCP', targetPort: 15021 },
  { name: 'http2', port: 80, protocol: 'TCP', targetPort: 8080 },
  { name: 'https', port: 443, protocol: 'TCP', targetPort: 8443 },
];

export function gatewayObjects(plan: GatewayPlan): Declared[] {
  const { name, namespace, root, service } = plan;
  const pod = { ...plan.labels, ...plan.more, ...plan.podLabels };
  const front = { ...plan.labels, ...plan.more };
  return [
    {
      object: named(
        'apps/v1',
        'Deployment',
        { name, namespace, labels: valuesOf(plan.labels) },
        {
          spec: {
            selector: { matchLabels: plan.selector },
            template: {
              metadata: { labels: valuesOf(pod), annotations: plan.podAnnotations },
              spec: {
                containers: [
                  { name: 'istio-proxy', image: 'auto', env: Object.entries(plan.env).map(([key, { value }]) => ({ name: key, value })) },
                ],
              },
            },
          },
        },
      ),
      root,
      fields: traced(
        ...labelTraces(plan.labels),
        ...labelTraces(pod, '.spec.template'),
        ...Object.entries(plan.env).flatMap(([key, { path }]) => variableFields(key, path)),
      ),
    },
    ...(service === undefined
      ? []
      : [
          {
            object: {
              ...named(
                'v1',
                'Service',
                { name, namespace, labels: valuesOf(front) },
                { spec: { ...service.spec, selector: plan.selector } },
              ),
              metadata: defined({
                name,
                namespace,
                labels: valuesOf(front),
                annotations: Object.keys(service.annotations).length === 0 ? undefined : service.annotations,
              }),
            },
            root,
            fields: traced(...labelTraces(front), ['.spec.ports', service.ports], ['.spec.type', service.type]),
          },
        ]),
  ];
}

function labelTraces(all: Readonly<Record<string, Sourced>>, base = ''): (readonly [string, Path | undefined])[] {
  return Object.entries(all).map(([key, { path }]) => [`${base}${labelField(key)}`, path] as const);
}

function valuesOf(all: Readonly<Record<string, Sourced>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(all).map(([key, { value }]) => [key, value]));
}

/** Settings of a map, each with its place. */
export function sourced(map: Readonly<Record<string, string>>, path: Path): Readonly<Record<string, Sourced>> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, { value, path: [...path, key] }]));
}

/** Pods of a gateway whose proxy the injector writes. */
export function injectedPod(revision: string, revisionPath: Path | undefined): Pick<GatewayPlan, 'podLabels' | 'podAnnotations'> {
  return {
    podLabels: {
      [labels.inject]: { value: 'true', path: undefined },
      ...(revision === 'default' ? {} : { [labels.revision]: { value: revision, path: revisionPath } }),
    },
    podAnnotations: { 'inject.istio.io/templates': 'gateway', [labels.inject]: 'true' },
  };
}
