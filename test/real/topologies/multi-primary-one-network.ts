import { addWorkloads, primaryOperator } from './multi-primary.ts';
import * as parts from './parts.ts';
import type { Topology } from './topology.ts';

/** Two primaries whose pods reach each other: no gateway, as Istio's guide has it. */
export const multiPrimaryOneNetwork: Topology = {
  name: 'multi-primary-one-network',
  about: 'two primaries on one network, default revision, plugged-in intermediates under one root, no gateway',
  clusters: [
    { name: 'cluster1', region: 'north' },
    { name: 'cluster2', region: 'south' },
  ],
  build: async (lab) => {
    const authority = await parts.newAuthority('Root CA');
    await Promise.all(
      lab.clusters().map(async ({ cluster: { name } }) => {
        // The guide for one network has no step that labels istio-system.
        await parts.makeNamespace(lab, name, 'istio-system');
        await parts.plugInCertificates(lab, name, authority);
        await parts.install(lab, name, primaryOperator(name, 'network1'));
      }),
    );
    await Promise.all([parts.remoteSecret(lab, 'cluster1', 'cluster2'), parts.remoteSecret(lab, 'cluster2', 'cluster1')]);
    await Promise.all([addWorkloads(lab, 'cluster1', 'abc'), addWorkloads(lab, 'cluster2', 'def')]);
  },
};
