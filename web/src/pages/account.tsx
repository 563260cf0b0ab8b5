import { api, gatehouse, type User, unwrap } from '../gatehouse.js';
import { readAgain, useMe } from '../queries.js';
import { Confirm } from '../ui/confirm-dialog.js';
import { Form, TextField, type Values } from '../ui/form.js';
import { Page, Section } from '../ui/page.js';
import { Loaded } from '../ui/query-boundary.js';

async function saveDetails({ name, username }: Values) {
  await unwrap(api.PATCH('/v1/users/me', { body: { name: name || null, username: username || null } }));
  await readAgain();
  return 'Saved.';
}

async function exportAll() {
  const data = await unwrap(api.GET('/v1/users/me/export'));
  const url = URL.createObjectURL(new Blob([JSON.stringify(data, null, 2)], { type: 'application/json' }));
  Object.assign(document.createElement('a'), { href: url, download: 'gatehouse-export.json' }).click();
  URL.revokeObjectURL(url);
  return 'The file is on its way to your downloads.';
}

async function deleteAccount({ password = '' }: Values) {
  await unwrap(api.DELETE('/v1/users/me', { body: { password } }));
  await gatehouse.signOut();
}

/** Own details, own data, and the end of the account. */
export function AccountPage() {
  const me = useMe();
  return (
    <Page title="Account">
      <Section title="Details">
        <Loaded query={me}>{(user) => <Details user={user} />}</Loaded>
      </Section>
      <Section title="Your data">
        <p>Everything that is stored about you, as one JSON file.</p>
        <Form submit="Download my data" action={exportAll} />
      </Section>
      <Section title="Delete the account">
        <p>The account and everything that belongs to it goes, at once and for good.</p>
        <Confirm
          trigger="Delete my account"
          title="Delete your account?"
          text="This cannot be undone. Every device is signed out."
          confirm="Delete it for good"
          action={deleteAccount}
        >
          <TextField name="password" label="Password" type="password" autoComplete="current-password" required />
        </Confirm>
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
