import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { PAGE_PATHS } from '../../../src/web/page-paths.js';
import { api, queries, type User, unwrap } from '../gatehouse.js';
import { listOf, readAgain } from '../queries.js';
import { Choices, chosenOf } from '../ui/choices.js';
import { EmailField, Form, filled, TextField, type Values } from '../ui/form.js';
import { Page, Section } from '../ui/page.js';
import { PagedTable } from '../ui/paged-table.js';
import { Select } from '../ui/select.js';
import { Time } from '../ui/text.js';
import { useRoles } from './queries.js';

interface Filter {
  query?: string;
  role?: string;
  status?: 'active' | 'disabled';
}

const usersLike = (filter: Filter) =>
  listOf('users', filter, (cursor) => unwrap(api.GET('/v1/users', { params: { query: { ...filter, cursor } } })));

const STATUSES = [
  ['', 'Any'],
  ['active', 'Active'],
  ['disabled', 'Disabled'],
] as const;

/** Everybody's accounts: search, make, invite. */
export default function UsersPage() {
  const [filter, setFilter] = useState<Filter>({});
  const { data: roles = [] } = useRoles();
  const users = useInfiniteQuery(usersLike(filter));
  const search = async (values: Values) => {
    const next = filled(values);
    // Read before it is shown, so that a filter that is refused is said beside its field and what was found stays.
    await queries.fetchInfiniteQuery(usersLike(next));
    setFilter(next);
    return null;
  };
  const names = roles.map(({ name }) => name);
  return (
    <Page title="Users">
      <Section title="Find">
        <Form submit="Search" action={search} className="filters">
          <TextField name="query" label="Email, username or name" type="search" />
          <Select name="role" label="Role" options={[['', 'Any'], ...names.map((name) => [name, name] as const)]} />
          <Select name="status" label="Status" options={STATUSES} />
        </Form>
        <PagedTable
          query={users}
          caption="Users, newest first"
          columns={['Email', 'Name', 'Roles', 'Status', 'Last sign-in']}
          empty="No user is like that."
          row={(user) => ({ key: user.id, cells: cellsOf(user) })}
        />
      </Section>
      <Section title="Make or invite a user">
        <NewUser roles={names} />
      </Section>
    </Page>
  );
}

function cellsOf({ id, email, name, username, roles, status, lastLoginAt }: User) {
  return [
    <Link key={id} href={PAGE_PATHS.user.replace(':id', id)}>
      {email}
    </Link>,
    name ?? username ?? '–',
    roles.join(', ') || 'none',
    <span key={id} className={status === 'active' ? 'tag good' : 'tag'}>
      {status}
    </span>,
    <Time key={id} at={lastLoginAt} />,
  ];
}

function NewUser({ roles }: { roles: string[] }) {
  const make = async ({ email = '', password, username, name, ...values }: Values) => {
    const body = { email, ...filled({ password, username, name } as Values), roles: chosenOf(values, 'role') };
    const user = await unwrap(api.POST('/v1/users', { body }));
    await readAgain();
    return password ? `${user.email} has an account now.` : `${user.email} is invited by mail.`;
  };
  return (
    <Form submit="Make the user" action={make} resets>
      <EmailField label="Email" autoComplete="off" required />
      <TextField name="name" label="Name (if you like)" autoComplete="off" />
      <TextField name="username" label="Username (if you like)" autoComplete="off" autoCapitalize="none" />
      <TextField
        name="password"
        label="Password (if you like)"
        type="password"
        autoComplete="new-password"
        description="Without one the user gets a mail and chooses it."
      />
      <Choices legend="Roles" name="role" options={roles} chosen={['user']} />
    </Form>
  );
}
