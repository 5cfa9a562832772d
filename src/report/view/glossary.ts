/** The terms of a report. What each means is in templates/glossary. */
import { Verbatim } from '../inert.ts';

/** In the order of the list; `words` is how a term is written where a report uses it first, as a regular expression. */
export const TERMS: readonly { id: string; name: string; words: string }[] = [
  { id: 'entry', name: 'Entry', words: 'entries|entry' },
  { id: 'limit', name: 'Limit', words: 'limit' },
  { id: 'headroom', name: 'Headroom', words: 'headroom|room to spare|has room' },
  { id: 'demand', name: 'Demand', words: 'demand' },
  { id: 'drop', name: 'Drop', words: 'dropped|drops' },
  { id: 'early-drop', name: 'Early drop', words: 'evicted|evictions|early_drop' },
  { id: 'insert-failed', name: 'insert_failed', words: 'insert_failed' },
  { id: 'clash', name: 'Clash', words: 'clash|clashes' },
  { id: 'invalid', name: 'Invalid', words: '' },
  { id: 'bucket', name: 'Bucket', words: 'buckets|bucket' },
  { id: 'chain', name: 'Hash chain', words: 'hash chains|hash chain|chains' },
  { id: 'object', name: 'Object', words: 'objects' },
  { id: 'slab', name: 'Slab', words: 'slabs|slab' },
  { id: 'cache', name: 'Cache', words: 'caches' },
  { id: 'extension', name: 'Extension', words: '[Ee]xtensions' },
  { id: 'assured', name: 'ASSURED', words: 'ASSURED|assured' },
  { id: 'unreplied', name: 'UNREPLIED', words: 'UNREPLIED|unreplied' },
  { id: 'established', name: 'ESTABLISHED', words: 'ESTABLISHED' },
  { id: 'syn-sent', name: 'SYN_SENT', words: 'SYN_SENT' },
  { id: 'time-wait', name: 'TIME_WAIT', words: 'TIME_WAIT' },
  { id: 'timeout', name: 'Timeout', words: 'timeouts|timeout' },
  { id: 'idle', name: 'Idle', words: 'idle' },
  { id: 'offload', name: 'Offload', words: '[Oo]ffloaded' },
  { id: 'nat', name: 'NAT', words: 'NAT' },
  {
    id: 'namespace',
    name: 'Network namespace',
    words: '[Nn]etwork namespaces|[Nn]etwork namespace|namespaces|namespace',
  },
  { id: 'expectation', name: 'Expectation', words: '[Ee]xpectations|[Ee]xpectation' },
];

/** What the list of terms is given. */
export function glossaryView() {
  return TERMS.map(({ id, name }) => ({ id, name, meaning: new Verbatim(`glossary/${id}`) }));
}
