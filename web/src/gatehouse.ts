import { type components, Gatehouse, NetworkError } from '@gatehouse/client';
import { QueryClient } from '@tanstack/react-query';
import { BASE_PATH } from './base-path.js';

export { GatehouseProblem, unwrap } from '@gatehouse/client';

type Schemas = components['schemas'];
export type User = Schemas['User'];
export type Session = Schemas['Session'];
export type Role = Schemas['Role'];
export type AuditType = Schemas['AuditEntry']['type'];

/** The page's only client: it keeps the access token in memory, the browser keeps the refresh token in a cookie. */
export const gatehouse = new Gatehouse({ baseUrl: location.origin + BASE_PATH });
export const { api } = gatehouse;

/** Cached answers: shown at once if known, and read again when a page shows them or the network is back. */
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
