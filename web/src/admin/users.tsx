import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { api, queries, type User, unwrap } from '../gatehouse.js';
import { PAGE_PATHS } from '../page-paths.js';
import { listOf, readAgain } from '../queries.js';
import { Choices, chosenOf } from '../ui/checkbox-group.js';
import { EmailField, Form, filled, TextField, type Values } from '../ui/form.js';
import { Time } from '../ui/format.js';
import { Page, Section } from '../ui/page.js';
import { PagedTable } from '../ui/paged-table.js';
import { Loaded } from '../ui/query-boundary.js';
import { Select } from '../ui/select.js';
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
  return (
    <Page title="Users">
      <Section title="Find">
        <Form submit="Search" action={search} className="filters">
          <TextField name="query" label="Email, username or name" type="search" />
          <Select name="role" label="Role" options={[['', 'Any'], ...roles.map(({ name }) => [name, name] as const)]} />
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
        <NewUser />
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

const EVERYBODYS = ['user'];

function NewUser() {
  const known = useRoles();
  const make = async ({ email = '', password, username, name, ...values }: Values) => {
    // Where there was nothing to choose from, the user is what everybody is.
    const roles = 'roles' in values ? chosenOf(values, 'roles') : EVERYBODYS;
    const body = { email, ...filled({ password, username, name } as Values), roles };
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
      <Loaded query={known}>
        {(all) => <Choices legend="Roles" name="roles" options={all.map(({ name }) => name)} chosen={EVERYBODYS} />}
      </Loaded>
    </Form>
  );
}
