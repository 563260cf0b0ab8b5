import { jest } from '@jest/globals';
import { clientAddressOf, proxyTest } from './client-address.js';

const isProxy = proxyTest(['10.0.0.0/8']);

it('reads as many hops as there are proxies in a row, and no list that was written to keep it busy', () => {
  const hops = Array.from({ length: 20 }, () => '10.1.2.3').join(', ');
  expect(clientAddressOf('10.0.0.1', `203.0.113.9, ${hops}`, isProxy)).toEqual({
    address: '203.0.113.9',
    suppliedBy: '10.1.2.3',
  });
  const isAsked = jest.fn(isProxy);
  clientAddressOf('10.0.0.1', `203.0.113.9${', 10.1.2.3'.repeat(1_600)}`, isAsked);
  expect(isAsked.mock.calls.length).toBeLessThan(100);
});
