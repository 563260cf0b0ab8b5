import type { ReactNode } from 'react';
import { messageOf } from './error-messages.js';

/** A sentence that a person should notice; read aloud when it appears. */
export function Notice({ kind, children }: { kind: 'good' | 'bad' | 'info'; children: ReactNode }) {
  return (
    <div className={`notice ${kind}`} role={kind === 'bad' ? 'alert' : 'status'}>
      {children}
    </div>
  );
}

/** Where it is said that something went well: there before its words are, since only then they are read aloud for sure. */
export function Said({ children }: { children: ReactNode }) {
  return <div role="status">{children && <div className="notice good">{children}</div>}</div>;
}

/** What went wrong, in the server's words, and how to try again. */
export function Failure({ error, retry }: { error: Error; retry: () => void }) {
  return (
    <Notice kind="bad">
      <p>{messageOf(error)}</p>
      <button type="button" onClick={retry}>
        Try again
      </button>
    </Notice>
  );
}
