/** When things happened in every mesh of the builder: installed two days before it was looked at, running since. */
export const takenAt = '2026-11-22T21:27:43Z';

export const times = {
  cluster: '2026-11-20T08:00:06Z',
  node: '2026-11-20T08:01:09Z',
  systemNamespace: '2026-11-20T08:10:12Z',
  istiod: '2026-11-20T08:10:14Z',
  tag: '2026-11-20T08:10:19Z',
  leading: '2026-11-20T08:10:26Z',
  eastWest: '2026-11-20T08:14:45Z',
  exposure: '2026-11-20T08:14:47Z',
  remote: '2026-11-20T08:21:36Z',
  remoteTag: '2026-11-20T08:21:38Z',
  remoteSecret: '2026-11-20T08:23:39Z',
  remoteLeading: '2026-11-20T08:23:40Z',
  remoteEastWest: '2026-11-20T08:26:08Z',
  applications: '2026-11-20T09:02:50Z',
  /** A second revision, two hours before the mesh was looked at. */
  upgrade: '2026-11-22T19:30:14Z',
  upgradeTag: '2026-11-22T19:30:19Z',
  /** Last renewal of every lock that a running istiod holds: a second or three before `takenAt`. */
  renewed: '2026-11-22T21:27:42Z',
  renewedFromAfar: '2026-11-22T21:27:40Z',
} as const;
