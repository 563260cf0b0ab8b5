/**
 * Moves the clock of a process: `node --import file:///…/shift-clock.js?ms=60000`. In JavaScript, because Node loads it as it
 * is. What only ever grows, and so every timer, goes on as before.
 */
const shift = Number(new URL(import.meta.url).searchParams.get('ms'));
const real = Date.now;

Date.now = () => real() + shift;
globalThis.Date = new Proxy(Date, {
  construct: (target, values, newTarget) => Reflect.construct(target, values.length ? values : [Date.now()], newTarget),
});
