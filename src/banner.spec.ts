import { banner } from './banner.js';

const start = { url: 'http://localhost:3000', firstAdmin: null, warnings: [] };

test('tells the address, the docs and a first request that can be pasted', () => {
  const text = banner(start);
  expect(text).toContain('serves on http://localhost:3000\n');
  expect(text).toContain('http://localhost:3000/docs');
  const body = /-d '(.*)'/.exec(text)?.[1] ?? '';
  expect(Object.keys(JSON.parse(body))).toEqual(['email', 'password']);
  expect(text).not.toMatch(/admin/i);
});

test('shows the password of a first admin that was made up, as the contract says', () => {
  const text = banner({ ...start, firstAdmin: { email: 'admin@gatehouse.test', password: 'made-up' } });
  expect(text).toMatch(/^ *admin@gatehouse\.test \/ made-up$/m);
});

test('shows no password that the operator chose', () => {
  const text = banner({ ...start, firstAdmin: { email: 'root@example.com' } });
  expect(text).toContain('root@example.com');
  expect(text).toContain('BOOTSTRAP_ADMIN_PASSWORD');
  expect(text).not.toContain(' / ');
});

test('ends with what is to be noted', () => {
  expect(banner({ ...start, warnings: ['One thing.', 'Another.'] })).toMatch(
    /Note: One thing\.\n\n {2}Note: Another\.\n$/,
  );
});
