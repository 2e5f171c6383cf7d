import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectFacts } from '../../src/collect/facts.ts';
import { istiodHost } from '../../src/istio/hosts.ts';
import { refusedCredentials, unreachableServer } from '../../src/istio/kubeconfig-rules.ts';
import { missingRights } from '../../src/istio/reader-rules.ts';
import { crossNetworkExposure, type ExposureObjects, gatewayProxies, istiodExposures } from '../../src/mesh/exposure.ts';
import { gatewayService } from '../../src/mesh/gateways.ts';
import { conflicts, serverOf, serverOfPod, wantedByPod, wantedRevision } from '../../src/mesh/injection.ts';
import { listOf } from '../../src/mesh/topology.ts';
import type { ClusterFacts, ControlPlane, Service } from '../../src/model/facts.ts';
import { openManifests } from '../../src/source/manifests.ts';

/** On real healthy meshes no rule of Istio is broken. Without MESHDOCTOR_CORPUS these tests are skipped, visibly. */
const corpus = process.env['MESHDOCTOR_CORPUS'] ?? '';

async function factsOf(mesh: string, name: string): Promise<ClusterFacts> {
  const snapshots = await openManifests({ clusters: [{ name, dir: join(corpus, mesh, name) }], complete: true });
  const [facts] = snapshots.map((snapshot) => projectFacts(snapshot));
  if (facts === undefined) throw new Error(`nothing read of ${mesh}/${name}`);
  return facts;
}

const clusters = [
  ['primary-remote-1.31', 'cluster1'],
  ['primary-remote-1.31', 'cluster2'],
  ['primary-remote-1.24', 'cluster9'],
  ['primary-remote-1.24', 'cluster10'],
  ['multi-primary-1.31', 'cluster3'],
  ['multi-primary-1.31', 'cluster4'],
  ['ambient-1.31', 'cluster5'],
  ['ambient-1.31', 'cluster6'],
  ['external-1.31', 'cluster7'],
  ['external-1.31', 'cluster8'],
] as const;

describe.skipIf(corpus === '')('rules on real healthy meshes', () => {
  test.each(clusters)('%s %s: who asks for an injector is served by one, and by the one that injected it', async (mesh, name) => {
    const facts = await factsOf(mesh, name);
    const namespaces = listOf(facts.namespaces);
    const injectors = listOf(facts.injectors);
    expect(injectors.length).toBeGreaterThan(0);
    expect(conflicts(namespaces, injectors)).toEqual([]);
    for (const namespace of namespaces) expect(serverOf(namespace, injectors) === undefined).toBe(wantedRevision(namespace) === undefined);
    for (const pod of listOf(facts.pods)) {
      const namespace = namespaces.find((one) => one.name === pod.namespace);
      if (namespace === undefined || pod.proxy === undefined || pod.proxy.kind !== 'sidecar') continue;
      expect(wantedByPod(namespace, pod)).toBeDefined();
      expect(serverOfPod(namespace, pod, injectors)?.revision).toBe(pod.proxy.revision);
    }
  });

  test.each(clusters)('%s %s: readers have every right, remote secrets are accepted', async (mesh, name) => {
    const facts = await factsOf(mesh, name);
    const version = mesh.endsWith('1.24') ? '1.24.6' : '1.31.0';
    const readers = listOf(facts.clusterRoles).filter((role) => role.name.startsWith('istio-reader-clusterrole'));
    for (const reader of readers) {
      const isManaged = reader.rules.some((rule) => rule.resources.includes('mutatingwebhookconfigurations'));
      expect(missingRights(reader.rules, { version, isManaged })).toEqual([]);
    }
    for (const entry of listOf(facts.remoteSecrets).flatMap((secret) => secret.entries)) {
      expect(refusedCredentials(entry.auth)).toEqual([]);
      expect(unreachableServer(entry.server)).toBeUndefined();
    }
  });

  test.each([
    ['primary-remote-1.31', 'cluster1'],
    ['primary-remote-1.24', 'cluster9'],
  ] as const)('%s: istiod and services are exposed through the gateway of %s', async (mesh, name) => {
    const { objects, controlPlane, gateways } = await exposureIn(
      mesh,
      name,
      'istio-system',
      (service) => gatewayService(service, []) !== undefined,
    );
    expect(gateways).toHaveLength(1);
    const host = istiodHost(controlPlane.revision, controlPlane.namespace);
    for (const exposure of istiodExposures(objects, { host, controlPlane }))
      expect(exposure).toMatchObject({ mode: 'passthrough', nearest: [], destination: { service: {} } });
    for (const exposure of istiodExposures(objects, { host, controlPlane })) expect(exposure.missing).toBeUndefined();
    expect(crossNetworkExposure(objects)).toMatchObject({ hosts: ['*.local'], isPartial: false });
    expect(crossNetworkExposure(objects).missing).toBeUndefined();
    expect(istiodExposures(objects, { host: 'istiod.istio-system.svc', controlPlane }).map((one) => one.missing)).toEqual([
      'virtual-service-hosts',
      'virtual-service-hosts',
    ]);
  });

  test('external-1.31: the external istiod is exposed by the other one’s gateway, which terminates', async () => {
    const { objects, facts } = await exposureIn(
      'external-1.31',
      'cluster7',
      'istio-system',
      (service) => service.name === 'istio-ingressgateway',
    );
    const [external] = listOf(facts.controlPlanes).filter((one) => one.namespace === 'external-istiod');
    if (external === undefined) throw new Error('no external control plane');
    for (const exposure of istiodExposures(objects, { host: 'istiod.mesh.example.com', controlPlane: external })) {
      expect(exposure.missing).toBeUndefined();
      expect(exposure.mode).toBe('terminating');
    }
  });
});

/** What exposes services of a cluster through those of its gateway Services that are chosen. */
async function exposureIn(
  mesh: string,
  name: string,
  namespace: string,
  isGateway: (service: Service) => boolean,
): Promise<{
  readonly objects: ExposureObjects;
  readonly controlPlane: ControlPlane;
  readonly gateways: readonly Service[];
  readonly facts: ClusterFacts;
}> {
  const facts = await factsOf(mesh, name);
  const controlPlane = listOf(facts.controlPlanes).find((one) => one.namespace === namespace);
  if (controlPlane === undefined) throw new Error(`no control plane in ${name}/${namespace}`);
  const services = listOf(facts.services);
  const gateways = services.filter(isGateway);
  const proxies = gateways.flatMap((service) => gatewayProxies(service, listOf(facts.pods), listOf(facts.workloads)));
  const objects = {
    reader: controlPlane,
    gateways: listOf(facts.gateways),
    virtualServices: listOf(facts.virtualServices),
    services,
    proxies,
  };
  return { objects, controlPlane, gateways, facts };
}
