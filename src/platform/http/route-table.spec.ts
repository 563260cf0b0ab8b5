import fc from 'fast-check';
import { RouteTable } from './route-table.js';

function table(...routes: [method: string | string[], url: string][]): RouteTable {
  const made = new RouteTable();
  for (const [method, url] of routes) made.add({ method, url });
  return made;
}

const routes = table(
  ['GET', '/v1/sessions'],
  ['HEAD', '/v1/sessions'],
  ['DELETE', '/v1/sessions/:id'],
  ['GET', '/docs/*'],
  [['GET', 'POST'], '/a.b'],
  ['PUT', '/v1/roles/:name'],
);

test.each<[string, string[]]>([
  ['/v1/sessions', ['GET', 'HEAD']],
  ['/v1/sessions/', []],
  ['/v1/sessions/x', ['DELETE']],
  ['/v1/sessions/x/y', []],
  ['/v1/sessions/%2f', ['DELETE']],
  ['/docs/', ['GET']],
  ['/docs/a/b.css', ['GET']],
  ['/docs', []],
  ['/a.b', ['GET', 'POST']],
  ['/axb', []],
  ['/', []],
  ['', []],
  ['/v1/roles/constructor', ['PUT']],
])('%s takes %j', (path, methods) => {
  expect(routes.methodsOf(path)).toEqual(methods);
});

test('a path is matched as it is written, whatever stands in it', () => {
  fc.assert(
    fc.property(
      fc.string().filter((text) => !/[:*/]/.test(text)),
      fc.string(),
      (segment, other) => {
        const one = table(['GET', `/${segment}`]);
        expect(one.methodsOf(`/${segment}`)).toEqual(['GET']);
        if (other !== segment) expect(one.methodsOf(`/${other}`)).toEqual([]);
      },
    ),
  );
});
