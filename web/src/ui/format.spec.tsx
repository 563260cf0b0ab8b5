/** @jest-environment <rootDir>/web/src/testing/environment.js */
import { expect, it } from '@jest/globals';
import { render, screen } from '@testing-library/react';
import { EVENT_TYPES, eventName, Time } from './format.js';

it('shows a time in the reader’s locale, and keeps the exact one for machines', () => {
  render(<Time at="2026-11-30T12:34:56.000Z" />);
  const time = screen.getByText(/2026/);
  expect(time.tagName).toBe('TIME');
  expect(time.getAttribute('datetime')).toBe('2026-11-30T12:34:56.000Z');
  expect(time.textContent).not.toMatch(/56|Z/);
});

it('says never where there is no time', () => {
  const { container } = render(<Time at={null} />);
  expect(container.innerHTML).toBe('never');
});

it('names every type of the audit log, and shows an unknown one as it is', () => {
  expect(EVENT_TYPES.map(eventName).filter((name) => name.includes('.'))).toEqual([]);
  expect(eventName('auth.login_failed')).toBe('Failed sign-in');
  expect(eventName('passkey.added')).toBe('passkey.added');
});
