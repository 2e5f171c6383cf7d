import {
  type ClusterName,
  clusterRef,
  defineCheck,
  distinct,
  expectedAnswers,
  type Fact,
  type IstiodReplica,
  json,
  list,
  listOf,
  type NameAnswer,
  type ObjectRef,
  refKey,
  shellWord,
  sidecarScopes,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'unanswered-name',
  title: 'Names that should resolve are answered where they were asked for',
  severity: 'error',
  certainty: 'certain',
  scope: 'service',
  needs: ['services', 'namespaces'],
  uses: ['nameAnswers', 'istiods', 'istioResources', 'meshConfigs'],
  applies: { probed: ['nameAnswers', 'istiods'] },
  path: { hops: ['name'] },
  catalogue: ['DNS-01'],
  explains: [{ code: 'unanswered-name/unanswered', match: 'object', keys: ['unlisted'] }],
  docs: {
    why: 'Which names resolve follows from Services, from DNS capture and from what istiod reads. Here a pod was asked in each cluster, and what it said differs from what follows: istiod does not know the cluster that has the name, the sidecar has an old table, or the DNS of the cluster is broken.',
    confirm: 'kubectl -n NAMESPACE exec deploy/CLIENT -- getent hosts NAME.NAMESPACE',
    fix: 'See whether istiod has the name (its table for the proxy, /debug/ndsz) and endpoints of it. If it has, restart the workload that was asked; if it has not, see whether istiod reads the cluster that has the Service.',
    notWhen:
      'A Sidecar or an exportTo of the mesh may hide a name from the pod that was asked; it may be known to others. A sidecar that just started knows no name for a moment.',
  },
  messages: {
    unanswered: (a: Answered & { rcodes: readonly string[] }) => ({
      ...graded(a),
      text: `${asked(a)} gives no address for ${a.service.name}.${a.service.namespace}, which should be ${list(a.expected, 'known', 2)} (${origin(a)}).`,
      expected: list(a.expected),
      found: list(a.rcodes),
      effect: `callers in ${a.caller} get "could not resolve host"`,
      confirm: [`kubectl --context ${shellWord(a.caller)} -n ${shellWord(a.pod.namespace ?? '')} get pod ${shellWord(a.pod.name)} -o wide`],
    }),
    untabled: (a: Answered) => ({
      ...graded(a),
      text: `${asked(a)} has no name table yet: it answers SERVFAIL to everything, to ${a.service.name}.${a.service.namespace} as to the name that every cluster has.`,
      expected: list(a.expected),
      found: 'SERVFAIL',
      effect: `the pod resolves nothing at all; it gets its table from istiod when it connects`,
      confirm: [
        `kubectl --context ${shellWord(a.caller)} -n ${shellWord(a.pod.namespace ?? '')} logs ${shellWord(a.pod.name)} -c istio-proxy --tail=20`,
      ],
    }),
    deadUpstream: (a: Answered) => ({
      ...graded(a),
      text: `${asked(a)} does not know ${a.service.name}.${a.service.namespace}, which should be ${list(a.expected, 'known', 2)} (${origin(a)}), and the DNS that it asks instead does not answer it: SERVFAIL.`,
      expected: list(a.expected),
      found: 'SERVFAIL',
      effect: `callers in ${a.caller} wait for a name that does not come, and so they do for every name outside the mesh`,
      confirm: [`kubectl --context ${shellWord(a.caller)} -n kube-system get pods -l k8s-app=kube-dns -o wide`],
    }),
    outdated: (a: Answered & { found: readonly string[]; table: readonly string[] }) => ({
      ...graded(a, 'likely'),
      text: `${asked(a)} gives ${list(a.found, 'none', 2)} for ${a.service.name}.${a.service.namespace}, while the table that istiod has for it says ${list(a.table, 'none', 2)}: it goes by an old one.`,
      expected: list(a.table),
      found: list(a.found),
      effect: `callers in ${a.caller} are led to where the service was`,
    }),
    unwatched: (a: Answered) => ({
      ...graded(a, 'likely'),
      text: `Istiod pod ${a.pod.namespace ?? ''}/${a.pod.name} of ${a.pod.cluster} sends ${list(a.proxies, 'proxies', 2)} in ${a.caller} no name table, though DNS capture is on there: ${a.service.name}.${a.service.namespace} (${list(a.expected, 'known', 2)}) is not resolved.`,
      expected: 'a name table',
      found: 'no configs in /debug/ndsz',
      effect: `sidecars of ${a.caller} resolve no name of another cluster`,
    }),
    otherAddress: (a: Answered & { found: readonly string[] }) => ({
      ...graded(a, 'likely'),
      text: `${asked(a)} gives ${list(a.found, 'none', 2)} for ${a.service.name}.${a.service.namespace}, an address of no Service of that name (${origin(a)}: ${list(a.expected, 'none', 2)}).`,
      expected: list(a.expected),
      found: list(a.found),
      effect: `callers in ${a.caller} are led somewhere else`,
    }),
    unlisted: (a: Answered) => ({
      ...graded(a),
      text: `Name table of ${list(a.proxies, 'proxies', 2)} in ${a.caller} lacks ${a.service.name}.${a.service.namespace} (${list(a.expected, 'none', 2)}), says istiod pod ${a.pod.namespace ?? ''}/${a.pod.name} of ${a.pod.cluster}.`,
      expected: list(a.expected),
      found: 'no such name',
      effect: `sidecars of ${a.caller} do not resolve it`,
    }),
  },
  *run({ service, named, clusters, mesh, finding, undecided }) {
    const { namespace, name, instances } = service;
    // Asked everywhere as a control: what is wrong with it is told of the names that somebody wants.
    if (named === undefined && namespace === 'default' && name === 'kubernetes') return;
    // Of thousands of services few were asked about.
    const isAsked = clusters.some(
      ({ nameAnswers, istiods }) =>
        nameAnswers.status !== 'collected' ||
        nameAnswers.value.some(({ service: one }) => one.namespace === namespace && one.name === name) ||
        listOf(istiods).some(({ shardsAsked }) => shardsAsked.some((host) => host.startsWith(`${name}.${namespace}.`))),
    );
    if (!isAsked) return;
    const addresses = [...instances.values()].flatMap(expectedAnswers.addressesOf);
    const lacks = clusters.map((cluster) => ({ cluster: cluster.name, fact: 'services' as const }));
    const isHidden = clusters.some(
      ({ istioResources, meshConfigs }) =>
        // What one without selector hides is told apart below.
        listOf(istioResources).some(({ kind, spec }) => kind === 'Sidecar' && json.fieldAt(spec, 'workloadSelector') !== undefined) ||
        listOf(meshConfigs).some((config) => config.discoverySelectors.length > 0 || config.defaultServiceExportTo.length > 0),
    );
    const ports = distinct([...instances.values()].flatMap((one) => one.ports.map(({ port }) => String(port)))).map(Number);
    const scoping = clusters.map((one) => ({
      name: one.name,
      istioResources: listOf(one.istioResources),
      meshConfigs: listOf(one.meshConfigs),
    }));
    const unread = clusters.flatMap(({ name: of, istioResources, meshConfigs }) => [
      ...(isKnown(istioResources) ? [] : [{ cluster: of, fact: 'istioResources' as const }]),
      ...(isKnown(meshConfigs) ? [] : [{ cluster: of, fact: 'meshConfigs' as const }]),
    ]);
    /** A Sidecar without selector keeps the name from everybody in that namespace: nothing is expected there. */
    const isKeptFrom = (cluster: ClusterName, from: string): boolean =>
      unread.length > 0 ||
      sidecarScopes.hidingSidecar({ namespace, name, ports }, { cluster, namespace: from }, mesh, scoping) !== undefined;
    /** istiod has no record of it for proxies there: who asks them is told by the DNS of the cluster. */
    const isUnexportedTo = (from: string): boolean => expectedAnswers.isUnexportedTo(instances.values(), from);
    if (unread.length > 0) yield undecided('it is not known whether a Sidecar keeps the name from its callers', { missing: unread });
    const replicas = clusters.flatMap(({ istiods }) => listOf(istiods));
    const replicasFor = (caller: ClusterName): IstiodReplica[] => {
      const serving = expectedAnswers.istiodsServing(caller, mesh);
      return replicas.filter(({ pod, ...own }) =>
        serving.some((one) => one.cluster === pod.cluster && one.namespace === own.namespace && one.revision === own.revision),
      );
    };
    for (const cluster of clusters) {
      const { nameAnswers } = cluster;
      if (nameAnswers.status !== 'collected') {
        yield undecided('no name was asked for there', {
          missing: [{ cluster: cluster.name, fact: 'nameAnswers' }],
          clusters: [cluster.name],
        });
        continue;
      }
      const own = cluster.namespaces.find((one) => one.name === namespace);
      const place = { at: own?.ref ?? clusterRef(cluster.name), lacks };
      const base = { service: { namespace, name }, caller: cluster.name, isNamed: named !== undefined, isHidden, proxies: [] };
      const answers = nameAnswers.value.filter((one) => one.service.namespace === namespace && one.service.name === name);
      if (answers.some(({ outcome }) => 'failed' in outcome))
        yield undecided('not everybody who was asked for names answered', { clusters: [cluster.name] });
      const known = replicasFor(cluster.name).flatMap((replica) => tablesOf(replica, namespace, name, cluster.name));
      for (const via of ['sidecar', 'cluster'] as const) {
        const isSaidOf = ({ pod, asked: question }: NameAnswer): boolean =>
          via === 'cluster' || expectedAnswers.isFullName(question) || !isUnexportedTo(pod.namespace ?? '');
        const [first, ...more] = answers.filter((one) => one.via === via && 'answer' in one.outcome && isSaidOf(one));
        if (first === undefined) continue;
        const caller = { cluster: cluster.name, via, namespace: first.pod.namespace ?? '' };
        const expected = expectedAnswers.expectedAnswer(instances, caller, mesh);
        if (!('addresses' in expected) || (via === 'sidecar' && isKeptFrom(cluster.name, caller.namespace))) continue;
        const all = [first, ...more];
        const args = { ...base, via, pod: first.pod, expected: expected.addresses, holders: expected.holders };
        const without = all.filter((one) => addressesIn(one).length === 0);
        const where = {
          ...place,
          ...toward(cluster.name, isOfCaller(without, known) ? [cluster.name] : expected.holders, expected.holders),
          related: [first.pod, ...[...instances.values()].map(({ ref }): ObjectRef => ref)],
          evidence: all.map((one) => ({ ref: one.pod, observed: `${one.asked}: ${said(one)}`, expected: list(expected.addresses) })),
          subject: `${namespace}/${name} ${via}`,
        };
        const found = distinct(all.flatMap(addressesIn));
        const table = distinct(known.filter(({ proxy }) => refKey(proxy) === refKey(first.pod)).flatMap(({ ips }) => ips));
        const failing = without.length > 0 && without.every(isServfail) ? controlOf(nameAnswers.value, first.pod, via) : undefined;
        if (via === 'sidecar' && failing !== undefined && isServfail(failing)) yield finding('untabled', args, where);
        else if (via === 'sidecar' && failing !== undefined && addressesIn(failing).length > 0) yield finding('deadUpstream', args, where);
        else if (without.length > 0) yield finding('unanswered', { ...args, rcodes: distinct(without.map(said)) }, where);
        else if (!found.some((address) => addresses.includes(address))) yield finding('otherAddress', { ...args, found }, where);
        else if (via === 'sidecar' && table.length > 0 && !found.some((address) => table.includes(address)))
          yield finding('outdated', { ...args, found, table }, where);
      }
      const silent = replicasFor(cluster.name).flatMap((replica) => unwatchedBy(replica, namespace, name, cluster.name));
      const [mute] = silent;
      const untold =
        mute === undefined
          ? undefined
          : expectedAnswers.expectedAnswer(
              instances,
              { cluster: cluster.name, via: 'sidecar', namespace: mute.proxy.namespace ?? '' },
              mesh,
            );
      const isAnswered = answers.some((one) => one.via === 'sidecar' && addressesIn(one).length > 0);
      // What stands in the caller's own cluster its own DNS knows.
      if (
        mute !== undefined &&
        !isKeptFrom(cluster.name, mute.proxy.namespace ?? '') &&
        !isAnswered &&
        untold !== undefined &&
        'addresses' in untold &&
        untold.from === 'other'
      ) {
        yield finding(
          'unwatched',
          {
            ...base,
            via: 'sidecar',
            pod: mute.pod,
            expected: untold.addresses,
            holders: untold.holders,
            proxies: distinct(silent.map(({ proxy }) => `${proxy.namespace ?? ''}/${proxy.name}`)),
          },
          {
            ...place,
            ...toward(cluster.name, [cluster.name], untold.holders),
            related: silent.flatMap(({ pod, proxy }) => [pod, proxy]),
            evidence: silent.map(({ pod, proxy }) => ({
              ref: pod,
              observed: `/debug/ndsz?proxyID=${proxy.name}.${proxy.namespace ?? ''}: no configs`,
              expected: 'a name table',
            })),
            subject: `${namespace}/${name} unwatched`,
          },
        );
      }
      const tables = known.filter(({ has }) => !has);
      const [table] = tables;
      const expected =
        table === undefined
          ? undefined
          : expectedAnswers.expectedAnswer(
              instances,
              { cluster: cluster.name, via: 'sidecar', namespace: table.proxy.namespace ?? '' },
              mesh,
            );
      if (table === undefined || expected === undefined || !('addresses' in expected)) continue;
      const from = table.proxy.namespace ?? '';
      if (isKeptFrom(cluster.name, from) || (expected.from === 'own' && isUnexportedTo(from))) continue;
      const proxies = distinct(tables.map(({ proxy }) => `${proxy.namespace ?? ''}/${proxy.name}`));
      yield finding(
        'unlisted',
        { ...base, via: 'sidecar', pod: table.pod, expected: expected.addresses, holders: expected.holders, proxies },
        {
          ...place,
          ...toward(cluster.name, expected.holders, expected.holders),
          related: tables.flatMap(({ pod, proxy }) => [pod, proxy]),
          evidence: tables.map(({ pod, proxy }) => ({
            ref: pod,
            observed: `/debug/ndsz?proxyID=${proxy.name}.${proxy.namespace ?? ''}: no ${name}.${namespace}`,
            expected: list(expected.addresses),
          })),
          subject: `${namespace}/${name} table`,
        },
      );
    }
  },
});

/** An API that is not served has no objects. */
function isKnown({ status }: Fact<unknown>): boolean {
  return status === 'collected' || status === 'absent';
}

interface Answered {
  readonly service: { readonly namespace: string; readonly name: string };
  readonly caller: ClusterName;
  readonly via: NameAnswer['via'];
  /** Who was asked. */
  readonly pod: ObjectRef;
  readonly expected: readonly string[];
  readonly holders: readonly ClusterName[];
  readonly proxies: readonly string[];
  readonly isNamed: boolean;
  /** Configuration may hide the name from the pod that was asked. */
  readonly isHidden: boolean;
}

/** A name that nobody asked about is a sample: what it shows is a warning. */
function graded({ isNamed, isHidden }: Answered, certainty: 'certain' | 'likely' = 'certain') {
  if (!isNamed) return { severity: 'warning' as const, certainty: isHidden ? ('possible' as const) : ('likely' as const) };
  return { certainty: isHidden ? ('likely' as const) : certainty };
}

function asked({ via, pod, caller }: Answered): string {
  const who = `${pod.namespace ?? ''}/${pod.name} in ${caller}`;
  return via === 'sidecar' ? `The sidecar of ${who}` : `DNS pod ${who}`;
}

function origin({ caller, holders }: Answered): string {
  return holders.includes(caller) ? `Service in ${caller}` : `Service of ${list(holders)}, by DNS capture`;
}

/** Whose working it touches, and between whom: callers of this cluster do not get to the clusters that have the name. */
function toward(caller: ClusterName, concerns: readonly ClusterName[], holders: readonly ClusterName[]) {
  const [to = caller] = holders;
  return { concerns, ...(to === caller ? {} : { between: { from: caller, to } }) };
}

/**
 * Whether the fault is on the caller's side: istiod has the name for its proxies, or the sidecar has no table at all and answers
 * SERVFAIL. Otherwise istiod may not know the clusters that have the name.
 */
function isOfCaller(without: readonly NameAnswer[], tables: readonly { readonly has: boolean }[]): boolean {
  if (tables.length > 0) return tables.every(({ has }) => has);
  return without.length > 0 && without.every(({ outcome }) => 'answer' in outcome && outcome.answer.rcode === 'SERVFAIL');
}

function addressesIn({ outcome }: NameAnswer): readonly string[] {
  return 'answer' in outcome ? outcome.answer.addresses : [];
}

function said({ outcome }: NameAnswer): string {
  if ('failed' in outcome) return outcome.reason;
  const { rcode, addresses } = outcome.answer;
  return addresses.length > 0 ? list(addresses) : rcode === 'NOERROR' ? 'no address' : rcode;
}

/** Name tables of proxies in a cluster, by the istiods that were asked for this name, and whether they have it. */
function tablesOf(
  { pod, nameTables, shardsAsked }: IstiodReplica,
  namespace: string,
  name: string,
  cluster: ClusterName,
): { readonly pod: ObjectRef; readonly proxy: ObjectRef; readonly has: boolean; readonly ips: readonly string[] }[] {
  const host = shardsAsked.find((one) => one.startsWith(`${name}.${namespace}.svc.`));
  if (host === undefined) return [];
  return nameTables.flatMap(({ proxy, table }) => {
    if (proxy.cluster !== cluster || 'failed' in table || typeof table.answer === 'string') return [];
    const record = table.answer.find((one) => one.host === host);
    return [{ pod, proxy, has: record !== undefined, ips: record?.ips ?? [] }];
  });
}

/** Proxies of a cluster that capture DNS, as their pods say, and to which this istiod sends no table. */
function unwatchedBy(
  { pod, nameTables, shardsAsked }: IstiodReplica,
  namespace: string,
  name: string,
  cluster: string,
): { readonly pod: ObjectRef; readonly proxy: ObjectRef }[] {
  if (!shardsAsked.some((one) => one.startsWith(`${name}.${namespace}.svc.`))) return [];
  return nameTables.flatMap(({ proxy, table }) =>
    proxy.cluster === cluster && 'answer' in table && table.answer === 'none' ? [{ pod, proxy }] : [],
  );
}

/** What the same pod says of the name that every cluster has. */
function controlOf(answers: readonly NameAnswer[], pod: ObjectRef, via: NameAnswer['via']): NameAnswer | undefined {
  return answers.find(
    (one) => one.via === via && refKey(one.pod) === refKey(pod) && one.service.namespace === 'default' && one.service.name === 'kubernetes',
  );
}

function isServfail({ outcome }: NameAnswer): boolean {
  return 'answer' in outcome && outcome.answer.rcode === 'SERVFAIL';
}
