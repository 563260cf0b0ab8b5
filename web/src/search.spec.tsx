/** @jest-environment <rootDir>/web/src/testing/environment.js */
import { beforeEach, expect, it } from '@jest/globals';
import { QueryClientProvider } from '@tanstack/react-query';
import { act, render, screen } from '@testing-library/react';
import { queries } from './gatehouse.js';
import { pagedQuery } from './queries.js';
import { useSearch } from './search.js';
import { SearchResult } from './ui/search-result.js';

type Page = { items: string[]; nextCursor: null };

/** What answers the list of each filter that is asked for. */
let answers: Map<string, { resolve: (items: string[]) => void; reject: (error: Error) => void }>;
let search: (filter: { name: string } | Promise<{ name: string }>) => Promise<null>;

const listQuery = (filter: { name: string }) => {
  const read = () =>
    new Promise<Page>((resolve, reject) => {
      answers.set(filter.name, { resolve: (items) => resolve({ items, nextCursor: null }), reject });
    });
  return pagedQuery<string>('searched', filter, read);
};

function List() {
  const found = useSearch<{ name: string }, string>(listQuery, { name: 'all' });
  search = found.search;
  return (
    <SearchResult state={found.state}>
      {found.query.data?.pages
        .flatMap(({ items }) => items)
        .map((item) => (
          <p key={item}>{item}</p>
        ))}
    </SearchResult>
  );
}

const answer = (name: string, ...items: string[]) => act(async () => answers.get(name)?.resolve(items));
const begin = (filter: Parameters<typeof search>[0]) => act(async () => void search(filter).catch(() => undefined));

beforeEach(async () => {
  queries.clear();
  answers = new Map();
  render(
    <QueryClientProvider client={queries}>
      <List />
    </QueryClientProvider>,
  );
  await answer('all', 'ada', 'eve');
  await screen.findByText('ada');
});

it('shows what was read first', () => {
  expect(screen.queryByText('ada')).not.toBeNull();
});

it('shows nothing of the filter before while another is asked for, and then what that found', async () => {
  await begin({ name: 'eve' });
  expect(screen.queryByText('ada')).toBeNull();
  expect(screen.getByRole('status').textContent).toBe('Loading…');
  await answer('eve', 'eve');
  expect([screen.queryByText('ada'), screen.queryByText('eve') !== null]).toEqual([null, true]);
});

it.each([
  ['the server refuses the filter', () => ({ name: 'x' })],
  ['the filter is refused before', () => Promise.reject(new Error('no such user'))],
])('shows nothing of the filter before where %s, and the next search is shown again', async (_, filter) => {
  await begin(filter());
  await act(async () => answers.get('x')?.reject(new Error('refused')));
  expect(await screen.findByText('Nothing is shown, because the search failed.')).toBeTruthy();
  expect(screen.queryByText('ada')).toBeNull();
  await begin({ name: 'eve' });
  await answer('eve', 'eve');
  expect(screen.queryByText('eve')).not.toBeNull();
});
