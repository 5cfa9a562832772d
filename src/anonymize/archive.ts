/** Writes a bundle anew with pseudonyms: the same members in the same order, as gzip'd tar. */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';
import { type Member, readBundle } from '../bundle/bundle.ts';
import { Budget } from '../bundle/limits.ts';
import { withoutComments } from './comments.ts';
import { Sums } from './digest.ts';
import { type Rewritten, updateInventory } from './inventory.ts';
import type { NameIndex } from './names.ts';
import { type Pseudonyms, SCHEME } from './pseudonyms.ts';
import { Rewriter } from './rewriter.ts';
import { Spool } from './spool.ts';
import type { Survey } from './survey.ts';

/** Small files that are changed as a whole; a larger one is not what its name says. */
const MAX_WHOLE_BYTES = 16 << 20;

/**
 * Tables that print addresses as bare hexadecimal digits, in the byte order of the machine (net/ipv4/tcp_ipv4.c get_tcp4_sock(),
 * net/ipv4/fib_trie.c fib_route_seq_show() and others). No report reads them.
 */
const BARE_HEXADECIMAL =
  /(?:^|\/)net\/(?:tcp|udp|udplite|raw|icmp|igmp|mcfilter|anycast|route|rt_cache|arp_cache|ip_mr_vif|ip_mr_cache|if_inet|ipv6_route|ip6_flowlabel|dccp|sctp\/\w+)6?$/;

/** What begins a file that is packed: gzip, bzip2, xz, zstd. */
const PACKED = [[0x1f, 0x8b], Buffer.from('BZh'), [0xfd, 0x37, 0x7a], [0x28, 0xb5, 0x2f, 0xfd]];

/** Whether a block shows that a member is no text, or packed. */
export function isOpaque(block: Uint8Array, isFirst: boolean): boolean {
  return block.includes(0) || (isFirst && PACKED.some((magic) => magic.every((byte, at) => block[at] === byte)));
}

/** What was written. */
export interface Written {
  members: number;
  /** Members that were left out, and why. */
  leftOut: { path: string; why: string }[];
}

/**
 * Rewrites a bundle that was surveyed.
 *
 * @param file what is written; an unfinished one is left to the caller
 * @throws the error of the file system
 */
export async function writeAnonymized(
  input: string,
  { names, paths, hasCksums, limits }: Survey,
  pseudonyms: Pseudonyms,
  file: string,
): Promise<Written> {
  const spool = new Spool(`${file}.spool`);
  try {
    const pass = new Pass(pseudonyms, names, spool, hasCksums);
    // The digests of what comes behind the inventory have to be known before it.
    if (paths.includes('inventory.csv') && paths.at(-1) !== 'inventory.csv') {
      await readBundle(input, async (member) => void (await pass.rewrite(member)), undefined, new Budget(limits));
    }
    pass.written = { members: 0, leftOut: [] };
    const tar = pack();
    const compressed = pipeline(tar, createGzip(), createWriteStream(file, { flags: 'wx', mode: 0o600 }));
    const visit = async (member: Member) => {
      if (await pass.rewrite(member)) await addTo(tar, pass.named(member), member.modified, spool);
    };
    const packed = readBundle(input, visit, undefined, new Budget(limits)).then(() => tar.finalize());
    // Whichever fails first ends the other.
    packed.catch((error) => tar.destroy(error));
    await Promise.all([compressed, packed]);
    return pass.written;
  } finally {
    spool.close();
  }
}

async function addTo(tar: Pack, name: string, mtime: Date, spool: Spool): Promise<void> {
  const entry = tar.entry({ name, size: spool.bytes, mode: 0o600, mtime });
  await pipeline(Readable.from(spool.read()), entry);
}

/** Goes through the members once. */
class Pass {
  written: Written = { members: 0, leftOut: [] };
  readonly #rewriter: Rewriter;
  readonly #keyId: string;
  readonly #spool: Spool;
  readonly #hasCksums: boolean;
  readonly #members = new Map<string, Rewritten>();

  constructor(pseudonyms: Pseudonyms, names: NameIndex, spool: Spool, hasCksums: boolean) {
    this.#rewriter = new Rewriter(pseudonyms, names);
    this.#hasCksums = hasCksums;
    this.#keyId = pseudonyms.keyId;
    this.#spool = spool;
  }

  /** What a member is called now. */
  named({ name }: Member): string {
    return this.#rewriter.whole(name);
  }

  /** Rewrites a member into the spool; false: it is left out. */
  async rewrite({ path, bytes, content }: Member): Promise<boolean> {
    const spool = this.#spool;
    spool.clear();
    const before = new Sums(this.#hasCksums);
    const after = new Sums(false);
    const write = (block: Uint8Array) => {
      after.add(block);
      spool.write(block);
    };
    let leftOut = BARE_HEXADECIMAL.test(path) ? 'addresses in it are bare hexadecimal digits' : undefined;
    const change = bytes > MAX_WHOLE_BYTES ? undefined : WHOLE.find(([pattern]) => pattern.test(path))?.[1];
    const blocks: Buffer[] = [];
    let isFirst = true;
    for await (const block of content) {
      before.add(block);
      if (isOpaque(block, isFirst)) leftOut ??= 'it is no text';
      isFirst = false;
      if (leftOut !== undefined) continue;
      if (change !== undefined) blocks.push(Buffer.from(block));
      else write(this.#rewriter.push(block));
    }
    if (change !== undefined) {
      const text = Buffer.concat(blocks).toString('latin1');
      const changed = change(text, { keyId: this.#keyId, members: this.#members });
      write(this.#rewriter.push(Buffer.from(changed, 'latin1')));
    }
    write(this.#rewriter.finish());
    const digest = before.digest();
    const listed = this.#rewriter.whole(path);
    if (leftOut === undefined) {
      this.written.members++;
      this.#members.set(path, { before: digest, after: after.digest() });
    } else {
      this.written.leftOut.push({ path: listed, why: leftOut });
      this.#members.set(path, { before: digest, leftOut: `left out when it was anonymised: ${leftOut}` });
    }
    return leftOut === undefined;
  }
}

type Change = (text: string, known: { keyId: string; members: ReadonlyMap<string, Rewritten> }) => string;

/** Members that change in more than addresses and names. */
const WHOLE: [RegExp, Change][] = [
  [
    /^manifest\.csv$/,
    (text, { keyId }) => `${text.replace(/(?<!\n)$/, '\n')}anonymized,${SCHEME}\nanonymized_key_id,${keyId}\n`,
  ],
  [/^inventory\.csv$/, (text, { members }) => updateInventory(text, members)],
  [
    /(?:^|\/)(?:sysctl|modprobe|modules-load)\.d\/[^/]+$|(?:^|\/)etc\/(?:sysctl\.conf|modprobe\.conf|modules)$/,
    withoutComments,
  ],
];
