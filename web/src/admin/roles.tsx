import { useState } from 'react';
import { api, type Role, unwrap } from '../gatehouse.js';
import { readAgain } from '../queries.js';
import { Ask, Confirm } from '../ui/confirm-dialog.js';
import { Form, TextField, type Values } from '../ui/form.js';
import { Page, Section } from '../ui/page.js';
import { Loaded } from '../ui/query-boundary.js';
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
  return (
    <Page title="Roles">
      <Loaded query={roles}>
        {(all) => (
          <>
            <Section title="Roles and permissions">
              <Table
                caption="Roles and what they permit"
                columns={['Role', 'Description', 'Permissions', 'Remove']}
                empty="There is no role."
                rows={all.map((role) => ({ key: role.name, cells: cellsOf(role) }))}
              />
            </Section>
            <Section title="Make a role, or replace what it says">
              <SaveRole names={all.map(({ name }) => name)} />
            </Section>
          </>
        )}
      </Loaded>
    </Page>
  );
}

/** Saves a role; one that is there already only when that was meant. */
function SaveRole({ names }: { names: string[] }) {
  const [question, setQuestion] = useState<{ answer: (isYes: boolean) => void } | null>(null);
  const mayReplace = () => new Promise<boolean>((answer) => setQuestion({ answer }));
  const reply = (isYes: boolean) => {
    question?.answer(isYes);
    setQuestion(null);
  };
  const saveKnowingly = async (values: Values) => {
    const { name = '' } = values;
    return (!names.includes(name) || (await mayReplace())) && save(values);
  };
  return (
    <>
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
      <Ask
        isOpen={question !== null}
        title="Replace this role?"
        text="There is one of this name. Its description and permissions become what you have entered, for everybody who has it."
        confirm="Replace it"
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
