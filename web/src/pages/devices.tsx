import { useInfiniteQuery } from '@tanstack/react-query';
import { api, gatehouse, type Session, unwrap } from '../gatehouse.js';
import { listOf, readAgain } from '../queries.js';
import { Confirm } from '../ui/confirm-dialog.js';
import { Time } from '../ui/format.js';
import { Page, Section } from '../ui/page.js';
import { PagedTable } from '../ui/paged-table.js';

const ownSessions = listOf('sessions', {}, (cursor) =>
  unwrap(api.GET('/v1/sessions', { params: { query: { cursor } } })),
);

async function end({ id, current }: Session) {
  if (current) return gatehouse.signOut();
  await unwrap(api.DELETE('/v1/sessions/{id}', { params: { path: { id } } }));
  await readAgain();
}

async function endOthers() {
  await unwrap(api.POST('/v1/auth/logout-all', { body: { keepCurrent: true } }));
  await readAgain();
}

/** Where one is signed in. */
export function DevicesPage() {
  const sessions = useInfiniteQuery(ownSessions);
  return (
    <Page title="Devices">
      <Section title="Signed in now">
        <PagedTable
          query={sessions}
          caption="Devices on which you are signed in, newest first"
          columns={['Device', 'Signed in', 'Last used', 'Address', 'Sign out']}
          empty="You are signed in nowhere."
          row={(session) => ({ key: session.id, cells: cellsOf(session) })}
        />
        <Confirm
          trigger="Sign out all other devices"
          title="Sign out all other devices?"
          text="Each of them has to sign in again. This device stays signed in."
          confirm="Sign them out"
          action={endOthers}
        />
      </Section>
    </Page>
  );
}

function cellsOf(session: Session) {
  const { id, device, current, createdAt, lastUsedAt, ip } = session;
  return [
    <span key={id}>
      {device} {current && <span className="tag good">this device</span>}
    </span>,
    <Time key={id} at={createdAt} />,
    <Time key={id} at={lastUsedAt} />,
    ip ?? '–',
    <Confirm
      key={id}
      trigger="Sign out"
      triggerLabel={`Sign out ${device}${current ? ', this device' : ''}`}
      title={`Sign out ${device}?`}
      text={current ? 'You have to sign in again here.' : 'It has to sign in again.'}
      confirm="Sign it out"
      action={() => end(session)}
    />,
  ];
}
