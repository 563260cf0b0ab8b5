import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** An authority of a test's own and a certificate that it gave a server on 127.0.0.1 and localhost, in a folder. */
export class Certificates {
  readonly folder = mkdtempSync(join(tmpdir(), 'gatehouse-tls-'));
  readonly authority = join(this.folder, 'ca.crt');
  readonly certificate = join(this.folder, 'server.crt');
  readonly key = join(this.folder, 'server.key');

  constructor(names = 'IP:127.0.0.1,DNS:localhost') {
    const at = (name: string) => join(this.folder, name);
    const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
    const files = ['-keyout', at('ca.key'), '-out', this.authority];
    openssl('req', '-x509', ...NEW_KEY, ...files, '-subj', '/CN=Gatehouse test authority', '-days', '2');
    openssl('req', ...NEW_KEY, '-keyout', this.key, '-out', at('server.csr'), '-subj', '/CN=server');
    writeFileSync(at('names'), `subjectAltName=${names}`);
    const signer = ['-CA', this.authority, '-CAkey', at('ca.key'), '-CAcreateserial'];
    openssl(
      'x509',
      '-req',
      '-in',
      at('server.csr'),
      ...signer,
      '-days',
      '2',
      '-extfile',
      at('names'),
      '-out',
      this.certificate,
    );
  }

  /** What a server of Node takes. */
  get pair(): { key: Buffer; cert: Buffer } {
    return { key: readFileSync(this.key), cert: readFileSync(this.certificate) };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
