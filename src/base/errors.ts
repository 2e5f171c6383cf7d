/** Stable codes of conditions of the run. Conditions of a cluster are facts, of a check outcomes; neither is an exception. */
export type ErrorCode =
  | 'ERR_USAGE'
  | 'ERR_UNKNOWN_CHECK'
  | 'ERR_UNKNOWN_FORMAT'
  | 'ERR_UNKNOWN_FLAG'
  | 'ERR_UNKNOWN_COMMAND'
  | 'ERR_BAD_VALUE'
  | 'ERR_CONFIG_INVALID'
  | 'ERR_CONFIG_UNREADABLE'
  | 'ERR_NO_CLUSTER'
  | 'ERR_SOURCE_UNREADABLE'
  | 'ERR_OUTPUT_UNWRITABLE'
  | 'ERR_PLUGIN_INVALID'
  | 'ERR_PLUGIN_API'
  | 'ERR_PLUGIN_UNREADABLE';

/** A condition of the run that the user can mend: one sentence, perhaps a hint; never a stack trace. Exit code 2. */
export class MeshdoctorError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  constructor(code: ErrorCode, message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
  }
}

/** A flag, argument, check, format or command that does not exist or does not fit. */
export class UsageError extends MeshdoctorError {}
/** A configuration file that cannot be read or does not follow its schema. */
export class ConfigError extends MeshdoctorError {}
/** No cluster could be opened at all. */
export class SourceError extends MeshdoctorError {}
/** A plug-in that cannot be loaded or does not keep its contract. */
export class PluginError extends MeshdoctorError {}
