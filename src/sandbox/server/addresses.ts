import type { Fields } from '../../model/decode.ts';
import type { KubeObject } from '../../model/kube.ts';
import type { ObjectStore } from '../store.ts';
import { fieldsAt, itemsAt, numberAt, textAt } from './json-path.ts';
import { type Invalid, invalid } from './status.ts';

const services = { group: '', kind: 'Service' } as const;
const firstNodePort = 30_000;
const lastNodePort = 32_767;

/** A Service with the address and node ports that it keeps, or that are drawn for it from those nobody has. */
export function withAddresses(store: ObjectStore, service: KubeObject, existing: KubeObject | undefined): KubeObject {
  const spec = fieldsAt(service, 'spec');
  const type = textAt(spec, 'type');
  if (type === 'ExternalName') {
    const { clusterIP: _address, clusterIPs: _addresses, ...rest } = spec;
    return { ...service, spec: rest };
  }
  const others = store.all(services).filter((other) => other.metadata.uid !== existing?.metadata.uid);
  const clusterIP = addressOf(service, spec, existing, others);
  const isReachable = type === 'NodePort' || type === 'LoadBalancer';
  const ports = isReachable
    ? withNodePorts(itemsAt(spec, 'ports'), itemsAt(existing, 'spec', 'ports'), others)
    : itemsAt(spec, 'ports').map(withoutNodePort);
  return { ...service, spec: { ...spec, clusterIP, clusterIPs: [clusterIP], ...(ports.length === 0 ? {} : { ports }) } };
}

function addressOf(service: KubeObject, spec: Fields, existing: KubeObject | undefined, others: readonly KubeObject[]): string {
  const wanted = textAt(spec, 'clusterIP');
  if (wanted === 'None') return wanted;
  const taken = new Set(others.map((other) => textAt(other, 'spec', 'clusterIP')));
  if (wanted === '') return textAt(existing, 'spec', 'clusterIP') || freeAddress(taken);
  if (!taken.has(wanted)) return wanted;
  const problem: Invalid = {
    field: 'spec.clusterIPs',
    reason: 'FieldValueInvalid',
    message: `Invalid value: ["${wanted}"]: failed to allocate IP ${wanted}: provided IP is already allocated`,
  };
  throw invalid({ group: '', kind: 'Service' }, service.metadata.name, [problem]);
}

/** The next free address of the range that the first Service's is from. */
function freeAddress(taken: ReadonlySet<string>): string {
  const known = [...taken].find((address) => /^\d+\.\d+\.\d+\.\d+$/.test(address)) ?? '10.96.0.1';
  const range = known.split('.').slice(0, 2).join('.');
  for (let host = 256; host < 65_535; host++) {
    const address = `${range}.${host >> 8}.${host & 255}`;
    if (!taken.has(address)) return address;
  }
  return 'None';
}

function withNodePorts(ports: readonly Fields[], before: readonly Fields[], others: readonly KubeObject[]): readonly Fields[] {
  const taken = new Set(others.flatMap((other) => itemsAt(other, 'spec', 'ports').map((port) => numberAt(port, 'nodePort'))));
  for (const port of ports) taken.add(numberAt(port, 'nodePort'));
  return ports.map((port) => {
    if (numberAt(port, 'nodePort') !== 0) return port;
    const same = before.find((one) => one['port'] === port['port'] && one['protocol'] === port['protocol']);
    const kept = numberAt(same, 'nodePort');
    const nodePort = kept === 0 || taken.has(kept) ? freeNodePort(taken) : kept;
    taken.add(nodePort);
    return { ...port, nodePort };
  });
}

function freeNodePort(taken: ReadonlySet<number>): number {
  for (let port = firstNodePort; port < lastNodePort; port++) if (!taken.has(port)) return port;
  return lastNodePort;
}

function withoutNodePort(port: Fields): Fields {
  const { nodePort: _nodePort, ...rest } = port;
  return rest;
}
