/** What cannot be true of one capture of one host: clocks, counters that fall, digests, two values of one setting. */
import type { Snapshot } from '../../../snapshot/types.ts';
import { settingNameOf } from '../../kernel.ts';
import { readingsOf } from '../../usage.ts';
import { seen, things } from '../rule.ts';
import type { Check } from './check.ts';

/** Counters are of 32 bits for each CPU: one that seems to fall by more than half of that went past its end. */
export const WRAP = 2 ** 31;

/** Linux 2.4.0 is of that day: an earlier date is that of a clock which was never set. */
const FIRST_DATE = Date.UTC(2001, 0, 4);
/** A message may be stamped while the collector, which looked at the clock first, is still reading. */
const LATE_SECONDS = 600;
/** The log's clock is not corrected by NTP, which changes a clock by 500 ppm at most (kernel/time/ntp.c, MAXFREQ). */
const DRIFT = 0.0005;

/** Every contradiction, the one that takes most away first. */
export function contradictionsOf(snapshot: Snapshot): Check[] {
  return [
    ...digests(snapshot),
    ...clocks(snapshot),
    ...countersRunBack(snapshot),
    ...names(snapshot),
    ...facts(snapshot),
  ];
}

function digests({ problems }: Snapshot): Check[] {
  const [first, ...others] = problems.filter(({ kind }) => kind === 'digest');
  if (!first) return [];
  const evidence = [first, ...others].map(({ file }) => ({ what: 'digest', value: 'differs', file }));
  const otherFiles = others.length > 0 ? things(others.length, 'other file') : undefined;
  return [{ unexplained: 'digests', values: { file: first.file, otherFiles }, evidence }];
}

function names({ problems, sysctls }: Snapshot): Check[] {
  const differ = problems.find(({ kind }) => kind === 'names-differ');
  if (!differ) return [];
  const name = differ.setting ?? differ.file.slice(differ.file.lastIndexOf('/') + 1);
  const evidence = [
    ...Object.values(sysctls)
      .filter((fact) => settingNameOf(fact) === name)
      .flatMap((fact) => seen(name, fact)),
    { what: name, value: differ.what, file: differ.file, line: differ.line },
  ];
  return [{ unexplained: 'names', values: { name, file: differ.file, saying: differ.what }, evidence }];
}

/** Two sources of one fact of the host. */
function facts({ problems }: Snapshot): Check[] {
  const differ = problems.filter(({ kind }) => kind === 'facts-differ');
  return differ.map(({ file, line, what }) => ({
    unexplained: 'facts',
    values: { file, saying: what },
    evidence: [{ what: 'two sources', value: what, file, line }],
  }));
}

/** Clocks that cannot be right: of the host, of the log, of the readings. */
function clocks(snapshot: Snapshot): Check[] {
  const { host, log } = snapshot;
  const { capturedAt } = host;
  const at = capturedAt ? Date.parse(capturedAt.value) : Number.NaN;
  const uptimes = readingsOf(snapshot).flatMap(({ uptimeSeconds }) => uptimeSeconds ?? []);
  const back = uptimes.find(({ value }, index) => value < (uptimes[index - 1]?.value ?? 0));
  const checks: Check[] = [];
  if (back) {
    const evidence = uptimes.flatMap((uptime) => seen('uptime', uptime));
    checks.push({ unexplained: 'twoBoots', values: { laterSeconds: back.value }, evidence });
  }
  if (at < FIRST_DATE) {
    checks.push({
      unexplained: 'clockNotSet',
      values: { date: capturedAt?.value },
      evidence: seen('date', capturedAt),
    });
    return checks;
  }
  const stamped = log
    .flatMap((line) => ({ ...line, at: momentOf(line.stamp) ?? Number.NaN }))
    .sort((a, b) => b.at - a.at);
  const latest = stamped.find((line) => line.at > at + 1000 * LATE_SECONDS);
  if (latest?.stamp !== undefined) {
    const evidence = [
      ...seen('date', capturedAt),
      { what: 'log line', value: latest.stamp, file: latest.file, line: latest.line },
    ];
    checks.push({ unexplained: 'logAhead', values: { stamp: latest.stamp, date: capturedAt?.value }, evidence });
  }
  const uptime = uptimes.at(-1);
  const ofThisBoot = log.filter(({ file }) => file === 'commands/dmesg');
  const early =
    uptime && ofThisBoot.find(({ uptimeSeconds = 0 }) => uptimeSeconds > uptime.value * (1 + DRIFT) + LATE_SECONDS);
  if (early?.uptimeSeconds !== undefined && uptime) {
    const evidence = [
      ...seen('uptime', uptime),
      { what: 'log line at', value: early.uptimeSeconds, file: early.file, line: early.line },
    ];
    checks.push({
      unexplained: 'logOfAnotherBoot',
      values: { stampSeconds: early.uptimeSeconds, uptimeSeconds: uptime.value },
      evidence,
    });
  }
  return checks;
}

/** The moment of a stamp that names its time zone; others are local times of who knows where. */
function momentOf(stamp: string | undefined): number | undefined {
  const [, time, hours, minutes] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,]\d+)?(?:Z|([+-]\d\d):?(\d\d))$/.exec(stamp ?? '') ?? [];
  return time === undefined ? undefined : Date.parse(`${time}${hours === undefined ? 'Z' : `${hours}:${minutes}`}`);
}

/** Counters only ever rise. */
function countersRunBack(snapshot: Snapshot): Check[] {
  const read = readingsOf(snapshot).flatMap(({ counters }) => counters ?? []);
  const checks = read.slice(1).flatMap((counters, index) => {
    const before = read[index];
    // Fewer lines than before, since some were damaged, or another source: the totals are of different CPUs.
    if (!before || before.cpus !== counters.cpus) return [];
    return Object.entries(counters.totals).flatMap(([name, total]): Check[] => {
      const earlier = before.totals[name] ?? 0;
      if (total >= earlier) return [];
      const evidence = [before, counters].map(({ file, totals }) => ({ what: name, value: totals[name] ?? 0, file }));
      const values = { name, earlier, later: total };
      return [{ unexplained: earlier - total > WRAP ? 'wrapped' : 'reset', values, evidence }];
    });
  });
  return checks.slice(0, 1);
}
