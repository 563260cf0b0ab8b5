import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from 'react';
import { gatehouse, queries } from './gatehouse.js';
import { Loading } from './ui/loading.js';
import { ErrorNotice } from './ui/notice.js';
import { Page } from './ui/page.js';

interface SessionState {
  isSignedIn: boolean;
  /** Why the server ended the session, in its own words. */
  reason: string | null;
}

const SessionContext = createContext<SessionState>({ isSignedIn: false, reason: null });

export const useSession = () => useContext(SessionContext);

/** Restores the session of an earlier visit, and follows what happens to it here and in other tabs. */
export function SessionProvider({ children }: { children: ReactNode }) {
  const [state, setState] = useState<SessionState | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);

  const restore = useCallback(() => {
    setFailure(null);
    gatehouse.session
      .restore()
      .then((status) => setState({ isSignedIn: status === 'signed-in', reason: null }), setFailure);
  }, []);
  useEffect(() => {
    const changeTo = (next: SessionState) => {
      // Nothing that one person has read may be shown to the next.
      queries.clear();
      setFailure(null);
      setState(next);
    };
    const stops = [
      gatehouse.session.on('signedIn', () => changeTo({ isSignedIn: true, reason: null })),
      gatehouse.session.on('signedOut', () => changeTo({ isSignedIn: false, reason: null })),
      // New tokens may carry other roles, and the navigation depends on them.
      gatehouse.session.on('renewed', () => void queries.invalidateQueries({ queryKey: ['me'] })),
      gatehouse.session.on('sessionEnded', ({ problem }) => changeTo({ isSignedIn: false, reason: problem.message })),
    ];
    restore();
    return () => {
      for (const stop of stops) stop();
    };
  }, [restore]);

  if (failure) return <StartupFailure failure={failure} retry={restore} />;
  if (!state) return <Loading />;
  return <SessionContext value={state}>{children}</SessionContext>;
}

/** Shown in place of every page while it is unknown whether there is a session. */
function StartupFailure({ failure, retry }: { failure: Error; retry: () => void }) {
  return (
    <main className="narrow">
      <Page title="Temporarily unavailable">
        <ErrorNotice error={failure} retry={retry} />
      </Page>
    </main>
  );
}
