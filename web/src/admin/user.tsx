import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useLocation, useParams } from 'wouter';
import { api, type User, unwrap } from '../gatehouse.js';
import { PAGE_PATHS } from '../page-paths.js';
import { listOf, readAgain } from '../queries.js';
import { Choices, chosenOf } from '../ui/checkbox-group.js';
import { Confirm } from '../ui/confirm-dialog.js';
import { EmailField, Form, TextField, type Values } from '../ui/form.js';
import { Time } from '../ui/format.js';
import { focusOnMain, Page, Section } from '../ui/page.js';
import { PagedTable } from '../ui/paged-table.js';
import { Loaded } from '../ui/query-boundary.js';
import { useRoles } from './queries.js';

/** One account: edit, roles, disable, devices, delete. */
export default function UserPage() {
  const { id = '' } = useParams();
  const user = useQuery({
    queryKey: ['user', id],
    queryFn: () => unwrap(api.GET('/v1/users/{id}', { params: { path: { id } } })),
  });
  return (
    <Page title={user.data?.email ?? 'User'}>
      <Loaded query={user}>
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
              <Standing user={found} />
            </Section>
          </>
        )}
      </Loaded>
    </Page>
  );
}

const at = (id: string) => ({ params: { path: { id } } });

function Details({ user }: { user: User }) {
  const save = async ({ email, name, username }: Values) => {
    // An email that is sent counts as unconfirmed, so it is sent only where it is another.
    const body = { ...(email !== user.email && { email }), name: name || null, username: username || null };
    await unwrap(api.PATCH('/v1/users/{id}', { ...at(user.id), body }));
    await readAgain();
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
    await unwrap(api.PUT('/v1/users/{id}/roles', { ...at(user.id), body: { roles: chosenOf(values, 'roles') } }));
    await readAgain();
    return 'Saved. It counts from the next request on.';
  };
  return (
    <Loaded query={roles}>
      {(all) => (
        <Form submit="Save the roles" action={save}>
          <Choices
            legend="What this user is"
            name="roles"
            options={[...new Set([...all.map(({ name }) => name), ...user.roles])]}
            chosen={user.roles}
          />
        </Form>
      )}
    </Loaded>
  );
}

const sessionsOf = (id: string) =>
  listOf('user-sessions', { id }, (cursor) =>
    unwrap(api.GET('/v1/users/{id}/sessions', { params: { path: { id }, query: { cursor } } })),
  );

function Devices({ user: { id, email } }: { user: User }) {
  const sessions = useInfiniteQuery(sessionsOf(id));
  const endAll = async () => {
    await unwrap(api.DELETE('/v1/users/{id}/sessions', at(id)));
    await readAgain();
  };
  return (
    <>
      <PagedTable
        query={sessions}
        caption={`Devices of ${email}`}
        columns={['Device', 'Signed in', 'Last used', 'Address']}
        empty="Signed in nowhere."
        row={({ id: key, device, createdAt, lastUsedAt, ip }) => ({
          key,
          cells: [device, <Time key="in" at={createdAt} />, <Time key="used" at={lastUsedAt} />, ip ?? '–'],
        })}
      />
      {sessions.data?.pages.some(({ items }) => items.length > 0) && (
        <Confirm
          trigger="Sign out everywhere"
          title={`Sign out ${email} everywhere?`}
          text="Each device has to sign in again."
          confirm="Sign them out"
          action={endAll}
        />
      )}
    </>
  );
}

function Standing({ user: { id, email, status } }: { user: User }) {
  const [, navigate] = useLocation();
  const become = async (next: 'active' | 'disabled') => {
    await unwrap(api.PATCH('/v1/users/{id}', { ...at(id), body: { status: next } }));
    focusOnMain();
    await readAgain();
    return null;
  };
  const remove = async () => {
    await unwrap(api.DELETE('/v1/users/{id}', at(id)));
    navigate(PAGE_PATHS.users);
    await readAgain();
  };
  return (
    <>
      <p>
        This account is <span className={status === 'active' ? 'tag good' : 'tag'}>{status}</span>{' '}
        <Link href={`${PAGE_PATHS.audit}?userId=${id}`}>What happened to it</Link>
      </p>
      <div className="form">
        {status === 'disabled' ? (
          <Form submit="Enable" action={() => become('active')} />
        ) : (
          <Confirm
            trigger="Disable"
            title={`Disable ${email}?`}
            text="Every device is signed out, and nobody can sign in until it is enabled again."
            confirm="Disable the account"
            action={() => become('disabled')}
          />
        )}
        <Confirm
          trigger="Delete"
          title={`Delete ${email}?`}
          text="The account and everything that belongs to it goes. This cannot be undone."
          confirm="Delete it for good"
          action={remove}
        />
      </div>
    </>
  );
}
