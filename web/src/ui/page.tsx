import { type ReactNode, useEffect, useRef } from 'react';

/** Its heading gets the focus when it opens, so that a screen reader names the page. */
export function Page({ title, children }: { title: string; children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Gatehouse`;
  }, [title]);
  useEffect(() => heading.current?.focus(), []);
  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </>
  );
}

/** Call before the focused control disappears: otherwise the keyboard focus starts at the top of the document. */
export const focusOnMain = () => document.getElementById('main')?.focus();

export function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="card">
      <h2>{title}</h2>
      {children}
    </section>
  );
}
