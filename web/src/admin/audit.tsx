import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useSearch } from 'wouter';
import { api, queries, unwrap } from '../gatehouse.js';
import { PAGE_PATHS } from '../page-paths.js';
import { listOf } from '../queries.js';
import { Form, filled, TextField, type Values } from '../ui/form.js';
import { EVENT_TYPES, eventName, Time } from '../ui/format.js';
import { Page, Section } from '../ui/page.js';
import { PagedTable } from '../ui/paged-table.js';
import { Select } from '../ui/select.js';

const TYPES = [['', 'Everything'], ...EVENT_TYPES.map((type) => [type, eventName(type)] as const)] as const;

const entriesLike = (filter: Values) =>
  listOf('audit', filter, (cursor) =>
    unwrap(api.GET('/v1/audit', { params: { query: { ...(filter as object), cursor } } })),
  );

/** The browser's own time as the API takes it. */
const moment = (local: string | undefined) => (local ? new Date(local).toISOString() : '');

/** Who did what to whom, from where. Another address is another search. */
export default function AuditPage() {
  const userId = new URLSearchParams(useSearch()).get('userId') ?? '';
  return <Audit key={userId} userId={userId} />;
}

function Audit({ userId }: { userId: string }) {
  const [filter, setFilter] = useState<Values>(filled({ userId }));
  const entries = useInfiniteQuery(entriesLike(filter));
  const search = async ({ from, to, ...values }: Values) => {
    const next = filled({ ...values, from: moment(from), to: moment(to) });
    // Read before it is shown, so that a filter that is refused is said beside its field and what was found stays.
    await queries.fetchInfiniteQuery(entriesLike(next));
    setFilter(next);
    return null;
  };
  return (
    <Page title="Audit">
      <Section title="What happened">
        <Form submit="Show" action={search} className="filters">
          <Select name="type" label="What" options={TYPES} />
          <TextField name="userId" label="User id" autoComplete="off" defaultValue={userId} />
          <TextField name="from" label="From" type="datetime-local" />
          <TextField name="to" label="To" type="datetime-local" />
        </Form>
        <PagedTable
          query={entries}
          caption="Audit entries, newest first"
          columns={['What', 'When', 'To whom', 'By whom', 'Address', 'More']}
          empty="Nothing like that has happened."
          row={({ id, type, at, userId, actorId, ip, data }) => ({
            key: id,
            cells: [
              eventName(type),
              <Time key={id} at={at} />,
              <Who key={id} id={userId} />,
              <Who key={id} id={actorId} />,
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
      </Section>
    </Page>
  );
}

/** A user by the end of the id, where ids of the same time differ; the whole one is in the address. */
function Who({ id }: { id: string | null }) {
  if (id === null) return '–';
  return (
    <Link href={PAGE_PATHS.user.replace(':id', id)} title={id}>
      <code>…{id.slice(-12)}</code>
    </Link>
  );
}
