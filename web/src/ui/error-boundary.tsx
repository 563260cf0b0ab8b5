import { Component, type ReactNode } from 'react';
import { ErrorNotice } from './notice.js';

const LOAD_ERROR = new Error(
  'This part of the page could not be loaded: the network is down, or there is a newer version.',
);

/** Contains a failure, most likely a script that could not be loaded, so that the rest of the page stays. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError() {
    return { isBroken: true };
  }

  override render() {
    // A browser may remember a failed script, and then only a new document requests it again.
    return this.state.isBroken ? (
      <ErrorNotice error={LOAD_ERROR} retry={() => location.reload()} />
    ) : (
      this.props.children
    );
  }
}
