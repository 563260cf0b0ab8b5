/** With these settings a user with many roles would get an access token that is refused for its size. */
export class TokenTooLongError extends Error {
  /** `excess`: characters by which the longest token would be too long. */
  constructor(excess: number) {
    super(
      `JWT_ISSUER (or PUBLIC_URL), JWT_AUDIENCE and the signing key make access tokens too long, by ${excess} characters ` +
        'for a user with 64 roles of the longest names. Shorten them, or use an EC key.',
    );
  }
}
