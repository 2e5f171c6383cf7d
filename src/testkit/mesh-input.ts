import type { MeshObjects } from '../model/kube.ts';

/** A mesh of the builder, or plain objects by cluster. */
export type MeshInput = MeshObjects | BuiltMesh;

interface BuiltMesh {
  readonly takenAt?: string;
  objects(): MeshObjects;
}

export function objectsIn(input: MeshInput): MeshObjects {
  return 'objects' in input ? input.objects() : input;
}

/** When the mesh was looked at, where it says so. */
export function timeOf(input: MeshInput): string | undefined {
  return 'objects' in input ? input.takenAt : undefined;
}
