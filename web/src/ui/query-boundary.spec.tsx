/** @jest-environment <rootDir>/web/src/testing/environment.js */
import { expect, it, jest } from '@jest/globals';
import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { GatehouseProblem } from '../gatehouse.js';
import { QueryBoundary } from './query-boundary.js';

const refusal = (status: number, detail: string) =>
  new GatehouseProblem({ type: 'x', title: 'x', status, detail, code: 'x', requestId: 'r' });

type Read = () => Promise<string>;

function Reader({ read }: { read: Read }) {
  const query = useQuery({ queryKey: ['x'], queryFn: read });
  return <QueryBoundary query={query}>{(data) => <p>{data}</p>}</QueryBoundary>;
}

function renderQuery(read: Read) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={client}>
      <Reader read={read} />
    </QueryClientProvider>,
  );
  return { refetch: () => client.invalidateQueries() };
}

it('says that it loads, and then shows the data alone', async () => {
  let answer = (_: string): void => undefined;
  renderQuery(() => new Promise((resolve) => (answer = resolve)));
  expect(screen.getByRole('status').textContent).toBe('Loading…');
  answer('read');
  await screen.findByText('read');
  expect(screen.queryByRole('status')).toBeNull();
  expect(screen.queryByRole('alert')).toBeNull();
});

it('shows why it failed, and reads again when asked', async () => {
  const read = jest.fn<Read>().mockRejectedValueOnce(refusal(503, 'The database sleeps.'));
  renderQuery(read.mockResolvedValue('read'));
  expect((await screen.findByRole('alert')).textContent).toContain('The database sleeps.');
  expect(screen.queryByText('Loading…')).toBeNull();
  await userEvent.click(screen.getByText('Try again'));
  await screen.findByText('read');
  expect(screen.queryByRole('alert')).toBeNull();
  expect(read).toHaveBeenCalledTimes(2);
});

it.each([
  ['keeps the data beside a later failure', 503, true],
  ['hides the data once the server forbids it', 403, false],
])('%s', async (_, status, isKept) => {
  const read = jest.fn<Read>().mockResolvedValueOnce('read');
  const { refetch } = renderQuery(read.mockRejectedValue(refusal(status, 'Not now.')));
  await screen.findByText('read');
  void refetch();
  expect((await screen.findByRole('alert')).textContent).toContain('Not now.');
  expect(screen.queryByText('read') !== null).toBe(isKept);
});
