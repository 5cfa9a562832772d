import type { Fact, LogLine, Snapshot } from '../../snapshot/types.ts';
import { commandsToSet } from '../commands.ts';
import { isSince } from '../kernel.ts';
import type { Commands } from '../schema.ts';
import { FILLING, NEAR } from '../usage.ts';
import { type Measured, type Rule, seen, things } from './rule.ts';

/** The kernel's default, 4 × (buckets ÷ 256), of a machine with 65 536 buckets (nf_conntrack_expect_init()). */
const SOME = 1024;
/** A sysctl of this kind is an int. */
const MOST = 2 ** 31 - 1;

/** Connections that helpers expect: near their own limit, or refused. */
export const expectations: Rule = {
  id: 'expectations',
  assess({ snapshot, measured }) {
    const { max } = measured.expectations;
    const count = countOf(measured);
    const share = count && max && max.value > 0 ? count.value / max.value : undefined;
    const { full, perConnection } = refusals(snapshot);
    const lines = full.length > 0 ? full : perConnection;
    const [line] = lines;
    const logs = measured.drops.log.captured;
    const values = {
      count: count && things(count.value, 'expectation'),
      atMost: count?.atMost ?? false,
      max: max?.value,
      share,
      lines: things(lines.length, 'line'),
      oneLine: lines.length === 1,
      onlyOne: count?.value === 1,
      logFile: line?.file,
      logged: logs.length > 0,
    };
    const evidence = [
      ...(count ? [{ what: count.atMost ? 'active_objs of expectations' : 'expectations', ...count.fact }] : []),
      ...seen('nf_conntrack_expect_max', max),
      ...(line ? [{ what: 'first message', value: line.text, file: line.file, line: line.line }] : []),
    ];
    const judged = { values, evidence, commands: max && raised(max) };
    // What slabinfo counts includes free objects and all namespaces: it can only say that there are few.
    const exact = count?.atMost === false;
    // Before 6.15 the limit could be set to 0, which no number of expectations is below.
    if (max?.value === 0) return { ...judged, severity: 'notice', says: 'noneAllowed', confidence: 'high' };
    if (share !== undefined && exact && share >= 1) {
      return { ...judged, severity: 'critical', says: 'full', confidence: 'high' };
    }
    if (full.length > 0) return { ...judged, severity: 'warning', says: 'wasFull', confidence: 'high' };
    if (share !== undefined && exact && share >= FILLING) {
      return { ...judged, severity: share >= NEAR ? 'warning' : 'notice', says: 'near', confidence: 'high' };
    }
    if (perConnection.length > 0) {
      return { values, evidence, severity: 'notice', says: 'perConnection', confidence: 'high' };
    }
    // Before 2.6.24 the table had no limit, only each connection had: what was refused is in the log or nowhere.
    const limited = isSince(snapshot, 2, 6, 24) !== false;
    if (!limited) {
      if (logs.length === 0) return { missing: ['the kernel log'] };
      return {
        values,
        evidence: logs.slice(0, 1).map((file) => ({ what: 'messages about expectations', value: 0, file })),
        severity: 'ok',
        says: 'noLimit',
        confidence: 'high',
      };
    }
    if (!max || share === undefined || (share >= FILLING && !exact)) {
      return {
        missing: [
          ...(count && exact ? [] : ['the table of expectations']),
          ...(max ? [] : ['nf_conntrack_expect_max']),
        ],
      };
    }
    return { values, evidence, severity: 'ok', says: 'ok', confidence: 'high' };
  },
};

/** Expectations of this namespace; where they were not captured, objects of their cache, which are those of all namespaces and more. */
function countOf({ expectations: { count }, slab }: Measured) {
  if (count) return { value: count.value, atMost: false, fact: count };
  const [cache] = slab.expectations;
  if (!cache) return undefined;
  const value = slab.expectations.reduce((sum, { activeObjects }) => sum + activeObjects, 0);
  return { value, atMost: true, fact: { value, file: cache.file, line: cache.line } };
}

/**
 * Messages of the log that has most, by what they say: that the table was full, in nf_conntrack, or that one connection expected as many
 * as its helper allows, in ip_conntrack, whose table had no limit (ip_conntrack_expect_related() in ip_conntrack_core.c).
 */
function refusals({ log, logFiles }: Snapshot): { full: LogLine[]; perConnection: LogLine[] } {
  const lines = log.filter(({ kind }) => kind === 'expectation-full');
  const richest = logFiles
    .map((file) => lines.filter((line) => line.file === file))
    .reduce<LogLine[]>((most, each) => (each.length > most.length ? each : most), []);
  const isFull = ({ text }: LogLine) => /expectation table full/.test(text);
  return { full: richest.filter(isFull), perConnection: richest.filter((line) => !isFull(line)) };
}

/** More than the limit of now, as long as that is a number that the setting takes. */
function raised(max: Fact<number>): Commands | undefined {
  const more = max.value === 0 ? SOME : 2 * max.value;
  const commands = more > MOST ? undefined : commandsToSet([{ fact: max, to: more }]);
  return commands && { ...commands, verify: [...commands.verify, 'wc -l /proc/net/nf_conntrack_expect'] };
}
