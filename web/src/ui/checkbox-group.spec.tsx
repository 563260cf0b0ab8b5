/** @jest-environment <rootDir>/web/src/testing/environment.js */
import { expect, it, jest } from '@jest/globals';
import { render, screen, waitFor, within } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { GatehouseProblem } from '../gatehouse.js';
import { CheckboxGroup, checkedValues } from './checkbox-group.js';
import { Form, type Values } from './form.js';

function renderGroup(action: (values: Values) => Promise<null>) {
  render(
    <Form submit="Save" action={action}>
      <CheckboxGroup legend="Roles" name="roles" options={['admin', 'user', 'a.b']} checked={['user']} />
    </Form>,
  );
}

const click = (name: string) => userEvent.click(screen.getByLabelText(name));
const save = () => userEvent.click(screen.getByText('Save'));

it('is a group with a name, and gives the form the checked values', async () => {
  const action = jest.fn(async (_: Values) => null);
  renderGroup(action);
  const group = within(screen.getByRole('group', { name: 'Roles' }));
  expect(group.getAllByRole<HTMLInputElement>('checkbox').map(({ checked }) => checked)).toEqual([false, true, false]);
  await click('admin');
  await click('a.b');
  await save();
  expect(checkedValues(action.mock.calls[0]?.[0] ?? {}, 'roles')).toEqual(['admin', 'user', 'a.b']);
});

it('tells that none is checked apart from having no boxes', async () => {
  const action = jest.fn(async (_: Values) => null);
  renderGroup(action);
  await click('user');
  await save();
  const [values = {}] = action.mock.calls[0] ?? [];
  expect('roles' in values).toBe(true);
  expect(checkedValues(values, 'roles')).toEqual([]);
});

it('reads no value of a field with a similar name', () => {
  expect(checkedValues({ roles: '', 'roles.a': 'on', 'roles2.b': 'on', role: 'c' }, 'roles')).toEqual(['a']);
});

it('shows the server’s error about one of its values as an alert in the group', async () => {
  const errors = [{ pointer: '/roles/1', detail: 'No such role.' }];
  const body = { type: 'x', title: 'x', status: 422, detail: 'x', code: 'invalid_request', requestId: 'r', errors };
  renderGroup(() => Promise.reject(new GatehouseProblem(body)));
  await save();
  const group = within(screen.getByRole('group', { name: 'Roles' }));
  await waitFor(() => expect(group.getByRole('alert').textContent).toBe('No such role.'));
});
