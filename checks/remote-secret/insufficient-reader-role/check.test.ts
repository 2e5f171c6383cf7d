import { checkTester, mesh, readerUnbound, readerWithout } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const remote = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true });
const peers = mesh().multiPrimary(east, west);
const outside = mesh().externalControlPlane('outside', west, { remotes: ['north'] });
const role = 'west:ClusterRole/istio-reader-clusterrole-1-31-0-istio-system';
const peerRole = 'west:ClusterRole/istio-reader-clusterrole-istio-system';
const rbac = 'rbac.authorization.k8s.io/v1';
const bound = (name: string, roleName: string, subject: object) => ({
  apiVersion: rbac,
  kind: 'ClusterRoleBinding',
  metadata: { name },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: roleName },
  subjects: [subject],
});
const all = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
const unbound = remote.edit(readerUnbound({ cluster: west }));
const keyOf: Readonly<Record<string, string>> = { configmaps: 'manages', mutatingwebhookconfigurations: 'patches' };
const lacks = (resource: string, grade = 'error certain', verbs?: readonly string[]) => ({
  mesh: remote.edit(readerWithout({ cluster: west, resource, ...(verbs === undefined ? {} : { verbs }) })),
  // Without these istiod cannot manage the cluster; others only keep it from reading.
  findings: [`insufficient-reader-role/${keyOf[resource] ?? 'reads'} @ ${role} (${grade})`],
});

checkTester(check, {
  healthy: {
    'a remote': remote,
    'a remote of a release that reads no ConfigMaps': mesh().primaryRemote(east, west, { release: '1.27.9', revision: '1-27-9' }),
    'a remote of long ago': mesh().primaryRemote(east, west, { release: '1.24.6', revision: '1-24-6' }),
    'two primaries': peers,
    'two primaries of different releases': mesh().multiPrimary(east, west, { revisions: ['1-27-9', '1-28-4'] }),
    'an external istiod': outside,
    'an ambient mesh, whose reader may not list routes': mesh().ambient(east, west),
    'an upgrade in flight': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'a reader that is cluster-admin, by a role that every cluster has': unbound.break((m) =>
      m
        .cluster(west)
        .add(bound('reader', 'cluster-admin', { kind: 'ServiceAccount', name: 'istio-reader-service-account', namespace: 'istio-system' })),
    ),
    'a role of its own for a group of accounts': unbound.break((m) =>
      m
        .cluster(west)
        .add({ apiVersion: rbac, kind: 'ClusterRole', metadata: { name: 'everything' }, rules: [all] })
        .add(bound('everybody', 'everything', { kind: 'Group', name: 'system:serviceaccounts:istio-system' })),
    ),
    'rights that only analyzers use are missing': remote.edit(readerWithout({ cluster: west, resource: 'replicasets' })),
    'a custom resource that does not exist there': remote.edit(readerWithout({ cluster: west, resource: 'gateways' })).edit((objects) =>
      new Map(objects).set(
        west,
        (objects.get(west) ?? []).filter(
          (object) => object.kind !== 'CustomResourceDefinition' || !object.metadata.name.endsWith('gateway.networking.k8s.io'),
        ),
      ),
    ),
  },
  broken: {
    'no ConfigMaps': lacks('configmaps'),
    'ConfigMaps to read only': lacks('configmaps', 'error certain', ['create', 'update']),
    'no reviews of tokens': lacks('tokenreviews'),
    'no watch of slices': lacks('endpointslices', 'error certain', ['watch']),
    'no patch of injectors': lacks('mutatingwebhookconfigurations', 'error certain', ['update', 'patch']),
    'no reviews of access, which few need': lacks('subjectaccessreviews', 'info certain'),
    'the binding is gone': { mesh: unbound, findings: [`insufficient-reader-role/manages @ west:Cluster/west (error certain)`] },
    'another account is bound': {
      mesh: remote.edit(readerUnbound({ cluster: west, subject: 'istio-reader' })),
      findings: [`insufficient-reader-role/manages @ west:Cluster/west (error certain)`],
    },
    'a peer that reads ConfigMaps': {
      mesh: peers.edit(readerWithout({ cluster: west, resource: 'configmaps' })),
      findings: [`insufficient-reader-role/reads @ ${peerRole} (error certain)`],
    },
  },
});
