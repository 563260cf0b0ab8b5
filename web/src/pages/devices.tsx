import { useInfiniteQuery } from '@tanstack/react-query';
import { api, gatehouse, type Session, unwrap } from '../gatehouse.js';
import { pagedQuery, refetchAll } from '../queries.js';
import { ConfirmButton } from '../ui/confirm-dialog.js';
import { Time } from '../ui/format.js';
import { Page, Section } from '../ui/page.js';
import { PagedTable } from '../ui/paged-table.js';

const ownSessions = pagedQuery('sessions', {}, (cursor) =>
  unwrap(api.GET('/v1/sessions', { params: { query: { cursor } } })),
);

async function end({ id, current }: Session) {
  if (current) return gatehouse.signOut();
  await unwrap(api.DELETE('/v1/sessions/{id}', { params: { path: { id } } }));
  await refetchAll();
}

async function endOthers() {
  await unwrap(api.POST('/v1/auth/logout-all', { body: { keepCurrent: true } }));
  await refetchAll();
}

export function DevicesPage() {
  const sessions = useInfiniteQuery(ownSessions);
  return (
    <Page title="Devices">
      <Section title="Signed in now">
        <PagedTable
          query={sessions}
          caption="Devices on which you are signed in, newest first"
          columns={['Device', 'Signed in', 'Last used', 'Address', 'Sign out']}
          empty="No signed-in devices"
          row={(session) => ({ key: session.id, cells: cellsOf(session) })}
        />
        <ConfirmButton
          trigger="Sign out all other devices"
          title="Sign out all other devices?"
          text="Each of them will have to sign in again. This device stays signed in."
          confirm="Sign out devices"
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
    <ConfirmButton
      key={id}
      trigger="Sign out"
      triggerLabel={`Sign out ${device}${current ? ', this device' : ''}`}
      title={`Sign out ${device}?`}
      text={current ? 'You will have to sign in again here.' : 'It will have to sign in again.'}
      confirm="Sign out device"
      action={() => end(session)}
    />,
  ];
}
