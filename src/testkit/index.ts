/** What tests of checks need: meshes as objects, faults as edits, and the tester. */
export { mesh } from '../builder/mesh.ts';
export type { MeshBuilder } from '../builder/mesh.ts';
export { type Edit, EditError, inCluster, inOrder } from '../builder/edits/edit.ts';
export * from '../builder/edits/control-plane.ts';
export * from '../builder/edits/dns.ts';
export * from '../builder/edits/east-west.ts';
export * from '../builder/edits/exposure.ts';
export * from '../builder/edits/injection.ts';
export * from '../builder/edits/remote-secret.ts';
export * from '../builder/edits/topology-identity.ts';
export * from '../builder/edits/topology-leadership.ts';
export * from '../builder/edits/topology-networks.ts';
export * from '../builder/edits/trust.ts';
export { withKubeconfig, withPlainData } from '../builder/edits/kubeconfig.ts';
export * as certificates from '../builder/certificates.ts';
export { checkTester } from './check-tester.ts';
export type { MeshInput } from './mesh-input.ts';
export type { BrokenCase, CaseOptions, Cases, HealthyCase } from './suite.ts';
