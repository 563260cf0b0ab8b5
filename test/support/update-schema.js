/** Run by schema-update.ts as a program of its own: brings the schema of a place up to date, and prints what a start warns of. */

const { updateSchema } = await import(new URL('../../dist/src/app/update-schema.js', import.meta.url).href);

/** @type {string[]} */
const warnings = [];
const place = JSON.parse(process.argv[2] ?? '');
await updateSchema(
  { databaseDirectUrl: undefined },
  { ...place, warn: (/** @type {string} */ sentence) => warnings.push(sentence) },
);
process.stdout.write(JSON.stringify(warnings));
