/** What Node and OpenSSL say of a certificate that they do not take. */
const OF_CERTIFICATE =
  /^(?:CERT_|(?:DEPTH_ZERO_)?SELF_SIGNED_CERT|ERR_TLS_CERT|HOSTNAME_MISMATCH$|INVALID_CA$|UNABLE_TO_)/;
const OF_TLS = /^(?:CRL_|ERR_SSL_|ERR_TLS_|EPROTO$|INVALID_PURPOSE$|PATH_LENGTH_EXCEEDED$)/;

/** Whether a connection came to nothing because of the other side's certificate. */
export function isCertificateFault(code: string): boolean {
  return OF_CERTIFICATE.test(code);
}

/** Whether a connection came to nothing because of TLS: of a certificate, or of bytes that are not TLS. */
export function isTlsFault(code: string): boolean {
  return isCertificateFault(code) || OF_TLS.test(code);
}
