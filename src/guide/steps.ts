import { controlPlane } from './steps/control-plane.ts';
import { controlPlaneClusters } from './steps/control-plane-clusters.ts';
import { exposedIstiod } from './steps/exposed-istiod.ts';
import { exposedServices } from './steps/exposed-services.ts';
import { gateway } from './steps/gateway.ts';
import { nameResolves } from './steps/name-resolves.ts';
import { networkLabel } from './steps/network-label.ts';
import { remoteProfile } from './steps/remote-profile.ts';
import { remoteSecret } from './steps/remote-secret.ts';
import { sharedRoot } from './steps/shared-root.ts';
import { workload } from './steps/workload.ts';
import { isMultiNetwork } from './looking.ts';
import type { Step } from './types.ts';

/** The steps in the order in which they are done: the primary to its end, then what joins it. Those that a plan has no place for drop out. */
export const steps: readonly Step[] = [
  networkLabel(({ primaries }) => primaries),
  sharedRoot,
  controlPlane,
  gateway((plan) => (plan.topology === 'primary-remote' || isMultiNetwork(plan) ? plan.primaries : [])),
  exposedIstiod,
  networkLabel(({ remotes }) => remotes),
  controlPlaneClusters,
  remoteProfile,
  remoteSecret,
  gateway((plan) => (isMultiNetwork(plan) ? plan.remotes : [])),
  exposedServices,
  workload,
  nameResolves,
];
