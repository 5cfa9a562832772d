/**
 * Cuts a stream of bytes into lines, whatever the blocks that they arrive in. Bytes become characters one to one (latin1):
 * rows are ASCII, and what is not can still be quoted.
 */

/** The longest line that is looked at; kernel rows have less than 500 characters, security contexts at most 4096. */
const LONGEST_LINE = 64 * 1024;

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
 * Holds one unfinished line of at most {@link LONGEST_LINE} characters between blocks.
 */
export class LineCutter {
  readonly #receive: LineReceiver;
  #unfinished = '';
  #number = 1;
  #isXml = false;
  #skipping = false;

  constructor(receive: LineReceiver) {
    this.#receive = receive;
  }

  /** Takes the next block of the file. */
  push(block: Uint8Array): void {
    const text = this.#unfinished + Buffer.from(block.buffer, block.byteOffset, block.byteLength).toString('latin1');
    let at = 0;
    for (;;) {
      const newline = text.indexOf(NEWLINE, at);
      const end = newline === -1 ? text.length : newline;
      at = this.#pushFlows(text, at, end);
      if (newline === -1) break;
      this.#endLine(text.slice(at, newline));
      at = newline + 1;
    }
    this.#keep(text.slice(at));
  }

  /** Ends the file: a last line without `\n` is a line. */
  end(): void {
    if (this.#unfinished !== '') this.#endLine(this.#unfinished);
    this.#unfinished = '';
  }

  /** Passes on the finished `<flow>` elements of a line and returns where the rest of it starts. */
  #pushFlows(text: string, start: number, end: number): number {
    if (text[start] === '<') this.#isXml = true;
    if (!this.#isXml || this.#skipping) return start;
    // Only this line is searched: in the whole block every line that looks like XML would cost a search to its end
    const line = text.slice(start, end);
    let at = 0;
    for (;;) {
      const flowEnd = line.indexOf(FLOW_END, at);
      if (flowEnd === -1 || this.#skipping) return start + at;
      this.#pass(line.slice(at, flowEnd + FLOW_END.length));
      at = flowEnd + FLOW_END.length;
    }
  }

  #endLine(rest: string): void {
    this.#pass(rest);
    this.#number++;
    this.#isXml = false;
    this.#skipping = false;
  }

  /** Passes on a line, and of one that is too long its start; what follows in that line is skipped. */
  #pass(line: string): void {
    if (this.#skipping) return;
    this.#skipping = line.length > LONGEST_LINE;
    if (this.#skipping) this.#receive(line.slice(0, LONGEST_LINE), this.#number, false);
    else this.#receive(line.endsWith('\r') ? line.slice(0, -1) : line, this.#number, true);
  }

  #keep(rest: string): void {
    if (rest.length > LONGEST_LINE) this.#pass(rest);
    this.#unfinished = this.#skipping ? '' : rest;
  }
}
