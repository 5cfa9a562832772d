/** Logs that hold everything that happens on a host, of which the few lines that concern conntrack are kept. */
import { DEFAULT_LIMITS, type Limits } from '../limits.ts';
import { blocksOfLines } from './sections.ts';

/** What every line of interest has in it; see parsers/kernel-log.ts. */
const WORDS = ['conntrack', ' suppressed'];

/** Bytes that a log takes, and those of each of its lines; see ../limits.ts. */
type LogLimits = Pick<Limits, 'file' | 'line'>;

/** Lines that are kept: many more than a kernel writes in a day of a full table, as it writes ten in five seconds. */
const MOST_LINES = 20_000;

/**
 * Yields the last lines of interest; each other line is empty, so that line numbers stay. Of a line that is too long its beginning is kept,
 * of too many bytes the last.
 *
 * @param content  blocks of any size
 */
export async function* linesOfInterest(
  content: AsyncIterable<Uint8Array>,
  limits: LogLimits = DEFAULT_LIMITS,
): AsyncGenerator<Uint8Array> {
  let kept: { number: number; text: string }[] = [];
  let keptBytes = 0;
  let number = 0;
  /** Drops the first lines. */
  const drop = (mostBytes: number) => {
    let from = Math.max(0, kept.length - MOST_LINES);
    for (const { text } of kept.slice(0, from)) keptBytes -= text.length;
    for (; keptBytes > mostBytes; from++) keptBytes -= kept[from]?.text.length ?? keptBytes;
    kept = kept.slice(from);
  };
  for await (const block of blocksOfLines(content)) {
    const text = Buffer.from(block.buffer, block.byteOffset, block.length).toString('latin1');
    if (WORDS.some((word) => text.includes(word))) {
      for (const [at, line] of text.split('\n').entries()) {
        if (!WORDS.some((word) => line.includes(word))) continue;
        // A part of a string would keep all of it.
        const text =
          line.length > limits.line ? Buffer.from(line.slice(0, limits.line), 'latin1').toString('latin1') : line;
        kept.push({ number: number + at, text });
        keptBytes += text.length;
      }
      if (kept.length > 2 * MOST_LINES || keptBytes > limits.file) drop(limits.file / 2);
    }
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) number++;
  }
  drop(limits.file);
  let written = 0;
  for (const { number: at, text } of kept) {
    yield Buffer.from(`${'\n'.repeat(at - written)}${text}`, 'latin1');
    written = at;
  }
  if (number > written) yield Buffer.from('\n'.repeat(number - written));
}
