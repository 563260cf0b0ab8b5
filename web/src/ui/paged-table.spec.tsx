/** @jest-environment <rootDir>/web/src/testing/environment.js */
import { expect, it, jest } from '@jest/globals';
import { QueryClientProvider, useInfiniteQuery } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { queries } from '../gatehouse.js';
import { pagedQuery } from '../queries.js';
import { PagedTable } from './paged-table.js';

type Read = (cursor: string | undefined) => Promise<{ items: string[]; nextCursor: string | null }>;

function List({ read }: { read: Read }) {
  const query = useInfiniteQuery(pagedQuery('list', {}, read));
  const row = (name: string) => ({ key: name, cells: [name, `${name}@example.com`] });
  return <PagedTable query={query} caption="Users" columns={['Name', 'Email']} empty="No matching users" row={row} />;
}

function renderList(...pages: [items: string[], nextCursor: string | null][]) {
  queries.clear();
  const read = jest.fn<Read>();
  for (const [items, nextCursor] of pages) read.mockResolvedValueOnce({ items, nextCursor });
  render(
    <QueryClientProvider client={queries}>
      <main id="main" tabIndex={-1}>
        <List read={read} />
      </main>
    </QueryClientProvider>,
  );
  return read;
}

const count = () => screen.findByRole('status').then(({ textContent }) => textContent);
const names = () => [...document.querySelectorAll('tbody th')].map(({ textContent }) => textContent);

it('shows a row for each item, named by its first cell, with the column on every other', async () => {
  renderList([['ada', 'eve'], null]);
  await screen.findByText('ada');
  expect(await count()).toBe('2 found.');
  expect(names()).toEqual(['ada', 'eve']);
  expect(screen.getByText('ada@example.com').dataset.column).toBe('Email');
  expect(screen.getByRole('table').querySelector('caption')?.textContent).toBe('Users');
  expect(screen.queryByText('Show more')).toBeNull();
});

it('says that there is nothing, without a table', async () => {
  renderList([[], null]);
  await screen.findByText('No matching users');
  expect(await count()).toBe('None found.');
  expect(screen.queryByRole('table')).toBeNull();
});

it('adds the next page when asked, and moves the focus on when the button goes', async () => {
  const read = renderList([['ada'], 'c1'], [['bob'], 'c2'], [['eve'], null]);
  await screen.findByText('ada');
  expect(await count()).toBe('1 found, and there are more.');
  await userEvent.click(screen.getByText('Show more'));
  await screen.findByText('bob');
  expect(document.activeElement?.textContent).toBe('Show more');
  await userEvent.click(screen.getByText('Show more'));
  await waitFor(() => expect(document.activeElement?.id).toBe('main'));
  expect(names()).toEqual(['ada', 'bob', 'eve']);
  expect(screen.queryByText('Show more')).toBeNull();
  expect(read.mock.calls).toEqual([[undefined], ['c1'], ['c2']]);
});

it('passes over the empty pages of a slow search', async () => {
  const read = renderList([[], 'c1'], [[], 'c2'], [['ada'], null]);
  await screen.findByText('ada');
  expect(screen.queryByText('No matching users')).toBeNull();
  expect(read).toHaveBeenCalledTimes(3);
});
