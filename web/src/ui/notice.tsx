import type { ReactNode } from 'react';
import { errorMessage } from './error-messages.js';

/** Read aloud by screen readers when it appears. */
export function Notice({ kind, children }: { kind: 'good' | 'bad' | 'info'; children: ReactNode }) {
  return (
    <div className={`notice ${kind}`} role={kind === 'bad' ? 'alert' : 'status'}>
      {children}
    </div>
  );
}

/** A message of success. Its element exists before the message does: only then screen readers announce it reliably. */
export function StatusMessage({ children }: { children: ReactNode }) {
  return <div role="status">{children && <div className="notice good">{children}</div>}</div>;
}

export function ErrorNotice({ error, retry }: { error: Error; retry: () => void }) {
  return (
    <Notice kind="bad">
      <p>{errorMessage(error)}</p>
      <button type="button" onClick={retry}>
        Try again
      </button>
    </Notice>
  );
}
