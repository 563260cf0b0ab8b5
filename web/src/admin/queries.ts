import { useQuery } from '@tanstack/react-query';
import { api, unwrap } from '../gatehouse.js';

/** The roles there are; no service has more than a hundred. */
export const useRoles = () =>
  useQuery({
    queryKey: ['roles'],
    queryFn: async () => (await unwrap(api.GET('/v1/roles', { params: { query: { limit: 100 } } }))).items,
  });
