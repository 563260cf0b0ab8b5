import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { type FirebaseHashing, firebaseHashing } from '../admin/import/firebase-hash.js';
import { type ImportFormat, ImportSourceError } from '../admin/import/import-source.js';
import { readSecondFile } from '../admin/import/second-file.js';
import type { Vendor, VendorContext } from '../admin/import/vendors/vendor.js';
import { CommandError, EXIT } from './output.js';

/** What stands for standard input. */
const STDIN = '-';

/** A file that is read from the start, or standard input. */
export interface ImportFile {
  open: () => AsyncIterable<Buffer> & { bytesRead?: number };
  /** Bytes, where that is known. */
  size: number | undefined;
}

/** Throws a CommandError where there is no such file. */
export async function findFile(file: string): Promise<ImportFile> {
  if (file === STDIN) return { open: () => process.stdin, size: undefined };
  const { size } = await stat(file).catch(() => {
    throw new CommandError(`${file} cannot be read.`, EXIT.input);
  });
  return { open: () => createReadStream(file, { highWaterMark: 256 * 1024 }), size };
}

/** By the name of the file. Throws a CommandError where it does not tell. */
export function formatOf(file: string): ImportFormat {
  if (/\.(csv|tsv)$/i.test(file)) return 'csv';
  if (/\.(ndjson|jsonl)$/i.test(file)) return 'ndjson';
  if (/\.json$/i.test(file)) return 'json';
  throw new CommandError('Say --format ndjson, csv or json: the name of the file does not tell.', EXIT.usage);
}

/** The second file of a vendor's export. Throws a CommandError for one that cannot be read, or of a vendor who has none. */
export async function readAccounts(
  file: string | undefined,
  vendor: Vendor | undefined,
): Promise<VendorContext['accounts']> {
  if (file === undefined) return new Map();
  if (!vendor?.second) throw new CommandError('--accounts goes with --from auth0 and --from better-auth.', EXIT.usage);
  const { open } = await findFile(file);
  try {
    return await readSecondFile(open(), formatOf(file), vendor.second);
  } catch (error) {
    if (!(error instanceof ImportSourceError)) throw error;
    throw new CommandError(`${file}: ${error.message}`, EXIT.input);
  }
}

/** The hash parameters of a Firebase project. Throws a CommandError. */
export async function readFirebase(file: string): Promise<FirebaseHashing> {
  try {
    return firebaseHashing.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    throw new CommandError(
      `${file} must hold base64_signer_key, base64_salt_separator, rounds and mem_cost as JSON.`,
      EXIT.input,
    );
  }
}

/** The pepper of Devise, without the line end that editors leave. Throws a CommandError. */
export async function readPepper(file: string): Promise<string> {
  const pepper = await readFile(file, 'utf8').catch(() => '');
  const text = pepper.replace(/\r?\n$/, '');
  if (text === '' || Buffer.byteLength(text) > 256) {
    throw new CommandError(`${file} must hold the pepper, of 1 to 256 bytes.`, EXIT.input);
  }
  return text;
}
