/** Counts the entry at hand under everything that is told of a table. */
import { countTuples } from './duplicates';
import { increase, mixed, zeroed } from './memory';
import { KEYS, original, PORTS, QUERY, reply, row, Tuple } from './row';
import { OTHER_STATE } from './states';
import { Key4, Key8, Key16, Key20, run, tally } from './tally';
import { countTime, flushTimes } from './timers';

const DCCP: u32 = 33;
const UDP_LITE: u32 = 136;

/** 24 576 addresses, or pairs, at a time: tables that stay in the processor's caches. */
const ADDRESS_BITS = 15;

/** Five protocols of 65 536 ports each fit. */
const SERVICE_BITS = 20;
const MARK_BITS = 15;

export const networks4 = tally<Key4>(ADDRESS_BITS);
export const networks6 = tally<Key8>(ADDRESS_BITS);
export const sources4 = tally<Key4>(ADDRESS_BITS, changetype<usize>(networks4));
export const sources6 = tally<Key16>(ADDRESS_BITS, changetype<usize>(networks6));
export const destinations4 = tally<Key4>(ADDRESS_BITS);
export const destinations6 = tally<Key16>(ADDRESS_BITS);
export const pairs4 = tally<Key8>(ADDRESS_BITS);
export const pairs6 = tally<Key20>(ADDRESS_BITS);
/** Of the rows whose source was rewritten: whom they reach, and as whom. */
export const natTargets4 = tally<Key8>(ADDRESS_BITS);
export const natTargets6 = tally<Key20>(ADDRESS_BITS);
export const natAddresses4 = tally<Key4>(ADDRESS_BITS);
export const natAddresses6 = tally<Key16>(ADDRESS_BITS);
export const services = tally<Key4>(SERVICE_BITS);
export const marks = tally<Key4>(MARK_BITS);
const markRun = run(marks);
/** Rows that have a mark, 0 included. */
export let markedRows: u32 = 0;

/** Entries by kind of zone and its number: three times 65 536, which all fit. */
export const zones = tally<Key4>(18);
const zoneRun = run(zones);

/** Entries by what was rewritten: nothing, the source, the destination, both. */
export const translations: usize = zeroed(4 * 4);

/** Packets and bytes of the original direction, then of the reply. */
export const traffic: usize = zeroed(4 * 8);

/** Protocols, states and flags that are counted together; a kernel prints some fifty. Above it a new state is `other`. */
const MOST_CLASSES: u32 = 4096;
/** Every protocol and flag without a state, and with the state `other`, may still come. */
const CLASS_ROOM = (MOST_CLASSES + 2 * 256 * 5) as usize;
/** A class: state, protocol and flag as {@link classKey} packs them, entries, and entries that show no timer. */
const CLASS_BYTES: usize = 12;
export const classes: usize = zeroed(CLASS_ROOM * CLASS_BYTES);
export let classCount: u32 = 0;
/** The number of the class by {@link classKey}, u16; 0 where there is none yet. */
const classNumbers: usize = zeroed(2 << 17);

export let rows: u32 = 0;
export let rowsIPv6: u32 = 0;
export let accountedRows: u32 = 0;

/** Timers that can hide a longer one: unacknowledged data, retransmissions and mid-stream pick-up have 300 s by default. */
const SHORT_TIMER: u32 = 300;

/** Counts {@link row}. */
export function countRow(): void {
  rows++;
  if (row.isIPv6) rowsIPv6++;
  countClass();
  zoneRun.add((row.zoneKind << 16) | row.zone);
  if (row.hasMark) {
    markedRows++;
    markRun.add(row.mark);
  }
  const translated = translation();
  increase(translations, translated);
  if (translated & SOURCE) queueNat();
  if (original.accounted) accountedRows++;
  addTraffic(traffic, original);
  addTraffic(traffic + 16, reply);
  if (row.isIPv6) queueIPv6();
  else queueIPv4();
}

function countClass(): void {
  let key = classKey(row.state);
  let number = load<u16>(classNumbers + (key << 1)) as u32;
  if (number === 0 && row.state !== 0 && classCount >= MOST_CLASSES) {
    key = classKey(OTHER_STATE);
    number = load<u16>(classNumbers + (key << 1)) as u32;
  }
  if (number === 0) {
    number = ++classCount;
    store<u16>(classNumbers + (key << 1), number as u16);
    store<u32>(classes + ((number - 1) as usize) * CLASS_BYTES, key as u32);
  }
  const counts = classes + ((number - 1) as usize) * CLASS_BYTES;
  increase(counts, 1);
  if (!row.hasTimeout) {
    increase(counts, 2);
    return;
  }
  // Two series a class: what remains, and what remains and the age together.
  countTime(number << 1, row.timeout);
  if (row.hasAge && row.timeout <= SHORT_TIMER) countTime((number << 1) | 1, row.timeout + row.age);
}

function classKey(state: u32): usize {
  return (((state << 8) | row.protocol) << 3) | row.flag;
}

/** What {@link translation} says of a rewritten source. */
const SOURCE: u32 = 1;

/**
 * 1 where the source was rewritten, 2 where the destination was, 3 for both: where the reply is not the mirrored original, in
 * address, port, GRE key or, with the source only (`icmp_unique_tuple()` in net/netfilter/nf_nat_core.c), the id of an ICMP query.
 * The type of a query differs from that of its reply by nature.
 */
function translation(): u32 {
  const hasEnds = original.kind === PORTS || original.kind === KEYS;
  const source =
    reply.dstHigh !== original.srcHigh ||
    reply.dstLow !== original.srcLow ||
    (hasEnds && reply.second !== original.first) ||
    (original.kind === QUERY && reply.id !== original.id);
  const destination =
    reply.srcHigh !== original.dstHigh ||
    reply.srcLow !== original.dstLow ||
    (hasEnds && reply.first !== original.second);
  return (source as u32) | ((destination as u32) << 1);
}

function addTraffic(sums: usize, tuple: Tuple): void {
  if (!tuple.accounted) return;
  store<f64>(sums, load<f64>(sums) + (tuple.packets as f64));
  store<f64>(sums, load<f64>(sums, 8) + (tuple.bytes as f64), 8);
}

/**
 * The service of an entry: its protocol and, behind a bit that says whether there is one, the port of the server. On kernels that do
 * not track DCCP and UDP-Lite the entry has no ports, and `conntrack -L`, which knows the protocol, prints `sport=0 dport=0`.
 */
@inline
function service(port: u32): u32 {
  const mayBeUntracked = row.protocol === DCCP || row.protocol === UDP_LITE;
  const isPort = original.kind === PORTS && !(mayBeUntracked && original.first === 0 && original.second === 0);
  return bswap((row.protocol << 17) | (isPort ? 0x10000 | port : 0));
}

/**
 * What tells the entry from every other, in 64 bits: the original tuple, its protocol and its zone, by multiplicative hashing.
 *
 * @param addresses the hash of the addresses
 */
@inline
function tupleHash(addresses: u64): u64 {
  const ends = ((original.first as u64) << 32) | original.second;
  const rest = ((row.protocol as u64) << 48) | ((row.zoneKind as u64) << 40) | (row.zone << 16) | original.id;
  return mixed(addresses + ends * 0x8ebc6af09c88c6e3 + rest * 0x589965cc75374cc3);
}

/**
 * Rows wait until there are {@link BATCH} of them, and are then counted table by table: in so short a loop the processor looks keys up
 * ahead, and the waits for memory overlap.
 */
const BATCH: usize = 512;

/** src, service, dst; the hash of the tuple. */
const IPV4_BYTES: usize = 24;
const IPV4_SERVICE: usize = 4;
const IPV4_DST: usize = 8;
const IPV4_HASH: usize = 16;
const queue4: usize = memory.data(24 * 512, 16);
let end4: usize = queue4;

const IPV6_BYTES: usize = 48;
const IPV6_SERVICE: usize = 16;
const IPV6_DST: usize = 20;
const IPV6_HASH: usize = 40;
const queue6: usize = memory.data(48 * 512, 16);
let end6: usize = queue6;

function queueIPv4(): void {
  store<u32>(end4, original.srcHigh as u32);
  store<u32>(end4, service(original.second), IPV4_SERVICE);
  store<u32>(end4, original.dstHigh as u32, IPV4_DST);
  const addresses = ((original.srcHigh << 32) | original.dstHigh) * 0x9e3779b97f4a7c15;
  store<u64>(end4, tupleHash(addresses), IPV4_HASH);
  end4 += IPV4_BYTES;
  if (end4 === queue4 + BATCH * IPV4_BYTES) flushIPv4();
}

function queueIPv6(): void {
  store<u64>(end6, original.srcHigh);
  store<u64>(end6, original.srcLow, 8);
  store<u32>(end6, service(original.second), IPV6_SERVICE);
  store<u64>(end6, original.dstHigh, IPV6_DST);
  store<u64>(end6, original.dstLow, IPV6_DST + 8);
  const addresses =
    original.srcHigh * 0x9e3779b97f4a7c15 +
    original.srcLow * 0xd6e8feb86659fd93 +
    original.dstHigh * 0xa0761d6478bd642f +
    original.dstLow * 0xe7037ed1a0b428db;
  store<u64>(end6, tupleHash(addresses), IPV6_HASH);
  end6 += IPV6_BYTES;
  if (end6 === queue6 + BATCH * IPV6_BYTES) flushIPv6();
}

/** Server, its service, and the address that the source became. */
const NAT4_BYTES: usize = 12;
const NAT4_SERVICE: usize = 4;
const NAT4_ADDRESS: usize = 8;
const natQueue4: usize = memory.data(12 * 512, 16);
let natEnd4: usize = natQueue4;

const NAT6_BYTES: usize = 40;
const NAT6_SERVICE: usize = 16;
const NAT6_ADDRESS: usize = 24;
const natQueue6: usize = memory.data(40 * 512, 16);
let natEnd6: usize = natQueue6;

/**
 * The reply tuple of an entry is what NAT keeps unique (nf_nat_used_tuple() in net/netfilter/nf_nat_core.c): its source is the server that is
 * really reached, also where the destination was rewritten too, and its destination the address that the client became.
 */
function queueNat(): void {
  if (row.isIPv6) {
    store<u64>(natEnd6, reply.srcHigh);
    store<u64>(natEnd6, reply.srcLow, 8);
    store<u32>(natEnd6, service(reply.first), NAT6_SERVICE);
    store<u64>(natEnd6, reply.dstHigh, NAT6_ADDRESS);
    store<u64>(natEnd6, reply.dstLow, NAT6_ADDRESS + 8);
    natEnd6 += NAT6_BYTES;
    if (natEnd6 === natQueue6 + BATCH * NAT6_BYTES) flushNat6();
  } else {
    store<u32>(natEnd4, reply.srcHigh as u32);
    store<u32>(natEnd4, service(reply.first), NAT4_SERVICE);
    store<u32>(natEnd4, reply.dstHigh as u32, NAT4_ADDRESS);
    natEnd4 += NAT4_BYTES;
    if (natEnd4 === natQueue4 + BATCH * NAT4_BYTES) flushNat4();
  }
}

let touched: u32 = 0;

function flushIPv4(): void {
  touched += sources4.touchAll(queue4, end4, IPV4_BYTES);
  sources4.addAll(queue4, end4, IPV4_BYTES);
  touched += pairs4.touchAll(queue4, end4, IPV4_BYTES);
  pairs4.addAll(queue4, end4, IPV4_BYTES);
  touched += destinations4.touchAll(queue4 + IPV4_DST, end4 + IPV4_DST, IPV4_BYTES);
  destinations4.addAll(queue4 + IPV4_DST, end4 + IPV4_DST, IPV4_BYTES);
  services.addAll(queue4 + IPV4_SERVICE, end4 + IPV4_SERVICE, IPV4_BYTES);
  countTuples(queue4 + IPV4_HASH, end4 + IPV4_HASH, IPV4_BYTES);
  end4 = queue4;
}

function flushIPv6(): void {
  touched += sources6.touchAll(queue6, end6, IPV6_BYTES);
  sources6.addAll(queue6, end6, IPV6_BYTES);
  touched += pairs6.touchAll(queue6, end6, IPV6_BYTES);
  pairs6.addAll(queue6, end6, IPV6_BYTES);
  touched += destinations6.touchAll(queue6 + IPV6_DST, end6 + IPV6_DST, IPV6_BYTES);
  destinations6.addAll(queue6 + IPV6_DST, end6 + IPV6_DST, IPV6_BYTES);
  services.addAll(queue6 + IPV6_SERVICE, end6 + IPV6_SERVICE, IPV6_BYTES);
  countTuples(queue6 + IPV6_HASH, end6 + IPV6_HASH, IPV6_BYTES);
  end6 = queue6;
}

function flushNat4(): void {
  touched += natTargets4.touchAll(natQueue4, natEnd4, NAT4_BYTES);
  natTargets4.addAll(natQueue4, natEnd4, NAT4_BYTES);
  natAddresses4.addAll(natQueue4 + NAT4_ADDRESS, natEnd4 + NAT4_ADDRESS, NAT4_BYTES);
  natEnd4 = natQueue4;
}

function flushNat6(): void {
  touched += natTargets6.touchAll(natQueue6, natEnd6, NAT6_BYTES);
  natTargets6.addAll(natQueue6, natEnd6, NAT6_BYTES);
  natAddresses6.addAll(natQueue6 + NAT6_ADDRESS, natEnd6 + NAT6_ADDRESS, NAT6_BYTES);
  natEnd6 = natQueue6;
}

/** Counts the rows that still wait, and the networks of the sources. To be called once, at the end. */
export function finish(): void {
  flushIPv4();
  flushIPv6();
  flushNat4();
  flushNat6();
  flushTimes();
  zoneRun.flush();
  markRun.flush();
  sources4.countNetworks();
  sources6.countNetworks();
}
