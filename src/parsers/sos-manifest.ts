/**
 * `sos_reports/manifest.json`, in which sos since 4.0 says what it collected (sos/report/plugins/__init__.py, _collect_cmd_output):
 *
 *     {"start_time": "2026-11-25 22:33:31.699841", "components": {"report": {"plugins": {"conntrack": {
 *       "start_time": "2026-11-25 22:33:32.349729",
 *       "commands": [{"exec": "conntrack -L", "filepath": "sos_commands/conntrack/conntrack_-L", "truncated": true, …}],
 *       "files": [{"specification": "/proc/slabinfo", "files_copied": ["proc/slabinfo"], …}]}}}}}
 *
 * Times are local, without a zone, so that only their differences mean something. A command has one of its own in later versions; where it
 * has none, and of files, it is only known that it was between the start and the end of its plugin. `truncated` came with 4.2.
 */
import type { Span } from '../snapshot/types.ts';
import type { Parsed } from './parsed.ts';
import { refuse } from './text.ts';

/** What sos says of the files in its archive, by their paths in it. */
export interface SosManifest {
  /** When a file was read, in seconds after sos began. */
  times: ReadonlyMap<string, Span>;
  /** Outputs of which only the end was kept. */
  truncated: ReadonlySet<string>;
}

/** Reads the manifest of sos. */
export function parseSosManifest(text: string, file: string): Parsed<SosManifest> {
  const cost = 'When sos read each file, and which outputs it cut, is not known.';
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch (error) {
    return refuse(file, `is no JSON: ${(error as Error).message}`, cost);
  }
  const plugins = at(manifest, 'components', 'report', 'plugins');
  if (plugins === undefined) return refuse(file, 'names no plugins', cost);
  const began = momentOf(manifest, 'start_time') ?? Number.NaN;
  const times = new Map<string, Span>();
  const truncated = new Set<string>();
  for (const plugin of Object.values(plugins)) {
    const span = (of: unknown): Span | undefined => {
      const [from, to] = [momentOf(of, 'start_time'), momentOf(of, 'end_time')];
      if (from === undefined || to === undefined || !(began <= from && from <= to)) return undefined;
      return { fromSeconds: (from - began) / 1000, toSeconds: (to - began) / 1000 };
    };
    const ofPlugin = span(plugin);
    const note = (path: string, when: Span | undefined) => {
      if (when !== undefined) times.set(path, when);
    };
    for (const command of listOf(plugin, 'commands')) {
      for (const path of placesOf(at(command)?.filepath)) {
        note(path, span(command) ?? ofPlugin);
        if (at(command)?.truncated === true) truncated.add(path);
      }
    }
    for (const copied of listOf(plugin, 'files')) {
      for (const path of listOf(copied, 'files_copied')) if (typeof path === 'string') note(path, ofPlugin);
    }
  }
  return { value: { times, truncated }, problems: [] };
}

/** Where an output is: itself, and the link to it, in whose place it stands where an archive was packed again without links. */
function placesOf(path: unknown): string[] {
  if (typeof path !== 'string') return [];
  const link = /^sos_strings\/(.+)\.tailed$/.exec(path)?.[1];
  return link === undefined ? [path] : [path, `sos_commands/${link}`];
}

/** The object that is found by these names, one in the other. */
function at(value: unknown, ...names: string[]): Record<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const [name, ...others] = names;
  const object = value as Record<string, unknown>;
  if (name === undefined) return object;
  return Object.hasOwn(object, name) ? at(object[name], ...others) : undefined;
}

function listOf(value: unknown, name: string): unknown[] {
  const list = at(value)?.[name];
  return Array.isArray(list) ? list : [];
}

/** Milliseconds; the zone is unknown, and the same for all. */
function momentOf(value: unknown, name: string): number | undefined {
  const stamp = at(value)?.[name];
  const [, day, time] =
    (typeof stamp === 'string' && /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,6})?)/.exec(stamp)) || [];
  const moment = Date.parse(`${day}T${time}Z`);
  return Number.isNaN(moment) ? undefined : moment;
}
