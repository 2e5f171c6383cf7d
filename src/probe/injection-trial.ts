import { annotations } from '../istio/labels.ts';
import type { Changed, Read } from '../kube/connection.ts';
import { defined, fields, filled, objects, optionalFields, tally } from '../model/decode.ts';
import { clusterId, networkId, revision } from '../model/ids.ts';
import type { InjectedProxy, InjectionTrial } from '../model/observations.ts';
import { oneLine } from './failure.ts';

/** Label of everything that meshdoctor asks for, whether it stays or not. */
export const ownLabels = { 'app.kubernetes.io/managed-by': 'meshdoctor' } as const;

/**
 * The plainest pod that every profile of PodSecurity lets in. Nobody pulls its image: the pod is never kept.
 */
export function trialPod(): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'meshdoctor-dry-run-', labels: { ...ownLabels, app: 'meshdoctor-dry-run' } },
    spec: {
      automountServiceAccountToken: false,
      restartPolicy: 'Never',
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'trial',
          image: 'registry.k8s.io/pause:3.10',
          resources: { requests: { cpu: '1m', memory: '8Mi' }, limits: { cpu: '10m', memory: '16Mi' } },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
        },
      ],
    },
  };
}

type Outcome = InjectionTrial['outcome'];

/** What the answer of the API server says; a missing right is left to whoever asked. */
export function trialOutcome(read: Exclude<Read<Changed>, { readonly status: 'forbidden' }>): Outcome {
  if (read.status === 'absent') return { is: 'failed', code: 'not-found', reason: 'the namespace is gone' };
  if (read.status === 'failed') return { is: 'failed', code: read.code, reason: read.reason };
  if (read.value.is === 'done') return madeOf(read.value.object);
  const { code, message } = read.value;
  if (message.includes('failed calling webhook')) return { is: 'refused', message: oneLine(message, longestMessage) };
  if (code === 404) return { is: 'failed', code: 'not-found', reason: oneLine(message) };
  return code >= 500 ? { is: 'failed', code: 'server-error', reason: oneLine(message) } : { is: 'denied', message: oneLine(message) };
}

/** The address of a webhook and what went wrong with it stand at the end. */
const longestMessage = 1000;

/** The pod as admission left it. */
function madeOf(object: unknown): Outcome {
  const odd = tally();
  const pod = fields(odd, object);
  const spec = fields(odd, pod['spec']);
  const container = [...objects(odd, spec['containers']), ...objects(odd, spec['initContainers'])].find(
    ({ name }) => name === 'istio-proxy',
  );
  if (container === undefined) return { is: 'made' };
  const notes = optionalFields(odd, fields(odd, pod['metadata'])['annotations']) ?? {};
  const env = new Map(objects(odd, container['env']).map((one) => [filled(odd, one['name']), filled(odd, one['value'])]));
  const [own, id, network] = [filled(odd, notes[annotations.revision]), env.get('ISTIO_META_CLUSTER_ID'), env.get('ISTIO_META_NETWORK')];
  const proxy: InjectedProxy = defined({
    revision: own === undefined ? undefined : revision(own),
    clusterId: id === undefined ? undefined : clusterId(id),
    network: network === undefined ? undefined : networkId(network),
  });
  return { is: 'made', proxy };
}
