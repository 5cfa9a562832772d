import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalAddress } from '../../../src/parsers/table/address.ts';

describe('canonicalAddress', () => {
  it.each([
    ['0000:0000:0000:0000:0000:0000:0000:0000', '::'],
    ['0000:0000:0000:0000:0000:0000:0000:0001', '::1'],
    ['0000:0000:0000:0000:0000:0000:0102:0304', '::102:304'],
    ['::1.2.3.4', '::102:304'],
    ['0000:0000:0000:0000:0000:ffff:0a01:0203', '::ffff:10.1.2.3'],
    ['::FFFF:10.1.2.3', '::ffff:10.1.2.3'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['fe80::', 'fe80::'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['10.0.0.1', '10.0.0.1'],
  ])('%s is %s', (text, canonical) => expect(canonicalAddress(text)).toBe(canonical));

  it.each(['', '1.2.3', '1.2.3.4.5', '1.2.3.', '.1.2.3', '1.2.3.256', '01.2.3.4', '1.2.3.4 ', ':', ':::', '1::2::3'])(
    '%j is no address',
    (text) => expect(canonicalAddress(text)).toBeUndefined(),
  );

  it.each([
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    '::g',
    '::1.2.3',
    '1.2.3.4::',
    '::1.2.3.4:5',
    'fe80::1%eth0',
  ])('%j is no address', (text) => expect(canonicalAddress(text)).toBeUndefined());

  it('agrees with the parser of URLs', () => {
    const group = fc.oneof(fc.constant(0), fc.nat(0xffff));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        fc.pre(!(groups[5] === 0xffff && groups.slice(0, 5).every((value) => value === 0)));
        const full = groups.map((value) => value.toString(16).padStart(4, '0')).join(':');
        const expected = new URL(`http://[${full}]/`).hostname.slice(1, -1);
        expect(canonicalAddress(full)).toBe(expected);
        expect(canonicalAddress(expected)).toBe(expected);
      }),
    );
  });
});
