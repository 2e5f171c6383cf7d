import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Report, ReportIstiod } from '../../../src/report/schema.ts';
import { readRecording } from '../../../src/source/recording.ts';
import { type Checked, check, checkUntil, isGreen, record, recordingOf, spoken } from '../faults/check.ts';
import { restarted } from '../faults/restarts.ts';
import type { Lab } from '../lab/lab.ts';
import { listAt, textAt } from '../lab/kube.ts';
import { callLoopbackFrom } from '../lab/network.ts';
import { launch, until } from '../lab/processes.ts';
import { root } from '../programs.ts';
import { gatewayAddress } from '../topologies/parts.ts';
import type { Case } from './case.ts';
import { type AuditEvent, asReader, auditedSince } from './reader.ts';

/*
 * Probes that write: pods that are tried, and pods that are made. They are green on a healthy mesh, their writes are those that the flag allows, and nothing
 * of them stays, however a run ends.
 */

export const probeCases: readonly Case[] = [
  { name: 'dry-run-writes-nothing', topology: 'primary-remote', run: dryRun },
  { name: 'dry-run-of-peers-writes-nothing', topology: 'multi-primary', run: dryRun },
  { name: 'probe-pods-leave-nothing', topology: 'primary-remote', run: podsLeaveNothing },
  { name: 'probe-pods-of-peers-leave-nothing', topology: 'multi-primary', run: podsLeaveNothing },
  { name: 'istiod-without-debug-endpoints', topology: 'multi-primary', run: withoutDebug },
  { name: 'istiod-that-asks-who-calls', topology: 'multi-primary', run: askedWhoCalls },
  { name: 'load-balancer-without-status-port', topology: 'multi-primary', run: withoutStatusPort },
  { name: 'mesh-that-speaks-tls-1.2', topology: 'multi-primary', run: ofOldTls },
];

async function dryRun(lab: Lab): Promise<void> {
  await asReader(
    lab,
    async ({ kubeconfig }) => {
      const writes = await writesOf(lab, async () => await proven(lab, ['--probe=dry-run', '--kubeconfig', kubeconfig]));
      for (const [cluster, events] of writes) {
        const odd = events.filter((event) => !isTrial(event));
        if (odd.length > 0 || events.length === 0) throw new Error(`${cluster} was asked to write:\n${events.map(lineOf).join('\n')}`);
      }
      await noneLeft(lab);
    },
    ['--probe=dry-run'],
  );
}

async function podsLeaveNothing(lab: Lab): Promise<void> {
  await asReader(
    lab,
    async ({ kubeconfig }) => {
      for (const namespace of ['default', 'sample']) {
        const flags = ['--probe=pod', `--probe-namespace=${namespace}`];
        const writes = await writesOf(lab, async () => await proven(lab, [...flags, '--kubeconfig', kubeconfig]));
        for (const [cluster, events] of writes) onePod(cluster, namespace, events);
        await noneLeft(lab);
        await record(lab, `probes-in-${namespace}`, flags);
        await answered(lab, namespace);
        await noneLeft(lab);
      }
    },
    ['--probe=pod'],
  );
  await endsCleanly(lab, 'SIGINT');
  await noneLeft(lab);
  await endsCleanly(lab, 'SIGKILL');
  await cleanedUp(lab);
}

/** Green, and with everything measured that the flags ask for. */
async function proven(lab: Lab, flags: readonly string[]): Promise<Checked> {
  const checked = await check(lab, flags);
  if (!isGreen(checked) || checked.report.notChecked.length > 0) throw new Error(`check ${flags.join(' ')}:\n${spoken(checked)}`);
  return checked;
}

/** What the reader wrote in each cluster meanwhile, without what only looks like writing. */
async function writesOf(lab: Lab, run: () => Promise<unknown>): Promise<ReadonlyMap<string, readonly AuditEvent[]>> {
  const sizes = new Map(lab.clusters().map(({ cluster }) => [cluster.name, statSync(cluster.audit).size]));
  await run();
  return new Map(
    lab
      .clusters()
      .map(({ cluster: { name } }) => [
        name,
        auditedSince(lab, name, sizes.get(name) ?? 0).filter(
          ({ verb, objectRef }) =>
            !['get', 'list', 'watch'].includes(verb) &&
            objectRef?.subresource !== 'portforward' &&
            objectRef?.resource !== 'selfsubjectaccessreviews',
        ),
      ]),
  );
}

function lineOf({ verb, requestURI, responseStatus }: AuditEvent): string {
  return `${verb} ${requestURI}: ${String(responseStatus?.code)}`;
}

function isTrial({ verb, objectRef, requestURI, responseStatus }: AuditEvent): boolean {
  return verb === 'create' && objectRef?.resource === 'pods' && requestURI.endsWith('/pods?dryRun=All') && responseStatus?.code === 201;
}

/** Beside trials: one pod is made, and the same is deleted. */
function onePod(cluster: string, namespace: string, events: readonly AuditEvent[]): void {
  const [made, deleted, ...more] = events.filter((event) => !isTrial(event));
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const isMade = made?.verb === 'create' && made.requestURI === path && made.responseStatus?.code === 201;
  const isDeleted =
    deleted?.verb === 'delete' && deleted.requestURI.startsWith(`${path}/meshdoctor-probe-`) && deleted.responseStatus?.code === 200;
  if (!isMade || !isDeleted || more.length > 0) throw new Error(`Writes in ${cluster}:\n${events.map(lineOf).join('\n')}`);
}

/** Pods of meshdoctor in all clusters, as CLUSTER/NAMESPACE/NAME. */
async function left(lab: Lab): Promise<readonly string[]> {
  const path = `/api/v1/pods?labelSelector=${encodeURIComponent('app.kubernetes.io/managed-by=meshdoctor')}`;
  const found = await Promise.all(
    lab.clusters().map(async ({ cluster: { name, kube } }) => {
      const { body } = await kube.call('GET', path);
      return listAt(body, 'items').map(
        (pod) => `${name}/${textAt(pod, 'metadata', 'namespace') ?? ''}/${textAt(pod, 'metadata', 'name') ?? ''}`,
      );
    }),
  );
  return found.flat();
}

async function noneLeft(lab: Lab): Promise<void> {
  const pods = await left(lab);
  if (pods.length > 0) throw new Error(`left behind: ${pods.join(', ')}`);
}

/** The pods asked everything: names by the resolver of pods, gateways of the other cluster by its own root. */
async function answered(lab: Lab, namespace: string): Promise<void> {
  const { snapshot } = await readRecording(recordingOf(lab, `probes-in-${namespace}`));
  for (const { cluster } of lab.clusters()) {
    const seen = snapshot.observations?.find((one) => one.cluster === cluster.name)?.probePods;
    const [pod] = seen?.status === 'observed' ? seen.value : [];
    const wrong = (what: string): Error => new Error(`pod of ${cluster.name} in ${namespace}: ${what}: ${JSON.stringify(seen)}`);
    if (pod === undefined || !('answer' in pod.answers)) throw wrong('it did not ask');
    if (pod.isInjected !== (namespace === 'sample')) throw wrong('a sidecar is where none belongs, or none where one does');
    const { answer } = pod.answers;
    const names = answer.flatMap((one) => (one.is === 'name' && one.addresses.length > 0 ? [one.service.name] : []));
    // Names of the other cluster are known to sidecars with DNS capture only.
    const wanted = pod.isInjected ? ['abc', 'def'] : [cluster.name === 'cluster1' ? 'abc' : 'def'];
    if (wanted.some((name) => !names.includes(name))) throw wrong(`names are ${names.join(', ')}`);
    const calls = answer.flatMap((one) => (one.is === 'handshake' && one.purpose === 'target' ? [one.outcome] : []));
    if (calls.length === 0 || calls.some((outcome) => outcome.stage !== 'certificate' || outcome.verifiedBy.length === 0))
      throw wrong('a gateway was not reached');
  }
}

/** Starts a run with pods of its own and ends it by a signal while they are there. */
async function endsCleanly(lab: Lab, signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
  const args = ['check', '--all-contexts', '--probe=pod', '--probe-namespace=sample', '--only=failing-pod-call'];
  const running = launch({
    command: [process.execPath, join(root, 'bin/meshdoctor.js'), ...args],
    env: { KUBECONFIG: lab.kubeconfig, HOME: lab.folder },
    log: join(lab.folder, `probes-${signal}.log`),
  });
  await until('a pod of it in every cluster', async () => ((await left(lab)).length === lab.clusters().length ? true : undefined));
  process.kill(running.pid, signal);
  const { code } = await running.ended;
  if (signal === 'SIGINT' && code !== 130) throw new Error(`it ended with ${String(code)} after ${signal}`);
}

/** What a killed run left is found and removed by the command for it. */
async function cleanedUp(lab: Lab): Promise<void> {
  const pods = await left(lab);
  if (pods.length === 0) throw new Error('a killed run left no pod: it ended before it was killed');
  const found = await lab.meshdoctor(['cleanup', '--all-contexts', '--dry-run']);
  const cleaned = await lab.meshdoctor(['cleanup', '--all-contexts']);
  const missing = pods.filter((pod) =>
    [found, cleaned].some(({ stdout, stderr }) => !`${stdout}${stderr}`.includes(pod.split('/').slice(1).join('/'))),
  );
  if (cleaned.code !== 0 || missing.length > 0) throw new Error(`cleanup: ${found.stdout}${cleaned.stdout}${cleaned.stderr}`);
  await noneLeft(lab);
}

/** An istiod that hides its debug endpoints accuses nobody: the report says on which rung it was asked, and does not call the mesh healthy. */
async function withoutDebug(lab: Lab): Promise<void> {
  try {
    await withSetting(lab, 'ENABLE_DEBUG_ON_HTTP=false');
    await askedOn(lab, 'metrics', 'HTTP 404 for everything under /debug');
  } finally {
    await withSetting(lab, 'ENABLE_DEBUG_ON_HTTP-');
  }
}

/**
 * Nor does one that is forwarded to from another address than its loopback: to such callers its debug endpoints say 401 without a token, and its metrics 403
 * where they are for the pod itself.
 */
async function askedWhoCalls(lab: Lab): Promise<void> {
  const setting = 'METRICS_LOCALHOST_ACCESS_ONLY';
  const strangers = async (): Promise<void> => {
    const pods = [...lab.cluster('cluster1').node.pods().values()];
    const istiod = pods.find(({ key }) => key.startsWith('istio-system/istiod-'));
    if (istiod === undefined) throw new Error('no istiod runs in cluster1');
    await callLoopbackFrom(istiod.network, istiod.network.address);
  };
  try {
    await strangers();
    await askedOn(lab, 'metrics', '401');
    await withSetting(lab, `${setting}=true`);
    await strangers();
    await askedOn(lab, 'none', '401');
  } finally {
    await withSetting(lab, `${setting}-`);
    await restarted(lab, 'cluster1', 'istio-system', ['istiod']);
  }
}

/** What load balancers do not publish of port 15021 is nobody's fault. */
async function withoutStatusPort(lab: Lab): Promise<void> {
  try {
    const address = await gatewayAddress(lab, 'cluster2');
    await lab.services.balance([{ address, ports: { 15_443: 'passes' } }]);
    await untilProven(lab);
  } finally {
    await lab.services.balance([]);
  }
}

/** Sidecars that end the handshake of whoever has no certificate, before their own can be read: every call of the mesh gets through. */
async function ofOldTls(lab: Lab): Promise<void> {
  const policies = async (entry: string): Promise<void> => {
    for (const { cluster } of lab.clusters()) {
      await lab.kubectl(cluster.name, ['set', 'env', '-n', 'istio-system', 'deployment/istiod', entry]);
      await restarted(lab, cluster.name, 'istio-system', ['istiod']);
    }
  };
  try {
    await policies('COMPLIANCE_POLICY=fips-140-2');
    await untilProven(lab);
  } finally {
    await policies('COMPLIANCE_POLICY-');
  }
}

async function untilProven(lab: Lab): Promise<void> {
  const isProven = (checked: Checked): boolean => isGreen(checked) && checked.report.notChecked.length === 0;
  const checked = await checkUntil(lab, isProven);
  if (!isProven(checked)) throw new Error(spoken(checked));
}

/** An environment variable of istiod of the first cluster. */
async function withSetting(lab: Lab, entry: string): Promise<void> {
  await lab.kubectl('cluster1', ['set', 'env', '-n', 'istio-system', 'deployment/istiod', entry]);
  await restarted(lab, 'cluster1', 'istio-system', ['istiod']);
}

/** istiod of the first cluster is asked on this rung, the report says what happened above it, accuses nobody and does not call the mesh healthy. */
async function askedOn(lab: Lab, wanted: ReportIstiod['rung'], before: string): Promise<void> {
  const ofFirst = ({ istiods = [] }: Report) => istiods.find(({ cluster }) => cluster === 'cluster1');
  const checked = await checkUntil(lab, ({ report }) => ofFirst(report)?.rung === wanted);
  const { rung, above } = ofFirst(checked.report) ?? { rung: 'not asked', above: [] };
  if (rung !== wanted || !above.some((line) => line.includes(before)))
    throw new Error(`it was asked on rung ${rung}, after ${above.join('; ')}`);
  const loud = checked.report.causes.filter(({ severity }) => severity !== 'info');
  if (loud.length > 0 || checked.report.verdict.text.startsWith('HEALTHY'))
    throw new Error(`${checked.report.verdict.text}\n${spoken(checked)}`);
}
