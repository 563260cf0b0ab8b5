import { isLoopbackHost, isThisMachine } from '../common/this-machine.js';

/** Where a server listens and is reached. */
interface Place {
  readonly host: string;
  readonly publicUrl: string;
}

/** Whether a server is reached at this machine alone, as a developer's is. */
export function isAtHome({ host, publicUrl }: Place): boolean {
  return isThisMachine(host) && isThisMachine(hostOf(publicUrl));
}

/** What looks like a deployment where `NODE_ENV` does not say that it is one, in one sentence; else null. */
export function undeclaredProduction({
  production,
  trustedProxies,
  ...place
}: Place & { readonly production: boolean; readonly trustedProxies: readonly string[] }): string | null {
  if (production) return null;
  const signs = [
    isThisMachine(place.host) ? [] : `HOST is ${place.host}`,
    isThisMachine(hostOf(place.publicUrl)) ? [] : `PUBLIC_URL is ${place.publicUrl}`,
    trustedProxies.length > 0 ? 'TRUSTED_PROXIES is set' : [],
  ].flat();
  if (signs.length === 0) return null;
  const lost = isAtHome(place) ? '' : ' The development outbox is not there.';
  return `NODE_ENV is not production, but ${signs.join(' and ')}, as in a deployment: nothing is refused that must not go there, such as a missing APP_SECRET or a low BCRYPT_COST. Set NODE_ENV=production.${lost}`;
}

/** What plain http on the network costs, in one sentence; else null. The cookie is plain on the same hosts alone. */
export function plainOnNetwork(publicUrl: string): string | null {
  const { protocol, hostname } = new URL(publicUrl);
  if (protocol === 'https:' || isLoopbackHost(hostname)) return null;
  return `PUBLIC_URL is not https: passwords and tokens travel in the clear, and no browser keeps the cookie of a session, so the page signs everybody out when it is loaded again. Put TLS in front and set its address, or use http://localhost on this machine.`;
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : 'localhost';
}
