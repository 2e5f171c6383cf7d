import type { MeshObjects } from '../model/kube.ts';

/** A mesh of the builder, or plain objects by cluster. */
export type MeshInput = MeshObjects | { readonly objects: MeshObjects };

export function builtMesh(input: MeshInput): MeshObjects {
  return 'objects' in input ? input.objects : input;
}
