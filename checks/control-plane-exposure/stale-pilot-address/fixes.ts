import { installAgain, ipAddresses, labels, type ObjectRef, type Remedy, remedy, type Service, shellWord } from 'meshdoctor/api';

/** The one address there is, put where the old one is (or into a new object); and the installation, which writes it the next time. */
export function fixes(service: Service, current: readonly string[], into: ObjectRef | 'EndpointSlice' | 'Endpoints' | undefined): Remedy[] {
  const { cluster } = service.ref;
  const [address, ...others] = current;
  if (address === undefined) return [];
  const again = remedy.installer(
    cluster,
    [`istioctl install --context ${shellWord(cluster)} -f REMOTE.yaml --set values.global.remotePilotAddress=${shellWord(address)}`],
    `REMOTE.yaml is what this cluster was installed from; ${installAgain}`,
  );
  const family = ipAddresses.ipFamily(address);
  if (others.length > 0 || family === undefined || into === undefined) return [again];
  const note = 'lasts until the next installation: change remotePilotAddress there too';
  const ports = service.ports.map(({ name, targetPort, protocol }) => ({ name, port: targetPort, protocol }));
  const isSlice = into === 'EndpointSlice' || (typeof into === 'object' && into.kind === 'EndpointSlice');
  const body = isSlice ? { endpoints: [{ addresses: [address] }] } : { subsets: [{ addresses: [{ ip: address }], ports }] };
  if (typeof into === 'object') return [remedy.patch(into, body, { note }), again];
  const { namespace, name } = service;
  const object = isSlice
    ? { apiVersion: 'discovery.k8s.io/v1', kind: into, addressType: `IPv${family}`, ports, ...body }
    : { apiVersion: 'v1', kind: into, ...body };
  const metadata = { name, namespace, ...(isSlice ? { labels: { [labels.serviceName]: name } } : {}) };
  return [remedy.apply(cluster, { ...object, metadata }, note), again];
}
