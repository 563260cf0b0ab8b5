import { Link, useSearch as useQueryString } from 'wouter';
import { api, unwrap } from '../gatehouse.js';
import { PAGE_PATHS } from '../page-paths.js';
import { pagedQuery } from '../queries.js';
import { useSearch } from '../search.js';
import { Form, TextField, type Values, withoutEmpty } from '../ui/form.js';
import { EVENT_TYPES, eventName, Time } from '../ui/format.js';
import { Page, Section } from '../ui/page.js';
import { PagedTable } from '../ui/paged-table.js';
import { SearchResult } from '../ui/search-result.js';
import { Select } from '../ui/select.js';
import { userIdOf } from './user-lookup.js';

const TYPES = [['', 'All events'], ...EVENT_TYPES.map((type) => [type, eventName(type)] as const)] as const;

const entriesQuery = (filter: Values) =>
  pagedQuery('audit', filter, (cursor) =>
    unwrap(api.GET('/v1/audit', { params: { query: { ...(filter as object), cursor } } })),
  );

/** A local time of the browser as the API accepts it. */
const toIso = (local: string | undefined) => (local ? new Date(local).toISOString() : '');

async function filterOf({ user = '', from, to, ...values }: Values): Promise<Values> {
  const userId = user === '' ? '' : await userIdOf(user, 'user');
  return withoutEmpty({ ...values, userId, from: toIso(from), to: toIso(to) });
}

/** Keyed by user, so that following another link starts another search. */
export default function AuditPage() {
  const userId = new URLSearchParams(useQueryString()).get('userId') ?? '';
  return <Audit key={userId} userId={userId} />;
}

function Audit({ userId }: { userId: string }) {
  const { state, query, search } = useSearch(entriesQuery, withoutEmpty({ userId }));
  return (
    <Page title="Audit">
      <Section title="Entries">
        <Form submit="Show" action={(values) => search(filterOf(values))} className="filters">
          <Select name="type" label="Event" options={TYPES} />
          <TextField
            name="user"
            label="Email, username or ID"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            defaultValue={userId}
          />
          <TextField name="from" label="From" type="datetime-local" />
          <TextField name="to" label="To" type="datetime-local" />
        </Form>
        <SearchResult state={state}>
          <PagedTable
            query={query}
            caption="Audit entries, newest first"
            columns={['Event', 'Time', 'Affected user', 'Done by', 'Address', 'Details']}
            empty="No matching entries"
            row={({ id, type, at, userId, actorId, ip, data }) => ({
              key: id,
              cells: [
                eventName(type),
                <Time key={id} at={at} />,
                <UserLink key={id} id={userId} />,
                <UserLink key={id} id={actorId} />,
                ip ?? '–',
                Object.keys(data).length > 0 ? (
                  <code key={id} className="long">
                    {JSON.stringify(data)}
                  </code>
                ) : (
                  '–'
                ),
              ],
            })}
          />
        </SearchResult>
      </Section>
    </Page>
  );
}

/** Shows the end of the ID, where IDs of the same moment differ; the link has all of it. */
function UserLink({ id }: { id: string | null }) {
  if (id === null) return '–';
  return (
    <Link href={PAGE_PATHS.user.replace(':id', id)} title={id}>
      <code>…{id.slice(-12)}</code>
    </Link>
  );
}
