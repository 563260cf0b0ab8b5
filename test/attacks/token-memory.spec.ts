import { Forgery } from '../support/forge.js';
import { waitFor } from '../support/wait-for.js';

/**
 * Verified tokens are remembered, each by its whole text: CVE-2026-35039 (one token answered with another's claims).
 * What is remembered expires all the same (ASVS 5.0 V9.2.1).
 */

let forgery: Forgery;
beforeAll(async () => {
  forgery = await Forgery.start();
});
afterAll(async () => {
  await forgery.takesGenuine();
  await forgery.stop();
});

test('tokens that begin or end alike are never taken for each other', async () => {
  const names = Array.from({ length: 8 }, (_, i) => `name-${i}`);
  const tokens = names.map((username) => forgery.withClaims({ username }));
  for (let round = 0; round < 2; round++) {
    for (const [i, token] of tokens.entries()) {
      const answer = await forgery.gatehouse.call<{ user: { username: string } }>('GET', '/v1/auth/session', { token });
      expect(answer.body.user.username).toBe(names[i]);
      // While the good one is remembered, its neighbours stay what they are.
      const [header, payload, signature = ''] = token.split('.');
      await forgery.refuses(`${header}.${payload}.${tokens[(i + 1) % 8]?.split('.')[2]}`);
      await forgery.refuses(`${header}.${payload}.${signature.slice(0, -1)}`);
      await forgery.refuses(`${header}.${payload}.${signature}=`);
      await forgery.refuses(`${header}.${payload}.`);
    }
  }
});

test('a token that is refused is not remembered as good, nor a good one as refused', async () => {
  const [header, payload] = forgery.genuine.split('.');
  for (let i = 0; i < 3; i++) {
    await forgery.refuses(`${header}.${payload}.AAAA`);
    expect((await forgery.ask(forgery.genuine)).status).toBe(200);
  }
});

test('a remembered token expires', async () => {
  const hasty = await Forgery.start('ES256', { ACCESS_TOKEN_TTL: '3s' });
  const token = hasty.withClaims({ iat: Math.floor(Date.now() / 1000), exp: Math.floor(Date.now() / 1000) + 3 });
  const seen: string[] = [];
  await waitFor(async () => {
    const answer = await hasty.ask(token);
    const code = answer.status === 200 ? 'taken' : answer.body.code;
    if (seen.at(-1) !== code) seen.push(code);
    return code === 'token_expired';
  });
  expect(seen).toEqual(['taken', 'token_expired']);
  expect((await hasty.ask(token)).body.code).toBe('token_expired');
  await hasty.stop();
});
