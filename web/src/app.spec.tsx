/** @jest-environment <rootDir>/web/src/testing/environment.js */
import { afterEach, expect, it } from '@jest/globals';
import { QueryClientProvider } from '@tanstack/react-query';
import { act, fireEvent, render, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { App } from './app.js';
import { gatehouse, queries } from './gatehouse.js';
import { SessionProvider } from './session.js';
import { json, noSession, problem, serve, tokens } from './testing/server.js';

/** Which page is at which address, for whom, and what the sign-in form makes of an answer. */
const ME = { id: 'u', email: 'ada@example.com', username: null, name: 'Ada', roles: ['user'], emailVerified: true };
const DASHBOARD = { message: 'Welcome', user: ME, sessions: { active: 1 }, activity: [] };
const SIGNED_IN = { 'GET /v1/users/me': () => json(ME), 'GET /v1/dashboard': () => json(DASHBOARD) };

async function open(path: string) {
  history.replaceState(null, '', path);
  queries.clear();
  await act(async () => {
    render(
      <QueryClientProvider client={queries}>
        <SessionProvider>
          <App />
        </SessionProvider>
      </QueryClientProvider>,
    );
  });
}

/** The page's title, once it is this. */
const heading = (name: string) => screen.findByText(name, { selector: 'h1' });

async function signInAs(name: string) {
  fireEvent.change(await screen.findByLabelText('Email or username'), { target: { value: name } });
  fireEvent.change(screen.getByLabelText('Password'), { target: { value: 'violet tractor' } });
  await userEvent.click(screen.getByText('Sign in', { selector: 'button' }));
}

afterEach(async () => {
  serve({ 'POST /v1/auth/logout': () => json({}) });
  await act(() => gatehouse.signOut());
});

it.each([
  [false, 1],
  [true, 0],
])('says that a browser keeps no session over plain http: secure %s', async (isSecure, notices) => {
  Object.defineProperty(globalThis, 'isSecureContext', { value: isSecure, configurable: true });
  serve({ 'POST /v1/auth/refresh': noSession });
  await open('/');
  await heading('Sign in');
  expect(screen.queryAllByText(/your browser does not keep you signed in/)).toHaveLength(notices);
});

it('asks for a sign-in at the address itself, without navigation, and then shows its page', async () => {
  serve({ 'POST /v1/auth/refresh': noSession, 'POST /v1/auth/login': tokens, ...SIGNED_IN });
  await open('/');
  await heading('Sign in');
  expect(screen.queryByRole('navigation')).toBeNull();
  await signInAs('ada');
  await heading('Dashboard');
  await screen.findByText('Welcome, Ada.');
  expect(location.pathname).toBe('/');
});

it('leads from the page for signing in to the dashboard once that is done', async () => {
  serve({ 'POST /v1/auth/login': tokens, ...SIGNED_IN });
  await open('/sign-in');
  await signInAs('ada');
  await heading('Dashboard');
  expect(location.pathname).toBe('/');
});

it.each([
  ['user', false],
  ['support', true],
])('shows the administration to the role %s: %s', async (role, isShown) => {
  serve({ ...SIGNED_IN, 'POST /v1/auth/login': tokens, 'GET /v1/users/me': () => json({ ...ME, roles: [role] }) });
  await open('/');
  await signInAs('ada');
  await heading('Dashboard');
  await screen.findByText('Welcome, Ada.');
  expect(screen.queryByText('Audit') !== null).toBe(isShown);
});

it('shows that there is no such page, to everyone', async () => {
  await open('/nope');
  await heading('Page not found');
});

it.each([
  ['an email', 'ada@example.com', { email: 'ada@example.com', password: 'violet tractor' }, 1],
  ['a username', 'ada', { username: 'ada', password: 'violet tractor' }, 0],
])('says why %s cannot sign in unconfirmed, and resends the link to an address only', async (_, name, sent, links) => {
  const bodies: unknown[] = [];
  serve({
    'POST /v1/auth/login': async (request) => {
      bodies.push(await request.json());
      return problem(403, 'email_not_verified', 'Confirm your address first.');
    },
  });
  await open('/sign-in');
  await signInAs(name);
  await screen.findByText('Confirm your address first.');
  expect(bodies[0]).toEqual(sent);
  expect(screen.queryAllByText('Resend link')).toHaveLength(links);
});
