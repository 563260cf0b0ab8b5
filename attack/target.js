import { Skipped, Vulnerable } from './outcome.js';

/** How long an answer may take, ms. */
const TIMEOUT = 30_000;

/**
 * @typedef {{ body?: unknown, token?: string, headers?: Record<string, string>, limited?: boolean }} Call
 *   `limited`: a 429 is an answer like others. Otherwise the attack is skipped.
 * @typedef {{ route: string, status: number, headers: Headers, body: any, text: string }} Answer
 *   `body` is whatever JSON a server that is under attack sends, so nothing is known about its form.
 */

/** The deployment under attack. */
export class Target {
  /** How many requests were sent. */
  requests = 0;

  /** @param {string} url */
  constructor(url) {
    this.url = url.replace(/\/+$/, '');
  }

  /** Whether cookies can be Secure there. */
  get isHttps() {
    return this.url.startsWith('https:');
  }

  /**
   * Sends one request and reads the answer. Throws Skipped where a limit or an overload answered in the place of the
   * route, and Vulnerable where nothing came back or a fault did.
   * @param {string} method
   * @param {string} path
   * @param {Call} [call]
   * @returns {Promise<Answer>}
   */
  async call(method, path, { body, token, headers, limited = false } = {}) {
    const route = `${method} ${path.replace(/\?.*$/, '')}`;
    this.requests++;
    const { response, text } = await this.#send(
      method,
      path,
      {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      body,
    ).catch((error) => {
      throw new Vulnerable(`${route} got no answer (${error.cause?.code ?? error.name}).`);
    });
    const { status } = response;
    if (status === 429 && !limited) throw new Skipped(`Rate limited at ${route}: run it again later.`);
    if (status === 503) throw new Skipped(`${route} answered 503 ${parse(text).code ?? ''}: run it again later.`);
    if (status >= 500) throw new Vulnerable(`${route} answered ${status}.`);
    return { route, status, headers: response.headers, text, body: parse(text) };
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {Record<string, string>} headers
   * @param {unknown} body
   */
  async #send(method, path, headers, body) {
    const response = await fetch(this.url + path, {
      method,
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { response, text: await response.text() };
  }
}

/** @param {string} text */
function parse(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
