import { api, GatehouseProblem, unwrap } from '../gatehouse.js';
import { FieldError } from '../ui/error-messages.js';

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Pages of users in which a name is looked for: as part of other names it may be in very many. */
const PAGES = 10;
const ONLY_BY_ID =
  'You may look for entries by ID only: to find users by email or username needs the permission users:read.';

/** The ID of a user who is named by it, by email or by username. Throws a FieldError for the field where there is none. */
export async function userIdOf(name: string, field: string): Promise<string> {
  if (ID.test(name)) return name;
  let cursor: string | undefined;
  for (let page = 0; page < PAGES; page++) {
    const query = { query: name, limit: 100, cursor };
    const { items, nextCursor } = await unwrap(api.GET('/v1/users', { params: { query } })).catch((error) => {
      if (error instanceof GatehouseProblem && error.code === 'forbidden') throw new FieldError(field, ONLY_BY_ID);
      throw error;
    });
    const found = items.find(({ email, username }) => isSame(email, name) || isSame(username ?? '', name));
    if (found) return found.id;
    if (nextCursor === null) break;
    cursor = nextCursor;
  }
  throw new FieldError(field, 'No user has this email or username. Those who were deleted are found by ID only.');
}

const isSame = (known: string, name: string) => known.toLowerCase() === name.toLowerCase();
