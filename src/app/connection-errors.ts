const UNKNOWN_AUTHORITY =
  /^(?:SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER_CERT(?:_LOCALLY)?|UNABLE_TO_VERIFY_LEAF_SIGNATURE)$/;

/** What goes wrong between us and a database that is there: TLS that one side asks for, and who is let in. Null for all else. */
export function connectionRefusal(code: string | undefined, message: string): string | null {
  return ofCertificate(code ?? '') ?? ofTls(code, message) ?? (code === '28000' ? ofEntry(message) : null);
}

function ofCertificate(code: string): string | null {
  if (UNKNOWN_AUTHORITY.test(code))
    return `The certificate of the database is from no authority that this machine knows (${code}). Name the authority in DATABASE_URL: ?sslmode=verify-full&sslrootcert=/path/ca.pem.`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'The certificate of the database is for another name than the host in DATABASE_URL. Use the name that stands in it.';
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return `The certificate of the database is not valid today (${code}). Let the database have a new one, and check the clock.`;
  return null;
}

function ofTls(code: string | undefined, message: string): string | null {
  if (message === 'The server does not support SSL connections')
    return 'The database offers no TLS, which DATABASE_URL asks for. Switch it on there; or leave sslmode out, on a network of your own.';
  if (code !== undefined && /^(?:ERR_SSL_|ERR_OSSL_|EPROTO$)/.test(code))
    return `TLS with the database comes to nothing (${code}). Check the port and the files that DATABASE_URL names.`;
  return null;
}

/** pg_hba.conf says who may come, from where and how. */
function ofEntry(message: string): string | null {
  if (/no pg_hba\.conf entry.*(?:no encryption|SSL off)/.test(message))
    return 'The database lets in nobody with this user, database and address without TLS. Add ?sslmode=verify-full to DATABASE_URL, and sslrootcert where its authority is your own, or a line to its pg_hba.conf.';
  if (/client certificate/.test(message))
    return 'The database asks for a certificate of ours. Add sslcert and sslkey to DATABASE_URL.';
  if (/no pg_hba\.conf entry/.test(message))
    return 'The database lets in nobody with this user, database and address (pg_hba.conf). Add a line there, or correct DATABASE_URL.';
  return null;
}
