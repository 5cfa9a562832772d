/** A layout: how an archive that another collector made is recognised, and where each datum is in it. */
import type { Line } from './sections.ts';

/** Where a member, or a part of one, belongs in our own bundle (../README.md), whose paths everything behind this knows. */
export interface Place {
  path: string;
  /** Of several sources of one path the least is the best; 0 unless told. */
  rank?: number;
  /** Only the lines of interest were kept of what this is made of: that one is missing proves nothing. */
  isFiltered?: boolean;
  /** One of many texts that nobody limits in size, of which only lines that name conntrack are of interest. */
  isLog?: boolean;
}

/** A member that holds several outputs one after the other. */
export interface Division {
  /** What lines that begin a part begin with. */
  prefix: string;
  /** How many more lines belong to what tells the part's name. */
  more: number;
  /** Where a part belongs, by the line that begins it and those that follow. */
  placeOf(lines: readonly Line[]): Place | undefined;
}

export interface Layout {
  id: 'sosreport' | 'supportconfig' | 'insights' | 'eks' | 'rancher' | 'loose';
  /** How reports and messages call it. */
  title: string;
  /** Paths below the top folder that no other layout has. */
  mark: RegExp;
  /** Year, month, day, hour and minute, in UTC, in the name of the archive, where nothing in it says when it was made. */
  timeInName?: RegExp;
  /** Where a member belongs; undefined where nothing in it is of interest. */
  placeOf(path: string): Place | Division | undefined;
}

/** A rule of a layout: paths, and what they stand for; `$1` is what the first group matched. */
export type Rule = readonly [path: RegExp, to: string, more?: Omit<Place, 'path'>];

/** The place that the first rule that fits says. */
export function placeByRules(rules: readonly Rule[], path: string): Place | undefined {
  for (const [pattern, to, more] of rules) {
    const match = pattern.exec(path);
    if (match) return { path: to.replace(/\$(\d)/g, (_, group) => match[Number(group)] ?? ''), ...more };
  }
  return undefined;
}

/** Paths that mirror the host's own, as every layout has some. */
export const HOST_PATHS =
  /^(?:proc|sys|etc|var\/log|(?:run|lib|usr\/lib|usr\/local\/lib)\/sysctl\.d)\/(?!.*(?:^|\/)\.\.?(?:\/|$))/;

/** Logs that syslog writes, which hold everything that happens on a host. */
const SYSLOG = /^var\/log\/(?:messages|syslog|kern\.log)$/;

/** The place of a path that mirrors the host's own. */
export function hostPlace(path: string): Place | undefined {
  if (!HOST_PATHS.test(path)) return undefined;
  return SYSLOG.test(path) ? { path, isLog: true } : { path };
}
