import { type ControlPlane, count, defineCheck, kubectl, remedy, shellWord } from 'meshdoctor/api';
import { coresOf } from '../_area.ts';

/** Proxies that one core of istiod keeps up with when all of them are sent something, by Istio's own measurements. */
const proxiesPerCore = 1000;

export default defineCheck({
  id: 'limited-istiod-cpu',
  title: 'istiod may take a core, and one for every thousand proxies',
  severity: 'info',
  certainty: 'possible',
  scope: 'managed',
  advice: true,
  needs: { primary: ['controlPlanes'], member: [] },
  uses: { primary: [], member: ['pods'] },
  catalogue: ['PERF-03'],
  docs: {
    why: 'istiod needs little CPU until something changes, and then all it can get: it writes configuration for every proxy at once. A limit makes that take many times as long, endpoints of pods that are gone stay in use meanwhile, and every cluster that it reads adds to the work.',
    confirm: 'kubectl --context PRIMARY -n istio-system top pods -l app=istiod',
    fix: 'Leave the limit out and keep the request, or raise it to what a full push needs; several replicas share the proxies.',
    notWhen: 'Where pilot_proxy_convergence_time stays under a second the limit is high enough. The sums are a rule of thumb.',
    see: ['istio/istio#25685', 'istio/istio#36827', 'https://istio.io/latest/docs/ops/deployment/performance-and-scalability/'],
  },
  messages: {
    limited: (a: { controlPlane: ControlPlane; cores: number; proxies: number }) => {
      const { ref, namespace, name, limits } = a.controlPlane;
      return {
        text: `Deployment ${namespace}/${name} in ${ref.cluster} may take no more than ${limits?.cpu ?? ''} CPU${a.cores < 1 ? '' : ` for ${count(a.proxies, 'proxy', 'proxies')} in its own cluster alone`}, so changes of endpoints may reach proxies late.`,
        expected: 'no limit of CPU, or a higher one',
        found: limits?.cpu ?? '',
        remedy: [
          remedy.command(ref.cluster, [`${kubectl(ref)} set resources deployment ${shellWord(name)} -c discovery --limits=cpu=0`], {
            ref,
            note: 'restarts istiod; set pilot.resources in the values, too',
            disruptive: true,
          }),
        ],
      };
    },
  },
  *run({ member, controlPlane, couple, finding }) {
    const cores = coresOf(controlPlane.limits?.cpu);
    if (couple.kind !== 'self' || cores === undefined) return;
    const pods = member.pods.status === 'collected' ? member.pods.value : [];
    const proxies = cores < 1 ? 0 : pods.filter(({ proxy }) => proxy !== undefined).length;
    if (cores >= 1 && proxies <= cores * proxiesPerCore * Math.max(1, controlPlane.desiredReplicas)) return;
    yield finding(
      'limited',
      { controlPlane, cores, proxies },
      {
        at: controlPlane.ref,
        field: '.spec.template.spec.containers[*].resources.limits.cpu',
        evidence: [{ ref: controlPlane.ref, observed: controlPlane.limits?.cpu ?? '' }],
      },
    );
  },
});
