import { readFile } from 'node:fs/promises';
import openapiTS, { astToString, COMMENT_HEADER } from 'openapi-typescript';
import { type Api, Gatehouse } from '../support/gatehouse.js';

let gatehouse: Api;

beforeAll(() => {
  ({ gatehouse } = Gatehouse.shared());
});

/** Otherwise the client promises another API than the server has. */
it('has the types of the API that is served: `npm run client:types` makes them', async () => {
  const document = await (await fetch(`${gatehouse.url}/openapi.json`)).json();
  const served =
    COMMENT_HEADER + astToString(await openapiTS(document, { defaultNonNullable: false, alphabetize: true }));
  expect(await readFile(new URL('../../client/src/schema.ts', import.meta.url), 'utf8')).toBe(served);
});
