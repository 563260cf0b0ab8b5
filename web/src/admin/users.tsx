import { Link } from 'wouter';
import { api, type User, unwrap } from '../gatehouse.js';
import { PAGE_PATHS } from '../page-paths.js';
import { pagedQuery, refetchAll } from '../queries.js';
import { useSearch } from '../search.js';
import { CheckboxGroup, checkedValues } from '../ui/checkbox-group.js';
import { EmailField, Form, TextField, type Values, withoutEmpty } from '../ui/form.js';
import { Time } from '../ui/format.js';
import { Page, Section } from '../ui/page.js';
import { PagedTable } from '../ui/paged-table.js';
import { QueryBoundary } from '../ui/query-boundary.js';
import { SearchResult } from '../ui/search-result.js';
import { Select } from '../ui/select.js';
import { useRoles } from './queries.js';

interface Filter {
  query?: string;
  role?: string;
  status?: 'active' | 'disabled';
}

const usersQuery = (filter: Filter) =>
  pagedQuery('users', filter, (cursor) => unwrap(api.GET('/v1/users', { params: { query: { ...filter, cursor } } })));

const STATUSES = [
  ['', 'Any'],
  ['active', 'Active'],
  ['disabled', 'Disabled'],
] as const;

export default function UsersPage() {
  const { data: roles = [] } = useRoles();
  const { state, query, search } = useSearch(usersQuery, {});
  return (
    <Page title="Users">
      <Section title="Find users">
        <Form submit="Search" action={(values) => search(withoutEmpty(values))} className="filters">
          <TextField name="query" label="Email, username or name" type="search" />
          <Select name="role" label="Role" options={[['', 'Any'], ...roles.map(({ name }) => [name, name] as const)]} />
          <Select name="status" label="Status" options={STATUSES} />
        </Form>
        <SearchResult state={state}>
          <PagedTable
            query={query}
            caption="Users, newest first"
            columns={['Email', 'Name', 'Roles', 'Status', 'Last sign-in']}
            empty="No matching users"
            row={(user) => ({ key: user.id, cells: cellsOf(user) })}
          />
        </SearchResult>
      </Section>
      <Section title="Create or invite a user">
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

const DEFAULT_ROLES = ['user'];

function NewUser() {
  const known = useRoles();
  const create = async ({ email = '', password, username, name, ...values }: Values) => {
    // Without permission to list roles there are no boxes, and the user gets the default roles.
    const roles = 'roles' in values ? checkedValues(values, 'roles') : DEFAULT_ROLES;
    const body = { email, ...withoutEmpty({ password, username, name } as Values), roles };
    const user = await unwrap(api.POST('/v1/users', { body }));
    await refetchAll();
    return password ? `Account created for ${user.email}.` : `Invitation sent to ${user.email}.`;
  };
  return (
    <Form submit="Create user" action={create} resets>
      <EmailField label="Email" autoComplete="off" required />
      <TextField name="name" label="Name (optional)" autoComplete="off" />
      <TextField name="username" label="Username (optional)" autoComplete="off" autoCapitalize="none" />
      <TextField
        name="password"
        label="Password (optional)"
        type="password"
        autoComplete="new-password"
        description="Leave empty to invite the user by email to choose one."
      />
      <QueryBoundary query={known}>
        {(all) => (
          <CheckboxGroup legend="Roles" name="roles" options={all.map(({ name }) => name)} checked={DEFAULT_ROLES} />
        )}
      </QueryBoundary>
    </Form>
  );
}
