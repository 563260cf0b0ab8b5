import { type IncomingMessage, request } from 'node:http';

/** What came of an answer, and whether it came whole. */
export interface Received {
  status: number;
  text: string;
  whole: boolean;
}

/** A request whose answer waits until it is read: so much of it is taken as fits on the way. */
export class SlowReader {
  private constructor(private readonly response: IncomingMessage) {}

  /** Resolves with the head of the answer. */
  static open(url: string, token: string): Promise<SlowReader> {
    return new Promise((resolve, reject) => {
      const asked = request(url, { agent: false, headers: { authorization: `Bearer ${token}` } });
      asked.on('response', (response) => resolve(new SlowReader(response)));
      asked.on('error', reject);
      asked.end();
    });
  }

  get status(): number {
    return this.response.statusCode ?? 0;
  }

  /** Reads the rest, to its end or to where it breaks off. */
  rest(): Promise<Received> {
    const { response, status } = this;
    return new Promise((resolve) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => (text += part));
      response.on('error', () => undefined);
      response.on('close', () => resolve({ status, text, whole: response.complete }));
    });
  }

  /** Hangs up. */
  close(): void {
    this.response.destroy();
  }
}
