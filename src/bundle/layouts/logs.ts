/** Logs that hold everything that happens on a host, of which the few lines that concern conntrack are kept. */
import { blocksOfLines } from './sections.ts';

/** What every line of interest has in it; see parsers/kernel-log.ts. */
const WORDS = ['conntrack', ' suppressed'];

/** Lines that are kept: many more than a kernel writes in a day of a full table, as it writes ten in five seconds. */
const MOST_LINES = 20_000;

/**
 * Yields the last lines of interest; each other line is empty, so that line numbers stay.
 *
 * @param content  blocks of any size
 */
export async function* linesOfInterest(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const kept: { number: number; text: string }[] = [];
  let number = 0;
  for await (const block of blocksOfLines(content)) {
    const text = Buffer.from(block.buffer, block.byteOffset, block.length).toString('latin1');
    if (WORDS.some((word) => text.includes(word))) {
      for (const [at, line] of text.split('\n').entries()) {
        if (WORDS.some((word) => line.includes(word))) kept.push({ number: number + at, text: line });
      }
      if (kept.length > 2 * MOST_LINES) kept.splice(0, kept.length - MOST_LINES);
    }
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) number++;
  }
  let written = 0;
  for (const { number: at, text } of kept.slice(-MOST_LINES)) {
    yield Buffer.from(`${'\n'.repeat(at - written)}${text}`, 'latin1');
    written = at;
  }
  if (number > written) yield Buffer.from('\n'.repeat(number - written));
}
