import { useEffect, useState } from 'react';
import { gatehouse } from '../gatehouse.js';
import { Select } from '../ui/select.js';

/** The key in localStorage. public/theme.js reads it before the page is painted. */
const STORAGE_KEY = 'gatehouse theme';

const THEMES = [
  ['system', 'System'],
  ['light', 'Light'],
  ['dark', 'Dark'],
] as const;

export function ThemeSwitch() {
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? 'system');
  const choose = (next: string) => {
    setTheme(next);
    store(next);
  };
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  // Tabs stay in step, so that none of them stores an older choice on sign-out (below).
  useEffect(() => {
    const follow = ({ key, newValue }: StorageEvent) => {
      if (key === STORAGE_KEY && newValue) setTheme(newValue);
    };
    addEventListener('storage', follow);
    return () => removeEventListener('storage', follow);
  }, []);
  // Signing out makes the browser clear the page's storage (Clear-Site-Data). The theme belongs to the browser, not to the account.
  useEffect(() => gatehouse.session.on('signedOut', () => store(theme)), [theme]);
  return (
    <Select
      name="theme"
      label="Theme"
      options={THEMES}
      value={theme}
      onChange={(event) => choose(event.target.value)}
    />
  );
}

function store(theme: string): void {
  try {
    localStorage.setItem(STORAGE_KEY, theme);
  } catch {
    // Without storage the choice lasts until the page is closed.
  }
}
