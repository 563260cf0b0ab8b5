/** What failed at DATABASE_DIRECT_URL, so that it is told under the name of that setting. */
export class DirectUrlError extends Error {
  override readonly name = 'DirectUrlError';
  constructor(override readonly cause: unknown) {
    super('What was attempted at DATABASE_DIRECT_URL failed');
  }
}
