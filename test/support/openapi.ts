import type { Api } from './gatehouse.js';

interface Operation {
  requestBody?: unknown;
}

/** The routes that a server describes itself, with an id that nobody has in the place of each parameter. */
export async function routesOf(
  gatehouse: Api,
  fits: (operation: Operation) => boolean = () => true,
): Promise<[method: string, path: string][]> {
  const { body } = await gatehouse.call<{ paths: Record<string, Record<string, Operation>> }>('GET', '/openapi.json');
  return Object.entries(body.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]): [string, string][] =>
      fits(operation) ? [[method.toUpperCase(), path.replace(/\{\w+\}/g, '01890a5d-ac96-774b-bcce-b302099a8057')]] : [],
    ),
  );
}
