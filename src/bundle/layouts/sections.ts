/** Divides a text that holds several outputs, each behind lines that say whose it is. A part of any length is streamed. */

/** A line without its end, and its number in the member, from 1. */
export interface Line {
  text: string;
  number: number;
}

/** A part: the lines that name it, the number of the first line behind them, and its bytes, to be used up before the next part. */
export interface Section {
  head: readonly Line[];
  firstLine: number;
  content: AsyncIterable<Uint8Array>;
}

const NEWLINE = 10;

/** A line that is longer names no part. */
const LONGEST_HEAD = 1024;

/** A line that is longer is handed on in pieces: it is no row, and no head. */
const LONGEST_HELD = 1 << 20;

/**
 * Yields the parts of a text; what comes before the first is skipped.
 *
 * @param content  blocks of any size
 * @param prefix   what a line that begins a part begins with
 * @param more     how many lines behind that one belong to the head
 */
export async function* sectionsOf(
  content: AsyncIterable<Uint8Array>,
  prefix: string,
  more: number,
): AsyncGenerator<Section> {
  const lines = blocksOfLines(content)[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();
  let number = 1;
  let isOver = false;
  /** The next whole lines, in `rest`; false at the end. */
  const fill = async (): Promise<boolean> => {
    if (rest.length > 0) return true;
    const next = isOver ? undefined : await lines.next();
    if (next === undefined || next.done) isOver = true;
    else rest = next.value;
    return !isOver;
  };
  const takeLine = (): Line => {
    const end = rest.indexOf(NEWLINE) + 1 || rest.length;
    const text = Buffer.from(rest.subarray(0, Math.min(end, LONGEST_HEAD)))
      .toString('latin1')
      .replace(/\r?\n$/, '');
    rest = rest.subarray(end);
    return { text, number: number++ };
  };
  /** What stands before the next head. */
  const takeBody = (): Uint8Array => {
    const end = headIn(rest, prefix);
    const body = rest.subarray(0, end);
    number += linesIn(body);
    rest = rest.subarray(end);
    return body;
  };
  async function* body(): AsyncGenerator<Uint8Array> {
    while (await fill()) {
      const bytes = takeBody();
      if (bytes.length > 0) yield bytes;
      if (rest.length > 0) return;
    }
  }
  for await (const _ of body()) {
    // Nothing says what it is.
  }
  while (await fill()) {
    const head = [takeLine()];
    while (head.length <= more && (await fill()) && headIn(rest, prefix) > 0) head.push(takeLine());
    const part = body();
    yield { head, firstLine: number, content: part };
    for await (const _ of part) {
      // Whoever did not want it left it there.
    }
  }
}

/** Where in a block of whole lines the first one is that begins with the prefix; its length where none does. */
function headIn(block: Uint8Array, prefix: string): number {
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.length);
  for (let at = bytes.indexOf(prefix, 0, 'latin1'); at >= 0; at = bytes.indexOf(prefix, at + 1, 'latin1')) {
    if (at === 0 || bytes[at - 1] === NEWLINE) return at;
  }
  return bytes.length;
}

function linesIn(block: Uint8Array): number {
  let lines = 0;
  for (let at = block.indexOf(NEWLINE); at >= 0; at = block.indexOf(NEWLINE, at + 1)) lines++;
  return lines;
}

/** The same bytes in blocks that end where a line does, but for the last, and for lines longer than anything that is looked for. */
export async function* blocksOfLines(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of content) {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      yield heldBytes === 0 ? chunk.subarray(0, end) : Buffer.concat([...held, chunk.subarray(0, end)]);
      held = [];
      heldBytes = 0;
    }
    if (end === chunk.length) continue;
    // The chunk's memory is not ours to keep.
    held.push(Uint8Array.from(chunk.subarray(end)));
    heldBytes += chunk.length - end;
    if (heldBytes > LONGEST_HELD) {
      yield Buffer.concat(held);
      held = [];
      heldBytes = 0;
    }
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}
