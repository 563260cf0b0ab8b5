import type { Row } from './row.js';
import { passlibPbkdf2, unpadded } from './spellings.js';
import { fullName, leftOf, type Vendor } from './vendor.js';

/** Roles that Keycloak gives everybody for its own sake. */
const OF_KEYCLOAK = /^(?:default-roles-.*|offline_access|uma_authorization)$/;

/** A realm export with its users: `{"users": […]}`, or a list of realms. */
export const keycloak: Vendor = {
  lists: { keys: ['users'], nested: true },
  read: (row) => {
    if (row.has('serviceAccountClientId')) return null;
    const credentials = row.list('credentials');
    const password = credentials.find((one) => one.text('type') === 'password');
    const roles = row.texts('realmRoles').filter((role) => !OF_KEYCLOAK.test(role));
    return {
      fields: {
        email: row.text('email'),
        username: row.text('username'),
        name: fullName(row.text('firstName'), row.text('lastName')),
        roles: roles.length > 0 ? roles : undefined,
        emailVerified: row.flag('emailVerified'),
        status: row.flag('enabled') ? 'active' : 'disabled',
        createdAt: row.time('createdTimestamp'),
        passwordHash: password && hashOf(password),
      },
      left: leftOf({
        'second factors': credentials.some((one) => one.text('type') !== 'password'),
        'outside identities': row.has('federatedIdentities') || row.has('federationLink'),
        'client roles': row.has('clientRoles'),
        groups: row.has('groups'),
        attributes: row.has('attributes'),
      }),
    };
  },
};

/** The parts of a credential as one text, in the spelling that stands for its algorithm elsewhere. */
function hashOf(credential: Row): string {
  // Before version 8 everything stood in the credential itself.
  const data = credential.has('credentialData') ? credential.object('credentialData') : credential;
  const secret = credential.has('secretData') ? credential.object('secretData') : credential;
  const [algorithm = '', iterations = ''] = [data.text('algorithm'), data.text('hashIterations')];
  const [salt = '', hash = ''] = [secret.text('salt'), secret.text('value', 'hashedSaltedValue')];
  if (algorithm === 'argon2') {
    const parameters = data.object('additionalParameters');
    const of = (name: string) => parameters.texts(name)[0] ?? '';
    const version = of('version') === '1.0' ? 16 : 19;
    return `$argon2${of('type')}$v=${version}$m=${of('memory')},t=${iterations},p=${of('parallelism')}$${unpadded(salt)}$${unpadded(hash)}`;
  }
  const digest = { pbkdf2: 'sha1', 'pbkdf2-sha256': 'sha256', 'pbkdf2-sha512': 'sha512' }[algorithm];
  return digest === undefined ? algorithm : passlibPbkdf2(digest, iterations, salt, hash);
}
