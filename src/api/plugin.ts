import type { AnyCheck } from './check.ts';
import type { ReporterDefinition } from './reporter.ts';

/** What a third party brings. Plain data and functions: a plug-in with its own copy of this package works. */
export interface PluginDefinition {
  /** Prefix of its ids: check `x` of plug-in `acme` is `acme/x`. */
  readonly name: string;
  /** Version of this contract. */
  readonly api: 1;
  readonly checks?: readonly AnyCheck[];
  readonly reporters?: readonly ReporterDefinition[];
}

export function definePlugin(definition: PluginDefinition): PluginDefinition {
  return definition;
}
