import { type Fields, fields, scalarText, tally } from '../model/decode.ts';
import { planeObjects } from './control-plane.ts';
import type { Declared } from './declared.ts';
import { releaseOf } from './operator.ts';
import { flagOf, type Path, textOf, valuesIn } from './values.ts';

/**
 * What the Sail operator makes of an `Istio` or an `IstioRevision`. The revision of an Istio is its own name, or, with strategy RevisionBased, that and
 * its version; of a version that is only the newest of a line nobody knows the number, and so nothing of it.
 */
export function sailObjects(document: Fields): Declared[] {
  const spec = fields(tally(), document['spec']);
  const name = scalarText(tally(), fields(tally(), document['metadata'])['name']) ?? 'default';
  const version = scalarText(tally(), spec['version']);
  const strategy = scalarText(tally(), fields(tally(), spec['updateStrategy'])['type']);
  const isByVersion = document['kind'] === 'Istio' && strategy === 'RevisionBased';
  if (isByVersion && releaseOf(version) === undefined) return [];
  const values = valuesIn(document, [
    { name: 'global.istioNamespace', path: ['spec', 'namespace'] },
    { name: '', path: ['spec', 'values'] },
  ]);
  const profile = scalarText(tally(), spec['profile']) ?? textOf(values, 'profile') ?? '';
  const revisionPath: Path = isByVersion ? ['spec', 'version'] : ['metadata', 'name'];
  return planeObjects({
    values,
    revision: isByVersion ? `${name}-${(version ?? '').replaceAll('.', '-')}` : name,
    revisionPath,
    namespace: textOf(values, 'global.istioNamespace') ?? 'istio-system',
    isRemote: profile === 'remote' || flagOf(values, 'istiodRemote.enabled') === true,
    isAmbient: profile.includes('ambient'),
    release: releaseOf(version),
    releasePath: ['spec', 'version'],
    root: ['spec'],
  });
}
