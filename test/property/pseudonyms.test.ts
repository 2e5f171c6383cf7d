import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Edit, inOrder } from '../../src/builder/edits/edit.ts';
import { networkLabelRemoved } from '../../src/builder/edits/topology-networks.ts';
import { mesh } from '../../src/builder/mesh.ts';
import type { KubeObject } from '../../src/model/kube.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { recordingOf } from '../../src/run/replay.ts';
import { anonymized } from '../../src/source/anonymize.ts';
import type { Recording } from '../../src/source/recording.ts';
import { optionsOf, run, snapshotAt } from '../corpus/corpus.ts';

/*
 * Names that somebody gave, planted wherever an object or an answer can hold one, in every form in which they are written: as hosts, mail addresses, URLs,
 * identities, addresses of load balancers, words of a message. None of them may be in a recording under pseudonyms, and the same has to be found in it.
 */

/** A name that nobody takes for a word of Istio's: the mark tells it in any text. */
const name = fc.stringMatching(/^[a-z]{2,5}$/).map((some) => `zq${some}zq`);

interface Identity {
  readonly cluster: string;
  readonly network: string;
  readonly namespace: string;
  readonly service: string;
  readonly company: string;
  readonly person: string;
  readonly revision: string;
  readonly six: string;
}

const identity: fc.Arbitrary<Identity> = fc
  .uniqueArray(name, { minLength: 7, maxLength: 7 })
  .chain(([cluster = '', network = '', namespace = '', service = '', company = '', person = '', revision = '']) =>
    fc.integer({ min: 0x1000, max: 0xfffe }).map((group) => ({
      cluster,
      network,
      namespace,
      service,
      company,
      person,
      revision,
      six: `2a01:4f8:${group.toString(16)}:beef::${group.toString(16)}`,
    })),
  );

/** A sentence as an API server, a cloud or an istiod would write it. */
const sentence = ({ company, person, namespace, service, six, cluster }: Identity): string =>
  `failed to reach https://user-${person}@vault.${company}.example.com:8200/v1/${service}?team=${person}: dial tcp [${six}]:443: ${service}.${namespace}.svc.cluster.local ` +
  `(cluster ${cluster}): ${person}@${company}.io, spiffe://${company}.corp/ns/${namespace}/sa/${service}, arn:aws:iam::123456789012:role/${company}-${service}`;

function planted(identity: Identity): Edit {
  const text = sentence(identity);
  const { company, namespace, service, person, six } = identity;
  const balancer = [
    { hostname: `k8s-${namespace}-${service}-0123456789.elb.eu-west-1.amazonaws.com` },
    { hostname: `${company}.example.net` },
    { ip: six },
  ];
  const annotations = {
    'service.beta.kubernetes.io/aws-load-balancer-name': `${company}-${service}`,
    'service.beta.kubernetes.io/aws-load-balancer-ssl-cert': `arn:aws:acm:eu-west-1:123456789012:certificate/${company}`,
    'service.beta.kubernetes.io/azure-dns-label-name': `${company}-lb`,
    'argocd.argoproj.io/tracking-id': `${company}-app:apps/Deployment:${namespace}/${service}`,
    'meta.helm.sh/release-name': `${company}-release`,
    'networking.istio.io/exportTo': namespace,
    'istio.io/owner': `${person}@${company}.io`,
  };
  const plant = (object: KubeObject): KubeObject => {
    const marked = { ...object, metadata: { ...object.metadata, annotations: { ...annotations, ...object.metadata.annotations } } };
    return JSON.parse(JSON.stringify(marked), (key, value: unknown) => {
      if (key === 'env' && Array.isArray(value))
        return [...(value as unknown[]), { name: 'ZQ_URL', value: text }, { name: 'CA_ADDR', value: `ca.${company}.io:15012` }];
      if (key === 'args' && Array.isArray(value))
        return [...(value as unknown[]), `--config=https://cfg.${company}.io/${service}`, `--owner=${person}`];
      if (key === 'image' && typeof value === 'string') return `registry.${company}.io/${person}/${value.split('/').at(-1) ?? value}`;
      if (key === 'conditions' && Array.isArray(value)) return (value as object[]).map((one) => ({ ...one, message: text }));
      if (key === 'loadBalancer' && typeof value === 'object' && object.metadata.name === service) return { ingress: balancer };
      return value;
    }) as KubeObject;
  };
  return (objects) => new Map([...objects].map(([cluster, own]) => [cluster, [...own.map(plant), ...resources(identity)]]));
}

/** Istio's own objects hold names in free text, keys and identities. */
function resources({ company, namespace, service, person, six }: Identity): KubeObject[] {
  const metadata = { name: `${company}-rule`, namespace };
  const host = `api.${company}.example.com`;
  return [
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'ServiceEntry',
      metadata,
      spec: {
        hosts: [host],
        addresses: [six],
        location: 'MESH_EXTERNAL',
        resolution: 'DNS',
        ports: [{ number: 443, name: 'tls', protocol: 'TLS' }],
        endpoints: [{ address: `db.${company}.io`, labels: { owner: person } }],
      },
    },
    {
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata,
      spec: {
        rules: [
          {
            from: [
              {
                source: {
                  principals: [`${company}.corp/ns/${namespace}/sa/${service}`],
                  requestPrincipals: [`https://idp.${company}.io/${person}@${company}.io`],
                },
              },
            ],
          },
        ],
      },
    },
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata,
      spec: {
        host: `${service}.${namespace}.svc.cluster.local`,
        subsets: [{ name: person, labels: { tier: company } }],
        trafficPolicy: { tls: { mode: 'SIMPLE', sni: host, credentialName: `${company}-tls` } },
      },
    },
  ];
}

function recorded(given: Identity, edits: readonly Edit[]): Recording {
  const { cluster, network, namespace, service, company, revision } = given;
  const built = mesh()
    .primaryRemote(cluster, `${cluster}-2`, { networks: 2, revision: `${revision}-stable` })
    .namespace(namespace, { injected: true })
    .service(`${service}.${namespace}`);
  const renamed: Edit = (objects) =>
    new Map(
      [...objects].map(([name, own]) => [
        name,
        JSON.parse(
          JSON.stringify(own)
            .replaceAll('network1', network)
            .replaceAll('network2', `${network}-2`)
            .replaceAll('trustDomain: cluster.local', `trustDomain: ${company}.corp`),
        ) as KubeObject[],
      ]),
    );
  const whole = snapshotAt(inOrder(...edits, renamed, planted(given))(built.objects()), built.takenAt);
  const [first, second] = whole.clusters;
  if (first === undefined || second === undefined) throw new Error('there are two clusters');
  const text = sentence(given);
  const snapshot: Snapshot = {
    ...whole,
    clusters: [
      {
        ...first,
        unread: [{ what: `clusters/${company}/${service}.yaml:12`, reason: text }],
        kinds: { ...first.kinds, endpoints: { status: 'failed', code: 'timeout', reason: text } },
      },
      second,
    ],
  };
  return recordingOf(snapshot, optionsOf({ service: [`${service}.${namespace}`] }), '0.1.0');
}

const mark = /[\w.@/:-]*(?:zq[a-z]+zq)[\w.@/:-]*/gi;

describe('names of somebody', () => {
  test('are in a recording, and none is in it under pseudonyms', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(identity, (given) => {
        const recording = recorded(given, []);
        const before = new Set(JSON.stringify(recording).match(mark) ?? []);
        expect(before.size).toBeGreaterThan(20);
        const after = JSON.stringify(anonymized(recording, 'key'));
        expect([...new Set(after.match(mark) ?? [])]).toEqual([]);
        expect(after).not.toContain(given.six);
        expect(after).not.toContain(':beef:');
      }),
      { numRuns: 6 },
    );
  });

  test('play no part in what is found', { timeout: 240_000 }, async () => {
    const found = async ({ snapshot, asked }: Recording): Promise<readonly string[]> => {
      const { report } = await run(snapshot, { service: asked.services.map((one) => `${one.name}.${one.namespace}`) });
      return [
        ...report.findings.map(({ code, severity, certainty }) => `${code} ${severity} ${certainty}`).sort(),
        `causes: ${report.causes
          .map(({ code }) => code)
          .sort()
          .join(', ')}`,
      ];
    };
    await fc.assert(
      fc.asyncProperty(identity, async (given) => {
        const recording = recorded(given, [networkLabelRemoved({ cluster: `${given.cluster}-2` })]);
        expect(await found(anonymized(recording, 'key'))).toEqual(await found(recording));
      }),
      { numRuns: 3 },
    );
  });
});
