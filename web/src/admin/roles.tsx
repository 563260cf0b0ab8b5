import { useState } from 'react';
import { api, type Role, unwrap } from '../gatehouse.js';
import { refetchAll } from '../queries.js';
import { ConfirmButton, ConfirmDialog } from '../ui/confirm-dialog.js';
import { Form, TextField, type Values } from '../ui/form.js';
import { Page, Section } from '../ui/page.js';
import { QueryBoundary } from '../ui/query-boundary.js';
import { Table } from '../ui/table.js';
import { useRoles } from './queries.js';

const BUILT_IN = ['admin', 'user'];

async function save({ name = '', description, permissions = '' }: Values) {
  const body = { description: description || null, permissions: permissions.split(/[\s,]+/).filter(Boolean) };
  await unwrap(api.PUT('/v1/roles/{name}', { params: { path: { name } }, body }));
  await refetchAll();
  return `The role ${name} is saved.`;
}

async function remove({ name }: Role) {
  await unwrap(api.DELETE('/v1/roles/{name}', { params: { path: { name } } }));
  await refetchAll();
}

export default function RolesPage() {
  const roles = useRoles();
  return (
    <Page title="Roles">
      <QueryBoundary query={roles}>
        {(all) => (
          <>
            <Section title="Roles and permissions">
              <Table
                caption="Roles and what they permit"
                columns={['Role', 'Description', 'Permissions', 'Remove']}
                empty="No roles"
                rows={all.map((role) => ({ key: role.name, cells: cellsOf(role) }))}
              />
            </Section>
            <Section title="Create or replace a role">
              <SaveRole names={all.map(({ name }) => name)} />
            </Section>
          </>
        )}
      </QueryBoundary>
    </Page>
  );
}

/** Asks before it replaces an existing role. */
function SaveRole({ names }: { names: string[] }) {
  const [question, setQuestion] = useState<{ answer: (isConfirmed: boolean) => void } | null>(null);
  const confirmReplace = () => new Promise<boolean>((answer) => setQuestion({ answer }));
  const reply = (isConfirmed: boolean) => {
    question?.answer(isConfirmed);
    setQuestion(null);
  };
  const saveAfterAsking = async (values: Values) => {
    const { name = '' } = values;
    return (!names.includes(name) || (await confirmReplace())) && save(values);
  };
  return (
    <>
      <Form submit="Save role" action={saveAfterAsking} resets>
        <TextField name="name" label="Name" autoComplete="off" autoCapitalize="none" required />
        <TextField name="description" label="Description (optional)" autoComplete="off" />
        <TextField
          name="permissions"
          label="Permissions"
          autoComplete="off"
          autoCapitalize="none"
          description="The complete list, such as users:read, posts:write."
        />
      </Form>
      <ConfirmDialog
        isOpen={question !== null}
        title="Replace this role?"
        text="A role with this name exists. Its description and permissions will be replaced for every user who has it."
        confirm="Replace role"
        action={async () => reply(true)}
        cancel={() => reply(false)}
      />
    </>
  );
}

function cellsOf(role: Role) {
  const { name, description, permissions } = role;
  const isBuiltIn = BUILT_IN.includes(name);
  return [
    <span key={name}>
      {name} {isBuiltIn && <span className="tag good">built-in</span>}
    </span>,
    description ?? '–',
    name === 'admin' ? 'everything' : permissions.join(', ') || 'none',
    isBuiltIn ? null : (
      <ConfirmButton
        key={name}
        trigger="Remove"
        triggerLabel={`Remove the role ${name}`}
        title={`Remove the role ${name}?`}
        text="Users who have it lose it immediately. This cannot be undone."
        confirm="Remove role"
        action={() => remove(role)}
      />
    ),
  ];
}
