import { labels } from '../../istio/labels.ts';
import { listOf } from '../topology-types.ts';
import { isAlive } from '../worlds.ts';
import { type Around, istiodOf, named } from './around.ts';
import { broken, gapsIn, type Hop, hop, type HopEvidence, notApplicable, unknown, works } from './hop.ts';

/** The caller's pod, its proxy, and the istiod that configures it. */
export function callerHop(around: Around): Hop {
  const { caller, kind, world, client, mesh, facts, unread, target } = around;
  const { pod, cluster, ref, pods } = caller;
  if (pod === undefined) {
    const missing = gapsIn(facts, [{ cluster, fact: 'pods' }]);
    const text = `no pod of ${named(ref)} in ${cluster} ${missing.length > 0 ? 'was read' : 'runs'}`;
    return missing.length > 0 ? hop('caller', unknown(text), { object: ref, missing }) : hop('caller', broken(text), { object: ref });
  }
  const parts = { object: pod.ref, evidence: evidenceOf(caller.pod) };
  const which = `${named(pod.ref)}${pods > 1 ? ` (of ${pods})` : ''}`;
  if (!isAlive(pod)) {
    const why = pod.waiting.length > 0 ? `: ${pod.waiting.join(', ')}` : '';
    return hop('caller', broken(`${which} does not run (${pod.phase}${why})`), parts);
  }
  if (kind === 'plain') {
    const only = `to it there are only Services of ${cluster}`;
    if (!isMeantForMesh(around) || target.instances.has(cluster))
      return hop('caller', notApplicable(`${which} has no sidecar: ${only}`), parts);
    return hop('caller', broken(`${which} has no sidecar, though namespace ${pod.namespace} is labelled for injection: ${only}`), parts);
  }
  const version = pod.proxy?.version === undefined ? '' : ` ${pod.proxy.version}`;
  const proxy = kind === 'ambient' ? 'traffic goes through ztunnel' : kind === 'gateway' ? `gateway proxy${version}` : `sidecar${version}`;
  const where = client?.network === undefined ? '' : ` on ${client.network}`;
  if (world === undefined) {
    const isOpen = mesh.couples.some(({ member, kind: of }) => member === cluster && of === 'undetermined');
    const text = `${which}: ${proxy}; which istiod configures it is not known`;
    return isOpen || mesh.controlPlanes.length > 0 || unread.length > 0
      ? hop('caller', unknown(text), { ...parts, missing: unread })
      : hop('caller', broken(`${which}: ${proxy}, and no istiod of the mesh is known`), parts);
  }
  if (kind === 'ambient' && client === undefined) {
    const missing = gapsIn(facts, [{ cluster, fact: 'pods' }]);
    return hop('caller', unknown(`${which} is in an ambient namespace, and no ztunnel of ${cluster} was found`), { ...parts, missing });
  }
  const { revision } = world.controlPlane;
  const own = pod.proxy?.revision;
  if (own !== undefined && own !== revision && !mesh.controlPlanes.some((one) => one.revision === own))
    return hop('caller', broken(`${which}: ${proxy} of revision ${own}, which no istiod of the mesh runs as`), parts);
  return hop('caller', works(`${which}: ${proxy}${where}, configured by ${istiodOf(world)} (${revision})`), {
    ...parts,
    evidence: [...parts.evidence, { ref: world.controlPlane.ref, observed: `revision ${revision}` }],
  });
}

/** Whether its labels and those of its namespace ask for a sidecar. */
function isMeantForMesh({ caller: { pod, cluster, namespace }, facts }: Around): boolean {
  const own = facts.get(cluster);
  const ofNamespace = (own === undefined ? [] : listOf(own.namespaces)).find(({ name }) => name === namespace)?.labels ?? {};
  const asked = pod?.labels[labels.inject];
  if (asked !== undefined) return asked === 'true';
  return (
    ofNamespace[labels.injection] === 'enabled' ||
    (ofNamespace[labels.injection] === undefined && ofNamespace[labels.revision] !== undefined)
  );
}

function evidenceOf(pod: Around['caller']['pod']): HopEvidence[] {
  if (pod === undefined) return [];
  const { proxy } = pod;
  const said = [
    `phase ${pod.phase === '' ? 'not said' : pod.phase}`,
    ...(proxy === undefined
      ? ['no istio-proxy']
      : [`istio-proxy of ${proxy.clusterId ?? 'no cluster'}, network ${proxy.network ?? 'none'}`]),
  ];
  return [{ ref: pod.ref, observed: said.join(', ') }];
}
