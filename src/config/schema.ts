import { z } from 'zod';
import { footprints } from '../base/footprint.ts';

const time = z.iso.datetime({ offset: true, error: 'expected a time such as 2026-11-22T21:27:43Z' });
const names = z.array(z.string());

const directory = z
  .strictObject({
    manifests: z.string().optional(),
    values: names.optional(),
    complete: z.boolean().optional(),
    takenAt: time.optional(),
  })
  .refine(({ manifests, values }) => manifests !== undefined || values !== undefined, { error: 'expected manifests or values' });

const topology = z.strictObject({
  meshes: z.array(z.strictObject({ name: z.string().exactOptional(), clusters: names })).exactOptional(),
  clusters: z
    .record(
      z.string(),
      z.strictObject({
        role: z.enum(['primary', 'remote', 'config', 'external']).exactOptional(),
        network: z.string().exactOptional(),
        servedBy: names.exactOptional(),
      }),
    )
    .exactOptional(),
  withoutSecret: z.array(z.strictObject({ reader: z.string(), read: z.string() })).exactOptional(),
});

/** What meshdoctor.config.yaml may hold. */
export const configSchema = z.strictObject({
  clusters: z.record(z.string(), directory).optional(),
  contexts: names.optional(),
  kubeconfig: z.string().optional(),
  probe: z.enum(footprints).optional(),
  topology: topology.optional(),
  services: names.optional(),
  only: names.optional(),
  skip: names.optional(),
  baseline: z.string().optional(),
  suppressions: z
    .array(
      z.strictObject({
        code: z.string().min(1),
        at: z.string().min(1).optional(),
        reason: z.string().min(1),
        owner: z.string().min(1),
        until: z.union([z.iso.date(), z.literal('never')], { error: 'expected a day such as 2026-12-31, or never' }),
      }),
    )
    .optional(),
  failOn: z.enum(['error', 'warning', 'info', 'never']).optional(),
  minCertainty: z.enum(['certain', 'likely']).optional(),
  advice: z.boolean().optional(),
  requireComplete: z.boolean().optional(),
  allowIncomplete: z.union([z.boolean(), z.array(z.enum(['forbidden', 'unreachable']))]).optional(),
  plugins: names.optional(),
  outputs: names.optional(),
  history: z
    .strictObject({
      dir: z.string().min(1).exactOptional(),
      keepDays: z.int().positive().exactOptional(),
      keepRuns: z.int().positive().exactOptional(),
    })
    .optional(),
  notify: z
    .strictObject({
      urlFile: z.string().exactOptional(),
      format: z.enum(['generic', 'slack', 'teams']).exactOptional(),
      required: z.boolean().exactOptional(),
    })
    .optional(),
});

export type ConfigFile = z.infer<typeof configSchema>;
