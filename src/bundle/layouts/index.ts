/** Which layout an archive has, and where its members belong in ours. */
import { eks } from './eks.ts';
import { insights } from './insights.ts';
import { type Division, hostPlace, type Layout, type Place } from './layout.ts';
import { loose } from './loose.ts';
import { rancher } from './rancher.ts';
import { sectionsOf } from './sections.ts';
import { sosreport } from './sosreport.ts';
import { supportconfig } from './supportconfig.ts';

/** One that is recognised by little comes after those that are sure. */
const LAYOUTS: readonly Layout[] = [sosreport, supportconfig, insights, eks, rancher, loose];

/** Our own bundle, a tree that mirrors the host's own paths, or what another collector makes. */
export type LayoutId = Layout['id'] | 'bundle' | 'tree';

/** How reports and messages call a layout. */
export function layoutTitle(id: LayoutId): string {
  if (id === 'bundle') return 'bundle of collect.sh';
  if (id === 'tree') return 'tree of files';
  return LAYOUTS.find((layout) => layout.id === id)?.title ?? id;
}

/**
 * What stands above the folders that mirror the host, or that a layout defines. A file that is in none of them (a note that somebody
 * added) belongs to no bundle and decides nothing.
 */
const TOP_FOLDER = new RegExp(
  `^(?:.*?/)??(?=${[
    '(?:proc|sys|etc|commands|series|after|tail|netns|var/log|(?:run|lib|usr/lib|usr/local/lib)/sysctl\\.d)/',
    '(?:manifest|inventory|netns)\\.csv$',
    '(?:sos_commands|sos_strings|sos_reports|sos_logs|insights_commands|meta_data|systeminfo|sysctls)/',
    'data/(?:proc|sys|etc|insights_commands)/',
    '(?:insights_archive|basic-environment|basic-health-check|supportconfig)\\.txt$',
    'boot/config-[^/]+$',
    'networking/(?:conntrack6?\\.txt|conntrack\\.out|nf_conntrack_\\w+)$|kernel/(?:uname\\.txt|dmesg\\.)|system/instance-id\\.txt$',
  ].join('|')})`,
);

/** Loose files are at the top, or in the only folder that is there. */
const LOOSE = /^(?:[^/]+\/)?(?=[^/]+$)/;

/** What stands in front of a member's path, with `/`; undefined where its path does not tell. */
export function topFolderOf(path: string): string | undefined {
  const top = TOP_FOLDER.exec(path)?.[0];
  if (top !== undefined) return top;
  const folder = LOOSE.exec(path)?.[0];
  return folder !== undefined && loose.mark.test(path.slice(folder.length)) ? folder : undefined;
}

/** Whether every capture has a file of this path, below its top folder, and nothing else is likely to. */
export function isTelling(path: string): boolean {
  return (
    /^(?:manifest\.csv|proc\/slabinfo|proc\/net\/(?:nf|ip)_conntrack)$/.test(path) ||
    LAYOUTS.some(({ mark }) => mark.test(path))
  );
}

/** A member of an archive; see Member in ../bundle.ts. */
interface Placeable {
  path: string;
  bytes: number;
  content: AsyncIterable<Uint8Array>;
}

/** A member, or a part of one, with where it belongs. */
export interface Part {
  place: Place;
  /** Where it is, and how many lines of that are in front of it. */
  file: string;
  linesBefore: number;
  /** Its size, where that is known before it was read. */
  bytes: number | undefined;
  content: AsyncIterable<Uint8Array>;
}

/** Says of each member in turn where it belongs. */
export class Placer {
  readonly #isKnown: (path: string) => boolean;
  #layout: Layout | 'bundle' | undefined;

  /** @param isKnown  whether a path of our own bundle means something */
  constructor(isKnown: (path: string) => boolean) {
    this.#isKnown = isKnown;
  }

  /** What the members so far say. */
  get layout(): LayoutId {
    if (this.#layout === undefined) return 'tree';
    return this.#layout === 'bundle' ? 'bundle' : this.#layout.id;
  }

  /** When an archive of this name was made, ISO 8601, UTC; undefined where its name does not tell. */
  timeIn(name: string): string | undefined {
    const pattern = typeof this.#layout === 'object' ? this.#layout.timeInName : undefined;
    const [, year, month, day, hour, minute] = pattern?.exec(name) ?? [];
    return year === undefined ? undefined : `${year}-${month}-${day}T${hour}:${minute}:00Z`;
  }

  /**
   * Where a member belongs; undefined where it is of no interest.
   *
   * @param path  below the top folder
   */
  placeOf(path: string): Place | Division | undefined {
    if (path === 'manifest.csv') this.#layout = 'bundle';
    if (this.#layout === undefined || this.#layout === loose) {
      this.#layout = LAYOUTS.find((layout) => layout.mark.test(path)) ?? this.#layout;
    }
    const own = this.#isKnown(path) ? (hostPlace(path) ?? { path }) : undefined;
    if (this.#layout === 'bundle') return own;
    if (this.#layout !== undefined) return this.#accepted(this.#layout.placeOf(path)) ?? own;
    // An archive may begin with what many layouts have.
    return own ?? LAYOUTS.map((layout) => this.#accepted(layout.placeOf(path))).find((place) => place !== undefined);
  }

  /**
   * Takes a member apart: itself, or the parts of it that belong somewhere, to be used up one after the other.
   *
   * @param member  its `content` is not touched where nothing in it is of interest
   */
  async *partsOf({ path, bytes, content }: Placeable): AsyncGenerator<Part> {
    const place = this.placeOf(path);
    if (place === undefined) return;
    if (!('prefix' in place)) {
      yield { place, file: path, linesBefore: 0, bytes, content };
      return;
    }
    for await (const section of sectionsOf(content, place.prefix, place.more)) {
      const part = place.placeOf(section.head);
      if (part === undefined || !this.#isKnown(part.path)) continue;
      yield { place: part, file: path, linesBefore: section.firstLine - 1, bytes: undefined, content: section.content };
    }
  }

  #accepted(place: Place | Division | undefined): Place | Division | undefined {
    return place === undefined || 'prefix' in place || this.#isKnown(place.path) ? place : undefined;
  }
}
