import { ambientGatewayFaults } from './ambient-gateways.ts';
import { ambientServiceFaults } from './ambient-services.ts';
import { ambientFaults } from './ambient.ts';
import { canaryFaults } from './canary.ts';
import { credentialFaults } from './credentials.ts';
import { configurationFaults } from './configuration.ts';
import { externalFaults } from './external.ts';
import type { Fault } from './fault.ts';
import { multiPrimaryFaults } from './multi-primary.ts';
import { nameFaults } from './names.ts';
import { oneNetworkFaults } from './one-network.ts';
import { policyFaults } from './policies.ts';
import { refusedFaults } from './refused.ts';
import { runningFaults } from './running.ts';
import { setupFaults } from './setup.ts';
import { trustFaults } from './trust.ts';
import { unheardFaults } from './unheard.ts';
import { wayFaults } from './ways.ts';

export const faults: readonly Fault[] = [
  ...setupFaults,
  ...runningFaults,
  ...multiPrimaryFaults,
  ...configurationFaults,
  ...oneNetworkFaults,
  ...externalFaults,
  ...ambientFaults,
  ...ambientServiceFaults,
  ...ambientGatewayFaults,
  ...canaryFaults,
  ...nameFaults,
  ...policyFaults,
  ...trustFaults,
  ...credentialFaults,
  ...wayFaults,
  ...unheardFaults,
  ...refusedFaults,
];
