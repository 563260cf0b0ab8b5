import { isCertificateFault, isTlsFault } from './tls-fault.js';

test.each([
  ['CERT_HAS_EXPIRED', true, true],
  ['CERT_NOT_YET_VALID', true, true],
  ['SELF_SIGNED_CERT_IN_CHAIN', true, true],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', true, true],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', true, true],
  ['ERR_TLS_CERT_ALTNAME_INVALID', true, true],
  ['HOSTNAME_MISMATCH', true, true],
  ['INVALID_CA', true, true],
  ['CRL_HAS_EXPIRED', false, true],
  ['ERR_TLS_HANDSHAKE_TIMEOUT', false, true],
  ['ERR_SSL_WRONG_VERSION_NUMBER', false, true],
  ['EPROTO', false, true],
  ['EPROTOTYPE', false, false],
  ['ECONNREFUSED', false, false],
  ['ERR_INVALID_CERT', false, false],
  ['', false, false],
])('%s: of the certificate %s, of TLS %s', (code, ofCertificate, ofTls) => {
  expect([isCertificateFault(code), isTlsFault(code)]).toEqual([ofCertificate, ofTls]);
});
