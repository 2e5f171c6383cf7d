import { ownLabels } from './injection-trial.ts';
import { podScript } from './pod-script.ts';

export const probeContainer = 'probe';

/** Seconds after which Kubernetes ends it by itself, whatever became of whoever made it. */
const longestLife = 120;

/**
 * A pod that asks and ends: of the restricted profile, without a token, without pull secrets. Where its namespace is injected it gets a
 * sidecar as applications do; connections to ports of gateways pass that by.
 */
export function probePod(name: string, image: string, args: readonly string[], gatewayPorts: readonly number[]): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      labels: { ...ownLabels, 'app.kubernetes.io/name': 'meshdoctor-probe' },
      annotations: {
        'meshdoctor/about': 'Asks questions for meshdoctor check --probe=pod; meshdoctor cleanup removes it.',
        'traffic.sidecar.istio.io/excludeOutboundPorts': gatewayPorts.join(','),
        'proxy.istio.io/config': '{"holdApplicationUntilProxyStarts":true}',
      },
    },
    spec: {
      activeDeadlineSeconds: longestLife,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 0,
      securityContext: { runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: probeContainer,
          image,
          imagePullPolicy: 'IfNotPresent',
          command: ['/bin/sh', '-c', podScript, 'meshdoctor', ...args],
          resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '200m', memory: '64Mi' } },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
        },
      ],
    },
  };
}
