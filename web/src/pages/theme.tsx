import { useEffect, useState } from 'react';
import { gatehouse } from '../gatehouse.js';
import { Select } from '../ui/select.js';

/** Where it is kept, no secret. public/theme.js reads it before the page is painted. */
const KEPT_AS = 'gatehouse theme';

const THEMES = [
  ['system', 'Like the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
] as const;

/** Light, dark, or what the system says. */
export function ThemeSwitch() {
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? 'system');
  const choose = (next: string) => {
    setTheme(next);
    keep(next);
  };
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  // Every tab shows the same one, and so keeps the same one below.
  useEffect(() => {
    const follow = ({ key, newValue }: StorageEvent) => {
      if (key === KEPT_AS && newValue) setTheme(newValue);
    };
    addEventListener('storage', follow);
    return () => removeEventListener('storage', follow);
  }, []);
  // With a sign-out the browser forgets all that the page has stored. The theme is the browser's, whoever uses it.
  useEffect(() => gatehouse.session.on('signedOut', () => keep(theme)), [theme]);
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

function keep(theme: string): void {
  try {
    localStorage.setItem(KEPT_AS, theme);
  } catch {
    // Where nothing may be stored, it lasts until the page is closed.
  }
}
