/** @jest-environment <rootDir>/web/src/testing/environment.js */
import { GatehouseProblem } from '@gatehouse/client';
import { expect, it, jest } from '@jest/globals';
import { api } from '../gatehouse.js';
import { FieldError } from '../ui/error-messages.js';
import { userIdOf } from './user-lookup.js';

const refusal = (code: string) =>
  new GatehouseProblem({ type: 'x', title: 'x', status: 403, detail: 'Refused.', code, requestId: 'r' });

it('says beside the field that an ID is needed by those who may not read users, and hides no other refusal', async () => {
  const get = jest.spyOn(api, 'GET').mockRejectedValueOnce(refusal('forbidden') as never);
  const refused = await userIdOf('ada@example.com', 'user').catch((error) => error);
  expect(refused).toBeInstanceOf(FieldError);
  expect([refused.field, refused.message]).toEqual(['user', expect.stringMatching(/by ID only.*users:read/)]);
  get.mockRejectedValueOnce(refusal('token_stale') as never);
  await expect(userIdOf('ada@example.com', 'user')).rejects.toBeInstanceOf(GatehouseProblem);
  const id = '01a22e6a-87c6-712a-9a17-e916c9ac953d';
  get.mockClear();
  expect([await userIdOf(id, 'user'), get.mock.calls]).toEqual([id, []]);
});
