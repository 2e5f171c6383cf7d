import { type ClusterName, compareText, defineCheck, distinct, list, type Service, serviceCopies, type StringMap } from 'meshdoctor/api';
import { callersOf, hasAddress, isKept, needed, readyIn, type World, worldOf } from '../_area.ts';

export default defineCheck({
  id: 'ambiguous-service',
  title: 'One name is one application in all clusters',
  severity: 'warning',
  certainty: 'possible',
  scope: 'mesh',
  partial: true,
  needs: needed,
  applies: { dataPlane: 'sidecar' },
  path: { hops: ['endpoints'] },
  catalogue: ['ID-14'],
  docs: {
    why: 'Services of the same name and namespace are one service to the mesh, whoever made them: callers are sent to the endpoints of all. Where the name means another application in another cluster, some requests reach a stranger.',
    confirm:
      'kubectl --context CLUSTER -n NAMESPACE get service NAME -o jsonpath="{.spec.selector}"; kubectl --context CLUSTER -n NAMESPACE get endpointslices -l kubernetes.io/service-name=NAME',
    fix: 'Give one of them another name, or keep the host to its cluster with serviceSettings in the mesh configuration.',
    notWhen: 'One application that is deployed under different labels and names in two clusters looks the same.',
    see: ['https://istio.io/latest/docs/ops/deployment/deployment-models/'],
  },
  messages: {
    stranger: (a: {
      service: Service;
      other: Service;
      here: readonly string[];
      there: readonly string[];
      callers: readonly ClusterName[];
    }) => ({
      text: `Service ${a.service.namespace}/${a.service.name} selects ${spelled(a.service.selector)} in ${a.service.ref.cluster} and ${spelled(a.other.selector)} in ${a.other.ref.cluster}, and other workloads with it: callers in ${list(a.callers)} reach both.`,
      expected: 'the same application in both',
      found: `${list(a.here)} in ${a.service.ref.cluster}, ${list(a.there)} in ${a.other.ref.cluster}`,
      effect: 'some requests are answered by another application',
    }),
  },
  *run({ clusters, mesh, finding }) {
    const world = worldOf(clusters, mesh);
    for (const shared of world.shared) {
      const [reference, ...others] = shared.copies
        .filter(({ service }) => hasAddress(service) && Object.keys(service.selector).length > 0)
        .toSorted((a, b) => compareText(spelled(a.service.selector), spelled(b.service.selector)));
      if (reference === undefined) continue;
      for (const copy of others) {
        if (hasCommon(reference.service.selector, copy.service.selector)) continue;
        const there = ownersOf(world, reference);
        const here = ownersOf(world, copy);
        if (here.length === 0 || there.length === 0 || here.some((owner) => there.includes(owner))) continue;
        const callers = distinct<ClusterName>(
          serviceCopies
            .mergedBy(world.readers, { ...shared, copies: [reference, copy] })
            .flatMap((merged) =>
              isKept(merged.reader, copy.service) ? [] : callersOf(world, merged, (merged.first ?? reference).service, copy.cluster),
            ),
        );
        if (callers.length === 0) continue;
        yield finding(
          'stranger',
          { service: copy.service, other: reference.service, here, there, callers },
          {
            at: copy.service.ref,
            field: '.spec.selector',
            related: [reference.service.ref],
            evidence: [copy, reference].map(({ service }) => ({
              ref: service.ref,
              field: '.spec.selector',
              observed: spelled(service.selector),
            })),
            concerns: distinct<ClusterName>([copy.cluster, reference.cluster, ...callers]),
          },
        );
      }
    }
  },
});

function spelled(selector: StringMap): string {
  return distinct(Object.entries(selector).map(([key, value]) => `${key}=${value}`)).join(',');
}

function hasCommon(a: StringMap, b: StringMap): boolean {
  return Object.entries(a).some(([key, value]) => b[key] === value);
}

function ownersOf(world: World, { cluster, service }: serviceCopies.Copy): string[] {
  return distinct(
    readyIn(world, cluster, service).flatMap(({ pod }) => (pod?.owner === undefined ? [] : [`${pod.owner.kind} ${pod.owner.name}`])),
  );
}
