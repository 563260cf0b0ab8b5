import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from 'react';
import { gatehouse, queries } from './gatehouse.js';
import { Failure } from './ui/notice.js';
import { Page } from './ui/page.js';
import { Loading } from './ui/query-boundary.js';

interface SessionState {
  isSignedIn: boolean;
  /** Why somebody is no longer signed in, in the server's words. */
  reason: string | null;
}

const SessionContext = createContext<SessionState>({ isSignedIn: false, reason: null });

/** Whether somebody is signed in, as of now. */
export const useSession = () => useContext(SessionContext);

/** Finds the session from before, and follows what becomes of it here and in other tabs. */
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
    const become = (next: SessionState) => {
      // Nothing that one person has read is shown to the next.
      queries.clear();
      setFailure(null);
      setState(next);
    };
    const stops = [
      gatehouse.session.on('signedIn', () => become({ isSignedIn: true, reason: null })),
      gatehouse.session.on('signedOut', () => become({ isSignedIn: false, reason: null })),
      // Fresh tokens may come with other roles, by which the navigation goes.
      gatehouse.session.on('renewed', () => void queries.invalidateQueries({ queryKey: ['me'] })),
      gatehouse.session.on('sessionEnded', ({ problem }) => become({ isSignedIn: false, reason: problem.message })),
    ];
    restore();
    return () => {
      for (const stop of stops) stop();
    };
  }, [restore]);

  if (failure) return <NotStarted failure={failure} retry={restore} />;
  if (!state) return <Loading />;
  return <SessionContext value={state}>{children}</SessionContext>;
}

/** Stands in for every page while nobody knows who is there. */
function NotStarted({ failure, retry }: { failure: Error; retry: () => void }) {
  return (
    <main className="narrow">
      <Page title="Not there at the moment">
        <Failure error={failure} retry={retry} />
      </Page>
    </main>
  );
}
