/**
 * The path at which the page is served, without a slash at its end: empty at the root of a host. The server writes it into the
 * page, as only PUBLIC_URL says what a proxy takes away from the address.
 */
const written = document.querySelector<HTMLMetaElement>('meta[name="base-path"]')?.content ?? './';
export const BASE_PATH = new URL(written, location.origin).pathname.replace(/\/+$/, '');
