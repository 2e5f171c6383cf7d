import type { RunOptions } from '../config/options.ts';
import { type CallText, callPath, resolveCall } from '../mesh/path/path.ts';
import { inferTopology } from '../mesh/topology.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { buildPath } from '../report/path/build.ts';
import type { PathReport } from '../report/path/schema.ts';
import { factsOf, judgedSnapshot, type Prepared, readSource, type ReadMesh, type RunIo } from './check.ts';

/** Reads the clusters, judges them as `check` does with what is called for the named service, and follows the call. */
export async function followCall(call: CallText, options: RunOptions, prepared: Prepared, io: RunIo): Promise<PathReport> {
  const { snapshot, options: asked, known } = await readSource({ ...options, call }, prepared, io);
  return await followIn(call, snapshot, asked, prepared, io, known);
}

/** The way of a call through a snapshot: what recordings and live clusters share. @throws UsageError for words that name nothing */
export async function followIn(
  call: CallText,
  snapshot: Snapshot,
  options: RunOptions,
  prepared: Prepared,
  io: RunIo,
  known: Omit<ReadMesh, 'snapshot'> = {},
): Promise<PathReport> {
  const facts = known.facts ?? factsOf(snapshot, options.now);
  const topology = known.topology ?? inferTopology(facts, snapshot.intent);
  const resolved = resolveCall(call, facts, topology);
  const { namespace, name, port } = resolved.target;
  const asked = { ...options, services: [{ namespace, name, port }] };
  const { judgement, report } = await judgedSnapshot(snapshot, asked, prepared, io, { ...known, facts, topology });
  return buildPath({ call: resolved, path: callPath(resolved, facts), judgement, report });
}
