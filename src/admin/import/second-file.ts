import { type ImportFormat, ImportSourceError, readSource } from './import-source.js';
import type { Bytes } from './source-line.js';
import { Row } from './vendors/row.js';
import type { Vendor, VendorAccount } from './vendors/vendor.js';

/**
 * What the second file of an export says of each user, by the vendor's id. All of it is kept in memory, about 300 bytes a
 * user. Throws ImportSourceError, for a line that cannot be read too: its user would be imported without a password.
 */
export async function readSecondFile(
  input: Bytes,
  format: ImportFormat,
  { lists, read }: NonNullable<Vendor['second']>,
): Promise<Map<string, VendorAccount>> {
  const accounts = new Map<string, VendorAccount>();
  for await (const { line, record, fault } of readSource(input, format, lists)) {
    if (fault !== undefined || typeof record !== 'object' || record === null) {
      throw new ImportSourceError(`Line ${line}: ${fault ?? 'This is no JSON object.'}`);
    }
    const account = read(new Row(record));
    if (account === null) continue;
    const known = accounts.get(account.id);
    accounts.set(account.id, {
      passwordHash: account.passwordHash ?? known?.passwordHash,
      hasOutsideIdentity: account.hasOutsideIdentity || (known?.hasOutsideIdentity ?? false),
    });
  }
  return accounts;
}
