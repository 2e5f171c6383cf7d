/** Failure modes that no check claims, and why configuration, debug endpoints and probes cannot decide them. */
export const undecided: Readonly<Record<string, string>> = {};
