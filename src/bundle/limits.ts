/** How much of an untrusted input is read: a bound for each size that whoever made it can choose, and the option that moves it. */
import { RefusedError } from './damage.ts';

/** Every bound. Sizes are in bytes. */
export interface Limits {
  /** Bytes that an input unpacks to, those of every layer and of archives in it together. */
  total: number;
  /** How many times its size an input may unpack to, once that is more than `free`. */
  ratio: number;
  free: number;
  /** Members of an input, those that are no files and those of archives in it included. */
  members: number;
  /** How often an archive may be packed, and how deep archives may lie in archives. */
  nesting: number;
  /** Captures in an archive of archives. */
  captures: number;
  /** Bytes that are kept of one file; a table of connections is not kept, and may be of any size. */
  file: number;
  /** Bytes that are kept of all files of a capture. */
  kept: number;
  /** Bytes that are kept of a line of a log. */
  line: number;
}

const [KIB, MIB, GIB, TIB] = [2 ** 10, 2 ** 20, 2 ** 30, 2 ** 40];
const UNITS: Readonly<Record<string, number>> = { '': 1, KiB: KIB, MiB: MIB, GiB: GIB, TiB: TIB };

/** A limit's default, and the least that it may be set to: with less, a bundle of our own would be cut. */
interface Bound {
  usual: number;
  least: number;
  isSize: boolean;
}

const BOUNDS: Readonly<Record<keyof Limits, Bound>> = {
  // A table of ten million entries takes 2 GiB; sos keeps 25 MiB of each log unless it is told otherwise, and with all of a busy host’s
  // logs makes some tens of GiB. This much takes minutes.
  total: { usual: 64 * GIB, least: 4 * KIB, isSize: true },
  // Tables are packed to a tenth, a log that says over and over that the table was full to a thirtieth by xz. Zeros are packed to a
  // thousandth by gzip, by others to less.
  ratio: { usual: 200, least: 1, isSize: false },
  free: { usual: GIB, least: 0, isSize: true },
  // The largest sosreports have some ten thousand members, sos collect of a few hosts so many times more. So many empty ones take seconds.
  members: { usual: 250_000, least: 1, isSize: false },
  // sos collect packs what it collected, must-gather packs that again; a .tar.gz within xz is packed twice.
  nesting: { usual: 3, least: 0, isSize: false },
  // The largest clusters have 5 000 nodes.
  captures: { usual: 10_000, least: 1, isSize: false },
  // The largest real one, /proc/slabinfo, is about 30 KiB; 20 000 lines of a log are about 3 MiB.
  file: { usual: 16 * MIB, least: KIB, isSize: true },
  kept: { usual: 128 * MIB, least: KIB, isSize: true },
  // A line of the kernel has at most 1 KiB, one of syslog at most 8 KiB.
  line: { usual: 64 * KIB, least: 80, isSize: true },
};

const NAMES = Object.keys(BOUNDS) as (keyof Limits)[];

export const DEFAULT_LIMITS: Limits = limitsBy((name) => BOUNDS[name].usual);

/** How `--limit` writes the defaults. */
export const WRITTEN_LIMITS = NAMES.map((name) => `${name}=${written(name, BOUNDS[name].usual)}`).join(',');

function limitsBy(value: (name: keyof Limits) => number): Limits {
  return Object.fromEntries(NAMES.map((name) => [name, value(name)])) as unknown as Limits;
}

/** A limit’s value as `--limit` takes it. */
function written(name: keyof Limits, value: number): string {
  if (!BOUNDS[name].isSize) return String(value);
  const [unit = '', factor = 1] =
    Object.entries(UNITS).findLast(([, each]) => value >= each && value % each === 0) ?? [];
  return `${value / factor}${unit}`;
}

/**
 * Reads what `--limit` was given: `total=64GiB,ratio=200`; what it does not name stays as it is by default.
 *
 * @throws {Error} whose message names the option, what is wrong and what was expected
 */
export function parseLimits(given: string): Limits {
  const limits = { ...DEFAULT_LIMITS };
  for (const pair of given.split(',').map((each) => each.trim())) {
    if (pair === '') continue;
    const [name = '', text = ''] = pair.split('=', 2);
    if (!isLimit(name))
      throw new Error(`--limit ${pair}: expected NAME=VALUE, where NAME is one of ${NAMES.join(', ')}`);
    const { isSize, least } = BOUNDS[name];
    const [, digits, unit = ''] = /^(\d{1,15})([KMGT]iB)?$/.exec(text) ?? [];
    const value = Number(digits ?? Number.NaN) * (UNITS[unit] ?? 1);
    if (!(value >= least) || (!isSize && unit !== '') || !Number.isSafeInteger(value)) {
      const what = isSize ? 'bytes, or KiB, MiB, GiB or TiB,' : 'a whole number';
      throw new Error(
        `--limit ${pair}: expected ${what} from ${written(name, least)} on, such as ${name}=${written(name, BOUNDS[name].usual)}`,
      );
    }
    limits[name] = value;
  }
  return limits;
}

/** What `--limit` would be given for these; empty where they are the defaults. */
export function writtenLimits(limits: Limits): string {
  return NAMES.filter((name) => limits[name] !== BOUNDS[name].usual)
    .map((name) => `${name}=${written(name, limits[name])}`)
    .join(',');
}

const isLimit = (name: string): name is keyof Limits => Object.hasOwn(BOUNDS, name);

/** How a message names the limit that was met: with the option that moves it. */
export function limitOption(limits: Limits, name: keyof Limits): string {
  return `--limit ${name}=${written(name, limits[name])}`;
}

/** What one input has taken so far of what it may, archives within it included. */
export class Budget {
  readonly limits: Limits;
  /** How many bytes of the input itself were read so far, which what comes out of it is compared with. */
  packedBytes: () => number = () => Number.POSITIVE_INFINITY;
  #bytes = 0;
  #members = 0;

  constructor(limits: Limits = DEFAULT_LIMITS) {
    this.limits = limits;
  }

  /**
   * Counts bytes that came out of a layer: of each, as an inner one can be nothing but headers.
   *
   * @throws {RefusedError} where they are too many
   */
  unpack(bytes: number): void {
    const { total, ratio, free } = this.limits;
    this.#bytes += bytes;
    if (this.#bytes > total) {
      throw new RefusedError(
        `unpacks to more than ${written('total', total)}, and is read no further (${limitOption(this.limits, 'total')})`,
      );
    }
    if (this.#bytes > free && this.#bytes > ratio * this.packedBytes()) {
      throw new RefusedError(
        `unpacks to more than ${written('free', free)} and ${ratio} times its size, as no capture does, and is read no further ` +
          `(${limitOption(this.limits, 'ratio')})`,
      );
    }
  }

  /**
   * Counts a member.
   *
   * @throws {RefusedError} where it is one too many
   */
  member(): void {
    this.#members++;
    if (this.#members > this.limits.members) {
      throw new RefusedError(
        `holds more than ${this.limits.members} members, and is read no further (${limitOption(this.limits, 'members')})`,
      );
    }
  }
}
