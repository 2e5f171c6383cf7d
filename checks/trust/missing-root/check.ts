import {
  type ClusterName,
  count,
  defineCheck,
  effectsOfCutOff,
  groupBy,
  list,
  names,
  type ObjectRef,
  type Pod,
  remedy,
  valueOf,
} from 'meshdoctor/api';
import { handsOutElsewhere, isAuthority } from '../_area.ts';

export default defineCheck({
  id: 'missing-root',
  title: 'Every namespace with proxies has the root certificate of the mesh',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes'], member: ['rootConfigMaps', 'pods', 'namespaces'] },
  explains: [...effectsOfCutOff, { code: 'foreign-istiod-certificate', match: 'cluster' }],
  path: { hops: ['mtls'] },
  docs: {
    why: 'Injected pods mount ConfigMap istio-ca-root-cert of their namespace. The istiod that leads the cluster writes it there within seconds; without it new pods stay in ContainerCreating (configmap "istio-ca-root-cert" not found).',
    confirm: 'kubectl --context REMOTE get configmaps -A --field-selector metadata.name=istio-ca-root-cert',
    fix: 'Find out why istiod does not write it: nobody leads the cluster, its discoverySelectors leave the namespace out, or the API server refuses it.',
    notWhen: 'Where another tool hands the root out, such as istio-csr or a ClusterTrustBundle.',
  },
  messages: {
    missing: (a: {
      cluster: ClusterName;
      from: ClusterName;
      namespaces: readonly string[];
      pods: readonly Pod[];
      waiting: number;
      at: ObjectRef;
    }) => ({
      text: `ConfigMap ${names.rootConfigMap} is missing in ${list(a.namespaces, 'none', 3)} of ${a.cluster}, where pods have proxies, so new pods there do not start.`,
      expected: `ConfigMap ${names.rootConfigMap} in each of them`,
      found: 'none',
      effect:
        a.waiting === 0 ? 'pods there do not start again' : `${count(a.waiting, 'pod')} there ${a.waiting === 1 ? 'is' : 'are'} not ready`,
      remedy: [remedy.restart(a.at, `istiod of ${a.from} then writes it again wherever it leads and looks`)],
      ...(a.waiting === 0 ? { severity: 'warning' as const } : {}),
    }),
  },
  *run({ primary, member, controlPlane, couple, finding }) {
    if (couple.kind === 'peer' || valueOf(couple.serves) !== true || handsOutElsewhere(controlPlane) || !isAuthority(controlPlane.env))
      return;
    const present = new Set(member.rootConfigMaps.map(({ namespace }) => namespace));
    const bare = member.pods.filter(
      (pod) =>
        (pod.proxy?.kind === 'sidecar' || pod.proxy?.kind === 'gateway') &&
        pod.proxy.revision === controlPlane.revision &&
        pod.phase !== 'Succeeded' &&
        pod.phase !== 'Failed' &&
        !present.has(pod.namespace),
    );
    const [first] = bare;
    if (first === undefined) return;
    const namespaces = [...groupBy(bare, ({ namespace }) => namespace).keys()].sort();
    yield finding(
      'missing',
      {
        cluster: member.name,
        from: primary.name,
        namespaces,
        pods: bare,
        waiting: bare.filter(({ ready }) => !ready).length,
        at: controlPlane.ref,
      },
      {
        at: member.namespaces.find(({ name }) => name === namespaces[0])?.ref ?? first.ref,
        related: bare.slice(0, 4).map(({ ref }) => ref),
        evidence: bare.slice(0, 5).map(({ ref, namespace }) => ({ ref, observed: `no ${names.rootConfigMap} in ${namespace}` })),
        lacks: [{ cluster: member.name, fact: 'rootConfigMaps' }],
        subject: member.name,
      },
    );
  },
});
