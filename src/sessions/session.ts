import { z } from 'zod';
import { pageOf } from '../platform/http/page.js';
import { deviceName } from './device.js';

const time = z.iso.datetime();

/** A session as its owner sees it. */
export const sessionView = z
  .strictObject({
    id: z.uuid(),
    createdAt: time,
    lastUsedAt: time,
    expiresAt: time,
    ip: z.string().nullable(),
    userAgent: z.string().nullable(),
    device: z
      .string()
      .meta({ description: 'A readable name made from the user agent', examples: ['Chrome on Windows'] }),
    current: z.boolean().meta({ description: 'Whether the request came with a token of this session' }),
    authMethods: z.array(z.string()).meta({ examples: [['password']] }),
  })
  .meta({ id: 'Session' });

export const sessionPage = pageOf(sessionView, 'SessionPage');

/** A refresh token that a body may bring, where no cookie does. */
export const refreshTokenField = z
  .string()
  .optional()
  .meta({ examples: ['grt_AZCJC3IjdGOKvV2mMQ8xQAAAAAABw3Jm0e5nYgCw'] });

/** What a client gets that has signed in or refreshed. */
export const tokensView = z
  .strictObject({
    accessToken: z.string().meta({ description: 'A JWT (RFC 9068), for the Authorization header' }),
    tokenType: z.literal('Bearer'),
    expiresIn: z.int().meta({ description: 'Seconds until the access token expires' }),
    refreshToken: z
      .string()
      .optional()
      .meta({ description: 'Opaque; each use returns its successor. Absent with cookie delivery' }),
    session: z.strictObject({ id: z.uuid(), expiresAt: time }),
  })
  .meta({ id: 'Tokens' });

/** Tokens before it is decided how they are delivered. */
export type Tokens = z.infer<typeof tokensView> & { refreshToken: string };

/** How many sessions were ended. */
export const revokedCount = z.strictObject({ revoked: z.int() }).meta({ id: 'RevokedCount' });

/** A row of the table as the list reads it. */
export interface SessionRow {
  id: string;
  created_at: Date;
  last_used_at: Date;
  expires_at: Date;
  ip: string | null;
  user_agent: string | null;
  auth_methods: string[];
}

/**
 * Everything that is stored about a session, for its owner. By what its device is recognized is made of the user agent alone, and
 * says no more than that.
 */
export const storedSession = z.strictObject({
  id: z.uuid(),
  createdAt: time,
  lastUsedAt: time,
  expiresAt: time,
  revokedAt: time.nullable(),
  endReason: z.string().nullable().meta({
    description:
      'Why it ended where nobody asked for it alone: `sessions_per_user`, `expired`, or `revoked_before` with all that were opened before a moment',
  }),
  ip: z.string().nullable(),
  userAgent: z.string().nullable(),
  authMethods: z.array(z.string()),
});

/** A row of the table as the export shows it. */
export interface StoredSession {
  id: string;
  createdAt: Date;
  lastUsedAt: Date;
  expiresAt: Date;
  revokedAt: Date | null;
  endReason: string | null;
  ip: string | null;
  userAgent: string | null;
  authMethods: string[];
}

/** The one mapping from a row to what the API shows. */
export function toSessionView(row: SessionRow, currentId: string): z.infer<typeof sessionView> {
  return {
    id: row.id,
    createdAt: row.created_at.toISOString(),
    lastUsedAt: row.last_used_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    ip: row.ip,
    userAgent: row.user_agent,
    device: deviceName(row.user_agent),
    current: row.id === currentId,
    authMethods: row.auth_methods,
  };
}
