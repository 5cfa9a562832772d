/** What all parsers share: lines with their numbers, files that are something else, and the words for what was odd. */
import type { Fact, Problem } from '../snapshot/types.ts';
import type { Parsed } from './parsed.ts';

/** A line of a file, counted from 1, without white space at its ends. */
export interface NumberedLine {
  text: string;
  line: number;
}

/** Every line that is not blank. */
export function numberedLines(text: string): NumberedLine[] {
  const lines: NumberedLine[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const trimmed = raw.trim();
    if (trimmed !== '') lines.push({ text: trimmed, line: index + 1 });
  }
  return lines;
}

/** A value and where it was read; a file of one line needs no line number. */
export function fact<T>(value: T, file: string, line?: number): Fact<T> {
  return line === undefined ? { value, file } : { value, file, line };
}

/** The one line that a file of one value holds; undefined when there is none, or more than one. */
export function onlyLine(text: string): string | undefined {
  const lines = numberedLines(text);
  return lines.length === 1 ? lines[0]?.text : undefined;
}

const quoteLength = 80;

/** A piece of a file fit for a sentence: control characters replaced, and cut where it is long. */
export function quote(text: string): string {
  const shown = text.slice(0, quoteLength).replace(/\p{Cc}+/gu, ' ');
  return text.length > quoteLength ? `"${shown}…"` : `"${shown}"`;
}

/** strerror(3) texts and what shells and conntrack(8) say when there is nothing to print. */
const errorText =
  /(?:permission denied|operation not permitted|operation not supported|no such file or directory|no such device|command not found|: not found|not found, but can be installed with:|executable file not found in \$path|is an unknown key|is a directory|not a directory|input\/output error|cannot allocate memory|invalid argument|connection refused|resource temporarily unavailable|protocol not supported|sorry, you must be root.*|no journal files were found|^(?:sysctl|error): permission denied on key .*|^timeout: failed to run command .*|^conntrack v[\d.]+ \(conntrack-tools\): operation failed: .*)[.!]{0,3}$/i;

/** Whether a line is what a shell or a command says in place of a result. */
export function isErrorText(line: string): boolean {
  return errorText.test(line);
}

/**
 * Why a file is not what its name promises, if that can be told without knowing the format: a page of HTML, something
 * binary, or the error message that a collector stored in its place.
 */
export function foreignContent(text: string): string | undefined {
  const first = numberedLines(text.slice(0, 4096))[0];
  if (first === undefined) return undefined;
  if (/^<(?:!doctype|html|head|body|\?xml)/i.test(first.text)) return 'is a page of HTML or XML';
  // A log of a machine that crashed may hold a few NULs and still be a log.
  const sample = text.slice(0, 4096);
  const unreadable = sample.match(/[\0\u{fffd}]/gu)?.length ?? 0;
  if (unreadable > sample.length / 10) return 'is binary';
  // A time stamp or a comment in front means that the words are a log's or a setting's own.
  if (/^[[<#;]|^\S+\s+\d+\s+\d+:/.test(first.text)) return undefined;
  if (isErrorText(first.text)) return `holds an error message: ${quote(first.text)}`;
  return undefined;
}

/** {@link foreignContent}, for files in which no text at all is no answer either. */
export function unusableContent(text: string): string | undefined {
  return text.trim() === '' ? 'is empty' : foreignContent(text);
}

/** The answer for what is not such a file at all. */
export function refuse(file: string, what: string, cost: string): Parsed<never> {
  return { value: undefined, problems: [{ file, what, cost }] };
}

const quotedLines = 3;

/** One problem for all lines that were not understood, the first few of them quoted. */
export function oddLines(file: string, odd: NumberedLine[], cost: string): Problem[] {
  const [first] = odd;
  if (first === undefined) return [];
  const examples = odd.slice(0, quotedLines).map(({ line, text }) => `line ${line} ${quote(text)}`);
  const more = odd.length > quotedLines ? ', …' : '';
  const lines = odd.length === 1 ? 'one line was' : `${odd.length} lines were`;
  return [{ file, line: first.line, what: `${lines} not understood: ${examples.join(', ')}${more}`, cost }];
}

const integer = /^[+-]?\d+$/;

/** An integer as printed; undefined for anything else and for what a Number cannot hold exactly. */
export function toInteger(text: string | undefined): number | undefined {
  if (text === undefined || !integer.test(text)) return undefined;
  const value = Number(text);
  // `-0` is an integer too, but nothing that should reach a report.
  return Number.isSafeInteger(value) ? value + 0 : undefined;
}

/** Like {@link toInteger}, for counts and sizes. */
export function toCount(text: string | undefined): number | undefined {
  const value = toInteger(text);
  return value !== undefined && value >= 0 ? value : undefined;
}
