import { describe, expect, test } from 'vitest';
import { type AnyCheck, defineCheck } from '../api/check.ts';
import { remedy } from '../api/remedy.ts';
import type { Namespace } from '../model/facts.ts';
import { checkTester, expectations } from './check-tester.ts';
import { contracts } from './contracts.ts';
import { smallMesh } from '../../test/support/small-mesh.ts';
import { type Cases, suiteOf } from './suite.ts';

/** A check that keeps every promise: namespaces must not carry the label `bad`. The others break one promise each. */
const good = defineCheck({
  id: 'bad-label',
  title: 'No namespace is labelled bad',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['namespaces'],
  docs: { why: 'Because.', confirm: 'kubectl get namespaces', fix: 'Take it off.' },
  messages: {
    bad: (a: { namespace: Namespace }) => ({
      text: `Namespace ${a.namespace.name} in ${a.namespace.ref.cluster} is labelled bad.`,
      remedy: [remedy.label(a.namespace.ref, { bad: null })],
    }),
  },
  *run({ cluster, finding }) {
    for (const namespace of cluster.namespaces)
      if (namespace.labels['bad'] !== undefined) yield finding('bad', { namespace }, { at: namespace.ref });
  },
});

const healthy = smallMesh({ shop: {} }, { shop: {} });
const broken = smallMesh({ shop: {}, bank: {} }, { shop: { bad: 'yes' } });
const cases: Cases = {
  healthy: { 'nobody is labelled': healthy },
  broken: { 'one is labelled': { mesh: broken, findings: ['bad-label @ west:Namespace/shop'] } },
};

checkTester(good, cases);

/** What the contract whose sentence contains `words` says of a check that does `run` instead. */
async function violations(words: string, check: AnyCheck, given: Cases = cases): Promise<readonly string[]> {
  const contract = contracts.find(({ sentence }) => sentence.includes(words));
  if (contract === undefined) throw new Error(`no contract says ${words}`);
  return contract.violations(await suiteOf(check, given));
}

describe('each contract catches a check that breaks it', () => {
  test('changing what it is given', async () => {
    const lines = await violations('changes nothing', {
      ...good,
      *run({ cluster }: Parameters<typeof good.run>[0]) {
        Reflect.apply(Array.prototype.push, cluster.namespaces, ['more']);
        yield* [];
      },
    });
    expect(lines[0]).toMatch(/healthy: nobody is labelled: crashed on east: TypeError/);
  });

  test('remembering what it said', async () => {
    let times = 0;
    const lines = await violations('answers the same', {
      ...good,
      *run({ cluster, finding }: Parameters<typeof good.run>[0]) {
        times += 1;
        for (const namespace of cluster.namespaces.slice(0, times)) yield finding('bad', { namespace }, { at: namespace.ref });
      },
    });
    expect(lines.join('\n')).toContain('appears when asked again');
  });

  test('trusting the order of labels', async () => {
    // Lists reach a check sorted; the keys of a record do not.
    const ordered = smallMesh({ shop: { a: '1', b: '2' } });
    const lines = await violations(
      'another order',
      { ...good, scope: 'mesh', ...firstOf() },
      { healthy: {}, broken: { 'somebody is first': { mesh: ordered, findings: [] } } },
    );
    expect(lines.join('\n')).toContain('with everything reversed');
  });

  test('a name that is written into the check', async () => {
    const lines = await violations('renaming', {
      ...good,
      *run({ cluster, finding }: Parameters<typeof good.run>[0]) {
        for (const namespace of cluster.name === 'west' ? cluster.namespaces : [])
          yield finding('bad', { namespace }, { at: namespace.ref });
      },
    });
    expect(lines.join('\n')).toContain('disappears with other cluster names');
  });

  test('a sentence that changes with the names', async () => {
    const lines = await violations('renaming', {
      ...good,
      messages: {
        bad: (a: { namespace: Namespace }) => ({
          text: `Namespace ${a.namespace.name} is ${a.namespace.ref.cluster > 'r' ? 'late' : 'early'}.`,
        }),
      },
      *run({ cluster, finding }: Parameters<typeof good.run>[0]) {
        for (const namespace of cluster.namespaces) yield finding('bad', { namespace }, { at: namespace.ref });
      },
    });
    expect(lines.join('\n')).toContain('says other things with other cluster names: early → late');
  });

  test('asking for more than it reads', async () => {
    expect(await violations('every fact', { ...good, needs: ['namespaces', 'pods'], uses: ['services'] })).toEqual([
      'it needs pods but looks at it in no case',
      'it uses services but looks at it in no case',
    ]);
  });

  test('asking one end for what only the other end shows', async () => {
    const check: AnyCheck = {
      ...good,
      scope: 'managed',
      needs: { primary: ['namespaces'], member: ['namespaces'] },
      *run(context: { readonly primary: { readonly namespaces: readonly Namespace[] } }) {
        if (context.primary.namespaces.length === 0) yield* [];
      },
    };
    expect(await violations('every fact', check)).toEqual(['it needs member.namespaces but looks at it in no case']);
  });

  test('healthy although it saw nothing', async () => {
    // It reads around its needs, so that the engine cannot know.
    const check: AnyCheck = { ...good, needs: [], uses: ['namespaces'], *run() {} };
    const suite = await suiteOf(check, cases);
    const contract = contracts.find(({ sentence }) => sentence.includes('leaves its subjects inconclusive'));
    expect(await contract?.violations({ ...suite, check: { ...check, needs: ['namespaces'] } })).toContain(
      'healthy: nobody is labelled: without the right to read namespaces in east nothing is inconclusive',
    );
  });

  test('accusing because it could not read', async () => {
    const lines = await violations('knowing less', {
      ...good,
      needs: ['namespaces'],
      uses: ['pods'],
      *run({
        cluster,
        finding,
      }: {
        cluster: { namespaces: readonly Namespace[]; pods: { status: string } };
        finding: Parameters<typeof good.run>[0]['finding'];
      }) {
        for (const namespace of cluster.namespaces)
          if (cluster.pods.status !== 'collected') yield finding('bad', { namespace }, { at: namespace.ref });
      },
    });
    expect(lines.join('\n')).toMatch(/with pods of east forbidden: new finding bad-label @ east:Namespace\/istio-system/);
  });

  test('being surer for knowing less', async () => {
    const lines = await violations('knowing less', {
      ...good,
      uses: ['pods'],
      messages: {
        bad: (a: { namespace: Namespace; isSure: boolean }) => ({
          text: `Namespace ${a.namespace.name} is bad.`,
          severity: a.isSure ? ('error' as const) : ('warning' as const),
        }),
      },
      *run({
        cluster,
        finding,
      }: {
        cluster: { namespaces: readonly Namespace[]; pods: { status: string } };
        finding: (key: string, args: unknown, where: unknown) => never;
      }) {
        for (const namespace of cluster.namespaces)
          if ('bad' in namespace.labels)
            yield finding('bad', { namespace, isSure: cluster.pods.status !== 'collected' }, { at: namespace.ref });
      },
    });
    expect(lines.join('\n')).toContain('bad-label @ west:Namespace/shop rises from warning to error');
  });

  test('a crash on the way', async () => {
    const lines = await violations('knowing less', {
      ...good,
      uses: ['pods'],
      *run({ cluster }: { cluster: { pods: { value: readonly unknown[] } } }) {
        if (cluster.pods.value.length > 0) yield* [];
      },
    });
    expect(lines.join('\n')).toContain('with pods of east failed: crashed on east: TypeError');
  });

  test('accusing whatever comes along', async () => {
    const lines = await violations('nothing to do with it', {
      ...good,
      *run({ cluster, finding }: Parameters<typeof good.run>[0]) {
        for (const namespace of cluster.namespaces)
          if (cluster.namespaces.length > 2) yield finding('bad', { namespace }, { at: namespace.ref });
      },
    });
    expect(lines.join('\n')).toContain('healthy: nobody is labelled: new finding bad-label @ east:Namespace/unrelated-zq');
  });

  test('falling silent because a stranger is', async () => {
    const suite = await suiteOf(good, cases);
    const three = new Map([...broken, ['south', broken.get('east') ?? []]]);
    const lines = await violations(
      'hides no finding',
      {
        ...good,
        *run({ cluster, mesh, finding }: Parameters<typeof good.run>[0]) {
          for (const namespace of cluster.namespaces)
            if (mesh.members.size > 1 && 'bad' in namespace.labels) yield finding('bad', { namespace }, { at: namespace.ref });
        },
      },
      {
        healthy: {},
        broken: {
          'a third cluster counts': { mesh: three, options: { intent: { meshes: [{ clusters: ['south', 'west'] }] } }, findings: [] },
        },
      },
    );
    expect(suite.cases).toHaveLength(2);
    expect(lines).toEqual(['broken: a third cluster counts: bad-label @ west:Namespace/shop disappears when south does not answer']);
  });

  test('a message that nobody ever hears', async () => {
    expect(await violations('every message', { ...good, messages: { ...good.messages, worse: () => ({ text: 'Worse.' }) } })).toEqual([
      'no broken case says worse',
    ]);
  });

  test('sentences with holes', async () => {
    const lines = await violations('sentences', {
      ...good,
      messages: {
        bad: () => ({ text: 'namespace undefined', found: '[object Object]', expected: 'NaN', effect: '-----BEGIN CERTIFICATE-----' }),
      },
    });
    expect(lines.map((line) => line.replace('broken: one is labelled: bad-label @ west:Namespace/shop ', ''))).toEqual([
      'does not begin with a capital: namespace undefined',
      'does not end with a full stop: namespace undefined',
      'says undefined: namespace undefined',
      'says NaN: NaN',
      'says [object: [object Object]',
    ]);
  });

  test('pointing at nothing', async () => {
    const lines = await violations('points at exists', {
      ...good,
      *run({ cluster, finding }: Parameters<typeof good.run>[0]) {
        const [namespace] = cluster.namespaces;
        if (namespace === undefined) return;
        const missing = { ...namespace.ref, name: 'nowhere' };
        yield finding('bad', { namespace }, { at: cluster.ref, related: [missing], evidence: [{ ref: missing, observed: 'none' }] });
      },
    });
    expect(lines.filter((line) => line.includes('healthy') && line.includes('east'))).toEqual([
      'healthy: nobody is labelled: bad-label @ east:Cluster/east points (related) at east:Namespace/nowhere, which does not exist',
      'healthy: nobody is labelled: bad-label @ east:Cluster/east points (evidence) at east:Namespace/nowhere, which does not exist',
    ]);
  });

  test('advice that does not help', async () => {
    const lines = await violations('silences the finding', {
      ...good,
      messages: {
        bad: (a: { namespace: Namespace }) => ({
          text: 'Bad.',
          remedy: [remedy.restart(a.namespace.ref), remedy.annotate(a.namespace.ref, { bad: null })],
        }),
      },
    });
    expect(lines).toEqual([
      'broken: one is labelled: bad-label @ west:Namespace/shop is still there after kubectl --context west annotate namespace shop bad-',
    ]);
  });

  test('trusting that a directory holds everything', async () => {
    const lines = await violations('need not hold all', {
      ...good,
      *run({ cluster, finding }: Parameters<typeof good.run>[0]) {
        const [namespace] = cluster.namespaces;
        if (namespace !== undefined && !cluster.namespaces.some(({ name }) => name === 'shop'))
          yield finding('bad', { namespace }, { at: namespace.ref });
      },
    });
    expect(lines[0]).toContain('healthy: nobody is labelled: without Namespace /shop in east: bad-label @ east:Namespace/istio-system');
  });
});

describe('a case says everything that is found', () => {
  const expected = async (given: Partial<Cases>, check: AnyCheck = good): Promise<readonly string[]> => {
    const suite = await suiteOf(check, { healthy: {}, broken: {}, ...given });
    return suite.cases.flatMap((prepared) => expectations(suite, prepared));
  };

  test('a finding on a healthy mesh', async () => {
    expect(await expected({ healthy: { x: broken } })).toEqual([
      'is found: bad-label @ west:Namespace/shop (error certain) Namespace shop in west is labelled bad.',
    ]);
  });

  test('a finding too few, one too many, another grade', async () => {
    expect(await expected({ broken: { x: { mesh: broken, findings: ['bad-label @ east:Namespace/shop'] } } })).toHaveLength(2);
    expect(await expected({ broken: { x: { mesh: broken, findings: ['bad-label @ west:Namespace/shop (error certain)'] } } })).toEqual([]);
    expect(
      await expected({ broken: { x: { mesh: broken, findings: ['bad-label @ west:Namespace/shop (warning certain)'] } } }),
    ).toHaveLength(2);
  });

  test('something undecided that nobody listed', async () => {
    const check: AnyCheck = {
      ...good,
      *run({ cluster, undecided }: Parameters<typeof good.run>[0]) {
        if (cluster.name === 'west') yield undecided('nobody knows');
      },
    };
    expect(await expected({ healthy: { x: healthy } }, check)).toEqual(['is inconclusive: nobody knows @ west']);
    expect(await expected({ healthy: { x: { mesh: healthy, inconclusive: ['nobody knows @ west'] } } }, check)).toEqual([]);
  });
});

/** A check over the whole mesh that accuses the namespace with the first label it meets. */
function firstOf(): Pick<AnyCheck, 'run'> {
  return {
    *run({
      clusters,
      finding,
    }: {
      clusters: readonly { namespaces: readonly Namespace[] }[];
      finding: Parameters<typeof good.run>[0]['finding'];
    }) {
      for (const { namespaces } of clusters)
        for (const namespace of namespaces)
          yield finding('bad', { namespace }, { at: namespace.ref, subject: Object.keys(namespace.labels)[0] ?? '' });
    },
  };
}
