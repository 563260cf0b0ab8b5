/** The keys of the sealed rows cannot be read with this APP_SECRET. */
export class WrongAppSecretError extends Error {
  constructor() {
    super(
      'APP_SECRET is not the one that sealed the signing keys in this database. Start with the former APP_SECRET; ' +
        'with another one every session would be lost.',
    );
  }
}
