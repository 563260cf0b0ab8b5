/** @jest-environment <rootDir>/web/src/testing/environment.js */
import { beforeEach, expect, it } from '@jest/globals';
import { act, render, screen, waitFor } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { api, gatehouse, queries, unwrap } from './gatehouse.js';
import { SessionProvider, useSession } from './session.js';
import { problem, serve, tokens } from './testing/server.js';

/** One page from its first moment on: the tests are its story, in this order. */
const CREDENTIALS = { email: 'ada@example.com', password: 'violet tractor under snow' };

function State() {
  const { isSignedIn, reason } = useSession();
  return <p>{`${isSignedIn ? 'signed in' : 'signed out'}: ${reason}`}</p>;
}

beforeEach(async () => {
  queries.setQueryData(['read by'], 'ada');
  serve({ 'POST /v1/auth/refresh': () => problem(503, 'overloaded', 'Too much to do.') });
  await act(async () => {
    render(
      <SessionProvider>
        <State />
      </SessionProvider>,
    );
  });
});

const readBy = () => queries.getQueryData(['read by']);

it('shows no page until it knows whether there is a session, and tries again when asked', async () => {
  expect(screen.getByRole('status').textContent).toBe('Loading…');
  expect((await screen.findByRole('alert')).textContent).toContain('Too much to do.');
  expect(document.title).toBe('Temporarily unavailable · Gatehouse');
  expect(screen.queryByText(/signed/)).toBeNull();
  serve({ 'POST /v1/auth/refresh': tokens });
  await userEvent.click(screen.getByText('Try again'));
  await screen.findByText('signed in: null');
  expect(screen.queryByRole('alert')).toBeNull();
});

it('is signed in at once where the session is known', async () => {
  await screen.findByText('signed in: null');
  expect(readBy()).toBe('ada');
});

it('says why the server ended the session, and forgets what was read', async () => {
  await screen.findByText('signed in: null');
  serve({ 'GET /v1/users/me': () => problem(401, 'session_revoked', 'This session was ended.') });
  await act(() => unwrap(api.GET('/v1/users/me')).catch(() => undefined));
  await screen.findByText('signed out: This session was ended.');
  expect(readBy()).toBeUndefined();
});

it('follows a sign-in and a sign-out, without a reason, and shows nothing of one user to the next', async () => {
  serve({ 'POST /v1/auth/login': tokens, 'POST /v1/auth/logout': () => Response.json({}) });
  await screen.findByText('signed out: null');
  await act(() => gatehouse.signIn(CREDENTIALS));
  await screen.findByText('signed in: null');
  expect(readBy()).toBeUndefined();
  queries.setQueryData(['read by'], 'ada');
  await act(() => gatehouse.signOut());
  await screen.findByText('signed out: null');
  expect(readBy()).toBeUndefined();
});

it('reads the account again with new tokens, since they may carry other roles', async () => {
  serve({ 'POST /v1/auth/login': tokens, 'POST /v1/auth/refresh': tokens });
  await act(() => gatehouse.signIn(CREDENTIALS));
  queries.setQueryData(['me'], { roles: ['user'] });
  await act(() => gatehouse.session.renew('a'));
  await waitFor(() => expect(queries.getQueryState(['me'])?.isInvalidated).toBe(true));
  expect(queries.getQueryState(['read by'])?.isInvalidated).not.toBe(true);
});
