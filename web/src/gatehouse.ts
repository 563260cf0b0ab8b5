import { QueryClient } from '@tanstack/react-query';
import { type components, Gatehouse, NetworkError } from '../../client/src/index.js';

export { GatehouseProblem, NetworkError, unwrap } from '../../client/src/index.js';

type Schemas = components['schemas'];
export type User = Schemas['User'];
export type Session = Schemas['Session'];
export type Role = Schemas['Role'];
export type AuditType = Schemas['AuditEntry']['type'];

/** The one client of the page: the refresh token in the cookie, the access token in here. */
export const gatehouse = new Gatehouse();
export const { api } = gatehouse;

/** What has been read: shown at once where it is known, and read again whenever a page shows it or the network is back. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      networkMode: 'always',
      refetchOnReconnect: true,
      retry: (failures, error) => error instanceof NetworkError && failures < 1,
    },
    mutations: { networkMode: 'always' },
  },
});
