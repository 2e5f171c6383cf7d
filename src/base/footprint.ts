/** How far probes may go, each including those before it. The last two ask API servers to create something: only who says so gets them. */
export const footprints = ['off', 'connect', 'query', 'dry-run', 'pod'] as const;
export type Footprint = (typeof footprints)[number];

/** Those with which nothing is created, not even as a trial. */
export const readingFootprints: readonly Footprint[] = ['off', 'connect', 'query'];

/** Whether a run that may go as far as `footprint` may do what `step` is. */
export function reaches(footprint: Footprint, step: Footprint): boolean {
  return footprints.indexOf(footprint) >= footprints.indexOf(step);
}
