import { type ReactNode, useEffect, useRef } from 'react';

/** One page: its heading gets the focus when it is opened, so that a screen reader says where one is. */
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

/** For where the control that has the focus is about to go: otherwise a keyboard would begin at the top of the document. */
export const focusOnMain = () => document.getElementById('main')?.focus();

/** A part of a page under a heading of its own. */
export function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="card">
      <h2>{title}</h2>
      {children}
    </section>
  );
}
