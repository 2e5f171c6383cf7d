import type { ClusterFacts } from '../../src/model/facts.ts';

/** Facts with no more Endpoints than a live cluster is asked for: a directory may hold those of every Service. */
export function withAskedEndpoints(facts: ClusterFacts): ClusterFacts {
  const { endpoints } = facts;
  if (endpoints.status !== 'collected') return facts;
  return { ...facts, endpoints: { ...endpoints, value: endpoints.value.filter(({ name }) => name.startsWith('istiod')) } };
}
