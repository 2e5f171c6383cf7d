import { annotatedTooLate, checkTester, externalIstiodUnset, mesh, neverExternal } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const healthy = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true });

/** EXTERNAL_ISTIOD taken from one Deployment, without anything that follows from it: the rollout has not begun. */
const unsetOnly = (deployment: string) => (objects: ReturnType<typeof healthy.objects>) =>
  new Map(objects).set(
    east,
    (objects.get(east) ?? []).map((object) =>
      object.kind === 'Deployment' && object.metadata.name === deployment
        ? (JSON.parse(JSON.stringify(object).replace('{"name":"EXTERNAL_ISTIOD","value":"true"},', '')) as typeof object)
        : object,
    ),
  );

checkTester(check, {
  healthy: {
    'the primary of a remote is external': healthy,
    'two primaries are not': mesh().multiPrimary(east, west),
    'an external control plane is': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'the second istiod of an upgrade serves nobody yet': mesh()
      .canary(east, west, { from: '1-30-3', to: '1-31-0' })
      .edit(unsetOnly('istiod-1-31-0')),
  },
  broken: {
    'it was taken away': {
      mesh: healthy.edit(externalIstiodUnset({ cluster: east })),
      findings: ['unset-external-istiod @ east:Deployment/istio-system/istiod-1-31-0 (error certain)'],
    },
    'it is false': {
      mesh: healthy.edit(externalIstiodUnset({ cluster: east, value: 'false', left: 'released' })),
      findings: ['unset-external-istiod @ east:Deployment/istio-system/istiod-1-31-0 (error certain)'],
    },
    'it never was set': {
      mesh: healthy.edit(neverExternal({ cluster: east, remote: west })),
      findings: ['unset-external-istiod @ east:Deployment/istio-system/istiod-1-31-0 (error certain)'],
    },
    'the Deployment lost it and its old pod still leads': {
      mesh: healthy.edit(unsetOnly('istiod-1-31-0')),
      findings: ['unset-external-istiod @ east:Deployment/istio-system/istiod-1-31-0 (warning likely)'],
    },
    'one istiod, two remotes': {
      mesh: mesh()
        .primaryRemote(east, [west, 'north'])
        .edit(externalIstiodUnset({ cluster: east })),
      findings: ['unset-external-istiod @ east:Deployment/istio-system/istiod (error certain)'],
    },
    'the second istiod of an upgrade lacks it while the first leads': {
      mesh: mesh().canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' }).edit(unsetOnly('istiod-1-31-0')),
      findings: ['unset-external-istiod @ east:Deployment/istio-system/istiod-1-31-0 (warning likely)'],
    },
    'nobody knows the time': {
      mesh: healthy.edit(annotatedTooLate({ cluster: west, primary: east, leader: 'lost' })).edit(externalIstiodUnset({ cluster: east })),
      options: { takenAt: 'unknown' },
      findings: ['unset-external-istiod @ east:Deployment/istio-system/istiod-1-31-0 (warning likely)'],
    },
  },
});
