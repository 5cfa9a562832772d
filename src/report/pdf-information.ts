/** What a PDF says of itself beyond what the browser writes: who made it, and what for. */

/** A text string (ISO 32000-1, 7.9.2.2), in hexadecimal digits: nothing in it ends it. */
function textString(text: string): string {
  return `<FEFF${Buffer.from(text, 'utf16le').swap16().toString('hex').toUpperCase()}>`;
}

/**
 * Adds entries to the document information of a PDF by an incremental update (ISO 32000-1, 7.5.6), which leaves all that is there where
 * it is. A file of another form than Chromium writes stays as it is.
 *
 * @param entries  by their keys in that dictionary (14.3.3), such as `Author`
 */
export function withInformation(pdf: Buffer, entries: Readonly<Record<string, string>>): Buffer {
  const added = Object.entries(entries).map(([key, text]) => `/${key} ${textString(text)}\n`);
  if (added.length === 0) return pdf;
  const text = pdf.toString('latin1');
  const [, size, root, info, start] =
    /trailer\n<<\/Size (\d+)\n\/Root (\d+ 0 R)\n\/Info (\d+) 0 R>>\nstartxref\n(\d+)\n%%EOF\s*$/.exec(text) ?? [];
  const [, known] = new RegExp(`\\n${info} 0 obj\\n<<([\\s\\S]*?)>>\\nendobj\\n`).exec(text) ?? [];
  if (known === undefined) return pdf;
  const before = text.endsWith('\n') ? text : `${text}\n`;
  const object = `${info} 0 obj\n<<${known}\n${added.join('')}>>\nendobj\n`;
  const entry = `${info} 1\n${String(before.length).padStart(10, '0')} 00000 n \n`;
  const trailer = `trailer\n<</Size ${size}\n/Root ${root}\n/Info ${info} 0 R\n/Prev ${start}>>\n`;
  const update = `${object}xref\n${entry}${trailer}startxref\n${before.length + object.length}\n%%EOF\n`;
  return Buffer.from(before + update, 'latin1');
}
