import { useState } from 'react';
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
    document.documentElement.dataset.theme = next;
    setTheme(next);
    try {
      localStorage.setItem(KEPT_AS, next);
    } catch {
      // Where nothing may be stored, it lasts until the page is closed.
    }
  };
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
