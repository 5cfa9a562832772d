import { memoryForSlabs } from '../memory.ts';
import { type Rule, seen, seenInferredPage, seenSlabs } from './rule.ts';

/** Of RAM now. A host that also forwards, filters and logs does not spare a fifth of its memory for this. */
const MUCH_NOW = 0.2;
/** Of RAM now: what a full table is given by default when a limit is recommended (DEFAULT_AIMS), taken already. */
const SOME_NOW = 0.05;
/** Of RAM at the limit: from half of it on a flood that fills the table leaves less to everything else than it takes. */
const MUCH_AT_LIMIT = 0.5;
/** Of RAM at the limit: as much as would be a warning if it were held now. */
const SOME_AT_LIMIT = MUCH_NOW;

/** What connection tracking takes of the memory that it can be taken from, now and with the table full at its limit. */
export const memory: Rule = {
  id: 'memory',
  assess({ snapshot, measured }) {
    const { slab, usage, host } = measured;
    const held = measured.memory.totalBytes;
    const source = memoryForSlabs(snapshot);
    if (held === undefined || !source) {
      return {
        missing: [
          ...(slab.caches.length > 0 ? [] : ['the slab lines of connection tracking']),
          ...(slab.caches.length > 0 && held === undefined ? ['the page size'] : []),
          ...(source ? [] : ['the size of RAM']),
        ],
      };
    }
    const now = held / source.from.value;
    // Slabs that are held already do not get fewer when the table fills up.
    const full = measured.memory.atMaxBytes === undefined ? undefined : Math.max(held, measured.memory.atMaxBytes);
    const atLimit = full === undefined ? undefined : full / source.from.value;
    // What is available is of all memory: of low memory it says nothing.
    const available = source.low ? undefined : host.memAvailableBytes;
    const exceeds = full !== undefined && available !== undefined && full - held > available.value;
    const values = {
      nowBytes: held,
      nowShare: now,
      ramBytes: source.from.value,
      low: source.low,
      unlimited: usage.unlimited,
      max: usage.unlimited ? undefined : usage.max?.value,
      atMaxBytes: full,
      atMaxShare: atLimit,
      availableBytes: available?.value,
      exceeds,
      pageInferred: measured.pageBytes?.inferred === undefined ? undefined : true,
    };
    const evidence = [
      ...seenSlabs(measured),
      ...seenInferredPage(measured),
      ...seen(source.low ? 'LowTotal in bytes' : 'MemTotal', source.from),
      ...(exceeds ? seen('MemAvailable', available) : []),
      ...seen('nf_conntrack_max', usage.max),
    ];
    const judged = { values, evidence };
    if (now > SOME_NOW) {
      return { ...judged, severity: now > MUCH_NOW ? 'warning' : 'notice', says: 'now', confidence: 'high' };
    }
    if (usage.unlimited) return { ...judged, severity: 'notice', says: 'unlimited', confidence: 'high' };
    if (atLimit === undefined) return { missing: ['nf_conntrack_max'] };
    if (atLimit > SOME_AT_LIMIT || exceeds) {
      const severity = atLimit > MUCH_AT_LIMIT || exceeds ? 'warning' : 'notice';
      return { ...judged, severity, says: 'atLimit', confidence: 'medium' };
    }
    return { ...judged, severity: 'ok', says: 'ok', confidence: 'high' };
  },
};
