import { createHash } from 'node:crypto';
import { Script } from 'node:vm';
import { linkPages } from './link-pages.js';

const part = (html: string, tag: string) => new RegExp(`<${tag}>([^]*)</${tag}>`).exec(html)?.[1] ?? '';
const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

test.each(Object.entries(linkPages))('/%s runs its own script and style, and nothing else', (_, page) => {
  const { html, contentSecurityPolicy } = page;
  expect(contentSecurityPolicy).toContain(`script-src ${hash(part(html, 'script'))}`);
  expect(contentSecurityPolicy).toContain(`style-src ${hash(part(html, 'style'))}`);
  expect(contentSecurityPolicy).toContain("default-src 'none'");
  expect(html.match(/<script|\son\w+=|javascript:/g)).toEqual(['<script']);
});

/** What the script of a page does in a browser, with just the parts of the DOM that it uses. */
function open(html: string, hash: string) {
  const status = { textContent: '' };
  const button = { disabled: false };
  let submit: (event: { preventDefault(): void }) => Promise<void> = async () => undefined;
  const form = {
    hidden: false,
    dataset: { action: /data-action="([^"]*)"/.exec(html)?.[1] },
    addEventListener: (_: string, listener: typeof submit) => (submit = listener),
    querySelector: () => button,
  };
  const shown: string[] = [];
  const sent: { path: string; body: unknown }[] = [];
  new Script(part(html, 'script')).runInNewContext({
    document: { querySelector: (selector: string) => (selector === 'form' ? form : status) },
    location: { hash, pathname: '/page' },
    history: { replaceState: (_state: null, _title: string, url: string) => shown.push(url) },
    URLSearchParams,
    FormData: class {
      *[Symbol.iterator]() {
        yield ['password', 'quiet lantern over moss'];
        yield ['username', ''];
      }
    },
    fetch: async (path: string, { body }: { body: string }) => {
      sent.push({ path, body: JSON.parse(body) });
      return { ok: true, json: async () => ({ message: 'Done.' }) };
    },
  });
  return { form, status, shown, sent, submit: () => submit({ preventDefault: () => undefined }) };
}

test('a page takes the token out of the address, and sends it only when asked to', async () => {
  const page = open(linkPages['reset-password'].html, '#token=T0ken');
  expect([page.shown, page.sent]).toEqual([['/page'], []]);
  await page.submit();
  expect(page.sent).toEqual([
    { path: 'v1/auth/password/reset', body: { token: 'T0ken', password: 'quiet lantern over moss' } },
  ]);
  expect([page.form.hidden, page.status.textContent]).toEqual([true, 'Done.']);
});

test('a page without a token says so', () => {
  const { form, status } = open(linkPages['verify-email'].html, '');
  expect([form.hidden, status.textContent]).toEqual([true, expect.stringContaining('not whole')]);
});
