/** IP addresses as text, as Istio tells them from hostnames. */

/** 4 or 6 for an IP address; nothing for a hostname or anything else. An IPv4-mapped IPv6 address counts as IPv4. */
export function ipFamily(address: string): 4 | 6 | undefined {
  const bytes = ipBytes(address);
  return bytes === undefined ? undefined : bytes.length === 4 ? 4 : 6;
}

/** Whether two addresses are one: IPv6 has several spellings, host names two cases. */
export function isSameAddress(a: string, b: string): boolean {
  return a === b || spelling(a) === spelling(b);
}

/** Whether `address` lies in `cidr` (`10.1.0.0/16`, `2001:db8::/32`); false when either cannot be read or the families differ. */
export function isInCidr(address: string, cidr: string): boolean {
  const [base, size, ...rest] = cidr.split('/');
  const network = ipBytes(base ?? '');
  const bytes = ipBytes(address);
  if (network === undefined || bytes === undefined || network.length !== bytes.length || rest.length > 0 || !/^\d+$/.test(size ?? ''))
    return false;
  const bits = Number(size);
  if (bits > network.length * 8) return false;
  for (let i = 0; i * 8 < bits; i++) {
    const kept = Math.min(8, bits - i * 8);
    const mask = (0xff << (8 - kept)) & 0xff;
    if (((network[i] ?? 0) & mask) !== ((bytes[i] ?? 0) & mask)) return false;
  }
  return true;
}

/** The bytes of an IP address, 4 or 16; nothing for anything else. */
export function ipBytes(address: string): readonly number[] | undefined {
  if (address.includes(':')) return bytes6(address);
  const parts = address.split('.');
  if (parts.length !== 4) return undefined;
  const bytes = parts.map((part) => (/^(0|[1-9]\d{0,2})$/.test(part) ? Number(part) : 256));
  return bytes.some((byte) => byte > 255) ? undefined : bytes;
}

function spelling(address: string): string {
  return ipBytes(address)?.join('.') ?? address.toLowerCase().replace(/\.$/, '');
}

function bytes6(address: string): readonly number[] | undefined {
  const lastColon = address.lastIndexOf(':');
  const dotted = address.slice(lastColon + 1);
  if (dotted.includes('.')) {
    const bytes4 = ipBytes(dotted);
    if (bytes4 === undefined) return undefined;
    const [a = 0, b = 0, c = 0, d = 0] = bytes4;
    const words = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
    return unmapped(bytes6(address.slice(0, lastColon + 1) + words));
  }
  const halves = address.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const given = (head?.length ?? 0) + (tail?.length ?? 0);
  if (tail === undefined ? given !== 8 : given > 7) return undefined;
  const words = [...(head ?? []), ...Array.from({ length: 8 - given }, () => '0'), ...(tail ?? [])];
  if (!words.every((word) => /^[0-9a-f]{1,4}$/i.test(word))) return undefined;
  return unmapped(words.flatMap((word) => [Number.parseInt(word, 16) >> 8, Number.parseInt(word, 16) & 0xff]));
}

function unmapped(bytes: readonly number[] | undefined): readonly number[] | undefined {
  const isMapped = bytes?.length === 16 && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return isMapped ? bytes.slice(12) : bytes;
}
