import { type Page, toPage } from '../common/html.js';
import type { LinkPage } from '../mail/letter.js';

interface Form {
  title: string;
  text: string;
  button: string;
  /** Where the token goes, relative to the page so that a PUBLIC_URL with a path works. */
  action: string;
  fields?: string;
}

const PASSWORD =
  '<label>Password <input name="password" type="password" autocomplete="new-password" required minlength="8" maxlength="256"></label>';
const USERNAME =
  '<label>Username (if you like) <input name="username" autocomplete="username" minlength="3" maxlength="32"></label>';

const FORMS: Record<LinkPage, Form> = {
  'verify-email': {
    title: 'Confirm your email address',
    text: 'Press the button to confirm that this address is yours.',
    button: 'Confirm',
    action: 'v1/auth/email/verify',
  },
  'reset-password': {
    title: 'Choose a new password',
    text: 'Every device will be signed out.',
    button: 'Save the password',
    action: 'v1/auth/password/reset',
    fields: PASSWORD,
  },
  'accept-invitation': {
    title: 'Accept the invitation',
    text: 'Choose a password, and the account is yours.',
    button: 'Accept',
    action: 'v1/auth/invitations/accept',
    fields: PASSWORD + USERNAME,
  },
  'undo-email-change': {
    title: 'Undo the change of your email address',
    text: 'The account goes back to this address, every device is signed out, and you choose a new password.',
    button: 'Undo the change',
    action: 'v1/auth/email/undo',
  },
};

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 26em; margin: 4em auto; padding: 0 1em; color: #1a1a1a; }
label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; }
label { margin: 1em 0; } input { padding: .5em; } button { margin: 1.5em 0; padding: .6em; cursor: pointer; }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #eee; } }
`;

/** Takes the token out of the address bar at once, so that it stays in no history, and sends it when the person says so. */
const SCRIPT = `
const form = document.querySelector('form');
const status = document.querySelector('[role=status]');
const token = new URLSearchParams(location.hash.slice(1)).get('token');
history.replaceState(null, '', location.pathname);
if (!token) { form.hidden = true; status.textContent = 'This address is not whole. Open the link of the mail again.'; }
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = form.querySelector('button');
  button.disabled = true;
  const fields = [...new FormData(form)].filter(([, value]) => value !== '');
  try {
    const answer = await fetch(form.dataset.action, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, ...Object.fromEntries(fields) }),
    });
    const body = await answer.json();
    if (answer.ok) form.hidden = true;
    const faults = (body.errors ?? []).map((fault) => fault.detail).join(' ');
    status.textContent = answer.ok ? body.message : faults || body.detail;
  } catch {
    status.textContent = 'The server could not be reached. Try again in a moment.';
  }
  button.disabled = false;
});
`;

/** The pages that the links of our mails open. */
export const linkPages = Object.fromEntries(
  Object.entries(FORMS).map(([name, form]) => [name, toLinkPage(form)]),
) as Record<LinkPage, Page>;

function toLinkPage({ title, text, button, action, fields = '' }: Form): Page {
  const body = `<main><h1>${title}</h1>
<form data-action="${action}"><p>${text}</p>${fields}<button>${button}</button></form>
<p role="status"></p><noscript><p>This page needs JavaScript.</p></noscript></main>`;
  return toPage({ title, style: STYLE, script: SCRIPT, body });
}
