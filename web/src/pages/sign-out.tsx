import { useState } from 'react';
import { gatehouse } from '../gatehouse.js';
import { messageOf } from '../ui/error-messages.js';
import { Notice } from '../ui/notice.js';

/** Signs out, here and in every other tab. Where the server cannot be told, nobody is told that it is done. */
export function SignOut() {
  const [failure, setFailure] = useState<string | null>(null);
  const signOut = () => {
    setFailure(null);
    return gatehouse.signOut().catch((error) => setFailure(messageOf(error)));
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
