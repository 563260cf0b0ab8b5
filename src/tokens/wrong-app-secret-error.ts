/** What is sealed in this database does not open with this APP_SECRET. */
export class WrongAppSecretError extends Error {
  constructor() {
    super(
      'APP_SECRET is not the one that this database is used with. Start with the former APP_SECRET: with another one no ' +
        'password would fit, and every session would be lost. Where it is gone for good, docs/security.md says what to do.',
    );
  }
}
