import { shellWord } from '../../base/text.ts';
import { kubectl } from '../commands.ts';
import { istiodOf, itemsOf, lookAt, namespaceFirst, writerOf } from '../looking.ts';
import type { Plan, Site, Step, World } from '../types.ts';

/** Istiods of one mesh sign with intermediates under one root; a remote gets its certificates from the primary. */
export const sharedRoot: Step = {
  id: 'shared-root',
  title: () => 'Signing certificate under the root of the mesh',
  checks: [
    'divergent-roots',
    'foreign-root',
    'missing-root',
    'mistaken-trust-domain',
    'published-ca',
    'expiring-root',
    'expiring-signing-ca',
  ],
  tooLate: ['unused-cacerts'],
  places: ({ topology, primaries }) => (topology === 'multi-primary' ? primaries.map((site) => ({ site })) : []),
  look: (world, { site }, plan) =>
    lookAt(world, site.cluster, 'caSecrets', (secrets) => {
      const cacerts = secrets.find(({ namespace, source }) => namespace === plan.namespace && source === 'plugged-in');
      if (cacerts !== undefined) return { state: 'there', what: `Secret ${plan.namespace}/${cacerts.name}`, by: writerOf(cacerts) };
      const own = secrets.find(({ namespace }) => namespace === plan.namespace);
      if (own !== undefined && isSharedBy(world, plan))
        return { state: 'there', what: `Secret ${plan.namespace}/${own.name}, of the same root in every primary`, by: writerOf(own) };
      return { state: 'missing', what: `no Secret cacerts in ${plan.namespace}` };
    }),
  doing: (world, { site }, plan) => {
    const isFirst = plan.primaries.every(({ cluster }) => pluggedIn(world, cluster, plan) === undefined);
    const folder = shellWord(`${plan.meshId}-ca`);
    const restart =
      istiodOf(itemsOf(world, site.cluster, 'controlPlanes'), plan) === undefined
        ? []
        : [`${kubectl(site.cluster)} -n ${shellWord(plan.namespace)} rollout restart deployment -l app=istiod`];
    return {
      commands: [
        ...namespaceFirst(world, site.cluster, plan),
        ...(isFirst ? [newRoot(folder)] : []),
        ...intermediate(folder, site, plan),
        ...restart,
      ],
      note: isFirst
        ? `keep ${folder}/root-key.pem safe and off the clusters; with a root of your own, put root-cert.pem and root-key.pem there instead`
        : `${folder} holds root-cert.pem and root-key.pem of the root that the other primary has`,
    };
  },
};

function pluggedIn(world: World, cluster: Site['cluster'], plan: Plan) {
  return itemsOf(world, cluster, 'caSecrets').find(({ namespace, source }) => namespace === plan.namespace && source === 'plugged-in');
}

/** Self-signed, and copied: every primary has the same one. */
function isSharedBy(world: World, plan: Plan): boolean {
  const roots = plan.primaries.map(({ cluster }) =>
    itemsOf(world, cluster, 'caSecrets')
      .filter(({ namespace }) => namespace === plan.namespace)
      .flatMap((secret) => secret.roots.map(({ fingerprint }) => fingerprint))
      .sort()
      .join(),
  );
  return roots.every((root) => root !== '' && root === roots[0]);
}

function newRoot(folder: string): string {
  const key = `-keyout ${folder}/root-key.pem -out ${folder}/root-cert.pem`;
  const uses = `-addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign'`;
  const root = `openssl req -x509 -newkey rsa:4096 -sha256 -nodes -days 3650 -subj '/O=Istio/CN=Root CA' ${uses} ${key}`;
  return `mkdir -p -m 700 ${folder} && { test -f ${folder}/root-key.pem || ${root}; }`;
}

function intermediate(folder: string, site: Site, plan: Plan): readonly string[] {
  const base = `${folder}/${shellWord(site.clusterId)}`;
  const extensions = [
    'basicConstraints=critical,CA:TRUE,pathlen:0',
    'keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign',
    `subjectAltName=DNS:istiod.${plan.namespace}.svc`,
  ];
  const files = [
    `ca-cert.pem=${base}-cert.pem`,
    `ca-key.pem=${base}-key.pem`,
    `root-cert.pem=${folder}/root-cert.pem`,
    `cert-chain.pem=${base}-chain.pem`,
  ];
  return [
    `openssl req -newkey rsa:4096 -sha256 -nodes -subj ${shellWord(`/O=Istio/CN=Intermediate CA/L=${site.clusterId}`)} -keyout ${base}-key.pem -out ${base}.csr`,
    `printf '%s\\n' ${extensions.map(shellWord).join(' ')} > ${base}.ext`,
    `openssl x509 -req -sha256 -days 730 -CA ${folder}/root-cert.pem -CAkey ${folder}/root-key.pem -CAcreateserial -extfile ${base}.ext -in ${base}.csr -out ${base}-cert.pem`,
    `cat ${base}-cert.pem ${folder}/root-cert.pem > ${base}-chain.pem`,
    `${kubectl(site.cluster)} -n ${shellWord(plan.namespace)} create secret generic cacerts ${files.map((file) => `--from-file=${file}`).join(' ')}`,
  ];
}
