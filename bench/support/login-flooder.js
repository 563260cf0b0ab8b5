// A process of its own that floods the sign-in: node login-flooder.js <url> <clients> <seconds>. Prints its answers by status.
import { randomBytes } from 'node:crypto';
import autocannon from 'autocannon';
import { anyAddress } from './throw-away.js';

const [url, clients, seconds] = process.argv.slice(2);

const { statusCodeStats } = await autocannon({
  url: `${url}/v1/auth/login`,
  method: 'POST',
  connections: Number(clients),
  duration: Number(seconds),
  requests: [
    {
      // Behind a proxy each request has an address and a name of its own: nothing but the queue is in its way.
      setupRequest: (/** @type {{ headers?: Record<string, string> }} */ request) => ({
        ...request,
        headers: { 'content-type': 'application/json', 'x-forwarded-for': anyAddress() },
        body: JSON.stringify({ email: `${randomBytes(6).toString('hex')}@example.com`, password: 'wrong password' }),
      }),
    },
  ],
});
process.stdout.write(JSON.stringify(statusCodeStats));
