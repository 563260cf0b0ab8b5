import { type Api, Gatehouse } from './support/gatehouse.js';

/** A browser shows /docs under the policy that comes with it, and that policy lets nothing in from elsewhere. */

let gatehouse: Api;
beforeAll(() => {
  ({ gatehouse } = Gatehouse.shared());
});

function policyOf(headers: Headers): Record<string, string[]> {
  const directives = (headers.get('content-security-policy') ?? '').split(';').map((part) => part.trim().split(/\s+/));
  return Object.fromEntries(directives.map(([name = '', ...sources]) => [name, sources]));
}

test.each(['/docs', '/docs/'])('%s: everything that the page loads is there and may be loaded', async (path) => {
  const { status, headers, text } = await gatehouse.call('GET', path);
  expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const policy = policyOf(headers);
  const scripts = [...text.matchAll(/<script\b([^>]*)>([^<]*)/g)].map(([, attributes = '', inside = '']) => ({
    src: /src="([^"]+)"/.exec(attributes)?.[1],
    inside: inside.trim(),
  }));
  const links = [...text.matchAll(/<link\b[^>]*href="([^"]+)"/g)].map(([, href = '']) => href);
  expect(scripts.length).toBe(3);
  expect(links.length).toBe(3);
  // A script inside the page would need 'unsafe-inline', and so would one in an attribute.
  expect(scripts.filter(({ src, inside }) => src === undefined || inside !== '')).toEqual([]);
  expect(text).not.toMatch(/\son\w+=|javascript:/i);
  for (const target of [...scripts.map(({ src = '' }) => src), ...links]) {
    const url = new URL(target, `${gatehouse.url}${path}`);
    // The only source is 'self', so everything must be of this origin.
    expect(url.origin).toBe(gatehouse.url);
    const asset = await fetch(url);
    const type = asset.headers.get('content-type') ?? '';
    expect([target, asset.status]).toEqual([target, 200]);
    // With nosniff a browser takes a script or style only under its own type.
    expect(type).toMatch(
      url.pathname.endsWith('.js')
        ? /^(text|application)\/javascript/
        : url.pathname.endsWith('.css')
          ? /^text\/css/
          : /^image\//,
    );
    await asset.arrayBuffer();
  }
  expect(policy).toEqual({
    'default-src': ["'none'"],
    'script-src': ["'self'"],
    'style-src': ["'self'", "'unsafe-inline'"],
    'img-src': ["'self'", 'data:'],
    'connect-src': ["'self'"],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'frame-ancestors': ["'none'"],
  });
});

test('the page shows the document that is served, and asks nobody else about it', async () => {
  const script = (await gatehouse.call('GET', '/docs/swagger-ui-init.js')).text;
  const document = (await gatehouse.call<{ info: { title: string }; paths: object }>('GET', '/openapi.json')).body;
  expect(script).toContain('"validatorUrl": null');
  for (const path of Object.keys(document.paths)) expect(script).toContain(JSON.stringify(path));
});

test.each(['/v1/auth/session', '/openapi.json', '/health/live', '/nothing', '/docsx'])(
  '%s: the API lets a browser run nothing',
  async (path) => {
    const { headers } = await gatehouse.call('GET', path);
    expect(policyOf(headers)).toEqual({
      'default-src': ["'none'"],
      'base-uri': ["'none'"],
      'form-action': ["'none'"],
      'frame-ancestors': ["'none'"],
    });
  },
);
