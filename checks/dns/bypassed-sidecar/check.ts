import {
  type ClusterName,
  defineCheck,
  distinct,
  groupBy,
  list,
  type ObjectRef,
  outboundCapture,
  type Pod,
  type Service,
  serviceCopies,
  workloadOf,
} from 'meshdoctor/api';
import { hasAddress, isKept, needed, routedPorts, type Seen } from '../_area.ts';

export default defineCheck({
  id: 'bypassed-sidecar',
  title: 'Calls to services of other clusters go through the sidecar of their caller',
  severity: 'warning',
  certainty: 'possible',
  scope: 'mesh',
  partial: true,
  needs: needed,
  applies: { dataPlane: 'sidecar' },
  path: { hops: ['caller'] },
  catalogue: ['POL-13'],
  docs: {
    why: 'Annotations, and values of the injector (global.proxy.includeIPRanges and its like) for all pods of a mesh, can keep ports, blocks of addresses or interfaces away from a sidecar. Such calls leave the pod as they are: Kubernetes knows no endpoint of a Service whose pods are all in other clusters, and the cluster address of another cluster leads nowhere. Blocks that name the Service addresses of one cluster leave out those of the others.',
    confirm: 'kubectl --context CLUSTER -n NAMESPACE get pods -o yaml | grep -E -A20 "traffic.sidecar.istio.io/|istio-iptables"',
    fix: 'Take the port, the block or the interface out of the annotation or of the values, add the Service addresses of the other clusters to the ranges that are included, and restart the workload.',
    notWhen: 'The workload never calls these services.',
    see: ['https://istio.io/latest/docs/reference/config/annotations/'],
  },
  messages: {
    bypassed: (a: { pod: Pod; annotation: string; value: string; services: readonly string[]; cluster: ClusterName }) => ({
      text: `Pod ${a.pod.namespace}/${a.pod.name} in ${a.cluster} keeps calls to ${list(a.services, 'none', 3)} away from its sidecar (${a.annotation}: ${a.value}), and ${a.cluster} has no endpoint of ${a.services.length === 1 ? 'it' : 'them'}.`,
      expected: 'calls that the sidecar takes',
      found: `${a.annotation}: ${a.value}`,
      effect: 'such calls reach nobody',
    }),
  },
  *run({ clusters, mesh, finding }) {
    const backends = serviceCopies.backendFinder(clusters);
    for (const reader of serviceCopies.readersOf(mesh, clusters)) {
      for (const from of clusters.filter(({ name }) => reader.serves.includes(name))) {
        for (const pod of representatives(from)) {
          const lost = clusters
            .filter(({ name }) => name !== from.name && reader.reads.has(name))
            .flatMap((to) =>
              to.services.flatMap((service) => {
                const isServed = (cluster: ClusterName): boolean =>
                  backends(cluster, service).some(({ endpoint }) => endpoint.ready && !endpoint.terminating);
                if (!isCalled(reader, service, pod) || !reader.sees(to.name, service.namespace)) return [];
                return isServed(to.name) && !isServed(from.name) ? bypasses(pod, from, service) : [];
              }),
            );
          for (const [annotation, group] of groupBy(lost, (one) => one.annotation)) {
            const services = distinct(group.map(({ name }) => name));
            const value = outboundCapture.saidOf(pod)[annotation] ?? '';
            const isOwn = pod.annotations[annotation] === value;
            yield finding(
              'bypassed',
              { pod, annotation, value, services, cluster: from.name },
              {
                at: atOf(pod),
                related: [pod.ref],
                evidence: [
                  {
                    ref: pod.ref,
                    field: isOwn ? `.metadata.annotations["${annotation}"]` : '.spec.initContainers[*].args',
                    observed: value,
                  },
                ],
                lacks: [{ cluster: from.name, fact: 'endpointSlices' }],
                subject: annotation,
                concerns: [from.name],
              },
            );
          }
        }
      }
    }
  },
});

/** Of the pods of one workload one, where annotations say what the sidecar takes. */
function representatives({ pods }: Seen): Pod[] {
  const telling = pods.filter(
    (pod) =>
      pod.proxy?.kind === 'sidecar' &&
      pod.phase !== 'Succeeded' &&
      pod.phase !== 'Failed' &&
      outboundCapture.saysAnything(outboundCapture.saidOf(pod)),
  );
  const groups = groupBy(
    telling,
    ({ namespace, name, owner }) => `${namespace}/${owner === undefined ? name : `${owner.kind}/${owner.name}`}`,
  );
  return [...groups.values()].flatMap(([first]) => first ?? []);
}

function isCalled(reader: serviceCopies.Reader, service: Service, pod: Pod): boolean {
  if (!hasAddress(service) || isKept(reader, service) || serviceCopies.isSystemNamespace(service.namespace)) return false;
  return serviceCopies.isShownTo(service, new Set([pod.namespace]), reader.meshConfig);
}

/** The address that the pod is told: that of its own cluster, else, where its sidecar answers DNS, that of the other one. */
function bypasses(pod: Pod, from: Seen, service: Service): { readonly annotation: string; readonly name: string }[] {
  const own = from.services.find((one) => one.namespace === service.namespace && one.name === service.name);
  const told = own ?? (pod.proxy?.dnsCapture === true ? service : undefined);
  if (told === undefined || !hasAddress(told)) return [];
  return [...routedPorts(told).keys()].flatMap((port) => {
    const annotation = outboundCapture.bypassOf(outboundCapture.saidOf(pod), told.clusterIP, port);
    return annotation === undefined ? [] : [{ annotation, name: `${service.namespace}/${service.name}:${port}` }];
  });
}

function atOf(pod: Pod): ObjectRef {
  return workloadOf(pod) ?? pod.ref;
}
