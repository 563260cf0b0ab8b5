import { api, gatehouse, type User, unwrap } from '../gatehouse.js';
import { refetchAll, useMe } from '../queries.js';
import { ConfirmButton } from '../ui/confirm-dialog.js';
import { Form, TextField, type Values } from '../ui/form.js';
import { Page, Section } from '../ui/page.js';
import { QueryBoundary } from '../ui/query-boundary.js';

async function saveDetails({ name, username }: Values) {
  await unwrap(api.PATCH('/v1/users/me', { body: { name: name || null, username: username || null } }));
  await refetchAll();
  return 'Saved.';
}

async function exportAll() {
  const data = await unwrap(api.GET('/v1/users/me/export'));
  const url = URL.createObjectURL(new Blob([JSON.stringify(data, null, 2)], { type: 'application/json' }));
  Object.assign(document.createElement('a'), { href: url, download: 'gatehouse-export.json' }).click();
  URL.revokeObjectURL(url);
  return 'Your download has started.';
}

async function deleteAccount({ password = '' }: Values) {
  await unwrap(api.DELETE('/v1/users/me', { body: { password } }));
  await gatehouse.signOut();
}

export function AccountPage() {
  const me = useMe();
  return (
    <Page title="Account">
      <Section title="Details">
        <QueryBoundary query={me}>{(user) => <Details user={user} />}</QueryBoundary>
      </Section>
      <Section title="Your data">
        <p>Download everything stored about you as a JSON file.</p>
        <Form submit="Download my data" action={exportAll} />
      </Section>
      <Section title="Delete account">
        <p>This immediately and permanently deletes your account and all its data.</p>
        <ConfirmButton
          trigger="Delete my account"
          title="Delete your account?"
          text="This cannot be undone. Every device is signed out."
          confirm="Delete permanently"
          action={deleteAccount}
        >
          <TextField name="password" label="Password" type="password" autoComplete="current-password" required />
        </ConfirmButton>
      </Section>
    </Page>
  );
}

function Details({ user }: { user: User }) {
  return (
    <Form submit="Save" action={saveDetails}>
      <TextField name="name" label="Name" autoComplete="name" defaultValue={user.name ?? ''} />
      <TextField
        name="username"
        label="Username"
        autoComplete="username"
        autoCapitalize="none"
        defaultValue={user.username ?? ''}
      />
    </Form>
  );
}
