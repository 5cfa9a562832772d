/** All pseudonyms of one key. */
import { createHmac } from 'node:crypto';
import { AddressPseudonyms } from './addresses.ts';
import { derivedKey } from './key.ts';
import { canonicalName, isOrdinaryDomain } from './words.ts';

/** What the pseudonyms are made by; `anonymized` in manifest.csv names it. */
export const SCHEME = 'crypto-pan/1';

/** Labels of a domain that a pseudonym has, at most: the collector cuts a host name at 60 characters. */
const LABELS = 3;

/** Kinds of names. Some kernel releases look like an address, and have to stay. */
export type NameKind = 'host' | 'domain' | 'user' | 'id' | 'release';

/** Pseudonyms of one key: the same for the same name or address, wherever and whenever it is met. */
export class Pseudonyms {
  readonly addresses: AddressPseudonyms;
  /** Which key it was: as `anonymized_key_id` in manifest.csv says. */
  readonly keyId: string;
  readonly #nameKey: Uint8Array;

  /** @param key at least 32 bytes */
  constructor(key: Uint8Array) {
    this.addresses = new AddressPseudonyms({ ipv4: derivedKey(key, 'ipv4', 16), ipv6: derivedKey(key, 'ipv6', 16) });
    this.#nameKey = derivedKey(key, 'names', 32);
    this.keyId = Buffer.from(derivedKey(key, 'key id', 6)).toString('hex');
  }

  /** What a name is replaced by. */
  name(kind: NameKind, name: string): string {
    if (kind === 'release') return name;
    if (kind === 'user') return `u${this.#keyed('user', name, 8)}`;
    if (kind === 'id') return this.id(name);
    if (kind === 'domain') return this.#domain(canonicalName(name));
    const [label = '', ...domain] = canonicalName(name).split('.');
    const host = `h${this.#keyed('host', label, 10)}`;
    return domain.length === 0 ? host : `${host}.${this.#domain(domain.join('.'))}`;
  }

  /** Each label by the domain that it completes; `.example` (RFC 2606) says that it is none. */
  #domain(domain: string): string {
    if (isOrdinaryDomain(domain)) return domain;
    const labels = domain.split('.');
    const suffixes = labels.map((_, at) => labels.slice(at).join('.'));
    // The last label alone tells nothing, unless there is no other.
    const told = labels.length > 1 ? suffixes.slice(0, -1) : suffixes;
    const shown = told.length > LABELS ? [told[0] ?? '', ...told.slice(1 - LABELS)] : told;
    return `${shown.map((suffix) => `d${this.#keyed('domain', suffix, 8)}`).join('.')}.example`;
  }

  /** Hexadecimal digits for as many, with dashes where there are some: a machine id and a boot id are printed with and without. */
  id(id: string): string {
    const digits = id.replaceAll('-', '').toLowerCase();
    // No id, or all bits: of nobody.
    if (/^(?:0+|f+)$/.test(digits)) return id;
    const keyed = this.#keyed('id', digits, digits.length);
    let at = 0;
    return id.replace(/[0-9a-f]/gi, () => keyed[at++] ?? '0');
  }

  /**
   * Bytes of a hardware address: locally administered (IEEE 802), and of a group where it was.
   *
   * @param octets 1 to 32 bytes, which the pseudonym takes the place of
   */
  mac(octets: Uint8Array): void {
    if (octets.every((octet) => octet === 0) || octets.every((octet) => octet === 0xff)) return;
    const group = (octets[0] ?? 0) & 1;
    const keyed = createHmac('sha256', this.#nameKey).update('mac\0').update(octets).digest();
    octets.set(keyed.subarray(0, octets.length));
    octets[0] = ((octets[0] ?? 0) & 0xfc) | 2 | group;
  }

  #keyed(kind: string, text: string, digits: number): string {
    return createHmac('sha256', this.#nameKey).update(`${kind}\0${text}`).digest('hex').slice(0, digits);
  }
}
