/** The address cannot be listened on. The message says what to do. */
export class ListenError extends Error {
  constructor(host: string, port: number, { code, message }: NodeJS.ErrnoException) {
    super(
      code === 'EADDRINUSE'
        ? `Port ${port} is taken by another program. Stop it, or set PORT to a free one.`
        : `This machine does not let us listen on ${host}:${port} (${code ?? message}). Set HOST and PORT.`,
    );
    // What is taken may be free later; the rest is a setting.
    this.exitCode = code === 'EADDRINUSE' ? 69 : 78;
  }

  readonly exitCode: number;
}
