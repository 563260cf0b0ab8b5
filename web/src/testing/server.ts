type Answer = (request: Request) => Response | Promise<Response>;

/** Answers the page's requests by method and path, such as `GET /v1/users/me`; returns those that came, in order. */
export function serve(routes: Record<string, Answer>): string[] {
  const requests: string[] = [];
  const answer: Answer = (request) => {
    const { pathname, search } = new URL(request.url);
    requests.push(`${request.method} ${pathname}${search}`);
    const route = routes[`${request.method} ${pathname}`];
    if (!route) throw new TypeError(`nothing answers ${request.method} ${pathname}`);
    return route(request);
  };
  Object.assign(globalThis, { answer });
  return requests;
}

export const json = (body: unknown) => Response.json(body);

/** A refusal of the server (RFC 9457). */
export const problem = (status: number, code: string, detail: string, errors?: { pointer: string; detail: string }[]) =>
  Response.json(
    { type: 'about:blank', title: code, status, code, detail, requestId: 'r', errors },
    { status, headers: { 'content-type': 'application/problem+json' } },
  );

/** The answer to a renewal by the cookie: a session from before. */
export const tokens = () =>
  json({ accessToken: 'a', expiresIn: 900, session: { id: 's', expiresAt: '2100-01-01T00:00:00.000Z' } });

/** The answer to a renewal without a cookie. */
export const noSession = () =>
  problem(400, 'invalid_request', 'There is no session.', [{ pointer: '/refreshToken', detail: 'Required.' }]);
