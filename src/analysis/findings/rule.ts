/** What a rule is: it looks at what was captured and measured, and says one thing of it, with the proof. */
import type { Fact, Snapshot } from '../../snapshot/types.ts';
import type { NewLimits } from '../commands.ts';
import { settingNameOf } from '../kernel.ts';
import type { Analysis, Commands, Comparison, Evidence, Finding, Quantity, Severity } from '../schema.ts';

/** The analysis as far as it only measures: what rules judge. */
export type Measured = Omit<Analysis, 'verdict' | 'findings' | 'recommendation' | 'comparisons'>;

/** What a rule is given. */
export interface Host {
  snapshot: Snapshot;
  measured: Measured;
  /** Numbers that are in several places. */
  comparisons: readonly Comparison[];
  /** Limits that are recommended, once that is known: a rule that names commands must not contradict them. */
  recommended?: NewLimits | undefined;
}

/** What a rule finds. */
type Assessment =
  /** It cannot tell, for want of these: noun phrases such as `the drop counters`. */
  | { missing: string[] }
  /** What it would say is said by another finding, and more. */
  | { coveredBy: string }
  | {
      severity: Exclude<Severity, 'unknown'>;
      /** The section of the rule's file in templates/findings that states it. */
      says: string;
      /** Numbers of this host, each named with its unit; undefined ones are left out. */
      values?: Record<string, Quantity | undefined>;
      evidence: Evidence[];
      confidence: NonNullable<Finding['confidence']>;
      /** `as recommended`: what the recommendation sets is the remedy. */
      commands?: Commands | 'as recommended' | undefined;
    };

/** One thing to look for. Its prose is templates/findings/<id>.hbs. */
export interface Rule {
  id: string;
  assess(host: Host): Assessment;
}

/** A number of things: `1 packet`, `51 packets`. */
export function things(count: number, one: string, many = `${one}s`): Quantity {
  return { count, one, many };
}

/** Evidence from a fact, if there is one, under the name that the kernel has for it. */
export function seen(what: string, fact: Fact<number | string> | undefined): Evidence[] {
  return fact ? [{ what, value: fact.value, file: fact.file, line: fact.line }] : [];
}

/** Evidence from a setting, under its whole name, as this kernel has it. */
export function seenSetting(fact: Fact<number> | undefined): Evidence[] {
  return fact ? seen(settingNameOf(fact), fact) : [];
}

/** Evidence from a counter of the last reading, summed over the CPUs. */
export function seenCounter(name: string, { drops: { counters } }: Measured): Evidence[] {
  const total = counters?.totals[name];
  return counters && total !== undefined ? [{ what: name, value: total, file: counters.file }] : [];
}

/** Evidence from the table: a number of its rows. */
export function seenRows(what: string, rows: number, { table }: Measured): Evidence[] {
  return table ? [{ what, value: things(rows, 'row'), file: table.files[0] ?? '' }] : [];
}

/** Evidence from slabinfo, of the caches that hold most: the objects of each, in use and in all. */
export function seenObjects({ slab }: Measured): Evidence[] {
  return largest(slab).flatMap(({ name, activeObjects, totalObjects, file, line }) => [
    { what: `active_objs of ${name}`, value: activeObjects, file, line },
    { what: `num_objs of ${name}`, value: totalObjects, file, line },
  ]);
}

/** The same: the slabs of each. */
export function seenSlabs({ slab }: Measured): Evidence[] {
  return largest(slab).map(({ name, totalSlabs, file, line }) => ({
    what: `num_slabs of ${name}`,
    value: totalSlabs,
    file,
    line,
  }));
}

/** Evidence that the page size is not one that was captured, where what a rule says rests on it. */
export function seenInferredPage({ pageBytes }: Measured): Evidence[] {
  return pageBytes?.inferred === undefined ? [] : seen('page size in bytes, inferred', pageBytes);
}

/** Kernels with a cache for each namespace can have thousands. */
function largest({ caches }: Measured['slab']): Measured['slab']['caches'] {
  return [...caches].sort((a, b) => b.totalSlabs - a.totalSlabs).slice(0, 2);
}
