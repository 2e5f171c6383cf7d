import { z } from 'zod';
import { callPaths } from '../../api/index.ts';
import { finding, missingFact, objectRef } from '../schema.ts';

/*
 * What `meshdoctor path` reports, written once: types are inferred from here, the published JSON Schema is generated from here.
 */

const verdict = z
  .enum(['works', 'broken', 'unknown', 'not-applicable'])
  .describe('unknown: it could not be told; not-applicable: the call does not come by here.');

const hop = z
  .object({
    hop: z.enum(callPaths.hopNames),
    verdict: verdict.describe('What is predicted, measured and found together.'),
    object: objectRef.exactOptional().describe('The object that decides.'),
    predicted: z.object({ verdict, text: z.string() }).readonly().describe('What follows from objects.'),
    measured: z
      .array(
        z
          .object({
            by: z.string().describe('Who was asked, from where.'),
            verdict: z.enum(['works', 'broken', 'unknown']),
            text: z.string(),
            decisive: z.boolean().describe('The very thing that the call meets; false: the same thing seen from elsewhere.'),
          })
          .readonly(),
      )
      .readonly()
      .describe('What probes saw; empty where nobody was asked.'),
    evidence: z.array(z.object({ ref: objectRef, field: z.string().exactOptional(), observed: z.string() }).readonly()).readonly(),
    missing: z.array(missingFact).readonly().describe('What would tell.'),
    findings: z.array(z.string()).readonly().describe('Fingerprints of what checks found here, the worst first.'),
  })
  .readonly();

const way = z
  .object({
    host: z.string(),
    subset: z.string().exactOptional(),
    port: z.int(),
    cluster: z.string().exactOptional().describe('Where the endpoints are; absent where no cluster has one.'),
    network: z.string().exactOptional(),
    verdict: z.enum(['works', 'broken', 'unknown', 'unused']).describe('unused: no call goes there, by intent or since others are ready.'),
    hops: z.array(hop).readonly().describe('From cluster to authorization.'),
  })
  .readonly();

const found = finding.unwrap().extend({
  fix: z.string().describe('How to mend it, in words; commands are in remedy.'),
  cause: z.string().exactOptional().describe('Fingerprint of the finding that explains it.'),
});

export const pathSchema = z
  .object({
    schema: z.literal(1),
    tool: z.object({ name: z.literal('meshdoctor'), version: z.string() }).readonly(),
    source: z.enum(['manifests', 'live', 'recorded']),
    recorded: z
      .object({ at: z.string(), version: z.string(), of: z.enum(['manifests', 'live']) })
      .readonly()
      .exactOptional(),
    from: z
      .object({
        cluster: z.string(),
        ref: objectRef.describe('What was named.'),
        pod: objectRef.exactOptional().describe('The pod that stands for it.'),
        proxy: z.enum(['sidecar', 'ambient', 'gateway', 'plain', 'unknown']),
      })
      .readonly(),
    to: z
      .object({ asked: z.string(), namespace: z.string(), name: z.string(), port: z.int(), clusters: z.array(z.string()).readonly() })
      .readonly(),
    mesh: z
      .object({ kind: z.string(), networks: z.array(z.string()).readonly(), dataPlanes: z.array(z.string()).readonly() })
      .readonly()
      .exactOptional(),
    verdict: z.object({ state: z.enum(['works', 'broken', 'unknown']), text: z.string() }).readonly(),
    exit: z.object({ code: z.int(), reason: z.string() }).readonly(),
    first: z
      .object({ hop: z.enum(callPaths.hopNames), verdict: z.enum(['broken', 'unknown']), way: z.int().exactOptional() })
      .readonly()
      .exactOptional()
      .describe('The first broken hop; without one, the first that could not be told. way: index into ways.'),
    hops: z.array(hop).readonly().describe('What all ways have in common: caller, name, route.'),
    ways: z.array(way).readonly().describe('One for each destination, cluster and network that has endpoints.'),
    findings: z.array(found.readonly()).readonly().describe('What checks found on the way, and what explains it.'),
    elsewhere: z.int().describe('Errors that checks found and that are not on the way of this call.'),
  })
  .readonly();

export type PathReport = z.infer<typeof pathSchema>;
export type PathHop = PathReport['hops'][number];
export type PathWay = PathReport['ways'][number];
export type PathFinding = PathReport['findings'][number];
