import type { AccessToken } from './access-token.js';

/** Messages between tabs of one browser. They stay in memory. */
export type TabMessage = { type: 'tokens'; token: AccessToken } | { type: 'signed-out' };

/** Does nothing outside of a browser. */
export interface TabChannel {
  broadcast(message: TabMessage): void;
  close(): void;
}

/** Only pages of the same origin can send or receive on it. */
export function openTabChannel(name: string, onMessage: (message: TabMessage) => void): TabChannel {
  const isPage = typeof document !== 'undefined' && typeof BroadcastChannel !== 'undefined';
  if (!isPage) return { broadcast: () => undefined, close: () => undefined };
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }: MessageEvent<TabMessage>) => onMessage(data);
  return { broadcast: (message) => channel.postMessage(message), close: () => channel.close() };
}
