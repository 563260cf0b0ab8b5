import { escapeHtml, type HtmlPage, toHtmlPage } from '../platform/http/html.js';
import type { OutgoingMail } from '../platform/mail/mail.service.js';

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em; color: #1a1a1a; }
article { border: 1px solid #ccc; border-radius: 6px; padding: 1em; margin: 1em 0; }
h2 { font-size: 1em; margin: 0; } header p { margin: 0; color: #555; font-size: .85em; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; margin: 1em 0 0; }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #eee; } header p { color: #aaa; } a { color: #8ab4ff; } }
`;

/** The development outbox for a browser: every mail as text, its links alive. */
export function devOutboxPage(mails: (OutgoingMail & { at: Date })[]): HtmlPage {
  const list = mails.length > 0 ? mails.map(article).join('\n') : '<p>No mail yet. It appears here after a reload.</p>';
  const intro = '<p>SMTP_URL is not set, so mails stay here. This page does not exist in production.</p>';
  return toHtmlPage({ title: 'Development outbox', style: STYLE, body: `<h1>Development outbox</h1>${intro}${list}` });
}

function article({ to, subject, text, at }: OutgoingMail & { at: Date }): string {
  const linked = escapeHtml(text).replace(/https?:\/\/[^\s<]+/g, (url) => `<a href="${url}">${url}</a>`);
  return `<article><header><h2>${escapeHtml(subject)}</h2>
<p>to ${escapeHtml(to)}, ${at.toISOString()}</p></header><pre>${linked}</pre></article>`;
}
