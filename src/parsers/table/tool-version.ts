/** What a version of conntrack-tools does. */

/**
 * The version from which on `conntrack -L` lists both families unless told otherwise; before, IPv4 only (conntrack-tools, commit 4edc838;
 * the man page still says IPv4).
 */
const LISTS_BOTH = [1, 4, 7];

/** Whether `conntrack -L` of this version of conntrack-tools lists IPv6 as well as IPv4 without being told. */
export function listsBothFamilies(toolVersion: string): boolean {
  const parts = toolVersion.split(/[^0-9]/, LISTS_BOTH.length).map(Number);
  const at = LISTS_BOTH.findIndex((part, index) => (parts[index] ?? 0) !== part);
  return at === -1 || (parts[at] ?? 0) > (LISTS_BOTH[at] ?? 0);
}
