/**
 * Cuts what the scanner does not read into lines. Bytes become characters one to one (latin1): rows are ASCII, and what is not
 * can still be quoted.
 */

/** The longest line that is looked at; kernel rows have less than 500 characters, security contexts at most 4096. */
export const LONGEST_LINE = 64 * 1024;

const NEWLINE = '\n';
const FLOW_END = '</flow>';

/**
 * Receives a line without its end.
 *
 * @param line the text; the first {@link LONGEST_LINE} characters of a longer line
 * @param number of the line in the file, from 1
 * @param whole false for a line that was too long
 */
type LineReceiver = (line: string, number: number, whole: boolean) => void;

/**
 * Cuts at `\n`, drops `\r` before it, and in XML cuts after each `</flow>` too, since a whole table can be one line there.
 * A line may come in parts; at most {@link LONGEST_LINE} characters of it are held.
 */
export class LineCutter {
  readonly #receive: LineReceiver;
  #unfinished = '';
  #isXml = false;
  #skipping = false;

  constructor(receive: LineReceiver) {
    this.#receive = receive;
  }

  /** Takes a line, or the next part of one; `number` is that of the line in the file. */
  push(part: Uint8Array, number: number): void {
    const text = this.#unfinished + Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('latin1');
    const isFinished = text.endsWith(NEWLINE);
    const line = isFinished ? text.slice(0, -1) : text;
    const rest = line.slice(this.#passFlows(line, number));
    if (isFinished) {
      this.#pass(rest, number);
      this.#unfinished = '';
      this.#isXml = false;
      this.#skipping = false;
    } else {
      if (rest.length > LONGEST_LINE) this.#pass(rest, number);
      this.#unfinished = this.#skipping ? '' : rest;
    }
  }

  /** Passes on the finished `<flow>` elements of a line and returns where the rest of it starts. */
  #passFlows(line: string, number: number): number {
    if (line.startsWith('<')) this.#isXml = true;
    let at = 0;
    while (this.#isXml && !this.#skipping) {
      const flowEnd = line.indexOf(FLOW_END, at);
      if (flowEnd === -1) break;
      this.#pass(line.slice(at, flowEnd + FLOW_END.length), number);
      at = flowEnd + FLOW_END.length;
    }
    return at;
  }

  /** Passes on a line, and of one that is too long its start; what follows in that line is skipped. */
  #pass(line: string, number: number): void {
    if (this.#skipping) return;
    this.#skipping = line.length > LONGEST_LINE;
    if (this.#skipping) this.#receive(line.slice(0, LONGEST_LINE), number, false);
    else this.#receive(line.endsWith('\r') ? line.slice(0, -1) : line, number, true);
  }
}
