import semver from 'semver';

/** A version of Istio or Kubernetes as far as it can be compared: build and vendor suffixes are kept out of the order. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** Set for alpha, beta and rc builds: `rc.0`. A vendor's suffix (`1.27.3-asm.1`, `1.28.0-distroless`) is not a pre-release. */
  readonly preRelease?: string;
}

const preReleases = /^(alpha|beta|rc)\b/;

/** Reads `1.31.0`, `v1.34.4`, `1.31.0-rc.0`, `1.27.3-asm.1`, `1.31`, `1.33-alpha.4f…`; nothing for `unknown`, `latest`, `master` or a digest. */
export function parseVersion(text: string | undefined): Version | undefined {
  if (text === undefined) return undefined;
  const shortened = /^v?(\d+)\.(\d+)(-.*)?$/.exec(text.trim());
  const full = shortened === null ? text.trim() : `${shortened[1]}.${shortened[2]}.0${shortened[3] ?? ''}`;
  const parsed = semver.parse(full, { loose: true });
  if (parsed === null) return undefined;
  const suffix = parsed.prerelease.join('.');
  const version = { major: parsed.major, minor: parsed.minor, patch: parsed.patch };
  return preReleases.test(suffix) ? { ...version, preRelease: suffix } : version;
}

/** `1.31` of `1.31.0-rc.0`; nothing when the text is not a version. */
export function minorOf(text: string | undefined): string | undefined {
  const version = parseVersion(text);
  return version === undefined ? undefined : `${version.major}.${version.minor}`;
}

/** Negative, zero or positive, by major, minor and patch; a pre-release counts as the release it leads to, since it has its behaviour. */
export function compareVersions(a: Version, b: Version): number {
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch;
}

/** Whether `text` is `bound` or newer; nothing when either is not a version. A bound of two numbers means its `.0`. */
export function isAtLeast(text: string | undefined, bound: string): boolean | undefined {
  const version = parseVersion(text);
  const other = parseVersion(bound);
  return version === undefined || other === undefined ? undefined : compareVersions(version, other) >= 0;
}

/** Minor releases from `a` to `b`: 1 when `b` is one minor newer, -2 when two older; nothing across majors or for what is not a version. */
export function minorsBetween(a: string | undefined, b: string | undefined): number | undefined {
  const from = parseVersion(a);
  const to = parseVersion(b);
  if (from === undefined || to === undefined || from.major !== to.major) return undefined;
  return to.minor - from.minor;
}
