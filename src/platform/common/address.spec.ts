import { forwardedAddress, halvedNetworks, networkOf, plainAddress, siteOf } from './address.js';

describe('plainAddress', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['0:0:0:0:0:ffff:203.0.113.7', '203.0.113.7'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::1', '::1'],
  ])('writes %s as %s', (text, plain) => expect(plainAddress(text)).toBe(plain));

  it.each([
    '',
    'unknown',
    '203.0.113.7:4711',
    '[2001:db8::1]',
    '203.0.113.07',
    '256.1.1.1',
    "1.1.1.1'--",
    '_hidden',
    '203.0.113.7%eth0',
    '::1%',
  ])('takes %j for no address', (text) => expect(plainAddress(text)).toBeNull());
});

describe('forwardedAddress', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:4444', '203.0.113.7'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['"2001:db8::1"', '2001:db8::1'],
    ['[fe80::1%eth0]:443', 'fe80::1'],
    ['"203.0.113.7:4444"', '203.0.113.7'],
    ['"[2001:db8::1]:443"', '2001:db8::1'],
    ['::ffff:203.0.113.7:4444', '203.0.113.7'],
    ['[::ffff:cb00:7107]:4444', '203.0.113.7'],
  ])('reads %s as %s', (hop, address) => expect(forwardedAddress(hop)).toBe(address));

  it.each([
    '',
    '""',
    'unknown',
    '_hidden',
    '"unknown"',
    '203.0.113.7:',
    '203.0.113.7:http',
    ':4444',
    '[]',
    'for=::1',
    '"::1',
  ])('takes %j for no address', (hop) => expect(forwardedAddress(hop)).toBeNull());

  it.each<[string, (length: number) => string]>([
    ['digits and a letter', (length) => `${'1'.repeat(length)}x`],
    ['colons', (length) => ':'.repeat(length)],
    ['digits with colons', (length) => '1:'.repeat(length / 2)],
    ['digits before a dot', (length) => `${'1'.repeat(length)}.1`],
  ])('looks for none in a hop as long as all headers together: %s', (_, hopOf) => {
    /** The least of some runs, milliseconds: what else the machine does only adds. */
    const cost = (hop: string) =>
      Math.min(
        ...Array.from({ length: 5 }, () => {
          const began = performance.now();
          for (let times = 0; times < 50; times++) expect(forwardedAddress(hop)).toBeNull();
          return performance.now() - began;
        }),
      );
    // Sixteen times as long: nothing more to do, where a search that begins anew at each character takes 256 times as long.
    expect(cost(hopOf(16_000)) / cost(hopOf(1_000))).toBeLessThan(8);
  });
});

describe('networkOf', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['2001:db8:1::', '2001:db8:1:0::/64'],
    ['1::2:3:4:5:6:7', '1:0:2:3::/64'],
  ])('counts %s as %s', (address, network) => expect(networkOf(address)).toBe(network));

  it('keeps neighbours apart', () => {
    expect(networkOf('2001:db8:1:2::1')).not.toBe(networkOf('2001:db8:1:3::1'));
    expect(networkOf('203.0.113.7')).not.toBe(networkOf('203.0.113.8'));
  });

  it('has one network for every spelling of an address', () => {
    const spellings = ['2001:db8:0:1::a', '2001:DB8:0:1::A', '2001:db8:0:1:0:0:0:a', '2001:0db8:0000:0001::000a'];
    expect(new Set(spellings.map((text) => networkOf(plainAddress(text) ?? ''))).size).toBe(1);
  });
});

describe('siteOf', () => {
  it('is the /48 of an IPv6 address, and nothing of an IPv4 one', () => {
    expect(['2001:db8:1:2:3:4:5:6', '2001:db8:1::9', '::1', '203.0.113.7'].map(siteOf)).toEqual([
      '2001:db8:1::/48',
      '2001:db8:1::/48',
      '0:0:0::/48',
      null,
    ]);
  });
});

test('halvedNetworks takes apart what holds every address, and nothing else', () => {
  expect(halvedNetworks(['loopback', '10.0.0.0/8', '10.0.0.1', '::1'])).toEqual([
    'loopback',
    '10.0.0.0/8',
    '10.0.0.1',
    '::1',
  ]);
  expect(halvedNetworks(['1.2.3.4/0', '::/00'])).toEqual(['0.0.0.0/1', '128.0.0.0/1', '::/1', '8000::/1']);
});
