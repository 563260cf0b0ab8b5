import { type BadToken, b64, KID, refuseAll } from '../support/forge.js';

/**
 * A header that says more than the server writes: RFC 7515, 4.1 and 4.1.11 (crit), RFC 7797 (b64), RFC 8725, 3.10 and
 * 3.11; ASVS 5.0 V9.1.3 (keys from the configuration only) and V9.2.2 (typ); CVE-2026-35042 (crit).
 * Every token here has a good signature of the genuine key.
 */

const JWK = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
};
const EXTRA: Record<string, unknown> = {
  'crit of nothing': { crit: [] },
  'crit of exp': { crit: ['exp'], exp: 9_999_999_999 },
  'crit of an unknown extension': { crit: ['x-unknown'], 'x-unknown': true },
  'crit of alg': { crit: ['alg'] },
  'crit null': { crit: null },
  'b64 false': { b64: false },
  'b64 false and crit': { b64: false, crit: ['b64'] },
  'b64 true': { b64: true, crit: ['b64'] },
  jku: { jku: 'http://127.0.0.1:9/jwks.json' },
  jwk: { jwk: JWK },
  x5u: { x5u: 'http://127.0.0.1:9/cert.pem' },
  x5c: { x5c: ['MIIB'] },
  x5t: { x5t: 'AAAA' },
  'x5t#S256': { 'x5t#S256': 'AAAA' },
  'cty JWT': { cty: 'JWT' },
  'zip DEF': { zip: 'DEF' },
  'enc, as a JWE has it': { enc: 'A256GCM' },
  epk: { epk: JWK },
  p2c: { p2c: 2_000_000_000 },
  nonce: { nonce: 'n' },
  'a member of nobody': { extra: 1 },
  'an empty name': { '': 1 },
  constructor: { constructor: 1 },
  'alg in capitals besides': { ALG: 'none' },
};

const TYPES = [
  'JWT',
  'jwt',
  'AT+JWT',
  'At+Jwt',
  'application/at+jwt',
  'at+jwt ',
  ' at+jwt',
  'at+JWT',
  'at jwt',
  'at',
  'rt+jwt',
  'dpop+jwt',
  'logout+jwt',
  'secevent+jwt',
  'id+jwt',
  '',
  null,
  1,
  true,
  ['at+jwt'],
  {},
];

const extra: BadToken[] = Object.entries(EXTRA).map(([name, members]) => [
  name,
  (f) => f.withHeader({ ...f.forge.header, ...(members as object) }),
]);
const types: BadToken[] = TYPES.map((typ) => [
  `typ ${JSON.stringify(typ)}`,
  (f) => f.withHeader({ ...f.forge.header, typ }),
]);

/** As text, because an object cannot say it. */
const TEXTS: Record<string, string> = {
  'alg twice, alike': `{"alg":"ES256","alg":"ES256","typ":"at+jwt","kid":"${KID}"}`,
  'alg twice, none first': `{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"${KID}"}`,
  'alg twice, none last': `{"alg":"ES256","typ":"at+jwt","kid":"${KID}","alg":"none"}`,
  'alg twice, once escaped': `{"alg":"ES256","typ":"at+jwt","kid":"${KID}","\\u0061lg":"ES256"}`,
  'kid twice': `{"alg":"ES256","typ":"at+jwt","kid":"other","kid":"${KID}"}`,
  'typ twice': `{"alg":"ES256","typ":"JWT","kid":"${KID}","typ":"at+jwt"}`,
  'a __proto__': `{"alg":"ES256","typ":"at+jwt","kid":"${KID}","__proto__":{}}`,
  'what is needed in a __proto__ only': `{"__proto__":{"alg":"ES256","typ":"at+jwt","kid":"${KID}"},"a":1,"b":2,"c":3}`,
  'an array': `["ES256","at+jwt","${KID}"]`,
  'a string': '"ES256"',
  null: 'null',
  'a number': '1',
  'an empty object': '{}',
  'an empty text': '',
  'white space': ' ',
  'not JSON': '{alg:ES256}',
  'JSON cut off': `{"alg":"ES256","typ":"at+jwt","kid":"${KID}"`,
  'a comma at the end': `{"alg":"ES256","typ":"at+jwt","kid":"${KID}",}`,
  'two values': `{"alg":"ES256","typ":"at+jwt","kid":"${KID}"}{}`,
  'a byte order mark': `\ufeff{"alg":"ES256","typ":"at+jwt","kid":"${KID}"}`,
  'a NUL at the end': `{"alg":"ES256","typ":"at+jwt","kid":"${KID}"}\u0000`,
  'a comment': `{"alg":"ES256",/**/"typ":"at+jwt","kid":"${KID}"}`,
};
const texts: BadToken[] = Object.entries(TEXTS).map(([name, header]) => [name, (f) => f.withHeader(header)]);

const bytes: BadToken[] = [
  [
    'a header that is not UTF-8',
    (f) =>
      f.forge.close(
        `${b64(Buffer.concat([Buffer.from('{"alg":"ES256","typ":"at+jwt","kid":"'), Buffer.from([0xff, 0xc0]), Buffer.from('"}')]))}.${b64(f.part(1))}`,
      ),
  ],
  ['a header in UTF-16', (f) => f.forge.close(`${b64(Buffer.from(f.part(0), 'utf16le'))}.${b64(f.part(1))}`)],
];

refuseAll({
  'a header with a member too many': extra,
  'a header of another type': [...types, ['no typ', (f) => f.withHeader({ alg: 'ES256', kid: KID })]],
  'a header that two parsers may read differently': [...texts, ...bytes],
});
