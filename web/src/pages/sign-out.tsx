import { useState } from 'react';
import { gatehouse } from '../gatehouse.js';
import { errorMessage } from '../ui/error-messages.js';
import { Notice } from '../ui/notice.js';

/** Signs out here and in every other tab. If the server cannot be reached, says that the session goes on. */
export function SignOut() {
  const [failure, setFailure] = useState<string | null>(null);
  const signOut = () => {
    setFailure(null);
    return gatehouse.signOut().catch((error) => setFailure(errorMessage(error)));
  };
  return (
    <>
      <button type="button" className="quiet" onClick={signOut}>
        Sign out
      </button>
      {failure && <Notice kind="bad">You are still signed in. {failure}</Notice>}
    </>
  );
}
