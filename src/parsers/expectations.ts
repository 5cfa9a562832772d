/**
 * The expectation table, `/proc/net/nf_conntrack_expect` (nf_conntrack_expect.c `exp_seq_show`) and 2.6's
 * `/proc/net/ip_conntrack_expect`. 2.4 has expectations in the connection table instead. Seconds left, or `-`, come first:
 *     297 l3proto = 2 proto=6 src=192.0.2.1 dst=198.51.100.7 sport=0 dport=50001 ftp
 *     180 proto=17 src=192.0.2.1 dst=198.51.100.7 sport=0 dport=69
 */
import type { Fact } from '../snapshot/types.ts';
import type { Parsed } from './parsed.ts';
import { fact, foreignContent, type NumberedLine, numberedLines, oddLines, refuse } from './text.ts';

/** Counts the expectations; most hosts have none, and their file is empty. */
export function countExpectations(text: string, file: string): Parsed<Fact<number>> {
  const foreign = foreignContent(text);
  if (foreign !== undefined) return refuse(file, foreign, 'The number of expectations is unknown.');
  const lines = numberedLines(text);
  const odd: NumberedLine[] = lines.filter((line) => !/^(?:-?\d+|-) .*\bproto=\d+ /.test(line.text));
  const problems = oddLines(file, odd, 'These lines are not counted as expectations.');
  if (odd.length > 0 && odd.length === lines.length) return { value: undefined, problems };
  return { value: fact(lines.length - odd.length, file), problems };
}
