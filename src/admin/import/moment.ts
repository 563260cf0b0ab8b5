/** ISO 8601, and what Postgres, MySQL, Rails and SQL Server print: a space for the T, digits of a microsecond, `+00`, `UTC`. */
const WRITTEN =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(Z|UTC|[+-]\d{2}(?::?\d{2})?(?::\d{2})?)?$/i;
const MILLISECONDS = /^\d{1,16}$/;

/**
 * Reads a moment as databases write one, or milliseconds since 1970 as a number or, as Firebase has them, as text. Null for
 * anything else, for a day that no month has, and for a time without a zone unless `zone` says which is meant.
 */
export function readMoment(given: unknown, zone: 'Z' | null = null): Date | null {
  if (typeof given === 'number') return Number.isInteger(given) && given >= 0 ? new Date(given) : null;
  if (typeof given !== 'string') return null;
  if (MILLISECONDS.test(given)) return new Date(Number(given));
  const [, date = '', time = '', written = zone] = WRITTEN.exec(given) ?? [];
  if (date === '' || !written) return null;
  const at = new Date(`${date}T${time.replace(/(\.\d{3})\d+$/, '$1')}${offsetOf(written)}`);
  if (Number.isNaN(at.getTime())) return null;
  // Date takes the 30th of February for the 1st or 2nd of March.
  const day = new Date(`${date}T00:00:00Z`);
  return Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== date ? null : at;
}

/** In the one form that JavaScript is bound to read. Postgres writes hours alone, and seconds of zones of long ago. */
function offsetOf(zone: string): string {
  if (/^(z|utc)$/i.test(zone)) return 'Z';
  const [, sign, hours, minutes = '00'] = /^([+-])(\d{2}):?(\d{2})?/.exec(zone) ?? [];
  return `${sign}${hours}:${minutes}`;
}
