import { createHash } from 'node:crypto';
import { contentPolicy } from './content-policy.js';

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text that can stand anywhere in HTML, in a quoted attribute too. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** A small page of our own: its text, and the policy that lets its own style apply and nothing run. */
export interface HtmlPage {
  html: string;
  contentSecurityPolicy: string;
}

interface Parts {
  title: string;
  /** HTML; whatever comes from elsewhere is escaped already. */
  body: string;
  style: string;
}

/** Puts a page together. Its style is allowed by its hash and scripts not at all, so nothing that slipped into the body can run. */
export function toHtmlPage({ title, body, style }: Parts): HtmlPage {
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${style}</style></head>
<body>${body}</body></html>`;
  return { html, contentSecurityPolicy: contentPolicy({ 'style-src': hashOf(style) }) };
}

function hashOf(source: string): string {
  return `'sha256-${createHash('sha256').update(source).digest('base64')}'`;
}
