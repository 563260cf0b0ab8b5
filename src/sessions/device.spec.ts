import fc from 'fast-check';
import { cpuTime } from '../../test/support/cpu-time.js';
import { deviceName, knownDevice } from './device.js';

test.each([
  [null, 'Unknown device'],
  ['', 'Unknown device'],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
    'Chrome on Windows',
  ],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
    'Safari on macOS',
  ],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0', 'Firefox on Linux'],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
    'Safari on iOS',
  ],
  ['curl/8.10.1', 'curl'],
  ['PostmanRuntime/7.42.0', 'PostmanRuntime'],
  ['node', 'node'],
])('%s is %s', (agent, name) => {
  expect(deviceName(agent)).toBe(name);
});

test('any text of a header has a name that is short and not empty', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 512 }), (agent) => {
      const name = deviceName(agent);
      expect(name).not.toBe('');
      expect(name.length).toBeLessThanOrEqual(80);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  'Your account is locked. Restore it at http://evil.example/login now (x',
  'evil.example/1.0',
  'evil.example',
  'Chrome evil.example',
])('%s puts none of its words into a mail', (agent) => {
  expect(knownDevice(agent)).not.toContain('evil');
  expect(knownDevice(agent)).not.toContain('locked');
});

test('what a mail says of a browser is what the list of devices says', () => {
  const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0';
  expect([knownDevice(firefox), knownDevice('curl/8.10.1'), knownDevice(null)]).toEqual([
    'Firefox on Linux',
    'Unknown device',
    'Unknown device',
  ]);
});

test('a header made to be slow is not', async () => {
  const nameAll = () => {
    for (const part of ['a/', '(', 'Mozilla/5.0 ', ' ;', 'Version/', 'like Mac OS X ', '1.', '_'])
      deviceName(part.repeat(512).slice(0, 512));
  };
  expect(await cpuTime(nameAll)).toBeLessThan(200);
});
