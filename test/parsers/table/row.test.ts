import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TableRow } from '../../../src/parsers/table/entry.ts';
import { parseTableRow } from '../../../src/parsers/table/row.ts';

function rowsOf(form: string): TableRow[] {
  const lines = readFileSync(new URL(`../../fixtures/table/forms/${form}.txt`, import.meta.url), 'utf8').split('\n');
  return lines.map(parseTableRow).filter((row): row is TableRow => typeof row === 'object');
}

const TCP_80 = {
  original: { src: '10.0.0.9', dst: '9.9.9.9', sport: 1003, dport: 80 },
  reply: { src: '9.9.9.9', dst: '10.0.0.9', sport: 80, dport: 1003 },
};

describe('/proc/net/ip_conntrack', () => {
  it('2.4, ip_conntrack_standalone.c: no family, no mark, a trailing blank', () => {
    expect(
      parseTableRow(
        'tcp      6 431999 ESTABLISHED src=10.0.0.9 dst=9.9.9.9 sport=1003 dport=80 src=9.9.9.9 dst=10.0.0.9 sport=80 dport=1003 [ASSURED] use=1 ',
      ),
    ).toEqual({
      family: 'ipv4',
      protocol: 'tcp',
      protocolNumber: 6,
      timeoutSeconds: 431999,
      state: 'ESTABLISHED',
      flag: 'ASSURED',
      ...TCP_80,
      use: 1,
    });
  });

  it('2.4, ip_conntrack_standalone.c: an expectation', () => {
    expect(parseTableRow('EXPECTING: 180 use=1 proto=6 src=10.0.0.9 dst=9.9.9.9 sport=0 dport=40123 ')).toBe(
      'expectation',
    );
    expect(parseTableRow('EXPECTING: - use=1 proto=17 src=10.0.0.9 dst=9.9.9.9 sport=0 dport=69 ')).toBe('expectation');
  });

  it('2.4 with patch-o-matic: counters, and use before mark', () => {
    expect(
      parseTableRow(
        'udp      17 25 src=10.0.0.9 dst=9.9.9.9 sport=1003 dport=53 packets=2 bytes=120 [UNREPLIED] src=9.9.9.9 dst=10.0.0.9 sport=53 dport=1003 packets=0 bytes=0 use=1 mark=3 ',
      ),
    ).toMatchObject({
      flag: 'UNREPLIED',
      mark: 3,
      use: 1,
      original: { packets: 2, bytes: 120 },
      reply: { packets: 0 },
    });
  });

  it('2.4, ip_conntrack_proto_tcp.c: LISTEN in place of SYN_SENT2', () => {
    expect(
      parseTableRow(
        'tcp      6 119 LISTEN src=10.0.0.9 dst=9.9.9.9 sport=1003 dport=80 [UNREPLIED] src=9.9.9.9 dst=10.0.0.9 sport=80 dport=1003 use=1 ',
      ),
    ).toMatchObject({ state: 'LISTEN', flag: 'UNREPLIED', mark: undefined });
  });

  it('2.6.18, ip_conntrack_standalone.c: counters wrapped at 2^32, mark and secmark before use', () => {
    expect(
      parseTableRow(
        'tcp      6 300 ESTABLISHED src=10.0.0.9 dst=9.9.9.9 sport=1003 dport=80 packets=12 bytes=4294967295 src=9.9.9.9 dst=10.0.0.9 sport=80 dport=1003 packets=9 bytes=17 [ASSURED] mark=0 secmark=0 use=1',
      ),
    ).toMatchObject({
      mark: 0,
      use: 1,
      original: { packets: 12, bytes: 4294967295 },
      reply: { packets: 9, bytes: 17 },
    });
  });

  it('2.6.18, ip_conntrack_standalone.c: a timer that is due but has not run', () => {
    expect(parseTableRow('unknown  50 -1 src=10.0.0.9 dst=9.9.9.9 src=9.9.9.9 dst=10.0.0.9 use=1')).toMatchObject({
      timeoutSeconds: 0,
      protocol: 'protocol 50',
      state: undefined,
    });
  });
});

describe('/proc/net/nf_conntrack', () => {
  it('6.18, nf_conntrack_standalone.c ct_seq_show: zone and mark', () => {
    expect(
      parseTableRow(
        'ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.9 dst=9.9.9.9 sport=1003 dport=80 src=9.9.9.9 dst=10.0.0.9 sport=80 dport=1003 [ASSURED] mark=4294967295 zone=65535 use=2',
      ),
    ).toEqual({
      family: 'ipv4',
      protocol: 'tcp',
      protocolNumber: 6,
      timeoutSeconds: 431999,
      state: 'ESTABLISHED',
      flag: 'ASSURED',
      ...TCP_80,
      mark: 4294967295,
      zone: 65535,
      use: 2,
    });
  });

  it('6.18: zones of one direction, counters behind them', () => {
    expect(
      parseTableRow(
        'ipv4     2 tcp      6 999 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=1004 dport=443 zone-orig=5 packets=1 bytes=60 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=443 dport=1004 zone-reply=6 packets=0 bytes=0 mark=0 delta-time=7 use=2',
      ),
    ).toMatchObject({ zone: undefined, zoneOrig: 5, zoneReply: 6, deltaTimeSeconds: 7, original: { bytes: 60 } });
  });

  it('2.6.39, ct_show_secctx: a security context, with blanks where it is one of AppArmor', () => {
    const line = (context: string) =>
      `ipv4     2 udp      17 25 src=10.0.0.9 dst=9.9.9.9 sport=1003 dport=53 src=9.9.9.9 dst=10.0.0.9 sport=53 dport=1003 mark=0 secctx=${context} zone=3 delta-time=4 use=2`;
    expect(parseTableRow(line('system_u:object_r:unlabeled_t:s0'))).toMatchObject({ flag: 'no flag', zone: 3, use: 2 });
    expect(parseTableRow(line('/usr/sbin/named (enforce)'))).toMatchObject({ zone: 3, deltaTimeSeconds: 4 });
  });

  it('6.18, nf_conntrack_proto_gre.c gre_print_conntrack: its own timeouts before the tuple', () => {
    expect(
      parseTableRow(
        'ipv4     2 gre      47 29 timeout=30, stream_timeout=180 src=10.0.0.4 dst=9.9.9.9 srckey=0x0 dstkey=0x1234 src=9.9.9.9 dst=10.0.0.4 srckey=0x1234 dstkey=0x0 mark=0 zone=0 use=2',
      ),
    ).toMatchObject({
      protocol: 'gre',
      timeoutSeconds: 29,
      state: undefined,
      original: { srckey: 0, dstkey: 0x1234 },
      reply: { srckey: 0x1234, dstkey: 0 },
    });
  });

  it('5.3 and later: offloaded TCP has neither timeout nor state', () => {
    const line = (flag: string) =>
      `ipv4     2 tcp      6 src=10.0.0.9 dst=9.9.9.9 sport=1003 dport=80 packets=4 bytes=400 src=9.9.9.9 dst=10.0.0.9 sport=80 dport=1003 packets=3 bytes=300 [${flag}] mark=0 zone=0 use=3`;
    expect(parseTableRow(line('OFFLOAD'))).toEqual({
      family: 'ipv4',
      protocol: 'tcp',
      protocolNumber: 6,
      flag: 'OFFLOAD',
      original: { ...TCP_80.original, packets: 4, bytes: 400 },
      reply: { ...TCP_80.reply, packets: 3, bytes: 300 },
      mark: 0,
      zone: 0,
      use: 3,
    });
    expect(parseTableRow(line('HW_OFFLOAD'))).toMatchObject({ flag: 'HW_OFFLOAD' });
  });

  it('6.18: what ctnetlink inserted can be unreplied and assured, and counts as assured', () => {
    expect(
      parseTableRow(
        'ipv4     2 udp      17 99 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1 [ASSURED] mark=0 zone=0 use=2',
      ),
    ).toMatchObject({ flag: 'ASSURED' });
  });

  it('6.18: IPv6 with all digits', () => {
    expect(
      parseTableRow(
        'ipv6     10 icmpv6   58 29 src=2001:0db8:0000:0000:0000:0000:0000:0005 dst=0000:0000:0000:0000:0000:ffff:0a01:0203 type=128 code=0 id=99 src=0000:0000:0000:0000:0000:ffff:0a01:0203 dst=2001:0db8:0000:0000:0000:0000:0000:0005 type=129 code=0 id=99 mark=0 zone=0 use=2',
      ),
    ).toMatchObject({
      family: 'ipv6',
      protocol: 'icmpv6',
      original: { src: '2001:db8::5', dst: '::ffff:10.1.2.3', type: 128, code: 0, id: 99 },
      reply: { type: 129 },
    });
  });

  it('a protocol without a tracker is called by its number, or by what conntrack -L calls it', () => {
    const tuples = 'src=10.0.0.4 dst=9.9.9.9 src=9.9.9.9 dst=10.0.0.4 mark=0 zone=0 use=2';
    expect(parseTableRow(`ipv4     2 unknown  103 599 ${tuples}`)).toMatchObject({ protocol: 'protocol 103' });
    expect(parseTableRow(`ipv4     2 unknown  33 599 ${tuples}`)).toMatchObject({
      protocol: 'dccp',
      protocolNumber: 33,
    });
  });
});

describe('conntrack -L', () => {
  it('1.4.7, snprintf_default.c: no family, IPv6 compressed', () => {
    expect(
      parseTableRow(
        'tcp      6 99 ESTABLISHED src=::ffff:10.1.2.3 dst=:: sport=1 dport=2 src=:: dst=::ffff:10.1.2.3 sport=2 dport=1 [ASSURED] mark=0 use=1',
      ),
    ).toMatchObject({ family: 'ipv6', original: { src: '::ffff:10.1.2.3', dst: '::' }, zone: undefined, use: 1 });
  });

  it('1.4.7: DCCP with the ports that the kernel did not send', () => {
    expect(
      parseTableRow(
        'dccp     33 599 src=10.0.0.4 dst=9.9.9.9 sport=0 dport=0 src=9.9.9.9 dst=10.0.0.4 sport=0 dport=0 mark=0 use=1',
      ),
    ).toMatchObject({ protocol: 'dccp', original: { sport: 0, dport: 0 } });
  });

  it('1.4.7 -o id,ktimestamp,labels: blanks in a time stamp, an id that is not of ICMP, helper and labels', () => {
    expect(
      parseTableRow(
        'icmp     1 99 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=77 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=77 mark=0 delta-time=5 [start=Sat Nov 22 20:11:00 2025] [stop=Sat Nov 22 20:11:05 2025] helper=ftp use=1 id=1334862061 labels=eth0-in,voice line',
      ),
    ).toMatchObject({ flag: 'UNREPLIED', helper: 'ftp', use: 1, original: { id: 77 }, reply: { id: 77 } });
    expect(
      parseTableRow(
        'unknown  253 598 src=10.0.1.253 dst=9.9.9.253 src=9.9.9.253 dst=10.0.1.253 mark=0 [start=Sat Nov 22 20:11:00 2025] use=1 id=4166353488',
      ),
    ).toMatchObject({ protocol: 'protocol 253', original: { src: '10.0.1.253' } });
  });

  it('4.18 of RHEL 8: netlink still sends timeout and state of offloaded TCP', () => {
    expect(
      parseTableRow(
        'ipv4     2 tcp      6 86400 ESTABLISHED src=10.0.0.9 dst=9.9.9.9 sport=1003 dport=80 src=9.9.9.9 dst=10.0.0.9 sport=80 dport=1003 [OFFLOAD] mark=0 use=2',
      ),
    ).toMatchObject({ state: 'ESTABLISHED', timeoutSeconds: 86400, flag: 'OFFLOAD' });
  });

  it.each(['extended', 'id-ktimestamp-labels', 'list-with-summary'])('prints the entries of /proc as %s', (form) => {
    const proc = rowsOf('proc').map((row) => ({ ...row, use: 1, zone: row.zone || undefined }));
    expect(rowsOf(form)).toEqual(proc);
    expect(proc).toHaveLength(13);
  });
});

describe('conntrack -L -o save', () => {
  it('prints the entries of /proc without counters, mark, age and the reply of a query', () => {
    const { packets, bytes, type, code, id } = {} as Partial<TableRow['original']>;
    const bare = { packets, bytes };
    const proc = rowsOf('proc').map((row) => ({
      ...row,
      original: { ...row.original, ...bare },
      reply: { ...row.reply, ...bare, type, code, id },
      mark: undefined,
      zone: row.zone || undefined,
      deltaTimeSeconds: undefined,
      use: undefined,
    }));
    expect(rowsOf('save')).toEqual(proc);
  });

  it('flags what it has a status for', () => {
    const line = (status: string) => `-A -t 9 -u ${status} -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p 103`;
    expect(parseTableRow(line('UNSET'))).toMatchObject({ flag: 'UNREPLIED', protocol: 'protocol 103' });
    expect(parseTableRow(line('SEEN_REPLY'))).toMatchObject({ flag: 'no flag' });
    expect(parseTableRow(line('SEEN_REPLY,ASSURED,FIXED_TIMEOUT'))).toMatchObject({ flag: 'ASSURED' });
    expect(parseTableRow(line('SEEN_REPLY,ASSURED,OFFLOAD'))).toMatchObject({ flag: 'OFFLOAD' });
  });

  it.each([
    '-A',
    '-A -t 9 -u UNSET -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1',
    '-A -t 9 -u UNSET -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0 -p tcp',
    '-A -t 9 -u UNSET -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p tcp --sport 1 --dport 2 --reply-port-src',
    '-A -t 9 -u UNSET -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p tcp --sport 1 --dport 2 --state x',
    '-D -p tcp -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1',
  ])('does not understand %s', (line) => expect(parseTableRow(line)).toBeUndefined());
});

describe('conntrack -L -o xml', () => {
  it('prints the entries of /proc without ICMP, and names SCTP states as if they were of TCP', () => {
    const proc = rowsOf('proc').map((row) => ({
      ...row,
      original: { ...row.original, type: undefined, code: undefined, id: undefined },
      reply: { ...row.reply, type: undefined, code: undefined, id: undefined },
      zone: row.zone || undefined,
      use: 1,
    }));
    expect(rowsOf('xml')).toEqual(proc);
    expect(rowsOf('xml').find((row) => row.protocol === 'sctp')).toMatchObject({ state: 'COOKIE_WAIT' });
  });

  it('is no entry when it is an event or damaged', () => {
    const flow =
      readFileSync(new URL('../../fixtures/table/forms/xml.txt', import.meta.url), 'utf8').split('\n')[2] ?? '';
    expect(parseTableRow(flow)).toBeTypeOf('object');
    expect(parseTableRow(flow.replace('<flow>', '<flow type="new">'))).toBeUndefined();
    expect(parseTableRow(flow.replace('</flow>', ''))).toBeUndefined();
    expect(parseTableRow(flow.replace('independent', 'other'))).toBeUndefined();
    expect(parseTableRow(flow.replace('protonum="103"', 'protonum="999"'))).toBeUndefined();
    expect(parseTableRow(flow.replaceAll('10.0.0.1', '10.0.0.999'))).toBeUndefined();
  });
});

describe('what vendors make of it', () => {
  const TUPLES = 'src=10.0.0.9 dst=9.9.9.9 sport=1003 dport=80 src=9.9.9.9 dst=10.0.0.9 sport=80 dport=1003';

  it.each([
    ['tcp      431999 ESTABLISHED', { protocolNumber: 6, timeoutSeconds: 431999, state: 'ESTABLISHED' }],
    ['tcp      120 TIME_WAIT', { protocolNumber: 6, timeoutSeconds: 120, state: 'TIME_WAIT' }],
    ['udp      29', { protocolNumber: 17, timeoutSeconds: 29, state: undefined }],
    ['ipv4     2 udp      29', { protocolNumber: 17, timeoutSeconds: 29, state: undefined }],
    ['ipv4     udp      17 29', { protocolNumber: 17, timeoutSeconds: 29, state: undefined }],
    ['ipv4     tcp      10 CLOSE', { protocolNumber: 6, timeoutSeconds: 10, state: 'CLOSE' }],
    ['tcp     ', { protocolNumber: 6, timeoutSeconds: undefined, state: undefined }],
    ['tcp      ESTABLISHED', { protocolNumber: 6, timeoutSeconds: undefined, state: 'ESTABLISHED' }],
    // Where both numbers are there, the protocol's own has the last word, as ever.
    ['udp      33 29', { protocolNumber: 33, timeoutSeconds: 29, state: undefined }],
    // What is the protocol's number is taken for it, and the row has no timeout then.
    ['udp      17', { protocolNumber: 17, timeoutSeconds: undefined, state: undefined }],
  ])('leaves numbers out: %s', (head, expected) => {
    expect(parseTableRow(`${head} ${TUPLES} use=1`)).toMatchObject({ ...TCP_80, ...expected });
  });

  it('adds columns and flags anywhere', () => {
    const plain = parseTableRow(`tcp      6 99 ESTABLISHED ${TUPLES} [ASSURED] mark=7 use=1`);
    expect(plain).toBeTypeOf('object');
    for (const extra of [
      'bytes_sec=1200',
      'mtu=1500',
      '[SEEN]',
      'l7proto=http',
      'ifname=br-lan',
      '[HW_PPE]',
      'X-TAG',
    ]) {
      for (const at of [6, 8, 12, 14, 15]) {
        const columns = `tcp      6 99 ESTABLISHED ${TUPLES} [ASSURED] mark=7 use=1`.split(' ');
        columns.splice(at, 0, extra);
        if (at > 8 || !extra.startsWith('X'))
          expect(parseTableRow(columns.join(' ')), columns.join(' ')).toEqual(plain);
      }
    }
  });

  it('orders the last columns in any way', () => {
    const columns = [
      '[ASSURED]',
      'mark=7',
      'secctx=system_u:object_r:unlabeled_t:s0',
      'zone=3',
      'delta-time=12',
      'use=2',
      'id=3735928559',
      'labels=web,b',
      '[start=Sat Nov 22 20:11:00 2025]',
    ];
    const row = (order: readonly string[]) => parseTableRow(`tcp      6 99 ESTABLISHED ${TUPLES} ${order.join(' ')}`);
    expect(row(columns)).toMatchObject({ flag: 'ASSURED', mark: 7, zone: 3, deltaTimeSeconds: 12, use: 2 });
    const orders = fc.shuffledSubarray(columns, { minLength: columns.length });
    const property = fc.property(orders, (order) => {
      expect(row(order)).toEqual(row(columns));
    });
    fc.assert(property);
  });

  it.each(['', 'ESTABLISHED ', '86400 ', '86400 ESTABLISHED '])('offloads with “%s” in front', (head) => {
    for (const flag of ['OFFLOAD', 'HW_OFFLOAD']) {
      const row = `tcp      6 ${head}${TUPLES} [${flag}] mark=0 use=3`;
      expect(parseTableRow(row)).toMatchObject({ ...TCP_80, flag, protocolNumber: 6 });
      expect(parseTableRow(`tcp      6 ${head}[${flag}] ${TUPLES} mark=0 use=3`)).toEqual(parseTableRow(row));
    }
  });
});

describe('what is not a row', () => {
  const TUPLES = 'src=10.0.0.9 dst=9.9.9.9 sport=1003 dport=80 src=9.9.9.9 dst=10.0.0.9 sport=80 dport=1003';

  it.each([
    ['a blank line', ''],
    ['the summary of conntrack -L', 'conntrack v1.4.7 (conntrack-tools): 45 flow entries have been shown.'],
    ['a row that was cut in the original', 'tcp      6 99 SYN_SENT src=10.0.0.9 dst=9.9.9.9 sport=10'],
    ['a row that was cut in the reply', `tcp      6 99 SYN_SENT ${TUPLES.slice(0, -12)}`],
    ['a row that was cut in a flag', `tcp      6 99 SYN_SENT ${TUPLES} [ASSU`],
    ['two rows in one line', `tcp      6 99 SYN_SENT ${TUPLES} tcp      6 99 SYN_SENT ${TUPLES}`],
    ['a row without a reply', 'udp      17 9 src=10.0.0.9 dst=9.9.9.9 sport=1003 dport=80 mark=0 use=1'],
    ['a row of two families', 'unknown  50 9 src=10.0.0.9 dst=::1 src=::1 dst=10.0.0.9 mark=0 use=1'],
    ['a port above 65535', `tcp      6 99 SYN_SENT ${TUPLES.replace('=1003', '=65536')}`],
    ['a protocol above 255', `unknown  256 99 ${TUPLES}`],
    ['a protocol without a number, of a name that the kernel has not', `esp      ${TUPLES}`],
    ['a protocol without a number but with a timeout, of such a name', `esp      599 ${TUPLES}`],
    ['a column too many', `tcp      6 99 SYN_SENT ASSURED ${TUPLES}`],
    ['a state that is none', `tcp      6 99 syn_sent ${TUPLES}`],
    ['an address that is none', `tcp      6 99 SYN_SENT ${TUPLES.replace('9.9.9.9', '9.9.9.256')}`],
    ['a mark that is none', `tcp      6 99 SYN_SENT ${TUPLES} mark=0x1 use=1`],
    ['an event of conntrack -E', `    [NEW] tcp      6 120 SYN_SENT ${TUPLES}`],
    ['an event without the number of its protocol', ` [UPDATE] tcp      432000 ESTABLISHED ${TUPLES}`],
    ['an event with a time', `[1732306260.123456]\t[DESTROY] tcp      6 ${TUPLES}`],
    ['an event of conntrack -E -o extended', `    [NEW] ipv4     2 tcp      6 120 SYN_SENT ${TUPLES}`],
  ])('%s', (_, line) => expect(parseTableRow(line)).toBeUndefined());

  it('never throws, whatever the damage', () => {
    const lines = ['proc', 'id-ktimestamp-labels', 'save', 'xml'].flatMap((form) =>
      readFileSync(new URL(`../../fixtures/table/forms/${form}.txt`, import.meta.url), 'utf8').split('\n'),
    );
    const damage = fc.record({
      line: fc.constantFrom(...lines),
      at: fc.nat(),
      length: fc.nat(40),
      text: fc.oneof(
        fc.string({ maxLength: 12 }),
        fc.constantFrom(' ', '=', '[', 'src=', 'src=1.1.1.1 ', '\0', '::', '-'),
      ),
    });
    fc.assert(
      fc.property(damage, ({ line, at, length, text }) => {
        const start = at % (line.length + 1);
        parseTableRow(line.slice(0, start) + text + line.slice(start + length));
      }),
      { numRuns: 5000 },
    );
  });
});
