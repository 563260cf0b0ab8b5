/** How somebody proved who they are, as the claims of a token say it. */
interface AuthenticationContext {
  /** The methods by their names of RFC 8176. */
  amr: string[];
  /** How much the methods prove together (RFC 9068, 2.2.1). `1fa`: one factor. */
  acr: '1fa';
}

/** The names of RFC 8176 for the methods that a session's row calls otherwise. */
const RFC_8176 = new Map([['password', 'pwd']]);

/**
 * The claims for the methods that a session's row names. A method of a newer version keeps its name, and proves no more
 * than one factor here: what it is worth is not known.
 */
export function authenticationContextOf(methods: readonly string[]): AuthenticationContext {
  return { amr: methods.map((method) => RFC_8176.get(method) ?? method), acr: '1fa' };
}
