import { enter, type Profile } from '../support/browser.js';
import { setUpFixtures } from '../support/fixtures.js';
import { freshEmail, PASSWORD, signUp } from '../support/users.js';

/** What a session goes through in a real browser: several tabs, lost networks, ends from elsewhere. */
const fixtures = setUpFixtures();
let profile: Profile;
let email: string;

beforeEach(async () => {
  ({ profile } = fixtures);
  email = freshEmail();
  await signUp(fixtures.gatehouse, { email });
  await enter(profile.page, email);
});

const refreshes = () => profile.requests.filter((line) => line === 'POST /v1/auth/refresh').length;
const heading = (name: string) => profile.page.getByRole('heading', { name });

/** Lets every access token of this session be refused as expired until it is renewed. */
async function expireTokens() {
  const refused = new Set<string>();
  await profile.context.route('**/v1/{users,dashboard,sessions}**', async (route) => {
    const token = route.request().headers().authorization ?? '';
    if (refused.size === 0) refused.add(token);
    if (!refused.has(token)) return route.fallback();
    const body = { type: 'x', title: 'x', status: 401, code: 'token_expired', detail: 'Expired.', requestId: 'x' };
    await route.fulfill({ status: 401, contentType: 'application/problem+json', body: JSON.stringify(body) });
  });
}

it('outlives a reload, by the cookie alone', async () => {
  const before = refreshes();
  await profile.page.reload();
  await heading('Dashboard').waitFor();
  expect(refreshes() - before).toBe(1);
});

it('leaves no token in storage, in an address or in the console, and none that a script could read', async () => {
  const { page, context } = profile;
  await page.reload();
  await heading('Dashboard').waitFor();
  const readable = await page.evaluate(() =>
    JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href, history.state]),
  );
  const [cookie, ...others] = await context.cookies();
  expect(others).toEqual([]);
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/' });
  expect(await page.evaluate(async () => (await indexedDB.databases()).length)).toBe(0);
  for (const text of [readable, ...profile.console, ...profile.requests]) {
    expect(text).not.toMatch(/grt_|eyJ/);
    expect(text).not.toContain(PASSWORD);
  }
});

/** Notes what a page puts into its storage. */
function noteWrites() {
  const written: string[] = [];
  const { setItem } = Storage.prototype;
  Storage.prototype.setItem = function (name, value) {
    written.push(value);
    setItem.call(this, name, value);
  };
  Object.assign(globalThis, { written });
}

it.each([
  ['Web Locks', () => undefined, []],
  [
    'a lease where the browser has none',
    () => Reflect.deleteProperty(Navigator.prototype, 'locks'),
    [expect.stringMatching(/^\{"owner":"[\d. ]+","until":\d+\}$/)],
  ],
])(
  'renews one request at a time where two tabs find their token expired at once, by %s',
  async (_, prepare, writes) => {
    await profile.context.addInitScript(prepare);
    await profile.context.addInitScript(noteWrites);
    const { page } = profile;
    await page.reload();
    await heading('Dashboard').waitFor();
    const second = await profile.open('/devices');
    await second.getByRole('heading', { name: 'Devices' }).waitFor();
    let open = 0;
    let most = 0;
    await profile.context.route('**/v1/auth/refresh', async (route) => {
      most = Math.max(most, ++open);
      const response = await route.fetch();
      open--;
      await route.fulfill({ response });
    });
    await expireTokens();
    await Promise.all([
      page.getByRole('link', { name: 'Security' }).click(),
      second.getByRole('link', { name: 'Dashboard' }).click(),
    ]);
    await Promise.all([
      page.getByText(`${email} is not confirmed yet.`).waitFor(),
      second.getByText('Welcome to your profile').waitFor(),
    ]);
    expect(most).toBe(1);
    const written = await page.evaluate(() => (globalThis as unknown as { written: string[] }).written);
    const keys = written.filter((value) => /^[0-9a-f]{32}$/.test(value));
    expect(keys.length).toBeGreaterThan(0);
    expect(written.filter((value) => !keys.includes(value)).slice(0, 1)).toEqual(writes);
  },
);

it('goes on in another tab after a while where one holds the lock and never gives it back, as a frozen one does', async () => {
  await profile.page.evaluate(() => {
    const hold = () => new Promise(() => undefined);
    navigator.locks.request(`gatehouse ${location.origin}`, hold).catch(() => undefined);
  });
  const before = refreshes();
  const next = await profile.open('/devices');
  await next.waitForFunction(async () => (await navigator.locks.query()).pending?.length === 1);
  expect([await next.getByText('this device').count(), refreshes() - before]).toEqual([0, 0]);
  await next.getByText('this device').waitFor();
  expect(refreshes() - before).toBe(1);
  const third = await profile.open('/security');
  await third.getByText(`${email} is not confirmed yet.`).waitFor();
});

it('is over in every tab once one has signed out, and the back button brings nothing back', async () => {
  const { page } = profile;
  const second = await profile.open('/account');
  await second.getByRole('heading', { name: 'Account', exact: true }).waitFor();
  await page.getByRole('link', { name: 'Devices', exact: true }).click();
  await heading('Devices').waitFor();
  await page.getByRole('button', { name: 'Sign out', exact: true }).first().click();
  await heading('Sign in').waitFor();
  await second.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.goBack();
  await heading('Sign in').waitFor();
  expect(await page.getByText(email).count()).toBe(0);
  expect(await profile.context.cookies()).toEqual([]);
});

it('is over on the next action once it was revoked elsewhere, and says why', async () => {
  await fixtures.database.query(
    'UPDATE sessions SET revoked_at = now() WHERE user_id = (SELECT id FROM users WHERE email = $1)',
    [email],
  );
  await profile.page.getByRole('link', { name: 'Devices', exact: true }).click();
  await heading('Sign in').waitFor();
  await profile.page.getByText('This session was ended. Sign in again.').waitFor();
});

it('ends for a user whom an administrator has disabled', async () => {
  await fixtures.database.query("UPDATE users SET status = 'disabled' WHERE email = $1", [email]);
  await profile.page.reload();
  await heading('Sign in').waitFor();
  await profile.page.getByLabel('Email or username').fill(email);
  await profile.page.getByLabel('Password').fill(PASSWORD);
  await profile.page.getByRole('button', { name: 'Sign in' }).click();
  await profile.page.getByRole('alert').getByText('disabled').waitFor();
});

it('goes on after the network was lost, and says so meanwhile', async () => {
  const { page, context } = profile;
  await context.setOffline(true);
  await page.getByRole('link', { name: 'Security' }).click();
  await page.getByRole('link', { name: 'Devices', exact: true }).click();
  await page.getByRole('alert').getByText('The server cannot be reached').waitFor();
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await page.getByText('You are still signed in.').waitFor();
  await context.setOffline(false);
  await page.getByText('this device').waitFor();
  await page.getByRole('link', { name: 'Security' }).click();
  await heading('Security').waitFor();
  expect(await page.getByText('You are still signed in.').count()).toBe(0);
});

it('waits for the network where that is lost as the page opens', async () => {
  const { page, context } = profile;
  await context.route('**/v1/auth/refresh', (route) => route.abort());
  await page.reload();
  await page.getByRole('alert').getByText('The server cannot be reached').waitFor();
  await context.unroute('**/v1/auth/refresh');
  await page.getByRole('button', { name: 'Try again' }).click();
  await heading('Dashboard').waitFor();
});

it('stays signed in where the answer to a renewal was lost an hour ago, and the page was closed meanwhile', async () => {
  const { page, context } = profile;
  const { gatehouse, database } = fixtures;
  let answered = 0;
  await context.route('**/v1/auth/refresh', async (route) => {
    const { idempotency, cookie } = await route
      .request()
      .allHeaders()
      .then((headers) => ({ idempotency: headers['idempotency-key'] ?? '', cookie: headers.cookie ?? '' }));
    const headers = { cookie, 'idempotency-key': idempotency };
    const { status } = await gatehouse.call('POST', '/v1/auth/refresh', { headers });
    if (status === 200) answered++;
    await route.abort();
  });
  await page.reload();
  await page.getByRole('alert').getByText('The server cannot be reached').waitFor();
  expect(answered).toBeGreaterThan(0);
  await database.query(`UPDATE sessions SET rotated_at = rotated_at - interval '1 hour'`);
  await page.close();
  await context.unroute('**/v1/auth/refresh');
  const again = await profile.open('/');
  await again.getByRole('heading', { name: 'Dashboard' }).waitFor();
});
