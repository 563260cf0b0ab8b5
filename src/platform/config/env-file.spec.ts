import { parseEnvFile } from './env-file.js';

const read = (text: string | Buffer) => parseEnvFile(Buffer.from(text as string));
const valuesOf = (text: string | Buffer) => {
  const { values, faults } = read(text);
  expect(faults).toEqual([]);
  return values;
};

test.each<[string, string, Record<string, string>]>([
  ['a byte order mark', '\ufeffNODE_ENV=production\nPORT=1', { NODE_ENV: 'production', PORT: '1' }],
  ['the lines of Windows', 'NODE_ENV=production\r\nPORT=1\r\n', { NODE_ENV: 'production', PORT: '1' }],
  ['export', 'export PORT=1\n  export\tHOST=::1', { PORT: '1', HOST: '::1' }],
  ['blanks around =', '  PORT = 1  \nHOST=\tx', { PORT: '1', HOST: 'x' }],
  ['comments and blank lines', '# PORT=2\n\n   # x\nPORT=1    # the port', { PORT: '1' }],
  ['a line of the example file', 'SMTP_URL=                    # smtps://user:password@host', { SMTP_URL: '' }],
  ['quotes', `A="x # y"\nB='p#"$\\n'\nC=\`it's\` # c\nD=""`, { A: 'x # y', B: 'p#"$\\n', C: "it's", D: '' }],
  ['JSON without quotes', 'K={"kty":"EC","kid":"a"}', { K: '{"kty":"EC","kid":"a"}' }],
  ['JSON in several lines', `K='{\n  "kty": "EC"\n}'\nPORT=1`, { K: '{\n  "kty": "EC"\n}', PORT: '1' }],
  ['an escaped line', 'A="x\\ny"', { A: 'x\ny' }],
  ['an = in a value', 'DATABASE_URL=postgres://u:p@h/d?a=b', { DATABASE_URL: 'postgres://u:p@h/d?a=b' }],
  ['a $ that begins nothing', 'P=pa$$word', { P: 'pa$$word' }],
])('%s: read as it is meant', (_, text, values) => {
  expect(valuesOf(text)).toEqual(values);
});

test.each<[string, string | Buffer, RegExp]>([
  ['UTF-16', Buffer.from('\ufeffPORT=1', 'utf16le'), /^\.env is not UTF-8.*Save it as UTF-8\.$/],
  ['UTF-16 without its mark', Buffer.from('PORT=1', 'utf16le'), /^\.env is not UTF-8/],
  ['Latin-1', Buffer.from('APP_NAME=Caf\xe9', 'latin1'), /^\.env is not UTF-8/],
  ['NUL', 'PORT=1\nA=secret\0x', /^Line 2 of \.env holds a control character\.$/],
  ['a lone carriage return', 'PORT=1\rA=2', /^Line 1 .* control character/],
  [
    '# inside a value',
    'PORT=1\nA=secret#x',
    /^Line 2 of \.env sets A, where # may begin a comment or belong to the value/,
  ],
  ['# before a word', 'A=secret #x', /sets A, where # may begin/],
  ['# at once', 'A=#secret', /sets A, where # may begin/],
  ['a line without =', 'PORT 1', /^Line 1 of \.env has no =/],
  ['no name', '=secret', /has no name/],
  ['a name that is none', 'SMTP-URL=secret', /has no name before its =/],
  ['a mark inside the file', 'PORT=1\n\ufeffA=secret', /^Line 2 of \.env has no name/],
  ['the same twice', 'A=secret\nPORT=1\nA=secret', /^Line 3 of \.env sets A, as line 1 does/],
  [
    'a quote that does not end',
    'A="secret\nPORT=1',
    /^Line 1 of \.env sets A, whose value begins with " and does not end/,
  ],
  ['something behind a quote', 'A="secret"x', /behind the closing "/],
  ['an escaped quote', 'A="sec\\"ret"', /behind the closing "/],
  ['# right behind a quote', "A='secret'#x", /behind the closing '/],
  ['a backslash in double quotes', 'A="C:\\secret"', /\\ in double quotes/],
  ['a typographic quote', 'A=“secret”', /typographic/],
  ['an invisible character', 'A=secret\u200b', /invisible/],
  ...['\u00a0', '\u00ad', '\u180e', '\u2002', '\u202d', '\u2066', '\u3000', '\ufeff'].map(
    (mark): [string, string, RegExp] => [`U+${mark.charCodeAt(0).toString(16)}`, `A=${mark}secret`, /invisible/],
  ),
  ['a line end of mainframes', 'A=1\u0085B=secret', /control character/],
  ['a line that would go on', 'A=secret\\\nPORT=1', /ends with \\/],
  ['a placeholder', 'A=$' + '{SECRET}', /\$ with a brace/],
  ['a command', 'A="$(cat /secret)"', /\$ with a brace/],
])('%s is told with its line, and no value', (_, text, sentence) => {
  const { faults } = read(text);
  expect(faults).toEqual([expect.stringMatching(sentence)]);
  expect(faults[0]).toMatch(/\.$/);
  expect(faults[0]).not.toMatch(/secret/i);
});

test('a name that every object has is a name like another', () => {
  expect(read('constructor=x\ntoString=y')).toMatchObject({ faults: [], values: { constructor: 'x', toString: 'y' } });
});

test('every fault is told at once, and what comes after it is read', () => {
  const { faults, values } = read('A=x#y\nnonsense\nPORT=1\nPORT=2');
  expect(faults.map((fault) => /^Line (\d)/.exec(fault)?.[1])).toEqual(['1', '2', '4']);
  expect(values.PORT).toBe('2');
});
