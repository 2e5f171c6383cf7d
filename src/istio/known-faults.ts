import { type KnownFault, type KnownFaultId, knownFaults, lastKnown } from './known-fault-table.ts';
import { compareVersions, parseVersion } from './versions.ts';

/** All of them, oldest fix first. */
export const rows: readonly KnownFault[] = knownFaults;

/**
 * Whether a release has a fault; nothing when it is no version, or newer than what was known when the table was written and not known
 * to be fixed.
 */
export function isAffected(fault: KnownFault, version: string | undefined): boolean | undefined {
  const parsed = parseVersion(version);
  if (parsed === undefined) return undefined;
  const introduced = parseVersion(fault.introduced);
  if (introduced !== undefined && compareVersions(parsed, introduced) < 0) return false;
  for (const bound of fault.fixed) {
    const fix = parseVersion(bound);
    if (fix === undefined || compareVersions(parsed, fix) < 0) continue;
    // What is in the `.0` of a minor is in all later ones; what came as a patch is in that minor only.
    if (fix.patch === 0 || (fix.major === parsed.major && fix.minor === parsed.minor)) return false;
  }
  const newest = lastKnown.map((text) => parseVersion(text)).find((known) => known?.major === parsed.major && known.minor === parsed.minor);
  if (newest !== undefined) return compareVersions(parsed, newest) <= 0 ? true : undefined;
  const oldest = parseVersion(lastKnown[0]);
  // Minors older than the list get no patches any more.
  return oldest !== undefined && compareVersions(parsed, oldest) < 0 ? true : undefined;
}

/** A row of the table. */
export function faultNamed(id: KnownFaultId): KnownFault {
  const found = rows.find((fault) => fault.id === id);
  if (found === undefined) throw new Error(`no known fault is called ${id}`);
  return found;
}

/** The faults that a release is known to have, in the order of the table. */
export function faultsOf(version: string | undefined): readonly KnownFault[] {
  return rows.filter((fault) => isAffected(fault, version) === true);
}

/** First release without a fault that is reached without leaving a minor, else by the shortest step; nothing when there is none. */
export function fixOf(fault: KnownFault, version: string | undefined): string | undefined {
  const parsed = parseVersion(version);
  if (parsed === undefined) return undefined;
  return fault.fixed.find((bound) => {
    const fix = parseVersion(bound);
    return fix !== undefined && compareVersions(fix, parsed) > 0;
  });
}

export type { FaultCondition, FaultTrigger, KnownFault } from './known-fault-table.ts';
