import { useState } from 'react';
import { api, type Role, unwrap } from '../gatehouse.js';
import { readAgain } from '../queries.js';
import { Confirm } from '../ui/confirm.js';
import { Form, TextField, type Values } from '../ui/form.js';
import { Loaded } from '../ui/loading.js';
import { Page, Section } from '../ui/page.js';
import { Table } from '../ui/table.js';
import { useRoles } from './queries.js';

const BUILT_IN = ['admin', 'user'];

async function save({ name = '', description, permissions = '' }: Values) {
  const body = { description: description || null, permissions: permissions.split(/[\s,]+/).filter(Boolean) };
  await unwrap(api.PUT('/v1/roles/{name}', { params: { path: { name } }, body }));
  await readAgain();
  return `The role ${name} is saved.`;
}

async function remove({ name }: Role) {
  await unwrap(api.DELETE('/v1/roles/{name}', { params: { path: { name } } }));
  await readAgain();
}

/** Roles and what they permit. */
export default function RolesPage() {
  const roles = useRoles();
  const [replacing, setReplacing] = useState<string | null>(null);
  const saveKnowingly = async (values: Values) => {
    const { name } = values;
    if (replacing !== name && roles.data?.some((role) => role.name === name)) {
      setReplacing(name ?? null);
      throw new Error(`There is a role ${name} already. Save once more to replace its description and permissions.`);
    }
    setReplacing(null);
    return save(values);
  };
  return (
    <Page title="Roles">
      <Section title="Roles and permissions">
        <Loaded query={roles}>
          {(items) => (
            <Table
              caption="Roles and what they permit"
              columns={['Role', 'Description', 'Permissions', 'Remove']}
              empty="There is no role."
              rows={items.map((role) => ({ key: role.name, cells: cellsOf(role) }))}
            />
          )}
        </Loaded>
      </Section>
      <Section title="Make a role, or replace what it says">
        <Form submit="Save the role" action={saveKnowingly} resets>
          <TextField name="name" label="Name" autoComplete="off" autoCapitalize="none" required />
          <TextField name="description" label="Description (if you like)" autoComplete="off" />
          <TextField
            name="permissions"
            label="Permissions"
            autoComplete="off"
            autoCapitalize="none"
            description="All of them, such as users:read, posts:write."
          />
        </Form>
      </Section>
    </Page>
  );
}

function cellsOf(role: Role) {
  const { name, description, permissions } = role;
  const isBuiltIn = BUILT_IN.includes(name);
  return [
    name,
    description ?? '–',
    name === 'admin' ? 'everything' : permissions.join(', ') || 'none',
    isBuiltIn ? (
      'built in'
    ) : (
      <Confirm
        key={name}
        trigger="Remove"
        triggerLabel={`Remove the role ${name}`}
        title={`Remove the role ${name}?`}
        text="Whoever has it loses it at once. This cannot be undone."
        confirm="Remove it"
        action={() => remove(role)}
      />
    ),
  ];
}
