import { Component, type ReactNode } from 'react';
import { Failure } from './notice.js';

const LOST = new Error('This part of the page could not be loaded: the network is lost, or there is a newer version.');

/** Keeps what breaks in its place, so that the rest of the page stays: a script that cannot be loaded above all. */
export class Boundary extends Component<{ children: ReactNode }, { isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError() {
    return { isBroken: true };
  }

  override render() {
    // A browser may remember that a script could not be loaded, and only a new document asks for it again.
    return this.state.isBroken ? <Failure error={LOST} retry={() => location.reload()} /> : this.props.children;
  }
}
