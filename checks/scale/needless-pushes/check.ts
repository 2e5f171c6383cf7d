import { type ClusterName, defineCheck, type EndpointSlice, type Service } from 'meshdoctor/api';

/** A lock is renewed every few seconds; what is older is given up. */
const renewedSeconds = 120;
const renewed = 'renewTime';

export default defineCheck({
  id: 'needless-pushes',
  title: 'No headless Service is written anew every few seconds',
  severity: 'info',
  certainty: 'possible',
  scope: 'cluster',
  advice: true,
  needs: ['clock', 'services', 'endpointSlices'],
  catalogue: ['PERF-02'],
  docs: {
    why: 'Some databases elect their leader by an Endpoints object and renew it every few seconds. Its mirror is written each time, and for a headless Service with ports that are not HTTP istiod sends everything to all proxies on every write, in each cluster that reads this one.',
    confirm: 'kubectl --context CLUSTER get endpoints -A --watch',
    fix: 'Let the database elect its leader by other objects (Patroni: kubernetes.use_endpoints false), or hide the Service from the mesh with the annotation networking.istio.io/exportTo "~".',
    notWhen: 'Services with a cluster IP do no harm: istiod compares their endpoints first.',
    see: ['istio/istio#48025', 'istio/istio pilot/pkg/serviceregistry/kube/controller/endpointslice.go'],
  },
  messages: {
    locks: (a: { slice: EndpointSlice; service: Service; cluster: ClusterName; renewed: string }) => ({
      text: `EndpointSlice ${a.slice.namespace}/${a.slice.name} in ${a.cluster} is a lock that was renewed at ${a.renewed}: each renewal makes istiod send everything to all proxies, since Service ${a.service.name} is headless.`,
      expected: 'endpoints that are written when they change',
      found: `${renewed} ${a.renewed}`,
    }),
  },
  *run({ cluster, finding }) {
    const now = Date.parse(cluster.clock.takenAt);
    const locks = cluster.endpointSlices.filter(({ annotations }) => {
      const at = Date.parse(annotations[renewed] ?? '');
      return !Number.isNaN(at) && now - at < renewedSeconds * 1000;
    });
    if (locks.length === 0) return;
    const services = new Map(cluster.services.map((service) => [`${service.namespace}/${service.name}`, service]));
    for (const slice of locks) {
      const service = services.get(`${slice.namespace}/${slice.service}`);
      if (service?.clusterIP !== 'None' || service.annotations['networking.istio.io/exportTo'] === '~') continue;
      if (!service.ports.some((port) => port.protocol !== 'UDP' && !isHttp(port.appProtocol ?? port.name))) continue;
      yield finding(
        'locks',
        { slice, service, cluster: cluster.name, renewed: slice.annotations[renewed] ?? '' },
        {
          at: slice.ref,
          field: `.metadata.annotations["${renewed}"]`,
          related: [service.ref],
          evidence: [{ ref: slice.ref, field: `.metadata.annotations["${renewed}"]`, observed: slice.annotations[renewed] ?? '' }],
        },
      );
    }
  },
});

/** `http`, `http2-admin`, `grpc` …: protocols that istiod makes no listener of its own for. */
function isHttp(protocol: string): boolean {
  return /^(https?|http2|grpc|grpc-web|kubernetes\.io\/h2c)(-|$)/.test(protocol) && !/^https(-|$)/.test(protocol);
}
