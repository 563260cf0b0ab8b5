import { createServer, type Server, request as send } from 'node:http';
import type { Browser } from 'playwright-core';
import { openProfile, type Profile, startBrowser } from '../support/browser.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { mishapsIn } from '../support/fixtures.js';
import { freePort } from '../support/free-port.js';
import { Gatehouse } from '../support/gatehouse.js';
import { freshEmail, PASSWORD, signUp } from '../support/users.js';

/** `PUBLIC_URL` with a path: behind a proxy that serves others too, nothing is asked for but under that path. */
const PATH = '/auth';
let database: TestDatabase;
let browser: Browser;
let gatehouse: Gatehouse;
let proxy: Server;
let profile: Profile;
let url: string;
/** What was asked for outside of the path. */
let outside: string[];

beforeAll(async () => {
  [database, browser] = await Promise.all([createDatabase(), startBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await database?.drop();
});

/** Starts a server, and before it a proxy that takes the path away or passes it on. */
async function start(strips: boolean): Promise<void> {
  const [port, serverPort] = [await freePort(), await freePort()];
  url = `http://127.0.0.1:${port}${PATH}`;
  outside = [];
  proxy = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '';
    if (path !== PATH && !path.startsWith(`${PATH}/`)) {
      outside.push(path);
      return void outgoing.writeHead(404).end();
    }
    const passed = strips ? path.slice(PATH.length) || '/' : path;
    const { method, headers } = incoming;
    const onward = send({ host: '127.0.0.1', port: serverPort, path: passed, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => proxy.listen(port, '127.0.0.1', resolve));
  gatehouse = await Gatehouse.start({
    DATABASE_URL: database.url,
    PORT: String(serverPort),
    PUBLIC_URL: url,
    RATE_LIMITS: 'off',
  });
  profile = await openProfile(browser, url);
}

describe.each([
  ['takes the path away', true],
  ['passes the path on', false],
])('behind a proxy that %s', (_, strips) => {
  beforeAll(() => start(strips));
  afterAll(async () => {
    await profile?.close();
    await gatehouse?.stop();
    proxy?.close();
  });
  afterEach(() => {
    expect(outside).toEqual([]);
    expect(mishapsIn(profile)).toEqual([]);
  });

  it('signs in, goes from page to page, and outlives a reload at a deep address', async () => {
    const { page } = profile;
    const { user } = await signUp(gatehouse, { email: freshEmail() });
    await page.goto(`${url}/sign-in`);
    await page.getByLabel('Email or username').fill(user.email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Dashboard' }).waitFor();
    await page.getByRole('link', { name: 'Devices', exact: true }).click();
    await page.getByText('this device').waitFor();
    expect(page.url()).toBe(`${url}/devices`);
    await page.goto(`${url}/admin/users/${user.id}`);
    await page.getByRole('alert').getByText('users:read').waitFor();
    const [cookie] = await profile.context.cookies();
    expect(cookie?.path).toBe('/');
    await page.goto(url);
    await page.getByRole('heading', { name: 'Dashboard' }).waitFor();
  });

  it('opens what was mailed', async () => {
    const { page } = profile;
    const { user } = await signUp(gatehouse, { email: freshEmail() });
    await gatehouse.call('POST', '/v1/auth/password/forgot', { body: { email: user.email } });
    await page.goto(`${url}/dev/outbox`);
    const link = page.getByRole('article').filter({ hasText: user.email }).locator(`a[href^="${url}/reset-password#"]`);
    await link.first().click();
    await page.getByLabel('New password').fill('nine green lanterns');
    await page.getByRole('button').filter({ hasText: 'password' }).click();
    await page.getByText('Your password is changed.').waitFor();
  });

  it('shows its documentation, which names the path, and a page for what is not there', async () => {
    const { page } = profile;
    await page.goto(`${url}/docs`);
    await page.getByText('Change the own password').waitFor();
    const document = await page.request.get(`${url}/openapi.json`);
    expect((await document.json()).servers).toEqual([{ url }]);
    await page.goto(`${url}/nope`);
    await page.getByText('The address may be mistyped.').waitFor();
  });
});
