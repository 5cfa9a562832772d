/**
 * IP addresses of the connection table. IPv4 is printed in one way. IPv6 comes in three: /proc prints all 32 digits (`%pI6`,
 * `%pi6`), `conntrack` what inet_ntop(3) makes of it, which for `::/96` is dotted. All become what RFC 5952 asks for.
 */

const DOT = 46;
const COLON = 58;

/** The address in canonical form, or undefined where the text is not an IPv4 or IPv6 address. */
export function canonicalAddress(text: string): string | undefined {
  if (!text.includes(':')) return isIPv4(text) ? text : undefined;
  return canonicalIPv6(text);
}

/**
 * The address as /proc prints it, all 32 digits of IPv6.
 *
 * @param address in canonical form
 */
export function fullAddress(address: string): string {
  if (!address.includes(':')) return address;
  return (groupsOf(address) ?? []).map((group) => group.toString(16).padStart(4, '0')).join(':');
}

/** The canonical form of the 4 bytes of an IPv4 or the 16 of an IPv6 address, in network order. */
export function addressOf(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const digits = Buffer.from(bytes).toString('hex');
  return canonicalIPv6(digits.replace(/.{4}(?!$)/g, '$&:')) ?? '';
}

function isIPv4(text: string): boolean {
  let octets = 1;
  let digits = 0;
  let octet = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (digits === 0) return false;
      octets++;
      digits = 0;
      octet = 0;
    } else {
      if (code < 48 || code > 57 || (digits > 0 && octet === 0)) return false;
      octet = octet * 10 + code - 48;
      digits++;
      if (octet > 255) return false;
    }
  }
  return octets === 4 && digits > 0;
}

/** RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as `::`, `::ffff:` dotted. */
function canonicalIPv6(text: string): string | undefined {
  const groups = groupsOf(text);
  if (groups === undefined) return undefined;
  const [, , , , , mapped, high = 0, low = 0] = groups;
  if (mapped === 0xffff && groups.every((group, index) => index >= 5 || group === 0)) {
    return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  }
  const [start, end] = longestZeroRun(groups);
  if (start === end) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(end))}`;
}

function hex(groups: number[]): string {
  return groups.map((group) => group.toString(16)).join(':');
}

/** `[start, end)` of the zero groups that `::` stands for; empty where there are not two in a row. */
function longestZeroRun(groups: number[]): [number, number] {
  let best: [number, number] = [0, 0];
  let start = 0;
  for (let at = 0; at <= groups.length; at++) {
    if (groups[at] === 0) continue;
    if (at - start >= 2 && at - start > best[1] - best[0]) best = [start, at];
    start = at + 1;
  }
  return best;
}

/** The eight 16-bit groups, or undefined where the text is not an IPv6 address. */
function groupsOf(text: string): number[] | undefined {
  const gap = text.indexOf('::');
  if (gap === -1) {
    const groups = groupList(text);
    return groups?.length === 8 ? groups : undefined;
  }
  const head = text.slice(0, gap);
  const before = head.includes('.') ? undefined : groupList(head);
  const after = groupList(text.slice(gap + 2));
  if (before === undefined || after === undefined || before.length + after.length > 7) return undefined;
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}

/** Groups between colons, the last of which may be a dotted IPv4 address that counts as two. */
function groupList(text: string): number[] | undefined {
  const groups: number[] = [];
  if (text === '') return groups;
  let value = 0;
  let digits = 0;
  let start = 0;
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : COLON;
    if (code === COLON) {
      if (digits === 0 || digits > 4) return undefined;
      groups.push(value);
      value = 0;
      digits = 0;
      start = at + 1;
    } else if (code === DOT) {
      const dotted = text.slice(start);
      if (!isIPv4(dotted)) return undefined;
      const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
      groups.push(a * 256 + b, c * 256 + d);
      return groups;
    } else {
      const digit = hexDigit(code);
      if (digit === undefined) return undefined;
      value = value * 16 + digit;
      digits++;
    }
  }
  return groups;
}

function hexDigit(code: number): number | undefined {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : undefined;
}
