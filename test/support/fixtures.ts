import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { openProfile, type Profile, startBrowser, startForBrowser } from './browser.js';
import { createDatabase, type TestDatabase } from './database.js';
import type { Gatehouse } from './gatehouse.js';

/** A server and a browser for the tests of one file, a fresh profile for each test, and what a user does there. */
export class Fixtures {
  database!: TestDatabase;
  gatehouse!: Gatehouse;
  browser!: Browser;
  profile!: Profile;

  get page(): Page {
    return this.profile.page;
  }

  heading(name: string): Locator {
    return this.page.getByRole('heading', { name, exact: true });
  }

  press(name: string): Promise<void> {
    return this.page.getByRole('button', { name, exact: true }).click();
  }

  fill(label: string, value: string): Promise<void> {
    return this.page.getByLabel(label, { exact: true }).fill(value);
  }

  go(link: string): Promise<void> {
    return this.page.getByRole('link', { name: link, exact: true }).click();
  }

  /** Waits until the page says this somewhere. */
  said(text: string): Promise<void> {
    return this.page.getByText(text).first().waitFor();
  }

  /** What is said beside a field that was refused; waits for it. */
  async errorOf(label: string): Promise<string> {
    const field = this.page.locator('.field', { has: this.page.getByLabel(label, { exact: true }) });
    return (await field.locator('.error').textContent()) ?? '';
  }
}

/** What no page may do: break its own policy, or throw. What the server refuses is no mishap. */
export function mishapsIn({ console: lines }: Profile): string[] {
  return lines.filter((line) => /Content Security Policy|^error: (?!Failed to load)/.test(line));
}

/** Sets the fixtures for a file of tests. A page that its own policy forbids something, or that throws, fails its test. */
export function setUpFixtures(env: Record<string, string> = {}, options: BrowserContextOptions = {}): Fixtures {
  const fixtures = new Fixtures();
  beforeAll(async () => {
    fixtures.database = await createDatabase();
    fixtures.gatehouse = await startForBrowser({ DATABASE_URL: fixtures.database.url, ...env });
    fixtures.browser = await startBrowser();
  });
  afterAll(async () => {
    await fixtures.browser?.close();
    await fixtures.gatehouse?.stop();
    await fixtures.database?.drop();
  });
  beforeEach(async () => {
    fixtures.profile = await openProfile(fixtures.browser, fixtures.gatehouse.url, options);
  });
  afterEach(async () => {
    expect(mishapsIn(fixtures.profile)).toEqual([]);
    await fixtures.profile.close();
  });
  return fixtures;
}
