/**
 * Failure modes that no check claims, and why configuration, debug endpoints and probes cannot decide them. The tests demand a line for every
 * mode that is not detected, and refuse one for a mode that a check claims.
 */
export const undecided: Readonly<Record<string, string>> = {
  'EW-17':
    'Whether an outlier is ejected is only known to each proxy (statistics that Istio leaves out unless they are asked for), and a rule that could eject one gateway address is what many run on purpose.',
  'TRU-11': 'Certificates of ztunnel are only shown by ztunnel itself (its config dump or metrics), which nothing here asks yet.',
  'POL-10':
    'Releases before 1.20 did so and are told as such (VER-05); in later ones it depends on where each proxy looks the name up, which nothing here shows.',
  'CLD-03':
    'A firewall between pod networks shows in no object of Kubernetes, and a pod that asks (--probe=pod) calls services, not single pods of the other cluster: what fails need not be the way.',
  'VER-06': 'Which istioctl somebody runs is not in the mesh, and what it says wrongly is no fault of it.',
  'PERF-06': 'How long other tools wait for a cluster is not in the mesh; meshdoctor bounds its own waiting.',
};
