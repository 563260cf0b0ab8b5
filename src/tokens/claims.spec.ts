import fc from 'fast-check';
import { LEEWAY, readClaims } from './claims.js';

const now = 1_800_000_000;
const expectations = { now, longest: 900, isIssuer: (issuer: string) => issuer === 'us' };
const good = {
  iss: 'us',
  aud: 'gatehouse',
  sub: '01890a5d-ac96-774b-bcce-b302099a8057',
  sid: '01890a5d-ac96-774b-bcce-b302099a8058',
  jti: 'x',
  iat: now,
  exp: now + 900,
  roles: ['user'],
  ver: 1,
  username: 'ada',
  client_id: 'gatehouse',
  auth_time: now - 60,
  amr: ['pwd'],
  acr: '1fa',
};
const read = (changes: Record<string, unknown> = {}) => readClaims({ ...good, ...changes }, expectations);

test('says who is calling', () => {
  expect(read()).toEqual({
    kind: 'session',
    userId: good.sub,
    sessionId: good.sid,
    username: 'ada',
    roles: ['user'],
    tokenVersion: 1,
    issuedAt: good.iat * 1000,
    expiresAt: good.exp * 1000,
  });
  expect(read({ username: null })).toMatchObject({ username: null });
});

test('each claim is needed, and no other value stands in for it', () => {
  for (const claim of Object.keys(good)) {
    expect(read({ [claim]: undefined })).toBeNull();
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const kinds = [typeof good[claim as keyof typeof good], claim === 'username' ? 'null' : ''];
        if (!kinds.includes(value === null ? 'null' : typeof value)) expect(read({ [claim]: value })).toBeNull();
      }),
    );
  }
});

/** A token that was minted before the claims that came later. */
const former = { client_id: undefined, auth_time: undefined, amr: undefined, acr: undefined };

test('a good token of the version before is outdated, and a bad one is refused as ever', () => {
  expect(read(former)).toBe('outdated');
  for (const bad of [{ iss: 'them' }, { ver: 0 }, { exp: now + 1000 }, { iat: now + 60 }, { scope: 'users:read' }]) {
    expect(read({ ...former, ...bad })).toBeNull();
  }
  for (const [claim, value] of Object.entries(good)) {
    if (claim in former) expect(read({ ...former, [claim]: value })).toBeNull();
  }
});

test.each<[string, Record<string, unknown>, boolean]>([
  ['issued as far ahead as clocks may differ', { iat: now + LEEWAY, exp: now + 100 }, true],
  ['issued a second further ahead', { iat: now + LEEWAY + 1, exp: now + 100 }, false],
  ['the longest life', { exp: now + 900 }, true],
  ['a second longer: a span needs no leeway', { exp: now + 901 }, false],
  ['no life at all', { exp: now }, false],
  ['an end before its start', { iat: now, exp: now - 1 }, false],
  ['an issuer of somebody else', { iss: 'them' }, false],
  ['a client that is not ours', { client_id: 'gatehouse-2' }, false],
  ['methods of a newer version', { amr: ['otp', 'user', 'mfa'], acr: '2fa' }, true],
  ['a method that is not text', { amr: ['pwd', 1] }, false],
  ['a claim that is not known', { permissions: ['users:write'] }, true],
  ['an organization', { org: 'o' }, true],
  ['an organization that is not text', { org: 1 }, false],
  ['a scope, which nothing here enforces', { scope: 'users:read' }, false],
  ['a key that its holder must prove (RFC 7800)', { cnf: { jkt: 'x' } }, false],
])('%s: %p', (_name, changes, taken) => {
  expect(read(changes) !== null).toBe(taken);
});

test('nothing but an object says anything', () => {
  for (const payload of [null, undefined, 'text', 1, [], [good], JSON.stringify(good)])
    expect(readClaims(payload, expectations)).toBeNull();
});
