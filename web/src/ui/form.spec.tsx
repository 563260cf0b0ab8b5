/** @jest-environment <rootDir>/web/src/testing/environment.js */

import { GatehouseProblem, NetworkError } from '@gatehouse/client';
import { expect, it, jest } from '@jest/globals';
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { EmailField, Form, TextField, type Values, withoutEmpty } from './form.js';

type Action = (values: Values) => Promise<ReactNode>;

const refusal = (code: string, errors: { pointer: string; detail: string }[] = []) =>
  new GatehouseProblem({ type: 'x', title: 'x', status: 422, detail: `About ${code}.`, code, requestId: 'r', errors });
const refuse = (...args: Parameters<typeof refusal>) => jest.fn<Action>().mockRejectedValue(refusal(...args));

function renderForm(action: Action, props: { resets?: boolean } = {}) {
  render(
    <Form submit="Send" action={action} {...props}>
      <EmailField />
      <TextField name="name" label="Name" required />
    </Form>,
  );
}

const email = () => screen.getByLabelText<HTMLInputElement>('Email');
const name = () => screen.getByLabelText<HTMLInputElement>('Name');
const button = () => screen.getByText('Send');
/** Typed at once: a keystroke at a time takes most of the time of a test. */
const fill = (field: HTMLInputElement, value: string) => fireEvent.change(field, { target: { value } });
const sendAs = (value: string) => {
  fill(name(), value);
  return userEvent.type(name(), '{Enter}');
};
/** The text that a screen reader adds to a field. */
const descriptionOf = (field: HTMLElement) =>
  (field.getAttribute('aria-describedby') ?? '')
    .split(' ')
    .map((id) => document.getElementById(id)?.textContent ?? '')
    .join(' ')
    .trim();

it('sends its values and shows the message of success', async () => {
  const action = jest.fn<Action>().mockResolvedValue('Saved.');
  renderForm(action);
  const status = screen.getByRole('status');
  fill(email(), 'ada@example.com');
  await sendAs('Ada');
  await waitFor(() => expect(status.textContent).toBe('Saved.'));
  expect(action.mock.calls).toEqual([[{ email: 'ada@example.com', name: 'Ada' }]]);
  expect(screen.queryByRole('alert')).toBeNull();
  expect(name().value).toBe('Ada');
});

it('sends what was typed without the blanks around it, and a password with them', async () => {
  const action = jest.fn<Action>().mockResolvedValue(null);
  render(
    <Form submit="Send" action={action}>
      <TextField name="name" label="Name" />
      <TextField name="password" label="Password" type="password" />
    </Form>,
  );
  fill(screen.getByLabelText<HTMLInputElement>('Password'), ' open\u00a0');
  await sendAs('\u200b Ada Lovelace\u00a0\u2060');
  await waitFor(() => expect(action.mock.calls).toEqual([[{ name: 'Ada Lovelace', password: ' open\u00a0' }]]));
});

it('empties its fields after success where it should, and not after a refusal', async () => {
  const action = refuse('invalid_request').mockResolvedValueOnce(null);
  renderForm(action, { resets: true });
  await sendAs('Ada');
  await waitFor(() => expect(name().value).toBe(''));
  await sendAs('Eve');
  await screen.findByRole('alert');
  expect(name().value).toBe('Eve');
});

it('shows an error beside the field of its pointer, focuses the first such field, and nothing above', async () => {
  const errors = [
    { pointer: '/name', detail: 'Too short.' },
    { pointer: '/email', detail: 'Not an address.' },
  ];
  renderForm(refuse('invalid_request', errors));
  await sendAs('A');
  await waitFor(() => expect(descriptionOf(email())).toBe('Not an address.'));
  expect(descriptionOf(name())).toBe('Too short.');
  expect([email(), name()].map((field) => field.getAttribute('aria-invalid'))).toEqual(['true', 'true']);
  await waitFor(() => expect(document.activeElement).toBe(email()));
  expect(screen.queryByText('About invalid_request.')).toBeNull();
});

it('knows the field of a code without pointers', async () => {
  renderForm(refuse('email_taken'));
  await sendAs('Ada');
  await waitFor(() => expect(descriptionOf(email())).toBe('About email_taken.'));
  expect(descriptionOf(name())).toBe('');
  expect(screen.queryByRole('alert')).toBeNull();
});

it.each([
  ['a refusal that concerns no field', refusal('rate_limited'), 'About rate_limited.'],
  [
    'errors of fields that it does not have',
    refusal('x', [{ pointer: '/roles/0', detail: 'No such role.' }]),
    'No such role.',
  ],
  ['a network that fails', new NetworkError('x'), 'The server cannot be reached. Check the connection and try again.'],
])('shows %s above, and beside no field', async (_, error, text) => {
  renderForm(() => Promise.reject(error));
  await sendAs('Ada');
  expect((await screen.findByRole('alert')).textContent).toBe(text);
  expect([email(), name()].map(descriptionOf)).toEqual(['', '']);
});

it('sends again though a field was refused and is unchanged, and then shows the old error no longer', async () => {
  const action = refuse('email_taken').mockRejectedValueOnce(
    refusal('x', [{ pointer: '/name', detail: 'Too short.' }]),
  );
  renderForm(action);
  await sendAs('Ada');
  await waitFor(() => expect(descriptionOf(name())).toBe('Too short.'));
  await userEvent.click(button());
  await waitFor(() => expect(descriptionOf(email())).toBe('About email_taken.'));
  expect(descriptionOf(name())).toBe('');
  expect(action).toHaveBeenCalledTimes(2);
});

it('sends nothing while a required field is empty', async () => {
  const action = jest.fn<Action>();
  renderForm(action);
  await userEvent.click(button());
  await waitFor(() => expect(name().getAttribute('aria-invalid')).toBe('true'));
  expect(action).not.toHaveBeenCalled();
});

it('is sent once, however often its button is pressed, and shows that it waits', async () => {
  let answer = (_: string | false): void => undefined;
  const action = jest.fn<Action>(() => new Promise((resolve) => (answer = resolve)));
  renderForm(action);
  fill(name(), 'Ada');
  await userEvent.dblClick(button());
  expect(button().getAttribute('aria-disabled')).toBe('true');
  expect(action).toHaveBeenCalledTimes(1);
  answer(false);
  await waitFor(() => expect(button().getAttribute('aria-disabled')).toBe('false'));
  // False: nothing was sent after all, so nothing is said.
  expect(screen.getByRole('status').textContent).toBe('');
  expect(screen.queryByRole('alert')).toBeNull();
});

it('drops empty values, since the API accepts absent fields only', () => {
  expect(withoutEmpty({ name: '', username: 'ada', space: ' ' })).toEqual({ username: 'ada', space: ' ' });
});
