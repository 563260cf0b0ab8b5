import { escapeHtml } from '../http/html.js';

/** The pages under PUBLIC_URL that a mail may lead to. */
type LinkPage = 'verify-email' | 'reset-password' | 'accept-invitation' | 'undo-email-change';

/** What a mail says, before it has a form. Nothing in it that a stranger could have written, such as a user's name. */
export interface MailContent {
  /** What it is, for the log and the operator. */
  kind: string;
  subject: string;
  paragraphs: string[];
  link?: { page: LinkPage; token: string; label: string };
  /** What stands under the link. */
  closing?: string[];
}

/** A mail in the form in which it is sent. */
export interface RenderedMail {
  subject: string;
  text: string;
  html: string;
}

interface Service {
  appName: string;
  publicUrl: string;
}

/** Writes a mail as text and as HTML, in the name of this service. */
export function renderMail(mail: MailContent, service: Service): RenderedMail {
  const url = mail.link && linkUrl(mail.link, service.publicUrl);
  const subject = `${mail.subject} – ${service.appName}`;
  return { subject, text: asText(mail, url, service), html: asHtml(mail, url, service) };
}

/** The token stands in the fragment: browsers keep it from servers, logs and the Referer (ASVS 5.0, 14.2.1). */
function linkUrl({ page, token }: { page: LinkPage; token: string }, publicUrl: string): string {
  return `${publicUrl}/${page}#token=${token}`;
}

function asText({ paragraphs, link, closing = [] }: MailContent, url: string | undefined, service: Service): string {
  const action = link ? [`${link.label}:\n${url}`] : [];
  return `${[...paragraphs, ...action, ...closing].join('\n\n')}\n\n-- \n${service.appName}\n${service.publicUrl}\n`;
}

function asHtml({ paragraphs, link, closing = [] }: MailContent, url: string | undefined, service: Service): string {
  const paragraph = (text: string) => `<p style="margin:0 0 16px">${escapeHtml(text)}</p>`;
  const href = escapeHtml(url ?? '');
  const action = link
    ? `<p style="margin:24px 0"><a href="${href}" style="${BUTTON}">${escapeHtml(link.label)}</a></p>
<p style="margin:0 0 16px;color:#555;font-size:13px">Or open this address: <a href="${href}">${href}</a></p>`
    : '';
  const home = escapeHtml(service.publicUrl);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"></head>
<body style="font:16px/1.5 system-ui,sans-serif;color:#1a1a1a;margin:0;padding:24px">
<div style="max-width:34em;margin:0 auto">
<p style="margin:0 0 24px;font-weight:600">${escapeHtml(service.appName)}</p>
${paragraphs.map(paragraph).join('\n')}
${action}
${closing.map(paragraph).join('\n')}
<p style="margin:32px 0 0;color:#555;font-size:13px"><a href="${home}">${home}</a></p>
</div></body></html>
`;
}

const BUTTON =
  'display:inline-block;padding:10px 18px;border-radius:6px;background:#1f4fd8;color:#fff;text-decoration:none';
