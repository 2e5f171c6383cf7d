import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import { until } from '../lab/processes.ts';
import * as parts from '../topologies/parts.ts';
import type { Fault } from './fault.ts';
import { workplace } from './guide.ts';
import { kept } from './kept.ts';
import { restarted } from './restarts.ts';

/*
 * Certificates that end, and roots that are replaced or copied by hand.
 */

const topology = 'multi-primary';
const system = 'istio-system';
const rootMap = 'istio-ca-root-cert';
const istiod = `istiod-${parts.revision}`;
const day = 86_400_000;

const cacerts = kept('cluster2', 'secret', 'cacerts', system);

export const trustFaults: readonly Fault[] = [
  {
    id: 'istiod-with-certificate-of-another-authority',
    about:
      'The certificate that istiod of the primary was given (Secret istiod-tls) was renewed by another authority than that of the mesh.',
    topology: 'primary-remote',
    stage: async (lab) => {
      await certifiedBy(lab, parts.keptAuthority(lab).root);
      await restarted(lab, 'cluster1', system, [istiod]);
      await pushedTo(lab, 'cluster2');
      // It takes a new file without being restarted; who is connected stays so.
      await certifiedBy(lab, (await parts.newAuthority('Company CA')).root);
    },
    undo: selfCertified,
    expected: {
      cause: 'foreign-istiod-certificate/untrusted',
      clusters: ['cluster1', 'cluster2'],
      also: {
        'foreign-istiod-certificate/untrusted':
          'injection is called with it, too, and is held against the caBundle of webhooks instead of the root of proxies',
      },
    },
    remedy: { kind: 'undone', because: 'whose certificate istiod is to have is for its owner to say' },
  },
  {
    id: 'istiod-with-certificate-of-another-name',
    about: 'The certificate that istiod of the primary was given (Secret istiod-tls) was renewed for its public name only.',
    topology: 'primary-remote',
    stage: async (lab) => {
      await certifiedBy(lab, parts.keptAuthority(lab).root);
      await restarted(lab, 'cluster1', system, [istiod]);
      await pushedTo(lab, 'cluster2');
      await certifiedBy(lab, parts.keptAuthority(lab).root, ['istiod.example.com']);
    },
    undo: selfCertified,
    expected: {
      cause: 'foreign-istiod-certificate/otherName',
      clusters: ['cluster1', 'cluster2'],
      also: { 'foreign-istiod-certificate/otherName': 'proxies and API servers ask for it by ports and names of their own' },
    },
    remedy: { kind: 'undone', because: 'whose certificate istiod is to have is for its owner to say' },
  },
  {
    id: 'intermediate-ends-in-days',
    about: 'The intermediate that one primary signs with ends within two weeks, and nobody has made a new one.',
    topology,
    stage: async (lab) => {
      await cacerts.keep(lab);
      const authority = parts.keptAuthority(lab);
      const intermediate = await authority.intermediateFor('cluster2', parts.termThatEnds(12 * day));
      await parts.plugInFiles(lab, 'cluster2', parts.authorityFiles(intermediate, [authority.root]));
    },
    undo: async (lab) => await cacerts.putBack(lab),
    expected: { cause: 'expiring-signing-ca/soon', clusters: ['cluster2'] },
    remedy: { kind: 'printed', values: async (lab) => await renewedFiles(lab) },
  },
  {
    id: 'root-replaced-without-restart',
    about: 'Secret cacerts of one primary was replaced by one of another root, and its istiod was not restarted.',
    topology,
    stage: async (lab) => {
      await cacerts.keep(lab);
      await parts.plugInCertificates(lab, 'cluster2', await parts.newAuthority('Next Root CA'));
    },
    undo: async (lab) => await cacerts.putBack(lab),
    expected: { cause: 'unused-cacerts', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: 'a restart would part the primaries: the old root comes back, or both clusters are given both' },
  },
  {
    id: 'root-copied-and-locked',
    about: 'ConfigMap istio-ca-root-cert of a namespace was written by hand, with the root of a former installation, and made immutable.',
    topology,
    stage: async (lab) => {
      const { root } = await parts.newAuthority('Root CA of before');
      const patch = JSON.stringify({ data: { 'root-cert.pem': root.cert }, immutable: true });
      await lab.kubectl('cluster2', ['patch', 'configmap', rootMap, '-n', 'sample', '--type=merge', '-p', patch]);
    },
    // istiod writes it again.
    undo: async (lab) => void (await lab.kubectl('cluster2', ['delete', 'configmap', rootMap, '-n', 'sample', '--ignore-not-found'])),
    expected: { cause: 'foreign-root', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
];

/** The files that a printed command makes Secret cacerts of: a new intermediate under the root of the mesh. */
async function renewedFiles(lab: Lab): Promise<Readonly<Record<string, string>>> {
  const authority = parts.keptAuthority(lab);
  const files = parts.authorityFiles(await authority.intermediateFor('cluster2'), [authority.root]);
  const place = join(workplace(lab), 'certs');
  mkdirSync(place, { recursive: true });
  const found: Record<string, string> = {};
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(place, name), text, { mode: 0o600 });
    found[`--from-file=${name}`] = `--from-file=${join(place, name)}`;
  }
  return found;
}

/** What istiod of the primary serves discovery and injection with, instead of what it signs for itself. */
async function certifiedBy(
  lab: Lab,
  issuer: Parameters<typeof parts.certificateOf>[0],
  names: readonly string[] = [`${istiod}.${system}.svc`, `istiod.${system}.svc`],
): Promise<void> {
  const served = await parts.certificateOf(issuer, names);
  const stringData = { 'tls.crt': served.cert, 'tls.key': served.key, 'ca.crt': issuer.cert };
  await lab.apply('cluster1', [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'istiod-tls', namespace: system }, stringData }]);
}

/** istiod of the primary signs for itself again. */
async function selfCertified(lab: Lab): Promise<void> {
  // Its gateway has to trust the istiod that goes, to hear of the one that comes.
  await certifiedBy(lab, parts.keptAuthority(lab).root);
  await pushedTo(lab, 'cluster2');
  await lab.kubectl('cluster1', ['delete', 'secret', 'istiod-tls', '-n', system, '--ignore-not-found']);
  await restarted(lab, 'cluster1', system, [istiod]);
}

/** Until the gateway of a cluster is connected to istiod. */
async function pushedTo(lab: Lab, context: string): Promise<void> {
  const pod = await lab.kubectl(context, [
    'get',
    'pods',
    '-n',
    system,
    '-l',
    'istio=eastwestgateway',
    '-o',
    'jsonpath={.items[0].metadata.name}',
  ]);
  await until(
    `${pod} at istiod`,
    async () => ((await lab.istioctl('cluster1', ['proxy-status'])).includes(pod) ? true : undefined),
    90_000,
  );
}
