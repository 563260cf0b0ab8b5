import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useLocation, useParams } from 'wouter';
import { api, type User, unwrap } from '../gatehouse.js';
import { PAGE_PATHS } from '../page-paths.js';
import { pagedQuery, refetchAll } from '../queries.js';
import { CheckboxGroup, checkedValues } from '../ui/checkbox-group.js';
import { ConfirmButton } from '../ui/confirm-dialog.js';
import { EmailField, Form, TextField, type Values } from '../ui/form.js';
import { Time } from '../ui/format.js';
import { focusOnMain, Page, Section } from '../ui/page.js';
import { PagedTable } from '../ui/paged-table.js';
import { QueryBoundary } from '../ui/query-boundary.js';
import { useRoles } from './queries.js';

export default function UserPage() {
  const { id = '' } = useParams();
  const user = useQuery({
    queryKey: ['user', id],
    queryFn: () => unwrap(api.GET('/v1/users/{id}', { params: { path: { id } } })),
  });
  return (
    <Page title={user.data?.email ?? 'User'}>
      <QueryBoundary query={user}>
        {(found) => (
          <>
            <Section title="Details">
              <Details user={found} />
            </Section>
            <Section title="Roles">
              <UserRoles user={found} />
            </Section>
            <Section title="Devices">
              <Devices user={found} />
            </Section>
            <Section title="Account">
              <AccountStatus user={found} />
            </Section>
          </>
        )}
      </QueryBoundary>
    </Page>
  );
}

const byId = (id: string) => ({ params: { path: { id } } });

function Details({ user }: { user: User }) {
  const save = async ({ email, name, username }: Values) => {
    // An email that is sent becomes unconfirmed, so it is sent only if it has changed.
    const body = { ...(email !== user.email && { email }), name: name || null, username: username || null };
    await unwrap(api.PATCH('/v1/users/{id}', { ...byId(user.id), body }));
    await refetchAll();
    return 'Saved.';
  };
  return (
    <Form submit="Save" action={save}>
      <EmailField label="Email" autoComplete="off" required defaultValue={user.email} />
      <TextField name="name" label="Name" autoComplete="off" defaultValue={user.name ?? ''} />
      <TextField name="username" label="Username" autoComplete="off" defaultValue={user.username ?? ''} />
    </Form>
  );
}

function UserRoles({ user }: { user: User }) {
  const roles = useRoles();
  const save = async (values: Values) => {
    await unwrap(
      api.PUT('/v1/users/{id}/roles', { ...byId(user.id), body: { roles: checkedValues(values, 'roles') } }),
    );
    await refetchAll();
    return 'Saved. It takes effect with the next request.';
  };
  return (
    <QueryBoundary query={roles}>
      {(all) => (
        <Form submit="Save roles" action={save}>
          <CheckboxGroup
            legend="Assigned roles"
            name="roles"
            options={[...new Set([...all.map(({ name }) => name), ...user.roles])]}
            checked={user.roles}
          />
        </Form>
      )}
    </QueryBoundary>
  );
}

const sessionsOf = (id: string) =>
  pagedQuery('user-sessions', { id }, (cursor) =>
    unwrap(api.GET('/v1/users/{id}/sessions', { params: { path: { id }, query: { cursor } } })),
  );

function Devices({ user: { id, email } }: { user: User }) {
  const sessions = useInfiniteQuery(sessionsOf(id));
  const endAll = async () => {
    await unwrap(api.DELETE('/v1/users/{id}/sessions', byId(id)));
    await refetchAll();
  };
  return (
    <>
      <PagedTable
        query={sessions}
        caption={`Devices of ${email}`}
        columns={['Device', 'Signed in', 'Last used', 'Address']}
        empty="No signed-in devices"
        row={({ id: key, device, createdAt, lastUsedAt, ip }) => ({
          key,
          cells: [device, <Time key="in" at={createdAt} />, <Time key="used" at={lastUsedAt} />, ip ?? '–'],
        })}
      />
      {sessions.data?.pages.some(({ items }) => items.length > 0) && (
        <ConfirmButton
          trigger="Sign out everywhere"
          title={`Sign out ${email} everywhere?`}
          text="Each device will have to sign in again."
          confirm="Sign out devices"
          action={endAll}
        />
      )}
    </>
  );
}

function AccountStatus({ user: { id, email, status } }: { user: User }) {
  const [, navigate] = useLocation();
  const setStatus = async (next: 'active' | 'disabled') => {
    await unwrap(api.PATCH('/v1/users/{id}', { ...byId(id), body: { status: next } }));
    focusOnMain();
    await refetchAll();
    return null;
  };
  const remove = async () => {
    await unwrap(api.DELETE('/v1/users/{id}', byId(id)));
    navigate(PAGE_PATHS.users);
    await refetchAll();
  };
  return (
    <>
      <p>
        This account is <span className={status === 'active' ? 'tag good' : 'tag'}>{status}</span>{' '}
        <Link href={`${PAGE_PATHS.audit}?userId=${id}`}>View audit entries</Link>
      </p>
      <div className="form">
        {status === 'disabled' ? (
          <Form submit="Enable" action={() => setStatus('active')} />
        ) : (
          <ConfirmButton
            trigger="Disable"
            title={`Disable ${email}?`}
            text="Every device is signed out, and nobody can sign in until it is enabled again."
            confirm="Disable account"
            action={() => setStatus('disabled')}
          />
        )}
        <ConfirmButton
          trigger="Delete"
          title={`Delete ${email}?`}
          text="The account and all its data are deleted. This cannot be undone."
          confirm="Delete permanently"
          action={remove}
        />
      </div>
    </>
  );
}
