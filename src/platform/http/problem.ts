/**
 * Every error that a client can meet, in one table: its status and what to tell the person.
 * A code is a promise: it is never renamed, and a retired one is never used for something else.
 */
export const PROBLEMS = {
  invalid_request: [400, 'Invalid request', 'Something in the request is not as it must be; see errors.'],
  malformed_json: [400, 'Malformed JSON', 'The body is not one well-formed JSON value in UTF-8 with each member once.'],
  password_too_common: [
    400,
    'Password too common',
    'This password is among the first that an attacker tries. Choose another.',
  ],
  invalid_token_link: [
    400,
    'Link not valid',
    'This link was used already, has expired, or was replaced by a newer one. Ask for a new mail.',
  ],
  unauthorized: [401, 'Sign-in required', 'Send an access token: Authorization: Bearer <token>.'],
  invalid_token: [401, 'Invalid access token', 'The access token is not one of this server. Sign in again.'],
  token_expired: [401, 'Access token expired', 'Use the refresh token to get a new access token.'],
  token_stale: [
    401,
    'Access token out of date',
    'Your roles or your password have changed. Use the refresh token to get a new access token.',
  ],
  session_revoked: [401, 'Session ended', 'This session was ended. Sign in again.'],
  session_expired: [401, 'Session expired', 'This session has lasted as long as it may. Sign in again.'],
  invalid_credentials: [401, 'Sign-in failed', 'The name or the password is wrong.'],
  invalid_refresh_token: [401, 'Invalid refresh token', 'The refresh token is not one of this server. Sign in again.'],
  refresh_reused: [
    401,
    'Refresh token used twice',
    'A replaced refresh token was used again, so the session was ended for safety. Sign in again.',
  ],
  mfa_required: [401, 'Second factor required', 'Complete one of the listed methods, using mfaToken.'],
  account_disabled: [403, 'Account disabled', 'This account is disabled. Ask the operator.'],
  email_not_verified: [
    403,
    'Email not confirmed',
    'Confirm your email address first: follow the link in the mail, or ask for a new one.',
  ],
  wrong_password: [403, 'Wrong password', 'The current password is wrong.'],
  signup_closed: [403, 'Sign-up closed', 'New accounts are made by invitation only.'],
  forbidden: [403, 'Forbidden', 'Your account may not do this.'],
  cross_site_request: [403, 'Cross-site request', 'A page of another site may not use the cookie of this one.'],
  not_found: [404, 'Not found', 'There is nothing here, or nothing that you may see.'],
  method_not_allowed: [405, 'Method not allowed', 'This address does not take that method; see Allow.'],
  email_taken: [409, 'Email taken', 'An account with this email exists already. Sign in, or reset the password.'],
  username_taken: [409, 'Username taken', 'Another account has this username. Choose another.'],
  last_admin: [409, 'Last admin', 'This is the last active admin. Give the role to somebody else first.'],
  role_protected: [
    409,
    'Built-in role',
    'This role is built in: it cannot be removed, and admin keeps every permission.',
  ],
  payload_too_large: [413, 'Body too large', 'The body may have 64 KiB at most.'],
  unsupported_media_type: [415, 'Unsupported media type', 'Send the body as application/json in UTF-8.'],
  rate_limited: [429, 'Too many attempts', 'Wait as long as Retry-After says, then try again.'],
  overloaded: [503, 'Overloaded', 'Too many sign-ins at once. Try again in a moment.'],
  database_unavailable: [
    503,
    'Database unavailable',
    'The database cannot be reached just now. Try again in a moment.',
  ],
  mail_unavailable: [503, 'No mail', 'This server cannot send mail. Ask the operator to set SMTP_URL.'],
  internal_error: [500, 'Internal error', 'Something went wrong on our side. The request id helps to find it.'],
} as const satisfies Record<string, readonly [status: number, title: string, detail: string]>;

export type ProblemCode = keyof typeof PROBLEMS;

/** One fault of a body or query: where it stands (RFC 6901) and what to do. */
export interface FieldFault {
  pointer: string;
  detail: string;
}

/** A JSON pointer (RFC 6901) from its steps. */
export function toPointer(steps: readonly string[]): string {
  return steps.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

interface ProblemOptions {
  /** Where HTTP has a status of its own for what the code says of many faults, such as 431; and its title. */
  status?: number;
  title?: string;
  detail?: string;
  errors?: FieldFault[];
  /** What the answer says besides (RFC 9457, 3.2). */
  members?: Record<string, unknown>;
  headers?: Record<string, string>;
  cause?: unknown;
}

/** A failure with a place in the table above. Thrown anywhere, answered by the error filter as RFC 9457. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly errors: FieldFault[] | undefined;
  readonly members: Record<string, unknown>;
  readonly headers: Record<string, string>;

  constructor(
    readonly code: ProblemCode,
    options: ProblemOptions = {},
  ) {
    const [status, title, detail] = PROBLEMS[code];
    super(code, { cause: options.cause });
    this.status = options.status ?? status;
    this.title = options.title ?? title;
    this.detail = options.detail ?? detail;
    this.errors = options.errors;
    this.members = options.members ?? {};
    this.headers = options.headers ?? {};
  }

  /** The body of the answer (RFC 9457, 3). */
  body(requestId: string) {
    const { code, status, title, detail, errors, members } = this;
    return { ...members, type: `urn:gatehouse:problem:${code}`, title, status, detail, code, requestId, errors };
  }

  /** A Problem about one field of the body. */
  static field(pointer: string, detail: string, code: ProblemCode = 'invalid_request'): Problem {
    return new Problem(code, { errors: [{ pointer, detail }] });
  }
}
