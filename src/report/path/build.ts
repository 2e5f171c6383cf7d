import type { callPaths, ObjectRef } from '../../api/index.ts';
import { refKey } from '../../api/index.ts';
import { count } from '../../base/text.ts';
import type { Judgement } from '../../engine/types.ts';
import { missingOf } from '../gaps.ts';
import type { Report } from '../schema.ts';
import { type Passage, relevanceIn } from './relevance.ts';
import type { PathFinding, PathHop, PathReport, PathWay } from './schema.ts';
import { titles } from './words.ts';

type Hop = callPaths.Hop;

/** What a call and its way are, as derived; and everything that checks say of the mesh. */
export interface PathInput {
  readonly call: callPaths.ResolvedCall;
  readonly path: callPaths.CallPath;
  readonly judgement: Judgement;
  readonly report: Report;
}

/**
 * The way of a call with what checks found on it: they decide. An error that is certain or likely breaks the hop where a call meets it;
 * everything else stands beside what is predicted and measured. Pure.
 */
export function buildPath({ call, path, judgement, report }: PathInput): PathReport {
  const { caller, target, mesh } = call;
  const laid = laidDown({ call, path, judgement, report });
  const hops = path.hops.map((hop) => hopOf(hop, laid.on(hop)));
  const isCommonBroken = hops.some(({ verdict }) => verdict === 'broken');
  const ways = path.branches.map((branch): PathWay => {
    const own = branch.hops.map((hop) => hopOf(hop, laid.on(hop)));
    const { host, subset, port } = branch.destination;
    return {
      host,
      ...(subset === undefined ? {} : { subset }),
      port: port ?? target.port,
      ...(branch.cluster === undefined ? {} : { cluster: branch.cluster }),
      ...(branch.network === undefined ? {} : { network: branch.network }),
      verdict: wayVerdict(own),
      hops: own,
    };
  });
  const first = firstOf(hops, ways);
  const verdict = verdictOf(first, hops, ways, laid.byFingerprint);
  return {
    schema: 1,
    tool: report.tool,
    source: report.source,
    ...(report.recorded === undefined ? {} : { recorded: report.recorded }),
    from: { cluster: caller.cluster, ref: caller.ref, ...(caller.pod === undefined ? {} : { pod: caller.pod.ref }), proxy: path.kind },
    to: { asked: target.asked, namespace: target.namespace, name: target.name, port: target.port, clusters: [...target.instances.keys()] },
    ...(mesh === undefined
      ? {}
      : { mesh: { kind: 'known' in mesh.kind ? mesh.kind.known : 'unknown', networks: mesh.networks, dataPlanes: mesh.dataPlanes } }),
    verdict,
    exit: exitOf(verdict.state, report, first, isCommonBroken ? 1 : ways.filter((way) => way.verdict === 'broken').length),
    ...(first === undefined ? {} : { first }),
    hops,
    ways,
    findings: laid.findings,
    elsewhere: report.findings.filter((finding) => finding.fails && !laid.byFingerprint.has(finding.fingerprint)).length,
  };
}

interface LaidDown {
  /** Findings on a hop, those that break it first. */
  readonly on: (hop: Hop) => { readonly findings: readonly string[]; readonly isBroken: boolean };
  readonly findings: readonly PathFinding[];
  readonly byFingerprint: ReadonlyMap<string, PathFinding>;
}

/** Lays every finding down where each way meets it first. */
function laidDown({ call, path, judgement, report }: PathInput): LaidDown {
  const isAbout = relevanceIn(judgement);
  const onPath = new Map(judgement.checks.flatMap(({ check }) => (check.path === undefined ? [] : [[check.id, check.path] as const])));
  const reported = new Map(report.findings.map((finding) => [finding.fingerprint, finding]));
  const at = new Map<Hop, Set<string>>();
  const branches = path.branches.length === 0 ? [{ hops: [], cluster: undefined }] : path.branches;
  const passages = branches.map((branch) => {
    const hops = [...path.hops, ...branch.hops];
    return { hops, passage: passageOf(call, path, hops, branch.cluster) };
  });
  const found = judgement.findings.filter(
    (finding) => finding.severity !== 'info' && onPath.has(finding.check) && onPath.get(finding.check)?.isOn?.(finding) !== false,
  );
  for (const finding of found) {
    const wanted = onPath.get(finding.check)?.hops ?? [];
    const met = passages.map(({ hops, passage }) =>
      hops.filter(
        (hop) =>
          hop.verdict !== 'not-applicable' &&
          wanted.includes(hop.hop) &&
          isAbout(finding, { hop: hop.hop, isBroken: hop.verdict === 'broken', among: wanted }, passage),
      ),
    );
    const broken = met.flatMap((own) => own.find(({ verdict }) => verdict === 'broken') ?? []);
    // Where it explains why one way does not work, it is not held against the others.
    const homes =
      broken.length > 0 ? broken : met.flatMap((own) => wanted.flatMap((name) => own.find((hop) => hop.hop === name) ?? [])[0] ?? []);
    for (const home of homes) at.set(home, (at.get(home) ?? new Set()).add(finding.fingerprint));
  }
  const deciding = (fingerprint: string): boolean => {
    const finding = reported.get(fingerprint);
    return finding !== undefined && breaks(finding) && onPath.get(finding.check)?.onlyExplains !== true;
  };
  const causeOf = new Map(report.causes.flatMap((cause) => cause.explains.map((effect) => [effect, cause.fingerprint] as const)));
  const named = [...at.values()].flatMap((set) => [...set]);
  const wanted = new Set([...named, ...named.flatMap((fingerprint) => causeOf.get(fingerprint) ?? [])]);
  const findings = report.findings.flatMap((finding): PathFinding[] => {
    if (!wanted.has(finding.fingerprint)) return [];
    const cause = causeOf.get(finding.fingerprint);
    const fix = report.checks.find(({ id }) => id === finding.check)?.docs.fix ?? '';
    return [{ ...finding, fix, ...(cause === undefined ? {} : { cause }) }];
  });
  const byFingerprint = new Map(findings.map((finding) => [finding.fingerprint, finding]));
  return {
    findings,
    byFingerprint,
    on: (hop) => {
      const own = findings.map(({ fingerprint }) => fingerprint).filter((fingerprint) => at.get(hop)?.has(fingerprint) === true);
      const decisive = own.filter(deciding);
      return { findings: [...decisive, ...own.filter((one) => !decisive.includes(one))], isBroken: decisive.length > 0 };
    },
  };
}

/** Errors that are at least likely; what is merely possible breaks nothing. */
function breaks({ severity, certainty, advice }: Report['findings'][number]): boolean {
  return severity === 'error' && certainty !== 'possible' && !advice;
}

function passageOf(
  { caller, target, mesh }: callPaths.ResolvedCall,
  path: callPaths.CallPath,
  hops: readonly Hop[],
  cluster: string | undefined,
): Passage {
  const members = [...(mesh?.members.values() ?? [])];
  const namespaces: ObjectRef[] = [caller.namespace, target.namespace].flatMap((name) =>
    members.map((member) => ({ cluster: member.cluster, kind: 'Namespace', name })),
  );
  const objects = [
    caller.ref,
    ...(caller.pod === undefined ? [] : [caller.pod.ref]),
    ...[...target.instances.values()].map(({ ref }) => ref),
    ...hops.flatMap(({ object, evidence }) => [...(object === undefined ? [] : [object]), ...evidence.map(({ ref }) => ref)]),
    ...namespaces,
  ];
  const others = path.branches.flatMap((branch) => branch.cluster ?? []);
  return {
    from: caller.cluster,
    to: cluster === undefined ? [...new Set([...target.instances.keys(), ...others])] : [cluster],
    istiod: path.istiod === undefined ? undefined : refKey(path.istiod),
    services: new Set([`${target.namespace}/${target.name}`]),
    objects: new Set(objects.map(refKey)),
    systemNamespaces: new Set(members.map(({ systemNamespace }) => systemNamespace)),
  };
}

function hopOf(hop: Hop, { findings, isBroken }: ReturnType<LaidDown['on']>): PathHop {
  const { measured, missing, ...rest } = hop;
  return {
    ...rest,
    verdict: isBroken && hop.verdict !== 'not-applicable' ? 'broken' : hop.verdict,
    measured: measured.map(({ by, verdict, text, isDecisive }) => ({ by, verdict, text, decisive: isDecisive })),
    missing: missing.map(missingOf),
    findings,
  };
}

function wayVerdict(hops: readonly PathHop[]): PathWay['verdict'] {
  if (hops.some(({ hop, verdict }) => hop === 'endpoints' && verdict === 'not-applicable')) return 'unused';
  if (hops.some(({ verdict }) => verdict === 'broken')) return 'broken';
  return hops.some(({ verdict }) => verdict === 'unknown') ? 'unknown' : 'works';
}

function firstOf(hops: readonly PathHop[], ways: readonly PathWay[]): PathReport['first'] {
  for (const verdict of ['broken', 'unknown'] as const) {
    const common = hops.find((hop) => hop.verdict === verdict);
    if (common !== undefined) return { hop: common.hop, verdict };
    for (const [way, { hops: own, verdict: state }] of ways.entries()) {
      const met = state === 'unused' ? undefined : own.find((hop) => hop.verdict === verdict);
      if (met !== undefined) return { hop: met.hop, verdict, way };
    }
  }
  return undefined;
}

function verdictOf(
  first: PathReport['first'],
  hops: readonly PathHop[],
  ways: readonly PathWay[],
  found: ReadonlyMap<string, PathFinding>,
): PathReport['verdict'] {
  const used = ways.filter(({ verdict }) => verdict !== 'unused');
  if (first === undefined) {
    const measured = [...hops, ...used.flatMap((way) => way.hops)].filter((hop) =>
      hop.measured.some(({ verdict }) => verdict === 'works'),
    ).length;
    const how = measured === 0 ? 'as predicted; nothing was measured' : `predicted, and ${count(measured, 'hop')} measured`;
    return { state: 'works', text: `WORKS: every hop${used.length > 1 ? ` of ${used.length} ways` : ''}, ${how}` };
  }
  const hop = (first.way === undefined ? hops : (ways[first.way]?.hops ?? [])).find((one) => one.hop === first.hop);
  const share =
    first.way !== undefined && used.length > 1
      ? ` on ${used.filter(({ verdict }) => verdict === first.verdict).length} of ${used.length} ways`
      : '';
  const finding = hop?.findings.map((fingerprint) => found.get(fingerprint)).find((one) => one !== undefined);
  const why = hop === undefined ? '' : reasonOf(hop, finding);
  return first.verdict === 'broken'
    ? { state: 'broken', text: `BROKEN at ${titles[first.hop]}${share}: ${why}` }
    : { state: 'unknown', text: `CANNOT TELL at ${titles[first.hop]}${share}: ${why}` };
}

/** In a line: what a measurement or the objects say, else what was found. */
function reasonOf({ predicted, measured, verdict }: PathHop, finding: PathFinding | undefined): string {
  if (predicted.verdict === verdict) return predicted.text;
  const seen = measured.find((one) => one.verdict === 'broken');
  if (verdict === 'broken' && finding !== undefined && seen?.decisive !== true) return finding.message.replace(/\.$/, '');
  return seen === undefined ? (finding?.message.replace(/\.$/, '') ?? predicted.text) : `${seen.by}: ${seen.text}`;
}

function exitOf(state: PathReport['verdict']['state'], report: Report, first: PathReport['first'], broken: number): PathReport['exit'] {
  if (report.exit.code > 128) return report.exit;
  if (state === 'works') return { code: 0, reason: 'the way works' };
  if (state === 'unknown') return { code: 3, reason: `${first === undefined ? 'a hop' : titles[first.hop]} could not be told` };
  return { code: 1, reason: broken > 1 ? `${broken} ways are broken` : `${first === undefined ? 'a hop' : titles[first.hop]} is broken` };
}
