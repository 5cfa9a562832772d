/** A PDF as its readers have it: the structure that a screen reader follows, and what stands where on each page. */
import { getDocumentProxy } from 'unpdf';

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>;
type Page = Awaited<ReturnType<Pdf['getPage']>>;

/** An element of the structure, as far as it is on one page. */
export interface Element {
  role: string;
  alt: string | undefined;
  /** Everything that is in it on this page. */
  text: string;
  children: Element[];
}

export interface PdfPage {
  elements: Element[];
  /** Lines of text above the foot, from 0 at the top of the paper to 1 at its bottom. */
  lines: { text: string; y: number }[];
}

/** Opens a PDF; the caller destroys it. */
export function openPdf(pdf: Uint8Array): Promise<Pdf> {
  // It is moved into the library and gone.
  return getDocumentProxy(Uint8Array.from(pdf), { verbosity: 0 });
}

type Node = NonNullable<Awaited<ReturnType<Page['getStructTree']>>>;

function isNode(child: object): child is Node {
  return 'role' in child;
}

/** What is in an element on a page; the library lists what is in it on other pages too. */
function elementsOf(node: Node, texts: ReadonlyMap<string, string>): Element[] {
  const { role, alt } = node as Node & { alt?: string };
  const parts = node.children.flatMap((child): (string | Element)[] => {
    if (isNode(child)) return elementsOf(child, texts);
    const text = texts.get((child as { id: string }).id);
    return text === undefined ? [] : [text];
  });
  if (parts.length === 0) return [];
  const text = parts.map((part) => (typeof part === 'string' ? part : part.text)).join('');
  return [{ role, alt, text, children: parts.filter((part) => typeof part !== 'string') }];
}

/** How far from the bottom of the paper its foot begins, in points. */
const FOOT = 44;

async function readPage(page: Page): Promise<PdfPage> {
  const { height } = page.getViewport({ scale: 1 });
  const { items } = await page.getTextContent({ includeMarkedContent: true });
  const texts = new Map<string, string>();
  const lines: PdfPage['lines'] = [];
  const open: string[] = [];
  for (const item of items) {
    if ('str' in item) {
      const id = open.at(-1) ?? '';
      texts.set(id, (texts.get(id) ?? '') + item.str);
      const bottom = item.transform[5] as number;
      if (item.str.trim() !== '' && bottom > FOOT) lines.push({ text: item.str, y: 1 - bottom / height });
    } else if (item.type === 'endMarkedContent') open.pop();
    else {
      const id = item.id ?? open.at(-1) ?? '';
      open.push(id);
      texts.set(id, texts.get(id) ?? '');
    }
  }
  const tree = await page.getStructTree();
  return { elements: tree ? elementsOf(tree, texts) : [], lines };
}

/** Every page of a PDF. */
export async function pagesOf(pdf: Pdf): Promise<PdfPage[]> {
  const pages: PdfPage[] = [];
  for (let n = 1; n <= pdf.numPages; n++) pages.push(await readPage(await pdf.getPage(n)));
  return pages;
}

/** An element and all that is in it, in the order of reading. */
export function within(elements: readonly Element[]): Element[] {
  return elements.flatMap((element) => [element, ...within(element.children)]);
}

/** The innermost elements on a page that say something or show it, each with those that it is in. */
function leaves(elements: readonly Element[], around: readonly Element[] = []): Element[][] {
  return elements.flatMap((element) => {
    const path = [...around, element];
    const inner = leaves(element.children, path);
    return inner.length > 0 || (element.text.trim() === '' && element.alt === undefined) ? inner : [path];
  });
}

const isHeading = ({ role }: Element) => /^H\d$/.test(role);
const isHead = ({ role, children }: Element) => role === 'TR' && children.every((cell) => cell.role === 'TH');

/**
 * What is wrong with where a PDF breaks into pages: a heading alone at a foot, the head of a table without its rows, a page but the last
 * that is half empty.
 */
export function badBreaks(pages: readonly PdfPage[]): string[] {
  return pages.slice(0, -1).flatMap(({ elements, lines }, at) => {
    const last = leaves(elements).at(-1) ?? [];
    const alone = last.find((element) => isHeading(element) || isHead(element));
    const depth = Math.max(0, ...lines.map(({ y }) => y));
    return [
      ...(alone ? [`page ${at + 1} ends with “${alone.text}” (${alone.role})`] : []),
      ...(depth < 0.5 ? [`page ${at + 1} is filled to ${Math.round(100 * depth)} %`] : []),
    ];
  });
}

/** How many rows of tables the pages have but heads, which each page repeats; one that is cut in two counts twice. */
export function rowsOf(pages: readonly PdfPage[]): number {
  return pages.flatMap(({ elements }) => within(elements)).filter((each) => each.role === 'TR' && !isHead(each)).length;
}
