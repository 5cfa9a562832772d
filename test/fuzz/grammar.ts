/**
 * Files made from nothing but what kernels and tools can print, and a little that they cannot. A rule is a list of alternatives; `{name}` in
 * one stands for what the rule of that name makes, and `{name*}` for any number of them.
 */
import type { Random } from './random.ts';

const RULES: Readonly<Record<string, readonly string[]>> = {
  number: ['{digit}', '{digit}{digit}', '{digit}{digit}{digit}', '{digit}{number}', '4096', '262144', '{edge}'],
  digit: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  edge: [
    '0',
    '-1',
    '2147483648',
    '4294967295',
    '4294967296',
    '9007199254740993',
    '18446744073709551615',
    '007',
    '1e309',
  ],
  hex: ['00000000', '0000026c', 'ffffffff', 'FFFFFFFF', '7fffffff', '1', 'ffffffffffffffff', '{digit}a{digit}f'],
  octet: ['0', '1', '10', '127', '192', '254', '255', '{digit}', '256'],
  port: ['0', '53', '80', '443', '65535', '65536', '{number}'],
  ipv4: ['{octet}.{octet}.{octet}.{octet}', '10.0.0.{digit}', '198.51.100.7'],
  group: ['0000', '2001', '0db8', 'ffff', 'fe80', '1', '0', '00{digit}a'],
  ipv6: [
    '{group}:{group}:{group}:{group}:{group}:{group}:{group}:{group}',
    '2001:db8::{digit}',
    '::',
    '::1',
    '::ffff:{ipv4}',
    'fe80::{group}:{group}',
  ],
  state: ['ESTABLISHED', 'SYN_SENT', 'TIME_WAIT', 'CLOSE', 'NONE', 'COOKIE_WAIT', 'NEW_THING', '{number}'],

  // net/netfilter/nf_conntrack_standalone.c and libnetfilter_conntrack; ip_conntrack_standalone.c of 2.4.
  rows: ['{row}\n', '{row}\n', '{row}\n{rows}', '{row}\n{rows}', '{row}\n{rows}', '{odd}\n{rows}'],
  row: [
    '{entry4}',
    'ipv4     2 {entry4}',
    'ipv4     2 {entry4}',
    'ipv6     10 {entry6}',
    '{entry4}',
    '{entry6}',
    '{protocol4} {timeout} {tuple4} use={number}',
    '    [UPDATE] {entry4}',
  ],
  entry4: ['{protocol4} {timeout}{tuple4} {acct}{unreplied}{tuple4} {acct}{flags}{tail}'],
  entry6: ['{protocol6} {timeout}{tuple6} {acct}{unreplied}{tuple6} {acct}{flags}{tail}'],
  protocol4: [
    'tcp      6',
    'udp      17',
    'icmp     1',
    'gre      47',
    'sctp     132',
    'unknown  103',
    '{protocol6}',
    'dccp     33',
  ],
  protocol6: ['tcp      6', 'udp      17', 'icmpv6   58', 'udplite  136', 'unknown  {number}', 'esp 50'],
  timeout: ['{number} {state} ', '{number} ', '{number} {state} ', '', '{state} ', '{number}'],
  tuple4: ['src={ipv4} dst={ipv4} {ends}', 'src=10.0.0.1 dst=10.0.0.2 {ends}'],
  tuple6: ['src={ipv6} dst={ipv6} {ends}'],
  ends: [
    'sport={port} dport={port}',
    'type={number} code={number} id={number}',
    'srckey=0x{hex} dstkey=0x{hex}',
    '',
    'sport=1 sport=2',
  ],
  acct: ['', '', 'packets={number} bytes={number} ', 'packets={number} '],
  unreplied: ['', '', '[UNREPLIED] '],
  flags: ['', '[ASSURED] ', '[OFFLOAD] ', '[HW_OFFLOAD] ', '[ASSURED] [NEW_THING] ', '[UNCONFIRMED] '],
  tail: ['{mark}{zone}{age}use={number}', 'mark=0 use=2', 'mark={number} {zone}helper=ftp use=1 id={number}', '{age}'],
  mark: ['mark={number} ', 'mark=0x{hex} ', 'mark=0x{hex}/0x{hex} ', ''],
  zone: ['', 'zone={number} ', 'zone-orig={number} ', 'zone-reply={number} ', 'zone-orig=1 zone-reply={number} '],
  age: ['', 'delta-time={number} ', 'delta-time={number} [start=Sun Nov 22 22:54:51 2026] [stop=x] ', 'secctx=a:b:c '],
  odd: [
    '',
    'EXPECTING: {number} proto=6 src={ipv4} dst={ipv4} sport=0 dport={port}',
    'conntrack v1.4.{digit} (conntrack-tools): {number} flow entries have been shown.',
    '{row}conntrack v1.4.{digit} (conntrack-tools): {number} flow entries have been shown.',
    'conntrack v1.4.5 (conntrack-tools): Operation failed: sorry, you must be root',
    '# conntrack -L',
    '\u0000',
  ],
  saved: ['{save}\n', '{save}\n{saved}', '{save}\n{saved}', '{odd}\n{saved}'],
  save: [
    '-A -t {number} -u {status} -s {ipv4} -d {ipv4} -r {ipv4} -q {ipv4} -p {savedprotocol} -m {number}',
    '-A -t {number} -u {status} -s {ipv6} -d {ipv6} -r {ipv6} -q {ipv6} -p {savedprotocol} -w {number}',
    '-A -f ipv6 -t {number} -s {ipv6}',
  ],
  status: ['UNSET', 'SEEN_REPLY', 'SEEN_REPLY,ASSURED', 'ASSURED', 'OFFLOAD', 'NEW_THING', ''],
  savedprotocol: [
    'tcp --sport {port} --dport {port} --reply-port-src {port} --reply-port-dst {port} --state {state}',
    'udp --sport {port} --dport {port} --reply-port-src {port} --reply-port-dst {port}',
    'icmp --icmp-type {number} --icmp-code {number} --icmp-id {number}',
    '{number}',
  ],
  xml: [
    '<?xml version="1.0" encoding="utf-8"?>\n<conntrack>\n{flow*}</conntrack>\n',
    '{flow*}',
    '<conntrack>\n{flow*}',
  ],
  flow: [
    '<flow><meta direction="original">{layer}</meta><meta direction="reply">{layer}</meta><meta direction="independent">{independent}</meta></flow>\n',
    '<flow type="new"><meta direction="original">{layer}</meta></flow>\n',
    '<flow></flow>\n',
  ],
  layer: [
    '<layer3 protonum="2" protoname="ipv4"><src>{ipv4}</src><dst>{ipv4}</dst></layer3><layer4 protonum="6" protoname="tcp"><sport>{port}</sport><dport>{port}</dport></layer4>',
    '<layer3 protonum="10" protoname="ipv6"><src>{ipv6}</src><dst>{ipv6}</dst></layer3><layer4 protonum="{number}" protoname="unknown"></layer4><counters><packets>{number}</packets><bytes>{number}</bytes></counters>',
  ],
  independent: [
    '<state>{state}</state><timeout>{number}</timeout><mark>{number}</mark><zone>{number}</zone><assured/>',
    '<timeout>{number}</timeout><unreplied/><deltatime>{number}</deltatime>',
    '',
  ],

  // mm/slab.c, mm/slub.c and mm/slab_common.c.
  slabinfo: ['{slabversion}\n{slabheader}\n{cache*}', '{slabversion}\n{cache*}', '{cache*}'],
  slabversion: [
    'slabinfo - version: 2.1',
    'slabinfo - version: 2.1 (statistics)',
    'slabinfo - version: 2.0',
    'slabinfo - version: 1.1',
    'slabinfo - version: 1.1 (SMP)',
    'slabinfo - version: {number}',
  ],
  slabheader: [
    '# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>',
    '',
  ],
  cache: [
    '{cachename} {number} {number} {number} {number} {number} : tunables {number} {number} {number} : slabdata {number} {number} {number}\n',
    '{cachename} {number} {number} {number} {number} {number} : tunables 0 0 0 : slabdata {number} {number} 0\n',
    '{cachename} {number} {number} {number} {number} {number} {number} : {number} {number}\n',
    '{cachename} {number} {number} {number}\n',
  ],
  cachename: [
    'nf_conntrack',
    'nf_conntrack_1',
    'nf_conntrack_ffffffff81a2',
    'ip_conntrack',
    'nf_conntrack_expect',
    'kmalloc-256',
    'a b',
    ':0000256',
  ],

  counters: ['{counterheader}\n{cpurow*}', '{cpurow*}', '{counterline*}'],
  counterheader: [
    'entries  searched found new invalid ignore delete delete_list insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart',
    'entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart',
    'entries drop drop __proto__',
  ],
  cpurow: [
    '{hex}  {hex} {hex} {hex} {hex} {hex} {hex} {hex} {hex} {hex} {hex} {hex} {hex}  {hex} {hex} {hex} {hex}\n',
    '{hex} {hex}\n',
  ],
  counterline: [
    'cpu={number}   \tfound={number} invalid={number} insert=0 insert_failed={number} drop={number} early_drop={number} error=0 search_restart={number} clash_resolve={number} chaintoolong={number} \n',
    'entries\t\t\t{number}\n',
  ],

  log: ['{logline*}'],
  logline: ['{stamp}{message}\n', '{stamp}{message}\n', '\n'],
  stamp: [
    '[{number}.{digit}{digit}{digit}] ',
    'Nov 22 23:55:4{digit} gw kernel: [{number}.000001] ',
    '2026-11-22T23:55:46.{digit}+00:00 gw kernel: ',
    '<{digit}>[    0.000000] ',
    '',
  ],
  message: [
    'nf_conntrack: nf_conntrack: table full, dropping packet',
    'nf_conntrack: nf_conntrack: table full in netns {number}, dropping packet',
    'nf_conntrack: CT {number}: table full, dropping packet.',
    'net_ratelimit: {number} callbacks suppressed',
    'nf_conntrack version 0.5.0 ({number} buckets, {number} max)',
    'Linux version 6.1.0 (gcc) #1 SMP',
    'nf_conntrack: expectation table full',
  ],

  settings: ['{setting*}'],
  setting: [
    'net.netfilter.nf_conntrack_{settingname} = {number}\n',
    'net.nf_conntrack_max={number}\n',
    '-net/ipv4/netfilter/ip_conntrack_{settingname} = {number} # said\n',
    'options nf_conntrack hashsize={number} \\\n acct=1\n',
    'nf_conntrack.hashsize={number} ',
    'kernel.hostname = gw\n',
    '{number}\n',
  ],
  settingname: [
    'max',
    'count',
    'buckets',
    'tcp_timeout_established',
    'udp_timeout',
    'expect_max',
    '*',
    '../max',
    '__proto__',
  ],

  csv: [
    'path,source,status,reason,start,seconds,bytes,digest\n{item*}',
    'key,value\n{pair*}',
    'inode,pids,processes,names\n{netns*}',
  ],
  item: [
    'proc/slabinfo,/proc/slabinfo,{itemstatus},{quoted},{number},{number},{number},sha256:{hex}\n',
    '{quoted},,,\n',
  ],
  itemstatus: ['captured', 'cut', 'absent', 'failed', ''],
  quoted: ['', '"a ""b"""', '"a\nb"', '"', 'a"b', '{number}'],
  pair: [
    'format_version,{number}\n',
    'hostname,{quoted}\n',
    'captured_at,2026-11-22T23:55:46Z\n',
    'user_id,{number}\n',
    '{quoted},{quoted}\n',
  ],
  netns: ['{number},{number},nginx;dnsmasq,{quoted}\n', '{number},{number},{quoted},blue;red\n'],

  memory: ['{memoryline*}'],
  memoryline: [
    'MemTotal: {number} kB\n',
    'MemAvailable:   {number} kB\n',
    'Slab: {number}\n',
    'KernelPageSize:        {number} kB\n',
    'Mem: {number} {number} {number}\n',
    'PAGESIZE {number}\n',
    'processor\t: {number}\n',
    '{number} {number} {number}\n',
    'VmSize:\t {number} kB\n',
  ],
};

/** Rules that whole files begin with. */
export const FILES = ['rows', 'saved', 'xml', 'slabinfo', 'counters', 'log', 'settings', 'csv', 'memory'] as const;

const REFERENCE = /\{(\w+)(\*?)\}/g;

/** Makes a text by a rule. */
export function generated(random: Random, rule: string, depth = 0): string {
  const alternatives = RULES[rule] ?? [''];
  // What refers to itself ends: the first alternative does not.
  const chosen = depth > 60 ? (alternatives[0] ?? '') : random.of(alternatives);
  return chosen.replace(REFERENCE, (_written, name: string, many: string) => {
    const times = many === '' ? 1 : random.few() + random.below(4);
    return Array.from({ length: times }, () => generated(random, name, depth + 1)).join('');
  });
}
