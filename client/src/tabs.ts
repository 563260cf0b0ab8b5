import type { AccessToken } from './access-token.js';

/** What tabs of one browser tell each other. It stays in memory. */
export type TabMessage = { type: 'tokens'; token: AccessToken } | { type: 'signed-out' };

/** The line between tabs; silent where there are no tabs. */
export interface Tabs {
  tell(message: TabMessage): void;
  close(): void;
}

/** Opens the line. Only pages of the same origin can speak or hear on it. */
export function openTabs(name: string, hear: (message: TabMessage) => void): Tabs {
  const isPage = typeof document !== 'undefined' && typeof BroadcastChannel !== 'undefined';
  if (!isPage) return { tell: () => undefined, close: () => undefined };
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }: MessageEvent<TabMessage>) => hear(data);
  return { tell: (message) => channel.postMessage(message), close: () => channel.close() };
}
