/** What tests of checks need: meshes as objects, faults as edits, and the tester. */
export { checkTester } from './check-tester.ts';
export type { BrokenCase, CaseOptions, Cases, HealthyCase } from './suite.ts';
export type { MeshInput } from './mesh-input.ts';
