/** Names of services, as IANA has them; what a port is used for is still up to who uses it. */
import names from 'services:names';

/** `tcp/443` as `tcp/443 https`; what has no name stays as it is. */
export function namedService(key: string): string {
  const at = names.indexOf(`\n${key} `);
  return at === -1 ? key : names.slice(at + 1, names.indexOf('\n', at + 1));
}
