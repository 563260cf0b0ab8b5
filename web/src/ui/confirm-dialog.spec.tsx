/** @jest-environment <rootDir>/web/src/testing/environment.js */
import { expect, it, jest } from '@jest/globals';
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { useState } from 'react';
import { ConfirmButton, ConfirmDialog } from './confirm-dialog.js';
import { TextField, type Values } from './form.js';

const TEXTS = { title: 'Delete it?', text: 'This cannot be undone.', confirm: 'Delete permanently' };
type Action = (values: Values) => Promise<unknown>;

/** A button whose action removes it. */
function List() {
  const [isThere, setThere] = useState(true);
  return (
    <main id="main" tabIndex={-1}>
      {isThere && <ConfirmButton trigger="Delete" {...TEXTS} action={async () => setThere(false)} />}
    </main>
  );
}

const press = async (name: string) => userEvent.click(await screen.findByText(name, { selector: 'button' }));
const isClosed = () => waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull());
const hasFocus = (element: HTMLElement) => waitFor(() => expect(document.activeElement).toBe(element));

it('asks first, with the focus on Cancel, and does nothing when cancelled', async () => {
  const action = jest.fn<Action>();
  render(<ConfirmButton trigger="Delete" triggerLabel="Delete ada" {...TEXTS} action={action} />);
  expect(screen.getByRole('button').getAttribute('aria-label')).toBe('Delete ada');
  await press('Delete');
  const dialog = await screen.findByRole('alertdialog', { name: TEXTS.title, description: TEXTS.text });
  await hasFocus(screen.getByText('Cancel'));
  expect(dialog.contains(document.activeElement)).toBe(true);
  await press('Cancel');
  await isClosed();
  expect(action).not.toHaveBeenCalled();
  await hasFocus(screen.getByText('Delete'));
});

it('acts once confirmed, then closes and returns the focus', async () => {
  const action = jest.fn<Action>().mockResolvedValue(undefined);
  render(<ConfirmButton trigger="Delete" {...TEXTS} action={action} />);
  await press('Delete');
  await press(TEXTS.confirm);
  await isClosed();
  expect(action).toHaveBeenCalledTimes(1);
  await hasFocus(screen.getByText('Delete'));
});

it('stays open with the reason if the action fails', async () => {
  render(<ConfirmButton trigger="Delete" {...TEXTS} action={() => Promise.reject(new Error('The last admin.'))} />);
  await press('Delete');
  await press(TEXTS.confirm);
  expect((await screen.findByRole('alert')).textContent).toBe('The last admin.');
  expect(screen.getByRole('alertdialog')).toBeTruthy();
});

it('asks for further fields, focuses the first of them, and passes on what was entered', async () => {
  const action = jest.fn<Action>().mockResolvedValue(undefined);
  render(
    <ConfirmButton trigger="Delete" {...TEXTS} action={action}>
      <TextField name="password" label="Password" required />
    </ConfirmButton>,
  );
  await press('Delete');
  await hasFocus(await screen.findByLabelText('Password'));
  await press(TEXTS.confirm);
  expect(action).not.toHaveBeenCalled();
  fireEvent.change(screen.getByLabelText('Password'), { target: { value: 'violet' } });
  await userEvent.keyboard('{Enter}');
  await isClosed();
  expect(action.mock.calls).toEqual([[{ password: 'violet' }]]);
});

it('moves the focus to the main part if the action removes the button', async () => {
  render(<List />);
  await press('Delete');
  await press(TEXTS.confirm);
  await isClosed();
  await hasFocus(screen.getByRole('main'));
});

it('can be opened by something else, and reports that it was dismissed', async () => {
  const [action, cancel] = [jest.fn<Action>(), jest.fn()];
  const { rerender } = render(<ConfirmDialog isOpen={false} {...TEXTS} action={action} cancel={cancel} />);
  expect(screen.queryByRole('alertdialog')).toBeNull();
  rerender(<ConfirmDialog isOpen {...TEXTS} action={action} cancel={cancel} />);
  await screen.findByRole('alertdialog');
  await userEvent.keyboard('{Escape}');
  await waitFor(() => expect(cancel).toHaveBeenCalledTimes(1));
  expect(action).not.toHaveBeenCalled();
});
