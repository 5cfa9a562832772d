/**
 * A logo that can do nothing. It is shown by `<img>` from a `data:` URL, where a browser runs no script of an SVG and loads nothing for it
 * (https://www.w3.org/TR/SVG2/conform.html#secure-static-mode). What only works outside of that is refused all the same: somebody may save
 * the picture and open it by itself.
 */
import { readFileSync, statSync } from 'node:fs';
import { SaxesParser, type SaxesTagNS } from 'saxes';

/** Logos are a few KiB; it is in every page that is written. */
const MAX_BYTES = 512 * 1024;
/** Enough for any paper, and 16 MiB once it is decoded. */
const MAX_PIXELS = 2048;
/** Elements of an SVG, those that `<use>` repeats counted as often as they are drawn. */
const MAX_ELEMENTS = 20_000;
/** How deep elements may lie in each other, what is used in what uses it included. */
const MOST_NESTED = 256;

const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const SVG = 'http://www.w3.org/2000/svg';

/** Elements that run, load or show something that is no picture, or change what was looked at here. */
const REFUSED = new Set([
  'script',
  'foreignObject',
  'iframe',
  'object',
  'embed',
  'audio',
  'video',
  'canvas',
  'animate',
  'animateMotion',
  'animateTransform',
  'set',
  'handler',
  'listener',
]);

/** A logo that cannot be taken; the message names file, line and reason. */
export class LogoError extends Error {
  override name = 'LogoError';
}

/**
 * Reads a logo as a `data:` URL.
 *
 * @param file  an SVG or PNG
 * @throws {LogoError} if it cannot be read, is neither, is too large, or an SVG with more than a picture in it
 */
export function readLogo(file: string): { url: string; content: Uint8Array } {
  const content = contentOf(file);
  const isPng = content.subarray(0, PNG.length).equals(PNG);
  if (isPng) checkPng(file, content);
  else checkSvg(file, content);
  const type = isPng ? 'image/png' : 'image/svg+xml';
  return { url: `data:${type};base64,${content.toString('base64')}`, content };
}

function contentOf(file: string): Buffer {
  try {
    const stats = statSync(file);
    if (!stats.isFile()) throw new Error('it is no file');
    if (stats.size > MAX_BYTES) throw new Error(`it has ${stats.size} bytes, and may have ${MAX_BYTES}`);
    return readFileSync(file);
  } catch (error) {
    throw new LogoError(`--logo ${file} cannot be taken: ${(error as Error).message}`);
  }
}

/** The header is the first chunk, and tells width and height (https://www.w3.org/TR/png-3/#11IHDR). */
function checkPng(file: string, content: Buffer): void {
  if (content.length < 33 || content.toString('latin1', 12, 16) !== 'IHDR')
    throw new LogoError(`--logo ${file} cannot be taken: the PNG is damaged`);
  const [width, height] = [content.readUInt32BE(16), content.readUInt32BE(20)];
  if (width === 0 || height === 0 || width > MAX_PIXELS || height > MAX_PIXELS) {
    throw new LogoError(
      `--logo ${file} cannot be taken: it is ${width} × ${height} pixels, and may be ${MAX_PIXELS} × ${MAX_PIXELS}`,
    );
  }
}

/** An element, as far as drawing it costs: how many it has in it, and what it repeats. */
interface Drawn {
  children: Drawn[];
  repeats: string | undefined;
}

function checkSvg(file: string, content: Buffer): void {
  const parser = new SaxesParser({ xmlns: true });
  const refuse = (why: string): never => {
    throw new LogoError(`--logo ${file}:${parser.line} cannot be taken: ${why}. Save it as plain SVG, or as PNG`);
  };
  const root: Drawn = { children: [], repeats: undefined };
  const open = [root];
  const byId = new Map<string, Drawn>();
  let styles = '';
  parser.on('error', (error) => refuse(`it is neither a PNG nor an SVG (${error.message.replace(/^\d+:\d+: /, '')})`));
  parser.on('doctype', (doctype) => {
    if (doctype.includes('[')) refuse('its document type declares something of its own');
  });
  parser.on('processinginstruction', ({ target }) => refuse(`it has an instruction <?${target}?>`));
  parser.on('opentag', (tag) => {
    const depth = open.length;
    if (depth === 1 && !(tag.local === 'svg' && tag.uri === SVG)) refuse(`<${tag.name}> is no SVG`);
    if (depth > MOST_NESTED) refuse('its elements are nested too deep');
    if (REFUSED.has(tag.local)) refuse(`it has a <${tag.name}>`);
    if (tag.local === 'style') styles = '';
    const why = reasonAgainst(tag);
    if (why !== undefined) refuse(why);
    const element: Drawn = { children: [], repeats: tag.local === 'use' ? referenceOf(tag) : undefined };
    open.at(-1)?.children.push(element);
    open.push(element);
    const id = tag.attributes.id?.value;
    if (id !== undefined) byId.set(id, element);
  });
  parser.on('closetag', (tag) => {
    open.pop();
    if (tag.local === 'style' && loads(styles)) refuse('its style sheet loads something');
  });
  const text = (part: string) => {
    styles += part;
  };
  parser.on('text', text);
  parser.on('cdata', text);
  try {
    parser.write(new TextDecoder('utf-8', { fatal: true }).decode(content)).close();
  } catch (error) {
    if (error instanceof LogoError) throw error;
    refuse('it is neither a PNG nor an SVG in UTF-8');
  }
  if (drawnElements(root, byId) > MAX_ELEMENTS) refuse(`it draws more than ${MAX_ELEMENTS} elements`);
}

function reasonAgainst({ name, attributes }: SaxesTagNS): string | undefined {
  for (const { local, name: attribute, uri, value } of Object.values(attributes)) {
    if (/^on/i.test(local)) return `<${name}> has a handler, ${attribute}`;
    // Pictures in a picture are looked at by nobody: pixels only.
    if (/^(?:href|src)$/i.test(local) && !/^\s*(?:#|data:image\/(?:png|jpeg);base64,)/i.test(value))
      return `<${name}> refers to something that is not in it`;
    // What editors keep for themselves, such as paths of theirs, draws nothing.
    if (uri === '' && loads(value)) return `<${name}> loads something by its ${attribute}`;
  }
  return undefined;
}

function referenceOf({ attributes }: SaxesTagNS): string | undefined {
  const href = Object.values(attributes).find(({ local }) => local === 'href')?.value;
  return href?.trim().slice(1);
}

/** Whether a style asks for anything but a part of the same picture. Escapes in CSS could hide that: they are taken for it. */
function loads(style: string): boolean {
  return /@import|\\|image-set|src\s*\(/i.test(style) || /url\s*\(\s*["']?(?!\s*["']?#)/i.test(style);
}

/** How many elements are drawn: what is used ten times by what is used ten times, a hundred times. */
function drawnElements(root: Drawn, byId: ReadonlyMap<string, Drawn>): number {
  const known = new Map<Drawn, number>();
  const drawn = (element: Drawn, depth: number): number => {
    const before = known.get(element);
    if (before !== undefined) return before;
    if (depth > MOST_NESTED) return Number.POSITIVE_INFINITY;
    // What uses itself is not drawn.
    known.set(element, 0);
    const used = element.repeats === undefined ? undefined : byId.get(element.repeats);
    const sum = element.children.reduce(
      (all, child) => all + drawn(child, depth + 1),
      1 + (used ? drawn(used, depth + 1) : 0),
    );
    known.set(element, sum);
    return sum;
  };
  return drawn(root, 0);
}
