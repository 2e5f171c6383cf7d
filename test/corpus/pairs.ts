import { type Fault, faults } from './faults.ts';

/** One fault that another makes unobservable, so that it may be inconclusive (`blockedBy` that one) or folded instead of a cause of its own. */
export interface Unobservable {
  readonly hidden: string;
  readonly by: string;
  readonly why: string;
}

/** The faults that may be drawn two at a time. */
export const pairable: readonly Fault[] = faults.filter((fault) => fault.mesh === 'primary-remote-1.31');

/**
 * Whether two faults may be drawn together: on one mesh, no field that both edit or rely upon, and not two that would be one finding
 * (the same check speaking of the same cluster).
 */
export function mayPair(one: Fault, other: Fault): boolean {
  if (one.name === other.name || one.mesh !== other.mesh) return false;
  if (one.touches.some((field) => other.touches.some((second) => overlaps(field, second)))) return false;
  return (
    one.expect.first !== other.expect.first ||
    !one.touches.some((field) => other.touches.some((second) => clusterOf(field) === clusterOf(second)))
  );
}

/** Whether two fields of `touches` are one, or one is a part of the other: the object of a field, the field of a field. */
export function overlaps(one: string, other: string): boolean {
  const [short, long] = one.length <= other.length ? [one, other] : [other, one];
  return long === short || long.startsWith(`${short}:`) || (short.includes(':', short.indexOf(':') + 1) && long.startsWith(`${short}/`));
}

/** Why `hidden` need not be a cause of its own beside `by`, if it need not. */
export function whyHidden(hidden: Fault, by: Fault): string | undefined {
  const listed = unobservable.find((pair) => pair.hidden === hidden.name && pair.by === by.name);
  if (listed !== undefined) return listed.why;
  return by.alsoFolded?.includes(hidden.expect.first) === true ? `${by.name}: this is among what it brings about.` : undefined;
}

const noGatewayInPrimary = ['the primary has no east-west gateway'];
const noPodsOfGatewayInPrimary = [...noGatewayInPrimary, "the primary's gateway was scaled to nothing"];
const remoteOnAnotherRevision = ['the remote was installed with a revision that its primary does not run'];
const noInjector = ['every injector is gone from the remote'];
const noLabelInRemote = ['the network label of the remote was taken off live'];
const noLabelInPrimary = ['the network label of the primary was taken off live', 'the primary was installed without a network'];
const gatewayNeverCameUp = [
  'the annotation was missing from the installation on',
  'the primary never was external',
  'the annotation came after the first decision of istiod',
  'the remote secret was never made',
  "the remote's gateway was installed with a revision that nobody serves",
  ...remoteOnAnotherRevision,
];

const named = (fits: (fault: Fault) => boolean): readonly string[] => pairable.filter(fits).map((fault) => fault.name);
const ofCheck = (...ids: readonly string[]): readonly string[] => named((fault) => ids.includes(fault.expect.first));

const exposures = ofCheck(
  'control-plane-exposure/unexposed-istiod',
  'control-plane-exposure/mismatched-exposed-revision',
  'control-plane-exposure/missing-istiod-port',
);
const addresses = ofCheck('control-plane-exposure/stale-pilot-address');
const leaderships = ofCheck('topology/unmatched-control-plane-clusters', 'topology/unset-external-istiod', 'topology/unled-remote');
const readerRoles = ofCheck('remote-secret/insufficient-reader-role');
const unread = ofCheck(
  'remote-secret/missing-remote-secret',
  'remote-secret/unread-remote-secret',
  'remote-secret/rejected-kubeconfig',
  'topology/duplicate-cluster-id',
);
const remoteGatewaysGone = ['the remote has no east-west gateway', "the Service of the remote's gateway lost its network label"];

/**
 * Every pair of faults of which one makes the other unobservable. The first name may be inconclusive or folded wherever the second is
 * there too; to be drawn at all they also have to pass `mayPair`.
 */
export const unobservable: readonly Unobservable[] = [
  ...each(exposures, noGatewayInPrimary, 'What exposes istiod can only be judged at a gateway, and the primary has none.'),
  ...each(
    ['the Gateway for istiod selects no pod'],
    noPodsOfGatewayInPrimary,
    'Where no pod of the gateway runs every selector selects nothing.',
  ),
  ...each(
    [...exposures, ...addresses, ...leaderships],
    remoteOnAnotherRevision,
    'The remote asks for a revision that the primary does not run, so nothing says that this istiod serves it at all.',
  ),
  ...each(
    ofCheck('injection/stale-ca-bundle', 'injection/unserved-revision'),
    remoteOnAnotherRevision,
    'No istiod patches a webhook of another revision than its own.',
  ),
  ...each(
    ['the Service for istiod was deleted from the remote', 'the injectors of the remote call a Service without revision'],
    noInjector,
    'No webhook is left that could call the Service.',
  ),
  ...each(
    addresses,
    [...noInjector, 'the injectors of the remote call a Service without revision', 'the Service for istiod was deleted from the remote'],
    'The Service whose address is old is no longer the one that is called.',
  ),
  ...each(ofCheck('injection/stale-ca-bundle'), noInjector, 'No webhook is left that could hold a caBundle.'),
  ...each(readerRoles, unread, "As long as istiod reads no secret of that cluster nobody acts under the reader's role."),
  ...each(
    ["the Service of the remote's gateway selects no pod", "the pods of the remote's gateway are not ready"],
    gatewayNeverCameUp,
    'There never was a pod for the Service to select.',
  ),
  ...each(remoteGatewaysGone, noLabelInRemote, 'A network that no namespace names misses no gateway.'),
  ...each(noGatewayInPrimary, noLabelInPrimary, 'A network that no namespace names misses no gateway.'),
  ...each(
    noLabelInRemote,
    remoteGatewaysGone,
    'Without a gateway that stands for it there is less to say that the cluster has a network of its own.',
  ),
  ...each(
    noLabelInPrimary,
    noGatewayInPrimary,
    'Without a gateway that stands for it there is less to say that the cluster has a network of its own.',
  ),
];

function each(hidden: readonly string[], by: readonly string[], why: string): readonly Unobservable[] {
  return hidden.flatMap((one) => by.filter((other) => other !== one).map((other) => ({ hidden: one, by: other, why })));
}

function clusterOf(field: string): string {
  return field.slice(0, field.indexOf(':'));
}
